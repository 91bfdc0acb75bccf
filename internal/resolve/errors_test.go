package resolve_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/resolve"
)

func resolveText(t *testing.T, index, root string) (*resolve.Solution, error) {
	t.Helper()
	w := newWorld()
	w.load(t, "main", index)
	return resolve.Resolve(t.Context(), w, rootOptions(t, root))
}

// suggesting is a world that knows what a name might have meant.
type suggesting struct{ *world }

func (suggesting) Nearest(_ context.Context, p resolve.Package) []string {
	return []string{strings.TrimSuffix(p.Name, "s")}
}

func TestNotFoundNamesAll(t *testing.T) {
	w := newWorld()
	w.load(t, "main", "foo 1.0.0\nfoo 2.0.0\nempty 1.0.0 yanked")
	_, err := resolve.Resolve(t.Context(), suggesting{w}, rootOptions(t, "foo 1\nfoos 1\nbars 1\nprecise foo 1.5.0"))
	var missing *resolve.NotFoundError
	if !errors.As(err, &missing) || !errors.Is(err, resolve.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	want := "registry \"main\" has no package \"foos\"\nregistry \"main\" has no package \"bars\"\nfoo has no version 1.5.0"
	if err.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
	wantHint := "instead of foos, did you mean foo?; instead of bars, did you mean bar?; instead of foo 1.5.0, did you mean 1.0.0 or 2.0.0?"
	if missing.Hint() != wantHint {
		t.Errorf("got\n%s\nwant\n%s", missing.Hint(), wantHint)
	}
}

func TestYanked(t *testing.T) {
	const versions = "foo 1.0.0\nfoo 1.1.0 yanked\nfoo 1.2.0-rc.1\nall 1.0.0 yanked"
	for _, tt := range []struct{ root, want, hint string }{
		{"foo =1.1.0", "foo 1.1.0 is yanked: its publisher withdrew it", "the newest version that is not yanked is 1.0.0"},
		{"foo 1\nlock foo 1.0.0\nprecise foo 1.1.0", "foo 1.1.0 is yanked: its publisher withdrew it", "the newest version that is not yanked is 1.0.0"},
		{"foo =1.1.0\nlock foo 1.1.0\nupdate foo", "foo 1.1.0 is yanked: its publisher withdrew it", "the newest version that is not yanked is 1.0.0"},
		{"foo =1.1.0\nlock foo 1.1.0\nupdate-all", "foo 1.1.0 is yanked: its publisher withdrew it", "the newest version that is not yanked is 1.0.0"},
		{"all =1.0.0", "all 1.0.0 is yanked: its publisher withdrew it", "every version of all is yanked; look for another package"},
	} {
		_, err := resolveText(t, versions, tt.root)
		var yanked *resolve.YankedError
		if !errors.As(err, &yanked) || err.Error() != tt.want || yanked.Hint() != tt.hint {
			t.Errorf("%q: got %v; want %s", tt.root, err, tt.want)
		}
	}
	for _, root := range []string{"foo =1.1.0\nlock foo 1.1.0", "foo 1\nlock foo 1.1.0\nprecise foo 1.1.0"} {
		if sol, err := resolveText(t, versions, root); err != nil || brief(sol) != "foo 1.1.0" {
			t.Errorf("%q: got %v, %v; a locked version stays", root, sol, err)
		}
	}
}

// failing is a source that is out of order.
type failing struct{ *world }

var errBroken = errors.New("the disk is on fire")

func (failing) Versions(context.Context, resolve.Package) (*index.Releases, error) {
	return nil, errBroken
}

func (f failing) Locate(context.Context, resolve.Package, string) (string, error) {
	return "", errBroken
}

func TestErrorsOfTheSourceEndTheResolution(t *testing.T) {
	w := newWorld()
	w.load(t, "main", "foo 1.0.0 : bar 1 registry=https://x.example.org")
	if _, err := resolve.Resolve(t.Context(), failing{w}, rootOptions(t, "foo 1")); !errors.Is(err, errBroken) {
		t.Errorf("Versions: got %v", err)
	}
	if _, err := resolve.Resolve(t.Context(), locateFails{w}, rootOptions(t, "foo 1")); !errors.Is(err, errBroken) {
		t.Errorf("Locate: got %v", err)
	}
}

type locateFails struct{ *world }

func (locateFails) Locate(context.Context, resolve.Package, string) (string, error) {
	return "", errBroken
}

func TestStepLimit(t *testing.T) {
	w, opts := pigeons(7)
	opts.MaxSteps = 50
	_, err := resolve.Resolve(t.Context(), w, opts)
	var limit *resolve.StepLimitError
	if !errors.As(err, &limit) || limit.Steps != 50 || len(limit.Disputed) == 0 || limit.Hint() == "" {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), "gave up after 50 steps") {
		t.Errorf("got %v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w, opts := pigeons(9)
	if _, err := resolve.Resolve(ctx, w, opts); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestLongProofsAreCutShort(t *testing.T) {
	w, opts := pigeons(6)
	_, err := resolve.Resolve(t.Context(), w, opts)
	var conflict *resolve.Conflict
	if !errors.As(err, &conflict) {
		t.Fatalf("got %v", err)
	}
	lines := strings.Split(conflict.Explanation(), "\n")
	if len(lines) != 41 || !strings.Contains(lines[0], "lines of the proof are left out") || !strings.HasSuffix(lines[40], "app cannot be resolved.") {
		t.Errorf("got %d lines:\n%s", len(lines), conflict.Explanation())
	}
}

// pigeons makes a universe without a solution that takes long to refuse: n
// packages must each take one of n-1 places, and no two the same.
func pigeons(n int) (*world, resolve.Options) {
	w := newWorld()
	opts := resolve.Options{Root: "app"}
	for p := range n {
		name := fmt.Sprintf("pigeon%d", p)
		for hole := range n - 1 {
			e := &index.Entry{Name: name, Vers: fmt.Sprintf("%d.0.0", hole+1), V: 1}
			e.Deps = append(e.Deps, index.Dependency{Name: fmt.Sprintf("hole%d", hole), Req: fmt.Sprintf("=%d.0.0", p+1)})
			w.add("main", e)
		}
		opts.Dependencies = append(opts.Dependencies, resolve.Dependency{Package: resolve.Package{Registry: "main", Name: name}})
	}
	for hole := range n - 1 {
		for p := range n {
			w.add("main", &index.Entry{Name: fmt.Sprintf("hole%d", hole), Vers: fmt.Sprintf("%d.0.0", p+1), V: 1})
		}
	}
	return w, opts
}

func TestOnlyWhatIsNeededIsRead(t *testing.T) {
	w := newWorld()
	w.load(t, "main", "a 1.0.0 : b 1\na 0.1.0 : unused 1\nb 1.0.0 : c 1 optional\nc 1.0.0\nunused 1.0.0")
	if _, err := resolve.Resolve(t.Context(), w, rootOptions(t, "a 1\nlock b 1.0.0\nlock gone 1.0.0\nlock unused 1.0.0")); err != nil {
		t.Fatal(err)
	}
	if w.asked != 2 {
		t.Errorf("%d packages were read; want 2", w.asked)
	}
}

func TestEdges(t *testing.T) {
	sol, err := resolveText(t, `
		a 1.0.0 +x=dep:json : json ^1 optional package=fast-json ; b 1 kind=build target=cfg(windows) ; c 1 optional
		b 1.0.0
		c 1.0.0
		fast-json 1.2.0`, "a ^1 features=x target=cfg(unix) kind=dev\nb * optional")
	if err != nil {
		t.Fatal(err)
	}
	p := func(name string) resolve.Package { return resolve.Package{Registry: "main", Name: name} }
	wantRoot := []resolve.Edge{
		{Package: p("a"), Version: "1.0.0", Name: "a", Req: "^1", Kind: "dev", Target: "cfg(unix)"},
		{Package: p("b"), Version: "1.0.0", Name: "b", Req: "*", Kind: "normal", Optional: true},
	}
	if !slices.Equal(sol.Root, wantRoot) {
		t.Errorf("root: got %+v", sol.Root)
	}
	want := []resolve.Edge{
		{Package: p("fast-json"), Version: "1.2.0", Name: "json", Req: "^1", Kind: "normal", Optional: true},
		{Package: p("b"), Version: "1.0.0", Name: "b", Req: "1", Kind: "build", Target: "cfg(windows)"},
	}
	if a, ok := sol.Lookup("A"); !ok || !slices.Equal(a.Dependencies, want) {
		t.Errorf("a: got %+v", a.Dependencies)
	}
	if _, ok := sol.Lookup("c"); ok {
		t.Error("an optional dependency that nobody wants was selected")
	}
}

func TestInstallOrder(t *testing.T) {
	for _, tt := range []struct{ name, index, root, want, cycle string }{{
		name:  "a tree",
		index: "a 1.0.0 : b 1 ; c 1\nb 1.0.0 : d 1\nc 1.0.0 : d 1\nd 1.0.0",
		root:  "a 1", want: "d b c a",
	}, {
		name:  "a cycle",
		index: "a 1.0.0 : b 1\nb 1.0.0 : c 1\nc 1.0.0 : a 1 ; z 1\nz 1.0.0",
		root:  "a 1", want: "z a c b", cycle: "packages depend on each other in a cycle: a → b → c → a",
	}, {
		name:  "itself",
		index: "a 1.0.0 : a 1",
		root:  "a 1", want: "a", cycle: "packages depend on each other in a cycle: a → a",
	}, {
		name:  "two cycles, one below the other",
		index: "a 1.0.0 : b 1\nb 1.0.0 : a 1 ; c 1\nc 1.0.0 : d 1\nd 1.0.0 : c 1",
		root:  "a 1", want: "c d a b", cycle: "packages depend on each other in cycles: c → d → c; a → b → a",
	}} {
		t.Run(tt.name, func(t *testing.T) {
			sol, err := resolveText(t, tt.index, tt.root)
			if err != nil {
				t.Fatal(err)
			}
			order, err := sol.InstallOrder()
			var names []string
			for _, p := range order {
				names = append(names, p.Package.Name)
			}
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("got %s; want %s", got, tt.want)
			}
			var cycle *resolve.CycleError
			if tt.cycle == "" != (err == nil) || tt.cycle != "" && (!errors.As(err, &cycle) || err.Error() != tt.cycle) {
				t.Errorf("got error %v; want %s", err, tt.cycle)
			}
		})
	}
}
