package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/registrytest"
)

const ansiPackages = `
-- ansi-1/.clyde/package.yaml --
name: ansi
version: 0.1.0
description: Colours
license: MIT
-- ansi-1/ansi.h --
one
-- ansi-2/.clyde/package.yaml --
name: ansi
version: 0.2.0
description: Colours for terminals
license: MIT
-- ansi-2/ansi.h --
two
-- ansi-3/.clyde/package.yaml --
name: ansi
version: 0.3.0
description: Colours for terminals
license: MIT
-- ansi-3/ansi.h --
three
`

// guard is a server in front of another that lets pass archives only, once it is
// told to.
type guard struct{ only atomic.Bool }

func (g *guard) wrap(t *testing.T, to http.Handler) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.only.Load() && !strings.HasSuffix(r.URL.Path, "/download") && !strings.HasSuffix(r.URL.Path, ".tar.gz") {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		to.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestKindsOfRegistries runs one transcript against a registry of every kind.
func TestKindsOfRegistries(t *testing.T) {
	reg := registrytest.New(t, ansiPackages)
	folder := t.TempDir()
	for name, data := range reg.Files(t) {
		name = filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	forge := registrytest.NewForge(t)
	forge.AddRepository("octo/ansi", map[string]string{"README.md": "ansi\n"})
	for _, e := range index.ParseFile(reg.Files(t)["an/si/ansi"]).Entries {
		data, err := os.ReadFile(strings.TrimPrefix(e.DL, "file://"))
		if err != nil {
			t.Fatal(err)
		}
		forge.AddRelease("octo/ansi", "v"+e.Vers, false, false)
		forge.AddAsset("octo/ansi", "v"+e.Vers, filepath.Base(e.DL), data, false)
	}
	for _, kind := range []struct {
		name, kind string
		address    func(g *guard) string
	}{
		{"git", "git", func(*guard) string { return reg.Path }},
		{"dir", "dir", func(*guard) string { return folder }},
		{"packages", "packages", func(*guard) string { return reg.Archive }},
		{"api", "api", func(g *guard) string { return g.behind(reg.NewAPI(t)) }},
		{"hpm", "api", func(g *guard) string { return g.behind(reg.NewHPM(t)) }},
		{"sparse", "sparse", func(g *guard) string {
			return "sparse+" + g.wrap(t, http.FileServer(http.Dir(folder))) + "/"
		}},
		{"releases", "releases", func(g *guard) string { return g.before(forge) + "/octo/ansi" }},
	} {
		t.Run(kind.name, func(t *testing.T) {
			g := &guard{}
			address := kind.address(g)
			params := scriptParams(t, "kinds")
			params.Cmds["archives"] = func(*testscript.TestScript, bool, []string) { g.only.Store(true) }
			setup := params.Setup
			params.Setup = func(env *testscript.Env) error {
				env.Setenv("KIND", kind.kind)
				env.Setenv("ADDRESS", address)
				return setup(env)
			}
			testscript.Run(t, params)
		})
	}
}

// behind lets an API refuse everything but archives, once it is told to.
func (g *guard) behind(api *registrytest.API) string {
	api.Alter(func(uri string, status *int, body *[]byte) {
		if g.only.Load() && !strings.HasSuffix(uri, "/download") {
			*status, *body = http.StatusTeapot, nil
		}
	})
	return api.URL
}

// before lets a forge refuse everything but archives, once it is told to.
func (g *guard) before(forge *registrytest.Forge) string {
	forge.Break(func(_ int, r *http.Request) registrytest.Fault {
		if g.only.Load() && !strings.HasSuffix(r.URL.Path, ".tar.gz") {
			return registrytest.Fault{Status: http.StatusTeapot}
		}
		return registrytest.Fault{}
	})
	return forge.URL
}
