package indexcache

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clydepm/clyde/index"
)

// commit is a commit that was made up: files by path, some of them special.
type commit map[string]string

// specials says how a path is stored that does not hold an ordinary file.
func modeOf(path string) Mode {
	switch {
	case strings.HasSuffix(path, ".sh"):
		return Executable
	case strings.HasSuffix(path, ".link"):
		return Symlink
	case strings.HasSuffix(path, ".module"):
		return Submodule
	}
	return Regular
}

func (c commit) places() []Place {
	var places []Place
	for path, content := range c {
		places = append(places, Place{Path: path, Mode: modeOf(path), ID: objectID("blob", []byte(content))})
	}
	return places
}

func (c commit) commit() Commit {
	w := &Writer{}
	for _, p := range c.places() {
		w.files = append(w.files, &entry{path: p.Path, mode: p.Mode, id: p.ID})
	}
	sortEntries(w.files)
	tree := folders(w.files, func(string, ID, []byte) {})
	object := []byte("tree " + tree.String() + "\n\nmade up\n")
	return Commit{ID: objectID("commit", object), Tree: tree, Object: object}
}

// write makes a packed file of the commit, on top of base if there is one.
func (c commit) write(t testing.TB, base *File) *File {
	t.Helper()
	dir := t.TempDir()
	begin := func() (*Writer, error) { return NewWriter(dir, c.commit(), c.places()) }
	if base != nil {
		begin = func() (*Writer, error) {
			state, err := base.State()
			if err != nil {
				return nil, err
			}
			return Update(state, dir, c.commit(), c.places())
		}
	}
	w, err := begin()
	if err != nil {
		t.Fatal(err)
	}
	return c.finish(t, dir, w, slices.Collect(maps.Keys(c))...)
}

// writeTall makes a packed file whose directory has small blocks and nodes, and
// so as many levels as a large one.
func (c commit) writeTall(t testing.TB) *File {
	t.Helper()
	dir := t.TempDir()
	w, err := NewWriter(dir, c.commit(), c.places())
	if err != nil {
		t.Fatal(err)
	}
	w.blockSize, w.fanOut = 4, 4
	return c.finish(t, dir, w, slices.Collect(maps.Keys(c))...)
}

// finish adds contents to a packed file and opens it.
func (c commit) finish(t testing.TB, dir string, w *Writer, paths ...string) *File {
	t.Helper()
	a, err := w.Appender()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if modeOf(path) == Submodule {
			continue
		}
		content := []byte(c[path])
		if err := a.Add(objectID("blob", content), content); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Flush(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "packed.index")
	if err := w.Finish(name); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Fatalf("left behind: %v", left)
	}
	f, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// check compares all that a packed file tells with the commit.
func (c commit) check(t testing.TB, f *File) {
	t.Helper()
	if err := f.Prove(); err != nil {
		t.Fatal(err)
	}
	if f.Commit() != c.commit().ID.String() || f.Tree() != c.commit().Tree.String() {
		t.Errorf("commit %s, tree %s", f.Commit(), f.Tree())
	}
	checkFS(t, c, f.FS())
	packages := 0
	for path, content := range c {
		name, ok := index.NameOf(path)
		if !ok || modeOf(path) != Regular {
			continue
		}
		want := Lines(name, []byte(content))
		if len(want.Entries) > 0 {
			packages++
		}
		file, ok, err := f.Package(name)
		if !ok || err != nil || len(file.Entries) != len(want.Entries) || len(file.Skipped) != len(want.Skipped) {
			t.Errorf("%s: %v %v", name, ok, err)
		}
		entries, ok, err := f.Entries(strings.ToUpper(name))
		if !ok || err != nil {
			t.Errorf("%s: %v %v", name, ok, err)
		}
		if diff := cmp.Diff(resolvable(want.Entries), entries, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -lines +record\n%s", name, diff)
		}
	}
	names := 0
	err := f.Names(func(n Named) bool {
		names++
		path, err := index.Path(string(n.Name))
		want, ok := Summarize(Lines(strings.ToLower(string(n.Name)), []byte(c[path])).Entries)
		if diff := cmp.Diff(want, n.Summary()); diff != "" || !ok || err != nil {
			t.Errorf("%s: %s", n.Name, diff)
		}
		return true
	})
	if err != nil || names != packages || f.Packages() != packages {
		t.Errorf("%d names, %d packages, want %d; %v", names, f.Packages(), packages, err)
	}
	for _, absent := range []string{"absent", "a/b/c", "", "..", "zzzz"} {
		if _, ok, err := f.Package(absent); ok || err != nil {
			t.Errorf("%q: %v %v", absent, ok, err)
		}
	}
}

func checkFS(t testing.TB, c commit, files fs.FS) {
	t.Helper()
	var paths []string
	for path, content := range c {
		if modeOf(path) == Submodule {
			continue
		}
		paths = append(paths, path)
		if got, err := fs.ReadFile(files, path); err != nil || string(got) != content {
			t.Errorf("%s: %q %v, want %q", path, got, err, content)
		}
	}
	if modeOf("any") == Regular && len(paths) == len(c) {
		if err := fstest.TestFS(withoutLinks{files}, paths...); err != nil {
			t.Error(err)
		}
	}
}

// withoutLinks hides that a file system has symbolic links, which
// fstest.TestFS would follow.
type withoutLinks struct{ fs.FS }

// resolvable is what a record keeps of lines.
func resolvable(entries []*index.Entry) []*index.Entry {
	var kept []*index.Entry
	for _, e := range entries {
		c := e.Clone()
		c.Description, c.Keywords, c.License, c.Authors, c.Homepage, c.Repository, c.Source, c.Extra = "", nil, "", nil, "", "", nil, nil
		c.Deps = nil
		for _, d := range e.Deps {
			if d.Kind != index.KindDev {
				d.Extra = nil
				c.Deps = append(c.Deps, d)
			}
		}
		if c.Att != nil {
			c.Att.Extra = nil
		}
		if c.Retired != nil {
			c.Retired.Extra = nil
		}
		kept = append(kept, c)
	}
	return kept
}

// line is a line with much in it.
func line(name, version string, more ...string) string {
	text := fmt.Sprintf(`{"name":%q,"vers":%q,"deps":[{"name":"a","req":"^1","features":["x","y"],"optional":true,"default_features":false,"target":"cfg(unix)","kind":"normal","registry":"https://r.example.org","package":"b"},`+
		`{"name":"c","req":"^%s","features":[],"optional":false,"default_features":true,"target":null,"kind":"build"},`+
		`{"name":"d","req":"*","features":[],"optional":false,"default_features":true,"target":null,"kind":"dev"}],`+
		`"cksum":"%064x","features":{"default":["x"],"x":[]},"yanked":false`, name, version, version, len(version))
	return text + strings.Join(more, "") + "}\n"
}

func sample() commit {
	c := commit{
		"config.json":        `{"dl":"https://dl.example.org"}`,
		"README.md":          "",
		"trust/keys/one.pem": "key",
		"tools/run.sh":       "#!/bin/sh\n",
		"latest.link":        "config.json",
		"he/ll/hello":        line("Hello", "1.0.0", `,"description":"Says hello","keywords":["greeting","text"]`) + line("hello", "1.1.0"),
		"ol/dv/oldversions":  `{"name":"oldversions","vers":"0.0.1-001"}` + "\n" + `{"name":"oldversions","vers":"1.0.0","v":99}` + "\n",
		"ot/he/other":        line("stranger", "1.0.0"),
		"fu/ll/fullofall": line("fullofall", "2.0.0-rc.1", `,"links":"z","v":2,"features2":{"n":["dep:a"]},"pubtime":"2026-01-01T00:00:00Z","dl":"https://x.example.org/a","size":12,`+
			`"platforms":["linux-x86_64"],"builds":[{"platform":"linux-x86_64","dl":"https://x.example.org/b","cksum":"ab","size":3}],"external":["apt:x"],`+
			`"hooks":[{"phase":"pre-install","run":["sh","-c",""],"timeout":5},{"phase":"pre-remove","run":["true"],"platforms":["linux-x86_64"]}],`+
			`"att":{"url":"https://x.example.org/s","sha256":"cd"},"retired":{"reason":"renamed","message":"see hello"},"unknown":[1]`) +
			`{"name":"fullofall","vers":"3.0.0","cksum":"ABC","yanked":true}` + "\n",
		"acme/tool.json": line("acme/tool", "1.0.0"),
	}
	for i := range 150 {
		name := fmt.Sprintf("package-%d", i)
		path, err := index.Path(name)
		if err != nil {
			panic(err)
		}
		c[path] = line(name, "0.1.0") + line(name, fmt.Sprintf("0.%d.0", i))
	}
	return c
}

func TestFileTellsTheCommit(t *testing.T) {
	sample().check(t, sample().write(t, nil))
	commit{}.check(t, commit{}.write(t, nil))
	withModule := sample()
	withModule["lib.module"] = "a commit elsewhere"
	withModule.check(t, withModule.write(t, nil))
	tall := sample().writeTall(t)
	if tall.head.levels != 3 {
		t.Errorf("%d levels of nodes, want 3", tall.head.levels)
	}
	sample().check(t, tall)
}

// TestUpdateIsLikeNew changes a commit again and again; each packed file must
// tell what one made from nothing tells, and the commits before stay readable.
func TestUpdateIsLikeNew(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	now := sample()
	f := now.write(t, nil)
	type shown struct {
		id    string
		files commit
	}
	var before []shown
	for step := range 12 {
		before = append(before, shown{now.commit().ID.String(), now})
		next := commit{}
		for path, content := range now {
			switch random.IntN(8 + step) {
			case 0: // gone
			case 1:
				next[path] = content + line("package-1", "9.9.9")
			case 2:
				next["moved/"+path] = content
			default:
				next[path] = content
			}
		}
		next["config.json"] = now["config.json"]
		next[fmt.Sprintf("trust/%d.pem", step)] = strings.Repeat("key", random.IntN(9))
		f = next.write(t, f)
		next.check(t, f)
		now = next
	}
	for i, old := range before {
		files, ok, err := f.FSAt(old.id)
		if err != nil || !ok {
			t.Fatalf("commit %d of %d: %v %v", i, len(before), ok, err)
		}
		checkFS(t, old.files, files)
	}
	if _, ok, err := f.FSAt(strings.Repeat("0", 40)); ok || err != nil {
		t.Error(ok, err)
	}
}

// TestHeapDoesNotGrowForEver changes large contents: what nothing refers to is
// left behind in the end.
func TestHeapDoesNotGrowForEver(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	noise := func(size int) string {
		b := make([]byte, size)
		_, _ = random.Read(b)
		return string(b)
	}
	now := commit{"config.json": "{}", "large": noise(1 << 20)}
	f := now.write(t, nil)
	largest := int64(0)
	for range 12 {
		next := commit{"config.json": "{}", "large": now["large"][:1<<19] + noise(1<<19)}
		f = next.write(t, f)
		next.check(t, f)
		largest, now = max(largest, f.head.heapEnd), next
	}
	// The contents of earlier commits are remembered, and so count as used.
	if used := f.head.live; largest > used+used/3+(6<<20) {
		t.Errorf("%d bytes for %d that are used", largest, used)
	}
}

// TestDamageIsNoticed flips bits all over a file: everything that is read
// afterwards is right, or the error is ErrDamaged.
func TestDamageIsNoticed(t *testing.T) {
	c := sample()
	f := c.write(t, nil)
	whole, err := os.ReadFile(f.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	noticed := 0
	for range 150 {
		at, bit := random.IntN(len(whole)), random.IntN(8)
		data := bytes.Clone(whole)
		data[at] ^= 1 << bit
		if readAll(t, c, data) {
			noticed++
		} else {
			t.Fatalf("a bit of byte %d changed, and nobody noticed", at)
		}
	}
	for _, size := range []int{0, 1, headerSize - 1, headerSize, len(whole) / 2, len(whole) - 1} {
		if !readAll(t, c, whole[:size]) {
			t.Errorf("cut off after %d bytes, and nobody noticed", size)
		}
	}
	t.Logf("%d damages", noticed)
}

// readAll reads all of a file that may be damaged, and reports whether that was
// noticed. What is read must be right.
func readAll(t *testing.T, c commit, data []byte) (noticed bool) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "damaged.index")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	see := func(err error) bool {
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatalf("not told as damage: %v", err)
		}
		noticed = noticed || err != nil
		return err == nil
	}
	f, err := Open(name)
	if !see(err) {
		return true
	}
	defer f.Close()
	for path, content := range c {
		got, err := fs.ReadFile(f.FS(), path)
		if see(err) && string(got) != content {
			t.Fatalf("%s: %q, want %q", path, got, content)
		}
		if pkg, ok := index.NameOf(path); ok {
			_, _, err := f.Entries(pkg)
			see(err)
		}
	}
	see(f.Names(func(Named) bool { return true }))
	see(f.Prove())
	_, _, err = f.FSAt(strings.Repeat("0", 40))
	see(err)
	_, err = f.read(f.head.object, "the commit")
	see(err)
	return noticed
}

func TestWriterRefuses(t *testing.T) {
	c := sample()
	wrong := c.commit()
	wrong.Tree[0]++
	if _, err := NewWriter(t.TempDir(), wrong, c.places()); !errors.Is(err, ErrDamaged) {
		t.Errorf("another tree: %v", err)
	}
	wrong = c.commit()
	wrong.Object = append(wrong.Object, '!')
	if _, err := NewWriter(t.TempDir(), wrong, c.places()); !errors.Is(err, ErrDamaged) {
		t.Errorf("another object: %v", err)
	}
	dir := t.TempDir()
	w, err := NewWriter(dir, c.commit(), c.places())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(filepath.Join(dir, "x.index")); !errors.Is(err, ErrDamaged) {
		t.Errorf("without contents: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestReadersOutliveTheirFile sees that whoever has a file open goes on reading
// it when it is replaced.
func TestReadersOutliveTheirFile(t *testing.T) {
	c := sample()
	f := c.write(t, nil)
	if err := os.Remove(f.file.Name()); err != nil {
		t.Skip("this system does not remove what is open:", err)
	}
	c.check(t, f)
}
