package registrytest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/registry"
)

// API is a server with an HTTP API over the lines of a registry, on loopback. It
// tags what it answers, and gives long lists in pages. A request that the API
// does not have fails the test, but for those that ask which API it is.
type API struct {
	URL string

	t    testing.TB
	page int // versions and packages on a page

	mu    sync.Mutex
	lines map[string][]*index.Entry // by lower-case name
	calls []string                  // "status URI"
	// Change, when set, may alter an answer before it is sent.
	Change func(uri string, status *int, body *[]byte)
}

// NewAPI serves the lines of the registry's head by clyde's API, in pages of two.
func (r *Registry) NewAPI(t testing.TB) *API {
	t.Helper()
	a := &API{t: t, page: 2, lines: r.entries(t)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /packages/{name}/versions", a.versions)
	mux.HandleFunc("GET /packages/{name}", a.newest)
	mux.HandleFunc("GET /packages/{name}/{version}/download", a.download)
	mux.HandleFunc("GET /search", a.search)
	a.start(mux, "/config.json", "/packages")
	return a
}

// NewHPM serves the lines of the registry's head by HPM's API.
func (r *Registry) NewHPM(t testing.TB) *API {
	t.Helper()
	a := &API{t: t, lines: r.entries(t)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /packages", a.hpmSearch)
	mux.HandleFunc("GET /packages/{name...}", a.hpmVersions)
	a.start(mux, "/config.json", "/search")
	return a
}

// start serves, and answers 404 for the addresses that a client may try.
func (a *API) start(mux *http.ServeMux, tried ...string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		if _, pattern := mux.Handler(r); pattern == "" {
			if !slices.Contains(tried, r.URL.Path) {
				a.t.Errorf("the API has no %s %s", r.Method, r.URL.RequestURI())
			}
			recorded.WriteHeader(http.StatusNotFound)
		} else {
			mux.ServeHTTP(recorded, r)
		}
		status, body := recorded.Code, recorded.Body.Bytes()
		a.mu.Lock()
		if a.Change != nil {
			a.Change(r.URL.RequestURI(), &status, &body)
		}
		a.mu.Unlock()
		if status == http.StatusOK {
			tag := fmt.Sprintf(`"%x"`, sha256.Sum256(body))
			w.Header().Set("ETag", tag)
			if r.Header.Get("If-None-Match") == tag {
				status, body = http.StatusNotModified, nil
			}
		}
		a.mu.Lock()
		a.calls = append(a.calls, fmt.Sprintf("%d %s", status, r.URL.RequestURI()))
		a.mu.Unlock()
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	a.t.Cleanup(server.Close)
	a.URL = server.URL
}

// Calls are the requests since the last call, as "STATUS URI", and forgets them.
func (a *API) Calls() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	calls := a.calls
	a.calls = nil
	return calls
}

// Alter has a function alter every answer from now on.
func (a *API) Alter(change func(uri string, status *int, body *[]byte)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Change = change
}

// entries are the lines of the registry's head, by lower-case name.
func (r *Registry) entries(t testing.TB) map[string][]*index.Entry {
	t.Helper()
	all := map[string][]*index.Entry{}
	for name, lines := range r.Files(t) {
		if pkg, ok := index.NameOf(name); ok {
			all[pkg] = index.ParseFile(lines).Entries
		}
	}
	return all
}

// Files are the files of the index at the registry's head.
func (r *Registry) Files(t testing.TB) map[string][]byte {
	t.Helper()
	source, err := registry.OpenSource(r.Path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	files := map[string][]byte{}
	err = fs.WalkDir(source.Tree, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(source.Tree, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func (a *API) answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		a.t.Error(err)
	}
}

// paged is one page of a list, and where it goes on.
func paged[T any](r *http.Request, all []T, size int) (list []T, next string) {
	from, _ := strconv.Atoi(r.URL.Query().Get("from"))
	from = min(max(from, 0), len(all))
	to := min(from+size, len(all))
	if to < len(all) {
		q := r.URL.Query()
		q.Set("from", strconv.Itoa(to))
		next = r.URL.EscapedPath() + "?" + q.Encode()
	}
	return append([]T{}, all[from:to]...), next
}

func (a *API) versions(w http.ResponseWriter, r *http.Request) {
	entries, ok := a.lines[strings.ToLower(r.PathValue("name"))]
	if !ok {
		http.NotFound(w, r)
		return
	}
	var lines []json.RawMessage
	for _, e := range entries {
		line := e.Clone()
		line.DL = "" // it is downloaded from here
		lines = append(lines, line.AppendLine(nil))
	}
	list, next := paged(r, lines, a.page)
	body := map[string]any{"name": entries[0].Name, "versions": list}
	if next != "" {
		body["next"] = next
	}
	a.answer(w, body)
}

// download gives the archive, which lies on this machine.
func (a *API) download(w http.ResponseWriter, r *http.Request) {
	for _, e := range a.lines[strings.ToLower(r.PathValue("name"))] {
		if e.Vers == r.PathValue("version") {
			http.ServeFile(w, r, strings.TrimPrefix(e.DL, "file://"))
			return
		}
	}
	http.NotFound(w, r)
}

func (a *API) newest(w http.ResponseWriter, r *http.Request) {
	entries, ok := a.lines[strings.ToLower(r.PathValue("name"))]
	if !ok {
		http.NotFound(w, r)
		return
	}
	last := entries[len(entries)-1]
	a.answer(w, map[string]any{"name": last.Name, "version": last.Vers, "description": last.Description})
}

// matching are the newest versions of the packages whose name or description has
// the words, by name.
func (a *API) matching(words string) []*index.Entry {
	found := []*index.Entry{}
	for _, entries := range a.lines {
		last := entries[len(entries)-1]
		if strings.Contains(strings.ToLower(last.Name+" "+last.Description), strings.ToLower(words)) {
			found = append(found, last)
		}
	}
	slices.SortFunc(found, func(a, b *index.Entry) int { return strings.Compare(a.Name, b.Name) })
	return found
}

func (a *API) search(w http.ResponseWriter, r *http.Request) {
	type match struct {
		Name        string   `json:"name"`
		Version     string   `json:"version"`
		Description string   `json:"description,omitempty"`
		Keywords    []string `json:"keywords,omitempty"`
	}
	var all []match
	for _, e := range a.matching(r.URL.Query().Get("q")) {
		all = append(all, match{e.Name, e.Vers, e.Description, e.Keywords})
	}
	list, next := paged(r, all, a.page)
	body := map[string]any{"packages": list, "total": len(all)}
	if next != "" {
		body["next"] = next
	}
	a.answer(w, body)
}

// hpmBuilds are a version's archives in HPM's words.
func hpmBuilds(e *index.Entry) []map[string]any {
	deps := []map[string]any{}
	for _, d := range e.Deps {
		deps = append(deps, map[string]any{"name": d.Name, "req": d.Req, "optional": d.Optional})
	}
	build := func(dl, cksum string) map[string]any {
		return map[string]any{"name": e.Name, "vers": e.Vers, "deps": deps, "cksum": "sha256:" + cksum, "dl": dl, "yanked": e.Yanked, "description": e.Description}
	}
	all := []map[string]any{build(e.DL, e.Cksum)}
	for _, b := range e.Builds {
		one := build(b.DL, b.Cksum)
		one["platform"] = b.Platform
		all = append(all, one)
	}
	return all
}

func (a *API) hpmVersions(w http.ResponseWriter, r *http.Request) {
	name := strings.ToLower(r.PathValue("name"))
	if entries, ok := a.lines[name]; ok {
		var all []map[string]any
		for _, e := range entries {
			all = append(all, hpmBuilds(e)...)
		}
		a.answer(w, map[string]any{"versions": all})
		return
	}
	at := strings.LastIndexByte(name, '/')
	for _, e := range a.lines[name[:max(at, 0)]] {
		if e.Vers == name[at+1:] {
			a.answer(w, map[string]any{"builds": hpmBuilds(e)})
			return
		}
	}
	http.NotFound(w, r)
}

func (a *API) hpmSearch(w http.ResponseWriter, r *http.Request) {
	all := []map[string]any{}
	for _, e := range a.matching(r.URL.Query().Get("q")) {
		all = append(all, hpmBuilds(e)[0])
	}
	a.answer(w, map[string]any{"packages": all, "total": len(all)})
}
