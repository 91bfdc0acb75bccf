package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/resolve"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// countedIndex is a sparse registry that remembers which files it was asked for.
type countedIndex struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

// newCountedIndex serves packages, each with one version and what that needs.
func newCountedIndex(t *testing.T, packages map[string][]string) *countedIndex {
	t.Helper()
	files := map[string]string{"/config.json": `{"dl":"http://127.0.0.1:1/dl"}`}
	for name, needs := range packages {
		e := index.Entry{Name: name, Vers: "1.0.0", Cksum: strings.Repeat("0", 64)}
		for _, n := range needs {
			e.Deps = append(e.Deps, index.Dependency{Name: n, Req: "^1", DefaultFeatures: true, Kind: index.KindNormal})
		}
		path, err := index.Path(name)
		must(t, err)
		files["/"+path] = string(e.AppendLine(nil)) + "\n"
	}
	s := &countedIndex{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, r.URL.String())
		content, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, content)
	}))
	t.Cleanup(s.Close)
	return s
}

// wantNever fails when a request had the text in its URL.
func (s *countedIndex) wantNever(t *testing.T, text string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, url := range s.asked {
		if strings.Contains(url, text) {
			t.Errorf("asked for %s", url)
		}
	}
}

// waitFor waits until a file was asked for.
func (s *countedIndex) waitFor(t *testing.T, path string) {
	t.Helper()
	for range 500 {
		s.mu.Lock()
		asked := slices.Contains(s.asked, path)
		s.mu.Unlock()
		if asked {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("never asked for %s", path)
}

// claimWorld has a private registry, which claims names, and a public one, which
// has packages of such names, too.
func claimWorld(t *testing.T) (w *world, corp, public *countedIndex, set *Registries) {
	t.Helper()
	w = newWorld(t)
	corp = newCountedIndex(t, map[string][]string{"acme/base": nil, "acme-log": {"acme_text"}, "acme_text": nil, "hello": nil})
	public = newCountedIndex(t, map[string][]string{
		"acme/base": nil, "acme/evil": nil, "acme-log": nil, "acme-text": nil, "Acme.Tools": nil,
		"app": {"acme-log", "other"}, "plain": {"other"}, "other": nil, "hello": nil,
	})
	w.write("config/clyde/config.yaml", fmt.Sprintf(`
registries:
  - {name: public, url: "sparse+%s"}
  - name: corp
    url: "sparse+%s"
    claims: ["acme/*", "acme-*"]
`, public.URL, corp.URL))
	set, err := OpenRegistries(w.mustLoad(), w.access())
	must(t, err)
	t.Cleanup(func() { must(t, set.Close()) })
	return w, corp, public, set
}

func TestClaimedNamesAreAskedOfOneRegistry(t *testing.T) {
	_, corp, public, set := claimWorld(t)
	ctx := t.Context()
	for _, name := range []string{"acme/base", "acme-log", "ACME_Log", "acme.text"} {
		if r, err := set.Locate(ctx, name, "", ""); err == nil && r.Config().Name != "corp" {
			t.Errorf("%s: %s", name, r.Config().Name)
		}
	}
	// What the claiming registry does not have is nowhere.
	for _, name := range []string{"acme/evil", "Acme.Tools"} {
		_, err := set.Locate(ctx, name, "", "")
		if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), `in corp, which claims "acme`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A lock that has it from elsewhere does not count, and a pin is refused.
	if r, err := set.Locate(ctx, "acme/base", "", "sparse+"+public.URL); err != nil || r.Config().Name != "corp" {
		t.Errorf("locked from elsewhere: %v", err)
	}
	for _, pin := range []string{"public", "sparse+" + public.URL} {
		var claimed *ClaimedError
		if _, err := set.Locate(ctx, "acme/base", pin, ""); !errors.As(err, &claimed) || !errors.Is(err, ErrRefused) {
			t.Errorf("pinned to %s: %v", pin, err)
		}
	}
	if r, err := set.Locate(ctx, "acme/base", "corp", ""); err != nil || r.Config().Name != "corp" {
		t.Errorf("pinned to the claiming one: %v", err)
	}
	matches, err := set.Search(ctx, Query{Text: "acme-tools"})
	if err != nil && !strings.Contains(err.Error(), "corp") {
		t.Errorf("search: %v %v", matches, err)
	}
	public.wantNever(t, "acme")
	public.wantNever(t, "ac/me")
	corp.mu.Lock()
	defer corp.mu.Unlock()
	if len(corp.asked) == 0 {
		t.Error("the claiming registry was not asked")
	}
}

func TestClaimsHoldForWhatOthersDependOn(t *testing.T) {
	_, _, public, set := claimWorld(t)
	req, err := index.ParseRequirement("^1")
	must(t, err)
	solve := func(registry, name string) (*resolve.Solution, error) {
		return resolve.Resolve(t.Context(), set.Source(), resolve.Options{Dependencies: []resolve.Dependency{
			{Package: resolve.Package{Registry: registry, Name: name}, Req: req, DefaultFeatures: true},
		}})
	}
	var claimed *ClaimedError
	if _, err := solve("public", "app"); !errors.As(err, &claimed) || claimed.Registry != "public" || claimed.Name != "acme-log" {
		t.Errorf("a public package that needs a claimed name: %v", err)
	}
	public.waitFor(t, "/ot/he/other") // fetched ahead, as what is claimed would have been
	public.wantNever(t, "acme")
	if solution, err := solve("corp", "acme-log"); err != nil || len(solution.Packages) != 2 {
		t.Errorf("a package of the claiming registry: %v %v", solution, err)
	}
	if _, err := solve("public", "plain"); err != nil {
		t.Errorf("names that nobody claims: %v", err)
	}
}

func TestClaimedNameInALockFromElsewhere(t *testing.T) {
	w, corp, public, _ := claimWorld(t)
	lock := func(url string) *lockfile.Lock {
		return &lockfile.Lock{
			Registries: []lockfile.Registry{{Name: "corp", URL: url, Kind: "sparse"}}, // the name says nothing
			Packages:   []lockfile.Package{{Name: "Acme_Log", Version: "1.0.0", Registry: "corp"}},
		}
	}
	claims := w.mustLoad().Claims
	if err := claims.checkLock(lock("sparse+" + corp.URL + "/")); err != nil {
		t.Errorf("from the claiming registry: %v", err)
	}
	err := claims.checkLock(lock("sparse+" + public.URL))
	if !errors.Is(err, ErrRefused) || !strings.Contains(hintOf(err), "clyde update Acme_Log") {
		t.Errorf("from elsewhere: %v (%s)", err, hintOf(err))
	}
}

func TestClaimsAreChecked(t *testing.T) {
	for _, test := range []struct{ name, user, project, want string }{
		{"the same name twice", `
registries:
  - {name: a, url: /a, claims: ["acme/*"]}
  - {name: b, url: /b, claims: [acme/tool]}
`, "", `"b" claims "acme/tool", and "a" claims "acme/*"`},
		{"a project against its user", `registries: [{name: a, url: /a, claims: ["acme-*"]}]`, `registries: [{name: b, url: /b, claims: ["ACME_x*"]}]`, `"a" claims "acme-*", and "b" claims "ACME_x*"`},
		{"a project that takes the name", `registries: [{name: a, url: /a, claims: ["acme-*"]}]`, `registries: [{name: a, url: /evil}]`, `"a" hides a registry of that name at another address, which claims names`},
		{"a project that adds where to ask", `registries: [{name: a, url: /a, claims: ["acme-*"]}]`, `registries: [{name: a, url: /a, fallback: [/evil]}]`, `"a" has a fallback, and names are claimed for its address alone`},
		{"everything", `registries: [{name: a, url: /a, claims: ["*"]}]`, "", `"*" is no pattern of names`},
		{"a star within", `registries: [{name: a, url: /a, claims: ["a*b"]}]`, "", `"a*b" has a * before its end`},
		{"two stars", `registries: [{name: a, url: /a, claims: ["a**"]}]`, "", `"a**" has a * before its end`},
		{"no name", `registries: [{name: a, url: /a, claims: ["../x"]}]`, "", `"../x" is no pattern of names`},
		{"not a list", `registries: [{name: a, url: /a, claims: acme}]`, "", "claims"},
		{"the same registry by two names", `registries: [{name: a, url: /a, claims: ["acme-*", acme-x]}]`, `registries: [{name: mine, url: /a}]`, ""},
		{"side by side", `registries: [{name: a, url: /a, claims: ["acme-*"]}, {name: b, url: /b, claims: ["acme/*", acm, "acmes*"]}]`, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("config/clyde/config.yaml", test.user)
			w.write("project/.clyde/config.yaml", test.project)
			c, err := w.load()
			var problems strictyaml.Problems
			switch {
			case test.want == "" && err != nil:
				t.Fatal(err)
			case test.want == "":
				if claim, ok := c.Claims.Of("acme-x"); !ok || claim.URL != filepath.FromSlash("/a") || claim.Registry != c.Registries[0].Name {
					t.Errorf("the claim on acme-x: %+v %v", claim, ok)
				}
			case !errors.As(err, &problems) || !strings.Contains(problems.Text(), test.want):
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// FuzzClaims: two claims overlap exactly when a name of one can be one of the
// other, and no way of writing a name escapes its claim.
func FuzzClaims(f *testing.F) {
	f.Add("acme-*", "acme", "Acme_x")
	f.Add("acme/*", "acme/a*", "acme/ab")
	f.Fuzz(func(t *testing.T, a, b, name string) {
		one, two := Claim{Pattern: a, Registry: "one"}, Claim{Pattern: b, Registry: "two"}
		if CheckClaim(a) != nil || CheckClaim(b) != nil {
			return
		}
		if one.overlaps(two) != two.overlaps(one) {
			t.Fatalf("%q and %q overlap one way only", a, b)
		}
		folded := index.Fold(name)
		if one.covers(folded) && two.covers(folded) && !one.overlaps(two) {
			t.Fatalf("%q and %q both cover %q", a, b, name)
		}
		if (Claims{one}).Check("two", name) == nil && one.covers(index.Fold(strings.ToUpper(folded))) {
			t.Fatalf("%q escapes %q", name, a)
		}
	})
}
