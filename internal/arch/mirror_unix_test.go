//go:build unix

package arch

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMirror publishes a release as the action and looks at what is there.
func TestMirror(t *testing.T) {
	source, remote := filepath.Join(t.TempDir(), "source"), filepath.Join(t.TempDir(), "action.git")
	run := func(name string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = source
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_AUTHOR_NAME=Test", "GIT_AUTHOR_EMAIL=test@example.org", "GIT_COMMITTER_NAME=Test", "GIT_COMMITTER_EMAIL=test@example.org")
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	git := func(args ...string) string {
		t.Helper()
		out, err := run("git", args...)
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return out
	}
	for _, name := range []string{".ci/mirror", ".github/workflows/publish.yml"} {
		file := filepath.Join(source, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(read(t, name)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q", "-b", "main")
	git("init", "-q", "--bare", remote)
	git("add", ".")
	git("commit", "-q", "-m", "One")
	git("tag", "v1.2.3")
	commit := git("rev-parse", "v1.2.3")
	for range 2 { // the second time changes nothing
		if out, err := run(".ci/mirror", "v1.2.3", remote); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		git("fetch", "-q", "--force", remote, "refs/tags/*:refs/mirror/*")
		if got := git("rev-parse", "refs/mirror/v1.2.3^"); got != commit {
			t.Errorf("the published commit stands on %s, not on the release %s", got, commit)
		}
		if git("rev-parse", "refs/mirror/v1") != git("rev-parse", "refs/mirror/v1.2.3") {
			t.Error("v1 is not the release")
		}
		if got := git("diff", "--numstat", commit, "refs/mirror/v1"); got != "1\t1\t.github/workflows/publish.yml" {
			t.Errorf("the published action differs by %q", got)
		}
		if text := git("show", "refs/mirror/v1:.github/workflows/publish.yml"); !strings.Contains(text, "clydepm/action-publish@"+commit+" # v1.2.3") || strings.Contains(text, ownAction) {
			t.Errorf("the published workflow does not name the release by commit:\n%s", text)
		}
	}
	git("commit", "-q", "--allow-empty", "-m", "Two")
	git("tag", "-f", "v1.2.3")
	if out, err := run(".ci/mirror", "v1.2.3", remote); err == nil || !strings.Contains(out, "published already") {
		t.Errorf("a version was moved: %v\n%s", err, out)
	}
	if out, err := run(".ci/mirror", "v1.2.3;id", remote); err == nil || !strings.Contains(out, "usage") {
		t.Errorf("no version: %v\n%s", err, out)
	}
}
