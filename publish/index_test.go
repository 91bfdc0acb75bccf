package publish_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/publish"
)

func clock() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// newIndex makes a bare repository with a new index in it, and the files given.
func newIndex(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "index.git")
	repo, err := git.InitBare(dir, "main")
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	change := map[string][]byte{index.ConfigPath: (&index.Config{}).Format()}
	for name, text := range files {
		change[name] = []byte(text)
	}
	id, err := repo.WriteCommit(git.Commit{Files: change, Message: "Begin", Name: "Test", Email: "test@example.org", When: clock()})
	if err != nil {
		t.Fatal(err)
	}
	if err := repo.CompareAndSwap("refs/heads/main", "", id); err != nil {
		t.Fatal(err)
	}
	return dir
}

// newPackage makes a folder with a package.
func newPackage(t testing.TB, name, version, more string) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, ".clyde", "package.yaml"), fmt.Sprintf("name: %s\nversion: %s\n%s", name, version, more))
	writeFile(t, filepath.Join(dir, "README.md"), "About "+name+" "+version+".\n")
	return dir
}

func writeFile(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func openIndex(t testing.TB, dir string) *publish.Local {
	t.Helper()
	local, err := publish.OpenLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { local.Close() })
	return local
}

func target(d publish.Destination) publish.Target {
	return publish.Target{Destination: d, Author: publish.Author{Name: "Test", Email: "test@example.org"}, Now: clock}
}

func optionsFor(d publish.Destination, indexDir, packageDir string) publish.Options {
	return publish.Options{
		Target: target(d), Dir: packageDir,
		Store:    publish.FileStore{Dir: filepath.Join(filepath.Dir(indexDir), "archives")},
		Registry: func(alias string) (string, error) { return "https://" + alias + ".example.org/index.git", nil },
	}
}

// publishPackage plans and applies, and returns the plan.
func publishPackage(t testing.TB, opts publish.Options) (*publish.Plan, error) {
	t.Helper()
	plan, err := publish.NewPackagePlan(t.Context(), opts)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { plan.Close() })
	_, err = plan.Apply(t.Context())
	return plan, err
}

// readIndex returns the file of a package, "" when there is none.
func readIndex(t testing.TB, indexDir, name string) string {
	t.Helper()
	local, err := publish.OpenLocal(indexDir)
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	head, err := local.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path, err := index.Path(name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := fs.ReadFile(head.Tree, path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(data)
}

// fsck has git itself check a repository.
func fsck(t testing.TB, indexDir string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "-C", indexDir, "fsck", "--full", "--strict", "--no-dangling").CombinedOutput()
	if err != nil || strings.Contains(string(out), "error") || strings.Contains(string(out), "missing") {
		t.Errorf("git fsck: %v\n%s", err, out)
	}
}

// commits counts the commits of the branch.
func commits(t testing.TB, indexDir string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "-C", indexDir, "rev-list", "--count", "main").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
