package git

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCompareAndSwap(t *testing.T) {
	r := newBare(t, map[string]string{"a": "1"})
	first, _ := r.Resolve("main")
	second := commit(t, r, first, map[string]string{"a": "2"})

	if err := r.CompareAndSwap("refs/heads/main", first, second); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), second) {
		t.Errorf("stale old value: %v", err)
	}
	if err := r.CompareAndSwap("refs/heads/main", "", second); !errors.Is(err, ErrConflict) {
		t.Errorf("exists already: %v", err)
	}
	if err := r.CompareAndSwap("refs/heads/new/deep", "", first); err != nil {
		t.Error(err)
	}
	if got := gitRun(t, r.Dir(), "rev-parse", "refs/heads/new/deep"); got != first {
		t.Errorf("new/deep is %s", got)
	}
	// The value may be in packed-refs alone, and a loose one wins over it.
	gitRun(t, r.Dir(), "pack-refs", "--all", "--prune")
	if err := r.CompareAndSwap("refs/heads/main", second, first); err != nil {
		t.Error(err)
	}
	if got := gitRun(t, r.Dir(), "rev-parse", "main"); got != first {
		t.Errorf("main is %s", got)
	}
	if err := r.CompareAndSwap("refs/heads/main", second, first); !errors.Is(err, ErrConflict) {
		t.Errorf("the packed value was taken for the current one: %v", err)
	}
	fsck(t, r)
}

func TestCompareAndSwapRefuses(t *testing.T) {
	r := newBare(t, map[string]string{"a": "1"})
	head, _ := r.Resolve("main")
	absent := strings.Repeat("1", 40)
	gitRun(t, r.Dir(), "symbolic-ref", "refs/heads/alias", "refs/heads/main")
	for _, test := range []struct{ ref, old, new string }{
		{"HEAD", head, head},
		{"main", head, head},
		{"refs/heads/../../config", "", head},
		{"refs/heads/x.lock", "", head},
		{"refs/heads/a b", "", head},
		{"refs/heads/x", "", absent},
		{"refs/heads/x", "", "short"},
		{"refs/heads/x", "zz", head},
		{"refs/heads/alias", head, head},
		{"refs/heads/main/below", "", head},
	} {
		if err := r.CompareAndSwap(test.ref, test.old, test.new); err == nil {
			t.Errorf("%s: %s → %s was done", test.ref, test.old, test.new)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(r.Dir(), "refs/heads/*.lock")); len(left) > 0 {
		t.Errorf("locks are left: %v", left)
	}
}

func TestLockedRef(t *testing.T) {
	r := newBare(t, map[string]string{"a": "1"})
	r.lockWait = 50 * time.Millisecond
	head, _ := r.Resolve("main")
	lock := filepath.Join(r.Dir(), "refs/heads/main.lock")
	if err := os.WriteFile(lock, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	err := r.CompareAndSwap("refs/heads/main", head, head)
	var locked *LockedError
	if !errors.As(err, &locked) || !errors.Is(err, ErrLocked) || locked.Path != lock || !strings.Contains(locked.Hint(), lock) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(lock); err != nil {
		t.Error("somebody else's lock was removed")
	}
	// It is given back while we wait.
	r.lockWait = 10 * time.Second
	time.AfterFunc(50*time.Millisecond, func() { _ = os.Remove(lock) })
	if err := r.CompareAndSwap("refs/heads/main", head, head); err != nil {
		t.Error(err)
	}
}

// Twenty writers of this package and four of the real git append to one file.
// Each reads, writes and swaps until it succeeds. No line may be lost.
func TestConcurrentWriters(t *testing.T) {
	const ours, theirs, rounds = 20, 4, 2
	r := newBare(t, map[string]string{"log": "start\n"})
	var wg sync.WaitGroup
	for w := range ours {
		wg.Go(func() { appendWithUs(t, r.Dir(), fmt.Sprintf("us-%d", w), rounds) })
	}
	for w := range theirs {
		wg.Go(func() { appendWithGit(t, r.Dir(), fmt.Sprintf("git-%d", w), rounds) })
	}
	stop := make(chan struct{})
	var packer sync.WaitGroup
	packer.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				// Fails when it finds a reference locked; that is its business.
				_, _ = gitTry(r.Dir(), "pack-refs", "--all", "--prune")
			}
		}
	})
	wg.Wait()
	close(stop)
	packer.Wait()
	lines := strings.Split(gitRun(t, r.Dir(), "show", "main:log"), "\n")
	if want := 1 + (ours+theirs)*rounds; len(lines) != want {
		t.Errorf("%d lines, want %d", len(lines), want)
	}
	if commits := gitRun(t, r.Dir(), "rev-list", "--count", "main"); commits != fmt.Sprint(1+(ours+theirs)*rounds) {
		t.Errorf("%s commits", commits)
	}
	fsck(t, r)
}

// appendWithUs is a writer with a repository of its own, as in another process.
func appendWithUs(t *testing.T, dir, who string, rounds int) {
	r, err := Open(dir)
	if err != nil {
		t.Error(err)
		return
	}
	defer r.Close()
	for i := range rounds {
		for {
			old, err := r.ReadRef("refs/heads/main")
			if err != nil {
				t.Error(err)
				return
			}
			tree, err := r.Tree(old)
			if err != nil {
				t.Error(err)
				return
			}
			log, err := tree.(interface{ ReadFile(string) ([]byte, error) }).ReadFile("log")
			if err != nil {
				t.Error(err)
				return
			}
			id, err := r.WriteCommit(Commit{
				Parent: old, Files: map[string][]byte{"log": fmt.Appendf(log, "%s %d\n", who, i)},
				Message: who, Name: "Ann", Email: "ann@example.org", When: when(),
			})
			if err != nil {
				t.Error(err)
				return
			}
			err = r.CompareAndSwap("refs/heads/main", old, id)
			if err == nil {
				break
			}
			if !errors.Is(err, ErrConflict) {
				t.Error(err)
				return
			}
		}
	}
}

// appendWithGit does the same with git's plumbing.
func appendWithGit(t *testing.T, dir, who string, rounds int) {
	script := `set -e
for i in $(seq "$2"); do
  while :; do
    old=$(git rev-parse refs/heads/main)
    blob=$( { git cat-file blob "$old:log"; echo "$1 $i"; } | git hash-object -w --stdin)
    tree=$(printf '100644 blob %s\tlog\n' "$blob" | git mktree)
    new=$(git commit-tree -m "$1" -p "$old" "$tree")
    git update-ref refs/heads/main "$new" "$old" 2>/dev/null && break
  done
done`
	cmd := exec.Command("sh", "-c", script, "sh", who, fmt.Sprint(rounds))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=Bob", "GIT_AUTHOR_EMAIL=bob@example.org",
		"GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@example.org")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("git: %v\n%s", err, out)
	}
}
