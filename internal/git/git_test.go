package git

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// when is the time of the commits that the tests write.
func when() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// gitRun runs the real git in dir, isolated from the user's settings, and gives
// its output.
func gitRun(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := gitTry(dir, args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func gitTry(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.org", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.org", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

// newBare makes a bare repository with one commit of the given files on main.
func newBare(t testing.TB, files map[string]string) *Repo {
	t.Helper()
	r, err := InitBare(filepath.Join(t.TempDir(), "index.git"), "main")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	commit(t, r, "", files)
	return r
}

// commit writes files on top of parent and moves main there. The content
// "(deleted)" deletes.
func commit(t testing.TB, r *Repo, parent Hash, files map[string]string) Hash {
	t.Helper()
	c := Commit{Parent: parent, Files: map[string][]byte{}, Message: "Change", Name: "Ann", Email: "ann@example.org", When: when()}
	for name, data := range files {
		c.Files[name] = []byte(data)
		if data == "(deleted)" {
			c.Files[name] = nil
		}
	}
	id, err := r.WriteCommit(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.CompareAndSwap("refs/heads/main", parent, id); err != nil {
		t.Fatal(err)
	}
	return id
}

func fsck(t testing.TB, r *Repo) {
	t.Helper()
	if out, err := gitTry(r.Dir(), "fsck", "--strict", "--full"); err != nil || strings.Contains(out, "error") {
		t.Fatalf("git fsck: %v\n%s", err, out)
	}
}
