package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/registrytest"
)

const twoPackages = `
-- ansi/.clyde/package.yaml --
name: ansi
version: 0.1.0
description: Colours
license: MIT
-- tool/.clyde/package.yaml --
name: acme/tool
version: 2.0.0
description: A tool of acme
license: MIT
dependencies:
  ansi: ^0.1
`

// served is a client of one registry, with a clock of its own.
type served struct {
	t     *testing.T
	c     *Config
	now   time.Time
	notes []string
}

func newServed(t *testing.T, entry RegistryConfig) *served {
	t.Helper()
	entry.Name = "it"
	return &served{t: t, now: registrytest.Clock(), c: &Config{
		Registries: []RegistryConfig{entry}, Jobs: 4, Timeout: 10 * time.Second, Cache: t.TempDir(),
	}}
}

// open opens the registry anew, as another run of the program does.
func (s *served) open() Registry {
	s.t.Helper()
	r, err := OpenRegistry(s.c, s.c.Registries[0], Access{
		Now: func() time.Time { return s.now }, Note: func(f string, a ...any) { s.notes = append(s.notes, fmt.Sprintf(f, a...)) },
	})
	must(s.t, err)
	s.t.Cleanup(func() { must(s.t, r.Close()) })
	return r
}

func (s *served) versions(r Registry, name string) string {
	s.t.Helper()
	file, err := r.Package(s.t.Context(), name)
	if err != nil {
		return err.Error()
	}
	var all []string
	for _, e := range file.Entries {
		all = append(all, e.Vers)
	}
	return strings.Join(all, " ")
}

// TestAPIAsksLittle: within its time to live an answer is not asked for again,
// after that, and after an update, with what the server said of its state.
func TestAPIAsksLittle(t *testing.T) {
	api := registrytest.New(t, twoPackages).NewAPI(t)
	s := newServed(t, RegistryConfig{URL: api.URL, Kind: KindAPI, TTL: time.Hour})
	want := func(what string, calls ...string) {
		t.Helper()
		if got := api.Calls(); !slices.Equal(got, calls) {
			t.Errorf("%s: asked %q, want %q", what, got, calls)
		}
	}
	ask := func() {
		t.Helper()
		if got := s.versions(s.open(), "acme/tool"); got != "2.0.0" {
			t.Errorf("versions %s", got)
		}
	}
	ask()
	want("first", "200 /search?limit=100&q=a", "200 /packages/acme%2Ftool/versions")
	s.now = s.now.Add(59 * time.Minute)
	ask()
	want("in time")
	s.now = s.now.Add(2 * time.Minute)
	ask()
	want("later", "304 /search?limit=100&q=a", "304 /packages/acme%2Ftool/versions")
	for range 2 {
		s.now = s.now.Add(time.Second)
		r := s.open()
		if _, err := r.Update(t.Context(), UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		want("update", "304 /search?limit=100&q=a")
	}
	s.now = s.now.Add(time.Second)
	s.c.Offline = true
	ask()
	want("offline")
	if got := s.versions(s.open(), "ansi"); !strings.Contains(got, "needed but not here") {
		t.Errorf("offline, of what was never asked: %s", got)
	}
	want("offline")
}

// TestAPIRefuses: what a server must not say is refused, with its address.
func TestAPIRefuses(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"no JSON":        {"<html>", "is no JSON object"},
		"no list":        {`{"versions":{}}`, `has no list "versions"`},
		"null":           {`{"versions":null}`, `has no list "versions"`},
		"endless":        {`{"versions":[],"next":"?again"}`, "that does not end"},
		"other server":   {`{"versions":[],"next":"https://elsewhere.example.org/"}`, "continues on another server, elsewhere.example.org"},
		"other protocol": {`{"versions":[],"next":"file:///etc/passwd"}`, "continues on another server"},
		"other user":     {`{"versions":[],"next":"//user@/x"}`, "another server"},
		"no address":     {`{"versions":[],"next":7}`, `a "next" that is no URL`},
		"too much":       {`{"versions":[]` + strings.Repeat(" ", 33<<20) + `}`, "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := registrytest.New(t, twoPackages).NewAPI(t)
			api.Alter(func(uri string, _ *int, body *[]byte) {
				if strings.HasPrefix(uri, "/packages/ansi/versions") {
					*body = []byte(c.body)
				}
			})
			s := newServed(t, RegistryConfig{URL: api.URL, Kind: KindAPI})
			r := s.open()
			_, err := r.Package(t.Context(), "ansi")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "/packages/ansi/versions") || !errors.Is(err, ErrIntegrity) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if got := s.versions(r, "acme/tool"); got != "2.0.0" {
				t.Errorf("another package: %s", got)
			}
		})
	}
}

// TestHPMBuilds: the archives of one version become one line.
func TestHPMBuilds(t *testing.T) {
	digest := func(c string) string { return strings.Repeat(c, 64) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/packages":
			fmt.Fprint(w, `{"packages":[],"total":0}`)
		case "/packages/acme/rig":
			fmt.Fprintf(w, `{"versions":[
				{"name":"acme/rig","vers":"1.0.0","dl":"https://x.example/u.tar.gz","cksum":"sha256:%s"},
				{"name":"acme/rig","vers":"1.0.0","dl":"https://x.example/l.tar.gz","cksum":"sha256:%s","platform":"linux-x86_64"},
				{"name":"acme/rig","vers":"1.1.0","dl":"https://x.example/w.tar.gz","cksum":"sha256:%s","platform":"windows-x86_64"},
				{"name":"acme/rig","vers":"1.2.0","dl":"https://x.example/p.tar.gz","cksum":"sha256:%s","platform":"plan9-amd64"},
				{"name":"acme/rig","vers":"1.3.0","dl":"https://x.example/n.tar.gz","deps":[{"name":"acme/base","req":">=2"}]}]}`,
				digest("a"), digest("b"), digest("c"), digest("d"))
		case "/packages/acme/rig/1.3.0":
			fmt.Fprintf(w, `{"builds":[{"name":"acme/rig","vers":"1.3.0","dl":"https://x.example/n.tar.gz","cksum":"sha256:%s","deps":[{"name":"acme/base","req":">=2"}]}]}`, digest("e"))
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	r := newServed(t, RegistryConfig{URL: server.URL, Kind: KindAPI}).open()
	file, err := r.Package(t.Context(), "acme/rig")
	must(t, err)
	var got []string
	for _, e := range file.Entries {
		line := fmt.Sprint(e.Vers, " ", e.Cksum[:1], " ", e.Platforms)
		for _, b := range e.Builds {
			line += " " + b.Platform + "=" + b.Cksum[:1]
		}
		for _, d := range e.Deps {
			line += " needs " + d.Name + " " + d.Req
		}
		got = append(got, line)
	}
	want := []string{"1.0.0 a [] linux-x86_64=b", "1.1.0 c [windows-x86_64] windows-x86_64=c", "1.3.0 e [] needs acme/base >=2"}
	if !slices.Equal(got, want) {
		t.Errorf("lines\n%q\nwant\n%q", got, want)
	}
}

// TestFallbackFallsThrough: only that a package is not there leads to the next
// registry, and the error lists who was asked.
func TestFallbackFallsThrough(t *testing.T) {
	status := 0
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/config.json":
			fmt.Fprint(w, `{"dl":"https://x.example"}`)
		case status != 0:
			w.WriteHeader(status)
		default:
			http.NotFound(w, r)
		}
	}))
	defer first.Close()
	second := registrytest.New(t, twoPackages)
	s := newServed(t, RegistryConfig{URL: "sparse+" + first.URL + "/", Kind: KindSparse, Fallback: []FallbackConfig{{URL: second.Path}}})
	if got := s.versions(s.open(), "ansi"); got != "0.1.0" {
		t.Errorf("of the second registry: %s", got)
	}
	_, err := s.open().Package(t.Context(), "nothing")
	if !isNoPackage(err) || err.Error() != fmt.Sprintf("no package \"nothing\": sparse+%s/ does not have it, %s does not have it", first.URL, second.Path) {
		t.Errorf("in none: %v", err)
	}
	status = http.StatusForbidden
	_, err = s.open().Package(t.Context(), "acme/tool")
	if err == nil || isNoPackage(err) || !strings.Contains(err.Error(), "403") {
		t.Errorf("the first does not answer: %v", err)
	}
	status = 0
	second.Yank(t, "ansi", "0.1.0") // the second one answers still
	third := newServed(t, RegistryConfig{URL: "sparse+" + first.URL + "/", Kind: KindSparse, Fallback: []FallbackConfig{
		{URL: second.Path}, {URL: "http://127.0.0.1:1/index.git", Kind: KindDir},
	}})
	if _, err := OpenRegistry(third.c, third.c.Registries[0], Access{Now: time.Now}); err == nil || !strings.Contains(err.Error(), "fallback of registry it") {
		t.Errorf("a fallback that cannot be: %v", err)
	}
}

// TestRateLimit is told with its end.
func TestRateLimit(t *testing.T) {
	f := registrytest.NewForge(t)
	f.AddRepository("octo/ansi", map[string]string{"README.md": "x"})
	s := newServed(t, RegistryConfig{URL: f.URL + "/octo/ansi", Kind: KindReleases})
	f.Break(func(int, *http.Request) registrytest.Fault {
		return registrytest.PrimaryLimit(time.Now().Add(42 * time.Minute))
	})
	_, err := s.open().Package(t.Context(), "ansi")
	if !errors.Is(err, ErrNetwork) || !strings.Contains(err.Error(), "the 5000 requests that it allows are used up") || !strings.Contains(hintOf(err), "in 42m0s, or log in") && !strings.Contains(hintOf(err), "in 41m5") {
		t.Errorf("%v\n%s", err, hintOf(err))
	}
	if n := len(f.Calls()); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// TestReleasesReadLittle: of an archive whose checksum the host tells only the
// beginning is read, once, and what is no version is told.
func TestReleasesReadLittle(t *testing.T) {
	reg := registrytest.New(t, twoPackages)
	f := registrytest.NewForge(t)
	f.AddRepository("octo/ansi", map[string]string{"README.md": "x"})
	for _, tag := range []string{"v0.1.0", "v0.2.0", "v0.3.0"} {
		f.AddRelease("octo/ansi", tag, false, false)
		f.AddAsset("octo/ansi", tag, "ansi-"+tag[1:]+".tar.gz", archiveIn(t, reg, "ansi"), false)
	}
	s := newServed(t, RegistryConfig{URL: f.URL + "/octo/ansi", Kind: KindReleases})
	if got := s.versions(s.open(), "ansi"); got != "0.1.0" {
		t.Errorf("versions %s", got)
	}
	if !slices.ContainsFunc(s.notes, func(n string) bool {
		return strings.Contains(n, "release v0.2.0 is left out: its tag says 0.2.0, and .clyde/package.yaml in its archive says 0.1.0")
	}) {
		t.Errorf("notes %q", s.notes)
	}
	f.Calls()
	s.now = s.now.Add(time.Hour)
	if got := s.versions(s.open(), "ansi"); got != "0.1.0" {
		t.Errorf("again: versions %s", got)
	}
	for _, c := range f.Calls() {
		if !strings.Contains(c.Path, "/releases?") {
			t.Errorf("asked again for %s", c.Path)
		}
	}
}

func archiveIn(t *testing.T, reg *registrytest.Registry, name string) []byte {
	t.Helper()
	r := newServed(t, RegistryConfig{URL: reg.Path}).open()
	file, err := r.Package(t.Context(), name)
	must(t, err)
	data, err := readBounded(strings.TrimPrefix(file.Entries[0].DL, "file://"), 1<<20)
	must(t, err)
	return data
}

// TestSparseSearch: a registry without a list of names is searched by cargo's
// web API if it has one, and else says what it cannot do.
func TestSparseSearch(t *testing.T) {
	api := ""
	server := httptest.NewServer(nil)
	defer server.Close()
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/config.json":
			fmt.Fprintf(w, `{"dl":"https://x.example","api":%q}`, api)
		case "/se/rd/serde":
			fmt.Fprintf(w, `{"name":"serde","vers":"1.0.0","deps":[],"cksum":"%s","features":{},"yanked":false}`, strings.Repeat("0", 64))
		case "/api/v1/crates":
			fmt.Fprintf(w, `{"crates":[{"name":"serde_%s","max_version":"2.0.0","description":"d"},{"name":"../x","max_version":"1.0.0"}],"meta":{"total":2}}`, r.URL.Query().Get("q"))
		default:
			http.NotFound(w, r)
		}
	})
	search := func(s *served, text string) string {
		found, err := s.open().Search(context.Background(), Query{Text: text})
		must(t, err)
		var names []string
		for _, m := range found {
			names = append(names, m.Name+" "+m.Version)
		}
		return strings.Join(names, ", ")
	}
	s := newServed(t, RegistryConfig{URL: "sparse+" + server.URL + "/", Kind: KindSparse})
	if got := search(s, "serde"); got != "serde 1.0.0" {
		t.Errorf("by the whole name: %q", got)
	}
	if len(s.notes) == 0 || !strings.Contains(s.notes[len(s.notes)-1], `cannot be searched; it was asked for a package called "serde"`) {
		t.Errorf("notes %q", s.notes)
	}
	if n, known, err := s.open().Count(t.Context()); n != 0 || known || err != nil {
		t.Errorf("count %d %v %v", n, known, err)
	}
	api = server.URL
	s = newServed(t, RegistryConfig{URL: "sparse+" + server.URL + "/", Kind: KindSparse})
	if got := search(s, "json"); got != "serde_json 2.0.0" || strings.Contains(strings.Join(s.notes, " "), "cannot be searched") {
		t.Errorf("by the web API: %q, notes %q", got, s.notes)
	}
}

// TestOtherAddress: a server that is no API is told what it may be.
func TestOtherAddress(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/config.json" {
			fmt.Fprint(w, `{"dl":"https://x.example"}`)
			return
		}
		http.NotFound(w, r)
	}))
	defer server.Close()
	_, err := newServed(t, RegistryConfig{URL: server.URL, Kind: KindAPI}).open().Update(t.Context(), UpdateOptions{})
	if !errors.Is(err, ErrNotFound) || hintOf(err) != "it has the files of an index: use the address sparse+"+server.URL {
		t.Errorf("%v\n%s", err, hintOf(err))
	}
}
