package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/clydepm/clyde/index"
)

// TestConcurrentPublish starts fifty processes that publish different versions
// of one package into one bare repository at the same moment.
func TestConcurrentPublish(t *testing.T) {
	const publishers = 50
	dir := t.TempDir()
	indexDir := seedIndex(t, dir)
	var want []string
	var commands []*exec.Cmd
	for i := range publishers {
		version := fmt.Sprintf("1.%d.0", i)
		want = append(want, version)
		pkg := filepath.Join(dir, "package-"+version)
		writeTestFile(t, filepath.Join(pkg, ".clyde", "package.yaml"), "name: hello\nversion: "+version+"\n")
		writeTestFile(t, filepath.Join(pkg, "README.md"), strings.Repeat(version+"\n", 100))
		cmd := exec.CommandContext(t.Context(), "clyde", "publish", "--via", "local", "--index", indexDir)
		cmd.Dir = pkg
		cmd.Stderr = new(bytes.Buffer)
		commands = append(commands, cmd)
	}
	var wg sync.WaitGroup
	for _, cmd := range commands {
		wg.Go(func() {
			if err := cmd.Run(); err != nil {
				t.Errorf("%s: %v: %s", cmd.Dir, err, cmd.Stderr)
			}
		})
	}
	wg.Wait()

	var got []string
	for _, e := range index.ParseFile([]byte(gitOutput(t, indexDir, "show", "main:he/ll/hello"))).Entries {
		got = append(got, e.Vers)
		if info, err := os.Stat(filepath.Join(dir, "index-archives", e.Cksum, "hello-"+e.Vers+".tar.gz")); err != nil || info.Size() != e.Size {
			t.Errorf("the archive of %s: %v, %v", e.Vers, info, err)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
	if n := strings.TrimSpace(gitOutput(t, indexDir, "rev-list", "--count", "main")); n != fmt.Sprint(publishers+1) {
		t.Errorf("%s commits, want %d", n, publishers+1)
	}
	gitOutput(t, indexDir, "fsck", "--full", "--strict")
}

// seedIndex makes the bare repository index.git with an empty index.
func seedIndex(t *testing.T, dir string) string {
	t.Helper()
	seed := filepath.Join(dir, "seed")
	writeTestFile(t, filepath.Join(seed, "config.json"), string((&index.Config{}).Format()))
	gitOutput(t, seed, "init", "-q", "-b", "main")
	gitOutput(t, seed, "add", ".")
	gitOutput(t, seed, "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-q", "-m", "Begin")
	indexDir := filepath.Join(dir, "index.git")
	gitOutput(t, dir, "clone", "-q", "--bare", seed, indexDir)
	return indexDir
}

func gitOutput(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v: %s", args, err, stderr.String())
	}
	return string(out)
}

func writeTestFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
