package conformance_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/conformance"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/internal/registrytest"
)

const packages = registrytest.Ansi + `-- table/.clyde/package.yaml --
name: table
version: 1.0.0
description: Tables
license: MIT
dependencies:
  ansi: ^0.2
-- table/table.h --
table
-- tool/.clyde/package.yaml --
name: acme/tool
version: 2.0.0
description: A tool of acme
license: MIT
-- tool/tool.h --
tool
`

// kind is a registry of one kind, or with one wrapper, that has the packages.
type kind struct {
	config  client.RegistryConfig
	mirrors client.Mirrors
	names   []string // of the packages it has; nil is all
	blind   bool     // it cannot be searched
	live    bool     // it is read in place: no cache, and offline makes no difference
}

func kinds(t *testing.T) map[string]kind {
	reg := registrytest.New(t, packages)
	files := reg.Files(t)
	folder := reg.Folder(t)
	plain := serve(t, http.FileServer(http.Dir(folder)))
	static := filepath.Join(t.TempDir(), "static")
	source, err := registry.OpenSource(reg.Path, "")
	must(t, err)
	defer source.Close()
	_, err = registry.Export(t.Context(), source, static, registry.ExportOptions{Valid: 24 * time.Hour, Now: registrytest.Clock()})
	must(t, err)
	exported := serve(t, http.FileServer(http.Dir(static)))
	empty := registrytest.WriteFiles(t, map[string][]byte{"config.json": files["config.json"]})
	return map[string]kind{
		"git":           {config: client.RegistryConfig{URL: reg.Path, Kind: client.KindGit}},
		"dir":           {config: client.RegistryConfig{URL: folder, Kind: client.KindDir}, live: true},
		"sparse":        {config: client.RegistryConfig{URL: "sparse+" + plain + "/", Kind: client.KindSparse}, blind: true},
		"static export": {config: client.RegistryConfig{URL: "sparse+" + exported + "/", Kind: client.KindSparse}},
		"api":           {config: client.RegistryConfig{URL: reg.NewAPI(t).URL, Kind: client.KindAPI}},
		"hpm":           {config: client.RegistryConfig{URL: reg.NewHPM(t).URL + "/", Kind: client.KindAPI}},
		"packages":      {config: client.RegistryConfig{URL: reg.Archive, Kind: client.KindPackages}, live: true},
		"unpacked":      {config: client.RegistryConfig{URL: unpacked(t), Kind: client.KindPackages}, live: true},
		"github":        {config: client.RegistryConfig{URL: forge(t, reg).URL + "/octo/ansi", Kind: client.KindReleases}, names: []string{"ansi"}},
		"gitea":         {config: client.RegistryConfig{URL: giteaOnly(t, forge(t, reg)) + "/octo/ansi", Kind: client.KindReleases}, names: []string{"ansi"}},
		"source":        {config: client.RegistryConfig{URL: sourceForge(t).URL + "/octo/bare", Kind: client.KindReleases}, names: []string{"bare"}},
		"fallback": {config: client.RegistryConfig{
			URL: empty, Kind: client.KindDir, Fallback: []client.FallbackConfig{{URL: empty, Kind: client.KindDir}, {URL: reg.Path, Kind: client.KindGit}},
		}},
		"mirror": {
			config:  client.RegistryConfig{URL: "sparse+https://packages.example.org/index/", Kind: client.KindSparse},
			mirrors: client.Mirrors{{From: "https://packages.example.org/index", To: exported}},
		},
		"mirror in a folder": {
			config:  client.RegistryConfig{URL: "https://packages.example.org/acme/index.git", Kind: client.KindGit},
			mirrors: client.Mirrors{{From: "https://packages.example.org/acme/index.git", To: "file://" + reg.Path}},
		},
		"ttl": {config: client.RegistryConfig{URL: reg.NewAPI(t).URL, Kind: client.KindAPI, TTL: time.Hour}},
	}
}

// TestKinds: every kind and every wrapper passes every check.
func TestKinds(t *testing.T) {
	for name, k := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, k)
			r := w.open()
			report := w.check(r, k)
			for _, f := range report.Findings {
				skipped := f.Check == "registry/search" && k.blind || f.Check == "registry/signed" // nobody signs these
				if f.Status != conformance.Pass && !skipped {
					t.Errorf("%s %s: %s: %s", f.Status, f.Check, f.Where, f.Detail)
				}
			}
			if report.Archives == 0 || report.Versions == 0 {
				t.Errorf("looked at %d versions and %d archives", report.Versions, report.Archives)
			}
			w.sameOffline(r)
			w.heals()
			w.atOnce()
		})
	}
}

// world is a client of one registry.
type world struct {
	t      *testing.T
	k      kind
	config *client.Config
	ticks  atomic.Int64
}

func newWorld(t *testing.T, k kind) *world {
	dir := t.TempDir()
	k.config.Name = "it"
	if k.names == nil {
		k.names = []string{"ansi", "table", "acme/tool"}
	}
	return &world{t: t, k: k, config: &client.Config{
		Registries: []client.RegistryConfig{k.config}, Mirrors: k.mirrors, Jobs: 4, Timeout: time.Minute,
		Cache: filepath.Join(dir, "cache"), Store: filepath.Join(dir, "store"), Places: client.Places{Cache: filepath.Join(dir, "cache")},
	}}
}

// now is a clock that goes on a little each time it is looked at.
func (w *world) now() time.Time {
	return registrytest.Clock().Add(time.Duration(w.ticks.Add(1)) * time.Millisecond)
}

// closed is a network that must not be used.
type closed struct{ t *testing.T }

func (c closed) RoundTrip(r *http.Request) (*http.Response, error) {
	c.t.Errorf("offline, and asked %s", r.URL)
	return nil, fmt.Errorf("no network")
}

func (w *world) access(transport http.RoundTripper) client.Access {
	return client.Access{
		Now: w.now, HTTP: &http.Client{Transport: transport},
		Note: func(format string, args ...any) { w.t.Logf(format, args...) },
	}
}

func (w *world) open() client.Registry {
	w.t.Helper()
	r, err := client.OpenRegistry(w.config, w.config.Registries[0], w.access(http.DefaultTransport))
	must(w.t, err)
	w.t.Cleanup(func() { must(w.t, r.Close()) })
	return r
}

func (w *world) check(r client.Registry, k kind) *conformance.Report {
	w.t.Helper()
	opts := conformance.Options{Packages: 10, Archives: 10, Downloader: w.downloader()}
	if k.blind {
		opts.Names = w.k.names
	}
	report, err := conformance.Check(w.t.Context(), r, opts)
	must(w.t, err)
	return report
}

func (w *world) downloader() *client.Downloader {
	return &client.Downloader{HTTP: http.DefaultClient, Timeout: time.Minute, Report: quiet{}, Mirrors: w.config.Mirrors}
}

// answers are all lines that a registry has of the packages.
func (w *world) answers(r client.Registry) string {
	w.t.Helper()
	var text strings.Builder
	for _, name := range w.k.names {
		file, err := r.Package(w.t.Context(), name)
		if err != nil {
			w.t.Errorf("%s: %v", name, err)
			continue
		}
		entries, err := r.Entries(w.t.Context(), name)
		must(w.t, err)
		if len(entries) != len(file.Entries) {
			w.t.Errorf("%s: %d lines to resolve with and %d to show", name, len(entries), len(file.Entries))
		}
		for i, e := range file.Entries {
			text.Write(e.AppendLine(nil))
			text.WriteByte('\n')
			if entries[i].Vers != e.Vers || entries[i].Cksum != e.Cksum {
				w.t.Errorf("%s: to resolve with it is %s %s, and to show %s %s", name, entries[i].Vers, entries[i].Cksum, e.Vers, e.Cksum)
			}
		}
	}
	return text.String()
}

// sameOffline: what was told before is told with no network, by another run.
func (w *world) sameOffline(r client.Registry) {
	w.t.Helper()
	want := w.answers(r)
	offline := *w.config
	offline.Offline = true
	again, err := client.OpenRegistry(&offline, offline.Registries[0], w.access(closed{w.t}))
	must(w.t, err)
	defer again.Close()
	if got := w.answers(again); got != want {
		w.t.Errorf("offline it says\n%s\nand said\n%s", got, want)
	}
}

// heals: whatever happens to the cache, the answers are the same.
func (w *world) heals() {
	w.t.Helper()
	want := w.answers(w.open())
	for what, harm := range map[string]func(name string) error{
		"damaged": func(name string) error { return os.WriteFile(name, []byte("{\"damaged\":"), 0o644) },
		"emptied": func(name string) error { return os.WriteFile(name, nil, 0o644) },
		"gone":    os.Remove,
	} {
		must(w.t, filepath.WalkDir(filepath.Join(w.config.Cache, "registries"), func(name string, e os.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			if err != nil || !e.Type().IsRegular() || strings.HasSuffix(name, ".lock") {
				return err
			}
			return harm(name)
		}))
		if got := w.answers(w.open()); got != want {
			w.t.Errorf("cache %s: it says\n%s\nand said\n%s", what, got, want)
		}
	}
}

// atOnce: many questions at a time have the answers of one.
func (w *world) atOnce() {
	w.t.Helper()
	want := w.answers(w.open())
	shared := w.open()
	done := make(chan string)
	for range 8 {
		go func() { done <- w.answers(shared) }()
	}
	for range 8 {
		if got := <-done; got != want {
			w.t.Errorf("at once it says\n%s\nand said\n%s", got, want)
		}
	}
}

type quiet struct{}

func (quiet) Note(string)                            {}
func (quiet) Expect(int, int64)                      {}
func (quiet) Download(string, int64) client.Transfer { return quiet{} }
func (quiet) At(int64)                               {}
func (quiet) Advance(int64)                          {}
func (quiet) Done(error)                             {}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func serve(t *testing.T, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// forge has the versions of ansi as releases, each with its archive.
func forge(t *testing.T, reg *registrytest.Registry) *registrytest.Forge {
	f := registrytest.NewForge(t)
	f.AddAnsi(t, reg)
	f.AddRelease("octo/ansi", "v9.0.0", true, false) // a draft
	f.AddRelease("octo/ansi", "nightly", false, false)
	return f
}

// giteaOnly is a forge that has no API of GitHub.
func giteaOnly(t *testing.T, f *registrytest.Forge) string {
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/v3/") {
			http.NotFound(w, r)
			return
		}
		http.Redirect(w, r, f.URL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	}))
}

// sourceForge has a release with nothing but its tag.
func sourceForge(t *testing.T) *registrytest.Forge {
	f := registrytest.NewForge(t)
	f.AddRepository("octo/bare", map[string]string{".clyde/package.yaml": "name: bare\nversion: 1.0.0\ndescription: Nothing but files\nlicense: MIT\n", "bare.h": "bare\n"})
	f.AddTag("octo/bare", "1.0.0")
	f.AddRelease("octo/bare", "1.0.0", false, false)
	return f
}

// unpacked has the packages as folders.
func unpacked(t *testing.T) string {
	manifest := func(name, version, more string) []byte {
		return fmt.Appendf(nil, "name: %s\nversion: %s\ndescription: Words\nlicense: MIT\n%s", name, version, more)
	}
	return registrytest.WriteFiles(t, map[string][]byte{
		"ansi/0.1.0/.clyde/package.yaml":      manifest("ansi", "0.1.0", ""),
		"ansi/0.1.0/ansi.h":                   []byte("one"),
		"ansi/0.2.0/.clyde/package.yaml":      manifest("ansi", "0.2.0", ""),
		"ansi/0.2.0/ansi.h":                   []byte("two"),
		"table/1.0.0/.clyde/package.yaml":     manifest("table", "1.0.0", "dependencies:\n  ansi: ^0.2\n"),
		"acme/tool/2.0.0/.clyde/package.yaml": manifest("acme/tool", "2.0.0", ""),
	})
}
