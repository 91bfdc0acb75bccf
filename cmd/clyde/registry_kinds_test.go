package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/clydepm/clyde/internal/registrytest"
)

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
	reg := registrytest.New(t, registrytest.Ansi)
	folder := reg.Folder(t)
	forge := registrytest.NewForge(t)
	forge.AddAnsi(t, reg)
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
