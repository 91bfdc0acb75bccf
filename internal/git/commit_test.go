package git

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteCommit(t *testing.T) {
	r := newBare(t, map[string]string{"config.json": "{}\n", "he/ll/hello": "one\n", "a-b": "x", "a/b": "y", "gone/deep/file": "z"})
	first, err := r.Resolve("main")
	if err != nil {
		t.Fatal(err)
	}
	second := commit(t, r, first, map[string]string{"he/ll/hello": "one\ntwo\n", "gone/deep/file": "(deleted)", "a.b": "w"})
	fsck(t, r)
	got := gitRun(t, r.Dir(), "ls-tree", "-r", "--name-only", second)
	if want := "a-b\na.b\na/b\nconfig.json\nhe/ll/hello"; got != want {
		t.Errorf("ls-tree:\n%s\nwant:\n%s", got, want)
	}
	if got := gitRun(t, r.Dir(), "show", "main:he/ll/hello"); got != "one\ntwo" {
		t.Errorf("hello holds %q", got)
	}
	if got := gitRun(t, r.Dir(), "log", "-1", "--format=%an <%ae> %at %s"); got != "Ann <ann@example.org> 1767323045 Change" {
		t.Errorf("log: %s", got)
	}
}

func TestWriteCommitKeepsModes(t *testing.T) {
	r := newBare(t, map[string]string{"run": "one\n"})
	blob := strings.Fields(gitRun(t, r.Dir(), "rev-parse", "main:run"))[0]
	work := t.TempDir()
	gitRun(t, work, "clone", "-q", r.Dir(), "w")
	gitRun(t, work+"/w", "update-index", "--add", "--cacheinfo", "100755,"+blob+",run")
	gitRun(t, work+"/w", "commit", "-qm", "Make it run")
	gitRun(t, work+"/w", "push", "-q", "origin", "HEAD:main")
	head, err := r.Resolve("main")
	if err != nil {
		t.Fatal(err)
	}
	commit(t, r, head, map[string]string{"run": "two\n"})
	if got := gitRun(t, r.Dir(), "ls-tree", "main"); !strings.HasPrefix(got, "100755 ") {
		t.Errorf("the executable bit is lost: %s", got)
	}
}

func TestWriteCommitRefuses(t *testing.T) {
	r := newBare(t, map[string]string{"a": "x", "d/f": "y"})
	head, _ := r.Resolve("main")
	good := Commit{Parent: head, Files: map[string][]byte{"n": []byte("1")}, Message: "m", Name: "Ann", Email: "ann@example.org", When: when()}
	if _, err := r.WriteCommit(good); err != nil {
		t.Fatal(err)
	}
	for name, breakIt := range map[string]func(*Commit){
		"nothing":           func(c *Commit) { c.Files = nil },
		"leaves":            func(c *Commit) { c.Files = map[string][]byte{"../x": {}} },
		"absolute":          func(c *Commit) { c.Files = map[string][]byte{"/x": {}} },
		"git folder":        func(c *Commit) { c.Files = map[string][]byte{".GIT/config": {}} },
		"windows git":       func(c *Commit) { c.Files = map[string][]byte{"git~1/config": {}} },
		"nul":               func(c *Commit) { c.Files = map[string][]byte{"a\x00b": {}} },
		"file as folder":    func(c *Commit) { c.Files = map[string][]byte{"a/x": {}} },
		"folder as file":    func(c *Commit) { c.Files = map[string][]byte{"d": {}} },
		"delete absent":     func(c *Commit) { c.Files = map[string][]byte{"nope": nil} },
		"no name":           func(c *Commit) { c.Name = " " },
		"name with bracket": func(c *Commit) { c.Name = "A <b" },
		"line in e-mail":    func(c *Commit) { c.Email = "a\nb" },
		"no such parent":    func(c *Commit) { c.Parent = strings.Repeat("1", 40) },
	} {
		c := good
		breakIt(&c)
		if id, err := r.WriteCommit(c); err == nil {
			t.Errorf("%s: written as %s", name, id)
		}
	}
}

func TestResolve(t *testing.T) {
	r := newBare(t, map[string]string{"a": "1"})
	first, _ := r.Resolve("main")
	second := commit(t, r, first, map[string]string{"a": "2"})
	gitRun(t, r.Dir(), "tag", "-a", "-m", "tag", "v1", first)
	gitRun(t, r.Dir(), "branch", "topic/x", first)
	for rev, want := range map[string]Hash{
		"HEAD": second, "main": second, "refs/heads/main": second, "heads/main": second, second: second, second[:8]: second,
		"v1": first, "main~1": first, "HEAD^": first, "topic/x": first,
	} {
		if got, err := r.Resolve(rev); err != nil || got != want {
			t.Errorf("Resolve(%q) = %s, %v; want %s", rev, got, err, want)
		}
	}
	for _, rev := range []string{"", "nope", "--all", "main~9", strings.Repeat("0", 40), "a\nb"} {
		if got, err := r.Resolve(rev); !errors.Is(err, ErrNotFound) {
			t.Errorf("Resolve(%q) = %s, %v; want ErrNotFound", rev, got, err)
		}
	}
}

// A commit of many files is one pack.
func TestWriteCommitOfManyFiles(t *testing.T) {
	files := map[string]string{}
	for i := range 1000 {
		files[fmt.Sprintf("%02d/%02d/file-%d", i%10, i%7, i)] = strings.Repeat(fmt.Sprintln(i), i)
	}
	r := newBare(t, files)
	fsck(t, r)
	if packs, _ := filepath.Glob(filepath.Join(r.Dir(), "objects/pack/*.pack")); len(packs) != 1 {
		t.Errorf("%d packs", len(packs))
	}
	if got := len(strings.Fields(gitRun(t, r.Dir(), "ls-tree", "-r", "--name-only", "main"))); got != 1000 {
		t.Errorf("%d files", got)
	}
	if got := gitRun(t, r.Dir(), "show", "main:09/02/file-9"); got != strings.TrimSpace(files["09/02/file-9"]) {
		t.Errorf("file-9 is %q", got)
	}
	head, _ := r.Resolve("main")
	tree, err := r.Tree(head)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := fs.ReadFile(tree, "09/05/file-999"); err != nil || string(data) != files["09/05/file-999"] {
		t.Errorf("file-999: %d bytes, %v", len(data), err)
	}
}
