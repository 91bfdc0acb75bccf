package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/history"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/internal/staticindex"
)

// webServer serves a folder over HTTP/2 with strong entity tags, as a CDN does,
// and remembers what it was asked.
type webServer struct {
	*httptest.Server
	dir string

	mu       sync.Mutex
	requests []string          // "status path"
	refuse   map[string]int    // statuses by path
	replace  map[string]string // contents by path
}

func newWebServer(t *testing.T, dir string) *webServer {
	t.Helper()
	s := &webServer{dir: dir, refuse: map[string]int{}, replace: map[string]string{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := s.serve(w, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests = append(s.requests, fmt.Sprintf("%d %s", status, strings.TrimPrefix(r.URL.Path, "/index/")))
		if r.ProtoMajor != 2 {
			s.requests = append(s.requests, "not HTTP/2: "+r.Proto)
		}
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *webServer) serve(w http.ResponseWriter, r *http.Request) int {
	name := strings.TrimPrefix(r.URL.Path, "/index/")
	s.mu.Lock()
	status, content := s.refuse[name], []byte(s.replace[name])
	s.mu.Unlock()
	if len(content) == 0 {
		var err error
		if content, err = os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(name))); err != nil && status == 0 {
			status = http.StatusNotFound
		}
	}
	if status != 0 {
		w.WriteHeader(status)
		return status
	}
	sum := sha256.Sum256(content)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return http.StatusNotModified
	}
	_, _ = w.Write(content)
	return http.StatusOK
}

// asked are the requests since the last call, sorted.
func (s *webServer) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.requests
	s.requests = nil
	slices.Sort(asked)
	return asked
}

func (s *webServer) wantAsked(t *testing.T, what string, want ...string) {
	t.Helper()
	if got := s.asked(); !slices.Equal(got, want) {
		t.Errorf("%s: asked %q, want %q", what, got, want)
	}
}

// export exports a commit of an upstream, its head when that is "".
func (u *upstream) export(dir, commit string, key *attest.Signer, now time.Time) {
	u.t.Helper()
	source, err := registry.OpenSource(u.path, commit)
	must(u.t, err)
	defer source.Close()
	opts := registry.ExportOptions{Valid: 24 * time.Hour, Now: now}
	if key != nil {
		opts.Key = key
	}
	_, err = registry.Export(u.t.Context(), source, dir, opts)
	must(u.t, err)
}

// sparseWorld is a client of an upstream that is exported.
type sparseWorld struct {
	*world
	up     *upstream
	server *webServer
	now    time.Time
	key    *attest.Signer
}

func newSparseWorld(t *testing.T, packages ...string) *sparseWorld {
	w := &sparseWorld{world: newWorld(t), now: time.Unix(1800000000, 0)}
	w.up = newUpstream(t, filepath.Join(w.dir, "up.git"), packages...)
	w.server = newWebServer(t, filepath.Join(w.dir, "www"))
	return w
}

func (w *sparseWorld) export() {
	w.t.Helper()
	w.up.export(w.server.dir, "", w.key, w.now)
}

func (w *sparseWorld) registry(set ...string) Registry {
	w.t.Helper()
	entry := RegistryConfig{Name: "web", URL: "sparse+" + w.server.URL + "/index/"}
	access := Access{Now: func() time.Time { return w.now }, Note: w.t.Logf, HTTP: w.server.Client()}
	r, err := OpenRegistry(w.mustLoad(set...), entry, access)
	must(w.t, err)
	w.t.Cleanup(func() { r.Close() })
	return r
}

func update(t *testing.T, r Registry) Change {
	t.Helper()
	change, err := r.Update(t.Context(), UpdateOptions{})
	must(t, err)
	return change
}

func packedPath(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "packed-v*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v %v", found, err)
	}
	return filepath.Base(found[0])
}

func TestStaticExportTakesFewRequests(t *testing.T) {
	var packages []string
	for i := range 50 {
		packages = append(packages, fmt.Sprintf("package%d 1.0.0 Number %d", i, i))
	}
	w := newSparseWorld(t, packages...)
	w.export()
	r := w.registry()

	// From nothing to everything.
	if got := versionsOf(t, r, "package7"); got != "1.0.0" {
		t.Errorf("versions %q", got)
	}
	w.server.wantAsked(t, "cold", "200 changes.jsonl", "200 "+packedPath(t, w.server.dir))
	if n, _, err := r.Count(t.Context()); n != 50 || err != nil {
		t.Errorf("%d packages, %v", n, err)
	}
	if found, err := r.Search(t.Context(), Query{Text: "package7"}); err != nil || len(found) == 0 || found[0].Name != "package7" {
		t.Errorf("found %v, %v", found, err)
	}
	if _, err := r.Package(t.Context(), "nowhere"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a package that is not there: %v", err)
	}
	w.server.wantAsked(t, "looking")

	// Nothing is new.
	for range 2 {
		if change := update(t, r); change.Old != change.New || change.New != w.up.head {
			t.Errorf("nothing new: %+v", change)
		}
		w.server.wantAsked(t, "nothing new", "304 changes.jsonl")
	}

	// A few packages, in several commits; one of them twice.
	before := w.up.head
	w.up.publish("package7 1.1.0")
	w.up.publish("package8 1.1.0", "other 1.0.0")
	w.up.publish("package7 1.2.0")
	w.up.commit(map[string]string{"policy.yaml": "format: 1\n", "pa/ck/package9": ""})
	w.export()
	change := update(t, r)
	if change.Old != before || change.New != w.up.head || change.Packages != 4 {
		t.Errorf("%+v, want %s to %s and 4 packages", change, before, w.up.head)
	}
	w.server.wantAsked(t, "four commits", "200 changes.jsonl", "200 ot/he/other", "200 pa/ck/package7", "200 pa/ck/package8")
	w.equalsGit(r)

	// More than the log tells of.
	var many []string
	for i := range 1001 {
		many = append(many, fmt.Sprintf("many%d 1.0.0", i))
	}
	w.up.publish(many...)
	w.export()
	update(t, r)
	w.server.wantAsked(t, "many", "200 changes.jsonl", "200 "+packedPath(t, w.server.dir))
	w.equalsGit(r)

	// Another run, another process, another project: all is there.
	again := w.registry("offline=true")
	w.server.Close()
	if got := versionsOf(t, again, "many7"); got != "1.0.0" {
		t.Errorf("offline %q", got)
	}
	if _, err := again.Update(t.Context(), UpdateOptions{}); !errors.Is(err, ErrNetwork) {
		t.Errorf("an update offline: %v", err)
	}
}

// equalsGit holds what is shown against the same index read over git.
func (w *sparseWorld) equalsGit(r Registry) {
	w.t.Helper()
	direct := w.open(w.mustLoad(), RegistryConfig{Name: "direct", URL: w.up.path})
	update(w.t, direct)
	want, err := direct.Search(w.t.Context(), Query{Text: "a"})
	must(w.t, err)
	got, err := r.Search(w.t.Context(), Query{Text: "a"})
	must(w.t, err)
	if len(got) != len(want) {
		w.t.Errorf("%d packages, over git %d", len(got), len(want))
	}
	for _, m := range want {
		if a, b := versionsOf(w.t, r, m.Name), versionsOf(w.t, direct, m.Name); a != b {
			w.t.Errorf("%s: versions %q, over git %q", m.Name, a, b)
		}
	}
}

func TestStaticExportIsHeldAgainstItsHistory(t *testing.T) {
	w := newSparseWorld(t, "hello 1.0.0")
	old := w.up.head
	w.up.publish("hello 1.1.0")
	w.export()
	r := w.registry()
	update(t, r)

	for name, test := range map[string]struct {
		commit func() string
		class  error
	}{
		"back":      {func() string { return old }, history.ErrRolledBack},
		"forked":    {func() string { return w.up.write(old, map[string]string{"README.md": "another way"}) }, history.ErrForked},
		"rewritten": {func() string { return w.up.write("", map[string]string{"config.json": "{\"dl\":\"https://x\"}"}) }, history.ErrRewritten},
	} {
		commit := test.commit()
		w.up.export(w.server.dir, commit, nil, w.now)
		_, err := r.Update(t.Context(), UpdateOptions{})
		if !errors.Is(err, test.class) || !errors.Is(err, ErrIntegrity) {
			t.Errorf("%s: %v, want %v", name, err, test.class)
		}
		if got := versionsOf(t, r, "hello"); got != "1.1.0" {
			t.Errorf("%s: shows %q", name, got)
		}
	}
	must(t, r.Close())

	// Without the packed file, what was known is still known.
	kept, err := filepath.Glob(filepath.Join(w.dir, "cache", "clyde", "registries", "*", "*.index"))
	must(t, err)
	must(t, removeAll(kept...))
	if _, err := w.registry().Package(t.Context(), "hello"); !errors.Is(err, history.ErrRewritten) {
		t.Errorf("made again from a rewritten history: %v", err)
	}

	// A change log that is gone would take the proof away.
	must(t, os.Remove(filepath.Join(w.server.dir, staticindex.ChangesFile)))
	w.export()
	update(t, w.registry())
	w.server.refuse[staticindex.ChangesFile] = http.StatusNotFound
	if _, err := w.registry().Update(t.Context(), UpdateOptions{}); !errors.Is(err, ErrIntegrity) {
		t.Errorf("without a change log: %v", err)
	}
}

func TestStaticExportIsHeldAgainstItsKey(t *testing.T) {
	w := newSparseWorld(t)
	signer, public := newKey(t)
	w.key = signer
	w.up.commit(map[string]string{
		"config.json":          `{"dl":"https://dl.example.org","clyde":{"format":1,"name":"up"}}`,
		"trust/index/main.pem": public,
	})
	w.up.publish("hello 1.0.0")
	w.export()
	r := w.registry()
	update(t, r)
	w.server.asked()

	// Within its time the signature stays, and the answer is empty.
	w.now = w.now.Add(time.Hour)
	w.export()
	update(t, r)
	w.server.wantAsked(t, "an hour later", "304 changes.jsonl")

	// After it, the index stands still.
	w.now = w.now.Add(48 * time.Hour)
	if _, err := r.Update(t.Context(), UpdateOptions{}); !errors.Is(err, history.ErrFrozen) || !errors.Is(err, ErrIntegrity) {
		t.Errorf("expired: %v", err)
	}
	w.export()
	update(t, r)

	// Nobody else can say what the head is.
	w.up.publish("hello 1.1.0")
	w.key = nil
	w.export()
	if _, err := r.Update(t.Context(), UpdateOptions{}); !errors.Is(err, staticindex.ErrSignature) || !errors.Is(err, ErrIntegrity) {
		t.Errorf("unsigned: %v", err)
	}
	w.key = signer
	w.export()
	changes := filepath.Join(w.server.dir, staticindex.ChangesFile)
	data, err := os.ReadFile(changes)
	must(t, err)
	must(t, os.WriteFile(changes, []byte(strings.Replace(string(data), "2027-", "2037-", 2)), 0o644))
	if _, err := r.Update(t.Context(), UpdateOptions{}); !errors.Is(err, staticindex.ErrSignature) {
		t.Errorf("another time: %v", err)
	}
	must(t, os.WriteFile(changes, data, 0o644))
	update(t, r)

	// A key that was known proves a head to which the log does not lead.
	w.now = w.now.Add(time.Minute)
	w.up.squash(signer, "yearly")
	w.export()
	if change := update(t, r); change.New != w.up.head {
		t.Errorf("after a squash: %+v", change)
	}
	// The statement of before the squash is no news.
	must(t, os.WriteFile(changes, data, 0o644))
	if _, err := r.Update(t.Context(), UpdateOptions{}); !errors.Is(err, ErrIntegrity) {
		t.Errorf("an older statement: %v", err)
	}
}

func TestStaticExportThatChangesMeanwhile(t *testing.T) {
	w := newSparseWorld(t, "hello 1.0.0")
	w.export()
	r := w.registry()
	update(t, r)
	w.up.publish("hello 1.1.0")
	w.export()
	w.server.asked()

	// A file that is not the one of the head: the packed file has it.
	w.server.replace["he/ll/hello"] = "{}\n"
	update(t, r)
	w.server.wantAsked(t, "another file", "200 changes.jsonl", "200 he/ll/hello", "200 "+packedPath(t, w.server.dir))
	if got := versionsOf(t, r, "hello"); got != "1.1.0" {
		t.Errorf("shows %q", got)
	}

	// Neither of them: nothing is changed.
	w.up.publish("hello 1.2.0")
	w.export()
	w.server.replace[packedPath(t, w.server.dir)] = "something else"
	if _, err := r.Update(t.Context(), UpdateOptions{}); !errors.Is(err, ErrIntegrity) {
		t.Errorf("a damaged packed file: %v", err)
	}
	if got := versionsOf(t, r, "hello"); got != "1.1.0" {
		t.Errorf("shows %q", got)
	}
	left, err := filepath.Glob(filepath.Join(w.dir, "cache", "clyde", "registries", "*", "*"))
	must(t, err)
	if len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
}

// plainWorld is a client of a registry with nothing but Cargo's files.
func plainWorld(t *testing.T, lines map[string][]index.Dependency) *sparseWorld {
	w := newSparseWorld(t)
	put := func(name, text string) {
		name = filepath.Join(w.server.dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(name), 0o755))
		must(t, os.WriteFile(name, []byte(text), 0o644))
	}
	put("config.json", `{"dl":"https://dl.example.org"}`)
	for name, deps := range lines {
		at, err := index.Path(name)
		must(t, err)
		e := index.Entry{Name: name, Vers: "1.0.0", Cksum: strings.Repeat("0", 64), Deps: deps}
		put(at, string(e.AppendLine(nil))+"\n")
	}
	return w
}

func needs(names ...string) []index.Dependency {
	var deps []index.Dependency
	for _, n := range names {
		deps = append(deps, index.Dependency{Name: n, Req: "^1", DefaultFeatures: true, Kind: index.KindNormal})
	}
	return deps
}

func TestPlainSparseRegistry(t *testing.T) {
	w := plainWorld(t, map[string][]index.Dependency{
		"root": needs("left", "right"), "left": needs("deep"), "right": needs("deep"), "deep": nil, "unused": nil,
	})
	r := w.registry()

	// The closure is asked for as soon as it is known, each file once.
	for _, name := range []string{"root", "left", "right", "deep"} {
		entries, err := r.Entries(t.Context(), name)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%s: %v %v", name, entries, err)
		}
	}
	all := []string{"200 config.json", "200 de/ep/deep", "200 le/ft/left", "200 ri/gh/right", "200 ro/ot/root", "404 changes.jsonl"}
	w.server.wantAsked(t, "cold", all...)
	if _, err := r.Package(t.Context(), "nowhere"); !errors.Is(err, ErrNotFound) || !isNoPackage(err) {
		t.Errorf("a package that is not there: %v", err)
	}
	for name, status := range map[string]int{"gone1": http.StatusGone, "legal": http.StatusUnavailableForLegalReasons} {
		at, err := index.Path(name)
		must(t, err)
		w.server.refuse[at] = status
		if _, err := r.Package(t.Context(), name); !isNoPackage(err) {
			t.Errorf("%d: %v", status, err)
		}
	}
	w.server.refuse["se/cr/secret"] = http.StatusForbidden
	if _, err := r.Package(t.Context(), "secret"); !errors.Is(err, ErrRefused) {
		t.Errorf("forbidden: %v", err)
	}
	w.server.replace["po/rt/portal"] = "<html>Log in, please</html>"
	if _, err := r.Package(t.Context(), "portal"); !errors.Is(err, ErrIntegrity) {
		t.Errorf("a page: %v", err)
	}
	if found, err := r.Search(t.Context(), Query{Text: "deep"}); err != nil || len(found) != 1 {
		t.Errorf("found %v, %v", found, err)
	}
	w.server.asked()
	must(t, r.Close())

	// The next run has all of it; what was not there is known, too.
	r = w.registry()
	for _, name := range []string{"root", "left", "right", "deep"} {
		versionsOf(t, r, name)
	}
	if _, err := r.Package(t.Context(), "nowhere"); !isNoPackage(err) {
		t.Errorf("a package that is not there: %v", err)
	}
	w.server.wantAsked(t, "warm")

	// After an update each is asked for once more, and did not change.
	w.now = w.now.Add(time.Second)
	update(t, r)
	versionsOf(t, r, "root")
	versionsOf(t, r, "root")
	w.server.wantAsked(t, "updated", "304 config.json", "304 ro/ot/root", "404 changes.jsonl")

	// What is damaged in the cache heals.
	kept, err := filepath.Glob(filepath.Join(w.dir, "cache", "clyde", "registries", "*", "files", "de", "ep", "deep"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v %v", kept, err)
	}
	must(t, os.WriteFile(kept[0], []byte("{\"asked\":\"2099-01-01T00:00:00Z\",\"sha256\":\"00\"}\nnonsense"), 0o644))
	if got := versionsOf(t, w.registry(), "deep"); got != "1.0.0" {
		t.Errorf("after damage %q", got)
	}
	w.server.wantAsked(t, "damaged", "200 de/ep/deep")
	must(t, r.Close())

	offline := w.registry("offline=true")
	w.server.Close()
	versionsOf(t, offline, "left")
	if _, err := offline.Package(t.Context(), "unused"); !errors.Is(err, ErrNetwork) {
		t.Errorf("offline, never fetched: %v", err)
	}
}

func TestPlainSparseRegistryIsBounded(t *testing.T) {
	w := plainWorld(t, map[string][]index.Dependency{"large": nil})
	w.server.replace["la/rg/large"] = strings.Repeat(" ", index.MaxFileSize+1)
	if _, err := w.registry().Package(t.Context(), "large"); !errors.Is(err, ErrIntegrity) {
		t.Errorf("a file without end: %v", err)
	}
	w.server.refuse["config.json"] = http.StatusNotFound
	if _, err := newFreshRegistry(w).Index(t.Context()); !errors.Is(err, ErrNotFound) {
		t.Errorf("no config.json: %v", err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.registry().Package(stopped, "large"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// newFreshRegistry is the registry as if nothing of it had been kept.
func newFreshRegistry(w *sparseWorld) Registry {
	must(w.t, os.RemoveAll(filepath.Join(w.dir, "cache")))
	return w.registry()
}
