package client

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
)

// upstream is a real bare repository that holds an index.
type upstream struct {
	t    *testing.T
	path string
	repo *git.Repo
	head string
	tick int64
}

func newUpstream(t *testing.T, path string, packages ...string) *upstream {
	t.Helper()
	repo, err := git.InitBare(path, "main")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { repo.Close() })
	u := &upstream{t: t, path: path, repo: repo}
	u.commit(map[string]string{"config.json": `{"dl":"https://dl.example.org"}`})
	u.publish(packages...)
	return u
}

// commit writes files ("" deletes) and moves main.
func (u *upstream) commit(files map[string]string) string {
	u.t.Helper()
	parent := u.head
	u.head = u.write(parent, files)
	if err := u.repo.CompareAndSwap("refs/heads/main", parent, u.head); err != nil {
		u.t.Fatal(err)
	}
	return u.head
}

func (u *upstream) write(parent string, files map[string]string) string {
	u.t.Helper()
	bytes := map[string][]byte{}
	for name, text := range files {
		bytes[name] = []byte(text)
		if text == "" {
			bytes[name] = nil
		}
	}
	u.tick++
	id, err := u.repo.WriteCommit(git.Commit{
		Parent: parent, Files: bytes, Message: "change", Name: "Kim", Email: "kim@example.org", When: time.Unix(1700000000+u.tick, 0),
	})
	if err != nil {
		u.t.Fatal(err)
	}
	return id
}

// publish adds "name version [description]" packages, one line each.
func (u *upstream) publish(packages ...string) string {
	u.t.Helper()
	if len(packages) == 0 {
		return u.head
	}
	files := map[string]string{}
	for _, p := range packages {
		name, rest, _ := strings.Cut(p, " ")
		version, description, _ := strings.Cut(rest, " ")
		at, err := index.Path(name)
		if err != nil {
			u.t.Fatal(err)
		}
		e := index.Entry{Name: name, Vers: version, Cksum: strings.Repeat("0", 64), Description: description}
		files[at] += string(e.AppendLine(nil)) + "\n"
	}
	return u.commit(files)
}

// rewrite makes main an unrelated history.
func (u *upstream) rewrite(packages ...string) string {
	u.t.Helper()
	old := u.head
	u.head = u.write("", map[string]string{"config.json": `{"dl":"https://other.example.org"}`})
	if err := u.repo.CompareAndSwap("refs/heads/main", old, u.head); err != nil {
		u.t.Fatal(err)
	}
	return u.publish(packages...)
}

func (w *world) access() Access {
	return Access{Now: func() time.Time { return time.Unix(1800000000, 0) }, Note: func(f string, a ...any) { w.t.Logf(f, a...) }}
}

func (w *world) open(c *Config, r RegistryConfig) Registry {
	w.t.Helper()
	reg, err := OpenRegistry(c, r, w.access())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { reg.Close() })
	return reg
}

func versionsOf(t *testing.T, r Registry, name string) string {
	t.Helper()
	file, err := r.Package(t.Context(), name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var all []string
	for _, e := range file.Entries {
		all = append(all, e.Vers)
	}
	return strings.Join(all, " ")
}

func TestGitRegistryShowsOneCommitUntilUpdate(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"), "hello 1.0.0 Greets")
	r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: u.path})
	first := u.head
	if got := versionsOf(t, r, "Hello"); got != "1.0.0" {
		t.Errorf("versions %q", got)
	}
	u.publish("hello 1.0.0", "hello 1.1.0", "world 2.0.0")
	if got := versionsOf(t, r, "hello"); got != "1.0.0" {
		t.Errorf("before the update: %q", got)
	}
	if _, err := r.Package(t.Context(), "world"); !errors.Is(err, ErrNotFound) {
		t.Errorf("before the update: %v", err)
	}
	change, err := r.Update(t.Context(), UpdateOptions{})
	if diff := cmp.Diff(Change{Old: first, New: u.head, Packages: 2}, change); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got := versionsOf(t, r, "hello"); got != "1.0.0 1.1.0" {
		t.Errorf("after the update: %q", got)
	}
	change, err = r.Update(t.Context(), UpdateOptions{})
	if diff := cmp.Diff(Change{Old: u.head, New: u.head}, change); diff != "" || err != nil {
		t.Error("second update", diff, err)
	}
	status, err := r.Status(t.Context())
	want := Status{Commit: u.head, Updated: time.Unix(1800000000, 0).UTC()}
	if diff := cmp.Diff(want, status); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestGitRegistryOffline(t *testing.T) {
	w := newWorld(t)
	c := w.mustLoad("offline=true")
	r := w.open(c, RegistryConfig{Name: "far", URL: "https://git.example.invalid/index.git"})
	for what, err := range map[string]error{
		"package": func() error { _, err := r.Package(t.Context(), "hello"); return err }(),
		"update":  func() error { _, err := r.Update(t.Context(), UpdateOptions{}); return err }(),
	} {
		if !errors.Is(err, ErrNetwork) || !strings.Contains(err.Error(), "registry far") || !strings.Contains(hintOf(err), "--offline") {
			t.Errorf("%s: %v (%s)", what, err, hintOf(err))
		}
	}
}

func TestGitRegistryRefusesARewrittenHistory(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"), "hello 1.0.0")
	r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: u.path})
	old := u.head
	versionsOf(t, r, "hello")
	u.rewrite("hello 6.6.6")
	check := func(when string) {
		t.Helper()
		_, err := r.Update(t.Context(), UpdateOptions{})
		if !errors.Is(err, ErrIntegrity) || !strings.Contains(err.Error(), shortID(old)) || !strings.Contains(err.Error(), shortID(u.head)) {
			t.Errorf("%s: %v", when, err)
		}
		if got := versionsOf(t, r, "hello"); got != "1.0.0" {
			t.Errorf("%s: shows %q", when, got)
		}
	}
	check("first update")
	check("second update")

	// A copy that is gone is no way around the check.
	g := r.(*gitRegistry)
	if err := errors.Join(r.Close(), os.RemoveAll(g.copy.folder())); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Package(t.Context(), "hello"); !errors.Is(err, ErrIntegrity) {
		t.Errorf("made again: %v", err)
	}
	change, err := r.Update(t.Context(), UpdateOptions{AcceptHistory: map[string]string{"up": u.head}})
	if err != nil || change.Old != old || change.New != u.head {
		t.Errorf("accepted: %+v %v", change, err)
	}
	if got := versionsOf(t, r, "hello"); got != "6.6.6" {
		t.Errorf("accepted: shows %q", got)
	}
}

func TestGitRegistryAcceptsRewriteInPlace(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"), "hello 1.0.0")
	r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: u.path})
	versionsOf(t, r, "hello")
	u.rewrite("hello 2.0.0")
	if _, err := r.Update(t.Context(), UpdateOptions{AcceptHistory: map[string]string{"up": u.head}}); err != nil {
		t.Fatal(err)
	}
	if got := versionsOf(t, r, "hello"); got != "2.0.0" {
		t.Errorf("shows %q", got)
	}
}

func TestGitRegistryRefusesToGoBack(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"), "hello 1.0.0")
	r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: u.path})
	versionsOf(t, r, "hello")
	before := u.head
	u.publish("hello 1.0.0", "hello 1.1.0")
	if _, err := r.Update(t.Context(), UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := u.repo.CompareAndSwap("refs/heads/main", u.head, before); err != nil {
		t.Fatal(err)
	}
	_, err := r.Update(t.Context(), UpdateOptions{})
	if !errors.Is(err, ErrIntegrity) || !strings.Contains(err.Error(), "the history went back") {
		t.Errorf("got %v", err)
	}
}

func TestGitRegistryHealsItself(t *testing.T) {
	damages := map[string]func(t *testing.T, g *gitRegistry){
		"folder gone": func(t *testing.T, g *gitRegistry) { must(t, os.RemoveAll(g.copy.folder())) },
		"record gone": func(t *testing.T, g *gitRegistry) { must(t, os.Remove(g.copy.recordFile())) },
		"record torn": func(t *testing.T, g *gitRegistry) { must(t, os.WriteFile(g.copy.recordFile(), []byte(`{"url`), 0o644)) },
		"file gone":   func(t *testing.T, g *gitRegistry) { must(t, os.Remove(packedFile(t, g))) },
		"file cut off": func(t *testing.T, g *gitRegistry) {
			must(t, os.Truncate(packedFile(t, g), 300))
		},
		"header zeroed": func(t *testing.T, g *gitRegistry) { zero(t, packedFile(t, g), 0, 100) },
		"file zeroed":   func(t *testing.T, g *gitRegistry) { zero(t, packedFile(t, g), 256, -1) },
		"cache gone":    func(t *testing.T, g *gitRegistry) { must(t, os.RemoveAll(filepath.Dir(g.copy.base))) },
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			u := newUpstream(t, filepath.Join(w.dir, "up.git"), "hello 1.0.0", "world 1.0.0")
			c := w.mustLoad()
			r := w.open(c, RegistryConfig{Name: "up", URL: u.path})
			versionsOf(t, r, "hello")
			must(t, r.Close())
			damage(t, r.(*gitRegistry))
			u.publish("hello 1.0.0", "hello 1.1.0")
			again := w.open(c, RegistryConfig{Name: "up", URL: u.path})
			if _, err := again.Update(t.Context(), UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			if got := versionsOf(t, again, "hello"); got != "1.0.0 1.1.0" {
				t.Errorf("shows %q", got)
			}
		})
	}
}

// packedFile is the packed file of a registry's copy.
func packedFile(t *testing.T, g *gitRegistry) string {
	t.Helper()
	record, err := g.copy.readRecord()
	must(t, err)
	return filepath.Join(g.copy.folder(), record.File)
}

// zero overwrites a part of a file in place; to -1 is the end.
func zero(t *testing.T, name string, from, to int64) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	info, err := f.Stat()
	must(t, err)
	if to < 0 {
		to = info.Size()
	}
	_, err = f.WriteAt(make([]byte, to-from), from)
	must(t, err)
}

func TestGitRegistryHealsWhileReading(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"), "hello 1.0.0", "world 1.0.0")
	r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: u.path})
	if _, err := r.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	g := r.(*gitRegistry)
	zero(t, packedFile(t, g), 256, -1)
	if got := versionsOf(t, r, "world"); got != "1.0.0" {
		t.Errorf("shows %q", got)
	}
	// Another state than what was answered before must not be mixed in.
	zero(t, packedFile(t, g), 256, -1)
	u.publish("third 1.0.0")
	if _, err := r.Entries(t.Context(), "hello"); !errors.Is(err, ErrConflict) {
		t.Errorf("got %v", err)
	}
}

// TestGitRegistryOfAFormerRelease sees that the copy of an earlier release is
// neither used nor left lying.
func TestGitRegistryOfAFormerRelease(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"), "hello 1.0.0")
	r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: u.path})
	g := r.(*gitRegistry)
	former := g.copy.former()
	must(t, os.MkdirAll(filepath.Join(former[0], "objects"), 0o755))
	must(t, os.WriteFile(former[1], []byte("{}"), 0o644))
	must(t, g.copy.writeRecord(gitRecord{URL: u.path, Ref: "refs/heads/main", Commit: u.head}))
	u.publish("hello 1.0.0", "hello 1.1.0")
	if got := versionsOf(t, r, "hello"); got != "1.0.0 1.1.0" {
		t.Errorf("shows %q", got)
	}
	for _, name := range former {
		if _, err := os.Stat(name); !os.IsNotExist(err) {
			t.Errorf("%s is left", name)
		}
	}
}

func TestGitRegistryIsSharedByMany(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"), "hello 1.0.0")
	c := w.mustLoad()
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			r, err := OpenRegistry(c, RegistryConfig{Name: fmt.Sprintf("up%d", i), URL: u.path}, Access{Now: time.Now})
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			for range 3 {
				if _, err := r.Update(t.Context(), UpdateOptions{}); err != nil {
					t.Error(err)
				}
				if _, err := r.Package(t.Context(), "hello"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	left, err := filepath.Glob(filepath.Join(c.Cache, "registries", "*", "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("copies: %v %v", left, err)
	}
	if left, _ := filepath.Glob(filepath.Join(c.Cache, "registries", "*", ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRepositoryThatIsNoIndex(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"))
	u.commit(map[string]string{"config.json": "", "README.md": "code"})
	r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: u.path})
	if _, err := r.Package(t.Context(), "hello"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "not a package index") {
		t.Errorf("got %v", err)
	}
}

func TestDirRegistry(t *testing.T) {
	w := newWorld(t)
	w.write("idx/config.json", `{"dl":"https://dl.example.org"}`)
	w.write("idx/he/ll/hello", `{"name":"Hello","vers":"1.0.0","deps":[],"cksum":"","features":{},"yanked":false}`+"\n"+
		`{"name":"other","vers":"9.0.0","deps":[],"cksum":"","features":{},"yanked":false}`+"\n")
	w.write("idx/acme/tool.json", `{"name":"acme/tool","vers":"0.1.0","deps":[],"cksum":"","features":{},"yanked":false}`+"\n")
	w.write("idx/README.md", "hello\n")
	w.write("secret", `{"name":"evil","vers":"1.0.0"}`)
	if err := os.MkdirAll(filepath.Join(w.dir, "idx", "ev", "il"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../../secret", filepath.Join(w.dir, "idx", "ev", "il", "evil")); err != nil {
		t.Log(err)
	}
	r := w.open(w.mustLoad(), RegistryConfig{Name: "idx", URL: filepath.Join(w.dir, "idx")})
	if r.Config().Kind != KindDir {
		t.Errorf("kind %q", r.Config().Kind)
	}
	if got := versionsOf(t, r, "hello"); got != "1.0.0" {
		t.Errorf("versions %q: a line of another package counts", got)
	}
	if got := versionsOf(t, r, "acme/tool"); got != "0.1.0" {
		t.Errorf("versions %q", got)
	}
	if _, err := r.Package(t.Context(), "evil"); err == nil {
		t.Error("a link out of the folder was followed")
	}
	if n, _, err := r.Count(t.Context()); err != nil || n != 2 {
		t.Errorf("%d packages, %v", n, err)
	}
}

func TestChooseRegistry(t *testing.T) {
	w := newWorld(t)
	newUpstream(t, filepath.Join(w.dir, "one.git"), "hello 1.0.0", "both 1.0.0", "spdlog 1.0.0")
	newUpstream(t, filepath.Join(w.dir, "two.git"), "both 2.0.0")
	w.write("config/clyde/config.yaml", fmt.Sprintf("registries:\n  - name: one\n    url: %[1]s/one.git\n  - name: two\n    url: %[1]s/two.git\n", w.dir))
	set, err := OpenRegistries(w.mustLoad(), w.access())
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if r, err := set.Choose(t.Context(), "hello"); err != nil || r.Config().Name != "one" {
		t.Errorf("hello: %v %v", r, err)
	}
	if _, err := set.Choose(t.Context(), "both"); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "one, two") {
		t.Errorf("both: %v", err)
	}
	if _, err := set.Choose(t.Context(), "spdlgo"); !errors.Is(err, ErrNotFound) || !strings.Contains(hintOf(err), "spdlog") {
		t.Errorf("near: %v (%s)", err, hintOf(err))
	}
	if _, err := set.Get("tow"); !errors.Is(err, ErrNotFound) || !strings.Contains(hintOf(err), "two") {
		t.Errorf("alias: %v (%s)", err, hintOf(err))
	}
	if r, err := set.ByURL("file://" + w.dir + "/two"); err != nil || r.Config().Name != "two" {
		t.Errorf("by URL: %v %v", r, err)
	}
	if _, err := set.ByURL("https://elsewhere.example.org/i.git"); !errors.Is(err, ErrNotFound) || !strings.Contains(hintOf(err), "clyde registry add https://elsewhere") {
		t.Errorf("by URL: %v (%s)", err, hintOf(err))
	}
	// While a registry cannot answer, nobody knows whether it has the name.
	if err := os.Rename(filepath.Join(w.dir, "two.git"), filepath.Join(w.dir, "gone.git")); err != nil {
		t.Fatal(err)
	}
	must(t, os.RemoveAll(filepath.Join(w.dir, "cache")))
	again, err := OpenRegistries(w.mustLoad(), w.access())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if r, err := again.Choose(t.Context(), "hello"); err == nil {
		t.Errorf("chose %v though two did not answer", r.Config().Name)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
