package git

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-git/go-git/v5/plumbing"
)

// everything makes a repository with every kind of entry, by the real git.
func everything(t *testing.T) *Repo {
	t.Helper()
	work := t.TempDir()
	gitRun(t, work, "init", "-q", "-b", "main")
	write := func(name, data string, mode fs.FileMode) {
		t.Helper()
		name = filepath.Join(work, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(data), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("plain", "text\n", 0o644)
	write("run", "#!/bin/sh\n", 0o755)
	write("empty", "", 0o644)
	write("a/b/c/deep", "down here\n", 0o644)
	write("a.b", "between a and a/ in git's order\n", 0o644)
	write("a-b", "before it\n", 0o644)
	if err := os.Symlink("../../etc/passwd", filepath.Join(work, "link")); err != nil {
		t.Fatal(err)
	}
	gitRun(t, work, "add", ".")
	gitRun(t, work, "update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",sub")
	gitRun(t, work, "commit", "-qm", "Everything")
	r, err := Open(work)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if r.Bare() {
		t.Error("a repository with a worktree counts as bare")
	}
	return r
}

func TestTree(t *testing.T) {
	r := everything(t)
	head, err := r.Resolve("HEAD")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := r.Tree(head)
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]fs.FileMode{
		"plain": 0o644, "run": 0o755, "link": fs.ModeSymlink | 0o777, "sub": fs.ModeIrregular, "a": fs.ModeDir | 0o755,
	}
	for name, want := range modes {
		info, err := fs.Stat(tree, name)
		if err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, %v; want %v", name, info, err, want)
		}
		id := info.(interface{ ObjectID() string }).ObjectID()
		if want := gitRun(t, r.gitDir, "rev-parse", "HEAD:"+name); id != want {
			t.Errorf("%s: object %s, want %s", name, id, want)
		}
	}
	if target, err := fs.ReadLink(tree, "link"); err != nil || target != "../../etc/passwd" {
		t.Errorf("link: %q, %v", target, err)
	}
	if data, err := fs.ReadFile(tree, "link"); err != nil || string(data) != "../../etc/passwd" {
		t.Errorf("a link was followed: %q, %v", data, err)
	}
	if _, err := fs.ReadFile(tree, "sub"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a submodule was read: %v", err)
	}
	for _, absent := range []string{"nope", "a/nope", "plain/x", "a/b/c/deep/x"} {
		if _, err := fs.ReadFile(tree, absent); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", absent, err)
		}
	}
	for _, invalid := range []string{"", "/plain", "../plain", "a/../plain", "a/"} {
		if _, err := tree.Open(invalid); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", invalid, err)
		}
	}
}

// The tree behaves as every fs.FS must. TestFS opens what it finds, so the
// submodule has to go.
func TestTreeIsAnFS(t *testing.T) {
	r := newBare(t, map[string]string{"plain": "1", "a/b/c": "2", "a.b": "3", "a-b": "4", "empty": ""})
	head, _ := r.Resolve("main")
	tree, err := r.Tree(head)
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(tree, "plain", "a/b/c", "a.b", "a-b", "empty"); err != nil {
		t.Error(err)
	}
}

// rawTree stores a tree object that git itself would not make.
func rawTree(t *testing.T, r *Repo, entries ...string) Hash {
	t.Helper()
	blob, err := r.writeObject(plumbing.BlobObject, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	id, err := hex.DecodeString(blob)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	for _, e := range entries {
		buf.WriteString(e + "\x00")
		buf.Write(id)
	}
	tree, err := r.writeObject(plumbing.TreeObject, buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestHostileTrees(t *testing.T) {
	r := newBare(t, map[string]string{"a": "1"})
	for rule, trees := range map[string][][]string{
		"tree/name": {
			{"100644 .."},
			{"100644 ."},
			{"100644 .git"},
			{"40000 .GIT"},
			{"40000 git~1"},
			{"40000 .git "},
			{"40000 .git."},
			{"40000 .git::$INDEX_ALLOCATION"},
			{"40000 .g\u200cit"},
			{"100644 a/b"},
			{"100644 a\\b"},
			{"100644 \xff"},
			{"100644 "},
			{"100644 " + strings.Repeat("n", 256)},
		},
		"tree/mode":  {{"100664 a"}, {"040000 a"}, {"0 a"}, {"100600 a"}, {"x a"}, {" a"}, {"777777777777777777777 a"}},
		"tree/order": {{"100644 b", "100644 a"}, {"100644 a", "100644 a"}, {"100644 a", "100644 a.b", "40000 a"}},
	} {
		for _, entries := range trees {
			tree, err := r.Tree(rawTree(t, r, entries...))
			if err != nil {
				t.Fatal(err)
			}
			_, err = fs.ReadDir(tree, ".")
			var unsafe *UnsafeError
			if !errors.As(err, &unsafe) || unsafe.Rule != rule || !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%q: %v, want %s", entries, err, rule)
			}
		}
	}
	cut, err := r.writeObject(plumbing.TreeObject, []byte("100644 a\x00short"))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := r.Tree(cut)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.ReadDir(tree, "."); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a cut tree: %v", err)
	}
}

// A tree that holds itself by way of many levels ends at the depth limit.
func TestDeepTree(t *testing.T) {
	r := newBare(t, map[string]string{"a": "1"})
	id := rawTree(t, r, "100644 f")
	for range maxTreeDepth + 5 {
		raw, err := hex.DecodeString(id)
		if err != nil {
			t.Fatal(err)
		}
		if id, err = r.writeObject(plumbing.TreeObject, append([]byte("40000 d\x00"), raw...)); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := r.Tree(id)
	if err != nil {
		t.Fatal(err)
	}
	err = fs.WalkDir(tree, ".", func(_ string, _ fs.DirEntry, err error) error { return err })
	var unsafe *UnsafeError
	if !errors.As(err, &unsafe) || unsafe.Rule != "tree/depth" {
		t.Errorf("got %v", err)
	}
}

// git may pack everything anew while a repository is open.
func TestRepackWhileOpen(t *testing.T) {
	r := newBare(t, map[string]string{"a": "1", "b/c": "2"})
	head, _ := r.Resolve("main")
	gitRun(t, r.Dir(), "repack", "-adq")
	if _, err := r.CommitInfo(head); err != nil {
		t.Fatal(err)
	}
	next := commit(t, r, head, map[string]string{"a": "3"})
	gitRun(t, r.Dir(), "gc", "-q", "--prune=now")
	tree, err := r.Tree(next)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "3", "b/c": "2"} {
		if data, err := fs.ReadFile(tree, name); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	commit(t, r, next, map[string]string{"a": "4"})
	fsck(t, r)
}

func TestOpen(t *testing.T) {
	bare := newBare(t, map[string]string{"a": "1"})
	if !bare.Bare() {
		t.Error("a bare repository does not count as bare")
	}
	head, _ := bare.Resolve("main")
	work := filepath.Join(t.TempDir(), "linked")
	gitRun(t, bare.Dir(), "worktree", "add", "-q", "-b", "topic", work)
	linked, err := Open(work)
	if err != nil {
		t.Fatal(err)
	}
	defer linked.Close()
	if ref, err := linked.HeadRef(); err != nil || ref != "refs/heads/topic" {
		t.Errorf("HEAD of the worktree is %s, %v", ref, err)
	}
	if id, err := linked.Resolve("HEAD"); err != nil || id != head || linked.Bare() {
		t.Errorf("HEAD of the worktree: %s, %v", id, err)
	}
	if err := linked.CompareAndSwap("refs/heads/topic", head, head); err != nil {
		t.Error(err)
	}
	gitRun(t, work, "checkout", "-q", "--detach")
	if ref, err := linked.HeadRef(); !errors.Is(err, ErrNotFound) {
		t.Errorf("detached: %s, %v", ref, err)
	}

	if _, err := Open(filepath.Join(t.TempDir(), "nope")); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such folder: %v", err)
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNotFound) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := InitBare(bare.Dir(), "main"); !errors.Is(err, ErrExists) {
		t.Errorf("InitBare over a repository: %v", err)
	}
	if _, err := InitBare(filepath.Join(t.TempDir(), "x"), "a..b"); err == nil {
		t.Error("InitBare took a bad branch name")
	}
	sha256 := t.TempDir()
	if out, err := exec.Command("git", "init", "-q", "--bare", "--object-format=sha256", sha256).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := Open(sha256); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a SHA-256 repository: %v", err)
	}
}
