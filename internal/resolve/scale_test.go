package resolve_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/resolve"
)

// TestMinimalChangeAtScale locks 285 packages, publishes two newer releases of
// every package, adds one dependency, and expects that nothing locked moves.
func TestMinimalChangeAtScale(t *testing.T) {
	for name, side := range map[string]bool{"one version": false, "side by side": true} {
		t.Run(name, func(t *testing.T) {
			const packages = 285
			w := layered(400, 6)
			var source resolve.Source = w
			if side {
				source = sideWorld{w}
			}
			opts := resolve.Options{Root: "app", Dependencies: asks(firstNames(packages)...)}
			before, err := resolve.Resolve(t.Context(), source, opts)
			if err != nil {
				t.Fatal(err)
			}
			if len(before.Packages) < packages {
				t.Fatalf("only %d packages are locked", len(before.Packages))
			}
			for p, entries := range w.entries {
				newest := entries[len(entries)-1]
				for _, version := range []string{"2.90.0", "2.91.0"} {
					e := newest.Clone()
					e.Vers = version
					w.entries[p] = append(w.entries[p], e)
				}
			}
			w.add("main", &index.Entry{Name: "added", Vers: "1.0.0", V: 1, Deps: []index.Dependency{
				{Name: firstNames(1)[0], Req: ">=1", Kind: index.KindNormal, DefaultFeatures: true},
			}})
			opts.Locked, opts.Chosen = map[resolve.Package][]string{}, map[resolve.Held]string{}
			for _, s := range before.Packages {
				opts.Locked[s.Package] = append(opts.Locked[s.Package], s.Entry.Vers)
				for _, e := range s.Dependencies {
					opts.Chosen[resolve.Held{Package: s.Package, Version: s.Entry.Vers, Needs: e.Package, Req: e.Req}] = e.Version
				}
			}
			for _, e := range before.Root {
				opts.Chosen[resolve.Held{Needs: e.Package, Req: e.Req}] = e.Version
			}
			opts.Dependencies = append(opts.Dependencies, asks("added")...)
			after, err := resolve.Resolve(t.Context(), source, opts)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Split(brief(before), ", ")
			got := strings.Split(strings.TrimPrefix(brief(after), "added 1.0.0, "), ", ")
			if strings.Join(got, ", ") != strings.Join(want, ", ") {
				t.Errorf("%d packages became %d, or others:\n%s\n%s", len(want), len(got), brief(before), brief(after))
			}
			opts.Locked, opts.Chosen = nil, nil
			if fresh, err := resolve.Resolve(t.Context(), source, opts); err != nil || brief(fresh) == brief(after) {
				t.Errorf("without the lock nothing moves either (%v): the test is void", err)
			}
		})
	}
}

func firstNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = name(i)
	}
	return names
}

// crowded is a universe of which all 5,001 packages are selected, and in which
// about a fifth cannot have the newest version that everybody asks for: each has
// a neighbour whose newest version does not go with it.
func crowded() (*world, resolve.Options) {
	random := rand.New(rand.NewPCG(5, 5))
	w := newWorld()
	const packages, versions = 5000, 10
	all := &index.Entry{Name: "all", Vers: "1.0.0", V: 1}
	w.add("main", all)
	for i := range packages {
		all.Deps = append(all.Deps, index.Dependency{Name: name(i), Req: "^1", Kind: index.KindNormal})
		for v := range versions {
			e := &index.Entry{Name: name(i), Vers: fmt.Sprintf("1.%d.0", v), V: 1}
			for range 3 {
				if below := i + 1 + random.IntN(200); below < packages {
					e.Deps = append(e.Deps, index.Dependency{Name: name(below), Req: fmt.Sprintf(">=1.%d", v/3), Kind: index.KindNormal})
				}
			}
			if i%9 < 2 && i+1 < packages && v > versions/2 {
				e.Deps = append(e.Deps, index.Dependency{Name: name(i + 1), Req: fmt.Sprintf(">=1, <1.%d", v), Kind: index.KindNormal})
			}
			w.add("main", e)
		}
	}
	return w, resolve.Options{Root: "app", Dependencies: asks("all")}
}

// BenchmarkCrowded resolves 5,001 packages with 50,001 versions, all of which
// are selected, over about 1,100 conflicts.
func BenchmarkCrowded(b *testing.B) {
	w, opts := crowded()
	var sol *resolve.Solution
	for b.Loop() {
		var err error
		if sol, err = resolve.Resolve(b.Context(), w, opts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(sol.Packages)), "packages")
}

// TestSideBySide resolves with incompatible versions side by side.
func TestSideBySide(t *testing.T) {
	for _, tt := range []struct{ name, index, root, want string }{
		{
			"one of each class", "a 1.0.0 : c ^1\nb 1.0.0 : c ^2\nc 1.0.0\nc 1.1.0\nc 2.0.0\nc 2.1.0",
			"a *\nb *", "a 1.0.0, b 1.0.0, c 1.1.0, c 2.1.0",
		},
		{
			"classes below 1", "a 1.0.0 : c ^0.1\nb 1.0.0 : c ^0.2 ; d ^0.0.1\nc 0.1.5\nc 0.2.3\nd 0.0.1\nd 0.0.2",
			"a *\nb *\nd *", "a 1.0.0, b 1.0.0, c 0.1.5, c 0.2.3, d 0.0.1, d 0.0.2",
		},
		{
			"features of each version", "a 1.0.0 : c ^1 features=x\nb 1.0.0 : c ^2 features=y\nc 1.0.0 +x= +y=\nc 2.0.0 +x= +y=",
			"a *\nb *", "a 1.0.0, b 1.0.0, c 1.0.0 [x], c 2.0.0 [y]",
		},
		{
			"a feature decides the class", "c 1.0.0 +x=\nc 2.0.0", "c >=1 features=x", "c 1.0.0 [x]",
		},
		{
			"the newest class first", "c 1.0.0\nc 2.0.0\nc 3.0.0-rc.1", "c >=1", "c 2.0.0",
		},
		{
			"the locked class stays", "c 1.0.0\nc 1.1.0\nc 2.0.0", "c >=1\nlock c 1.0.0", "c 1.0.0",
		},
		{
			"an update moves on", "c 1.0.0\nc 2.0.0", "c >=1\nlock c 1.0.0\nupdate c", "c 2.0.0",
		},
		{
			"an update within each class", "a 1.0.0 : c ^1\nc 1.0.0\nc 1.1.0\nc 2.0.0\nc 2.1.0",
			"a *\nc ^2\nlock a 1.0.0\nlock c 1.0.0 2.0.0\nupdate c", "a 1.0.0, c 1.1.0, c 2.1.0",
		},
		{
			"a precise version of one class", "a 1.0.0 : c ^1\nc 1.0.0\nc 1.1.0\nc 1.2.0\nc 2.0.0\nc 2.1.0",
			"a *\nc ^2\nlock c 1.0.0 2.0.0\nprecise c 1.1.0", "a 1.0.0, c 1.1.0, c 2.0.0",
		},
		{
			"a native library is linked once", "a 1.0.0 : c >=1\nb 1.0.0 : c ^1\nc 1.0.0 links=z\nc 2.0.0 links=z", "a *\nb *", "a 1.0.0, b 1.0.0, c 1.0.0",
		},
		{
			"a yanked class that is locked", "c 1.0.0 yanked\nc 2.0.0", "c >=1\nlock c 1.0.0", "c 1.0.0",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			w.load(t, "main", tt.index)
			sol, err := resolve.Resolve(t.Context(), sideWorld{w}, rootOptions(t, tt.root))
			if err != nil {
				t.Fatal(err)
			}
			if got := brief(sol); got != tt.want {
				t.Errorf("got %s; want %s", got, tt.want)
			}
		})
	}
}

// TestHeldChoice expects that a dependency keeps the version that the lock says
// it has, though a newer one is locked for somebody else.
func TestHeldChoice(t *testing.T) {
	w := newWorld()
	w.load(t, "main", "a 1.0.0 : c >=1\nb 1.0.0 : c ^2\nc 1.0.0\nc 2.0.0")
	opts := rootOptions(t, "a *\nb *\nlock a 1.0.0\nlock b 1.0.0\nlock c 1.0.0 2.0.0")
	id := func(name string) resolve.Package { return resolve.Package{Registry: "main", Name: name} }
	for chosen, want := range map[string]string{
		"1.0.0": "a 1.0.0, b 1.0.0, c 1.0.0, c 2.0.0",
		"2.0.0": "a 1.0.0, b 1.0.0, c 2.0.0",
		"":      "a 1.0.0, b 1.0.0, c 2.0.0",
	} {
		opts.Chosen = map[resolve.Held]string{{Package: id("a"), Version: "1.0.0", Needs: id("c"), Req: ">=1"}: chosen}
		sol, err := resolve.Resolve(t.Context(), sideWorld{w}, opts)
		if err != nil {
			t.Fatal(err)
		}
		if got := brief(sol); got != want {
			t.Errorf("with %q chosen: got %s; want %s", chosen, got, want)
		}
	}
}

// TestMemoryOfAResolution bounds what resolving about 580 of 5,000 packages
// allocates: page faults and collections are what a large resolution waits for.
func TestMemoryOfAResolution(t *testing.T) {
	w := layered(5000, 10)
	opts := resolve.Options{Root: "app", Dependencies: asks(name(0), name(1), name(2), name(3))}
	result := testing.Benchmark(func(b *testing.B) {
		for range b.N {
			if _, err := resolve.Resolve(b.Context(), w, opts); err != nil {
				b.Fatal(err)
			}
		}
	})
	if got := result.AllocsPerOp(); got > 50_000 {
		t.Errorf("%d allocations, not about 35,000", got)
	}
	if got := result.AllocedBytesPerOp(); got > 7<<20 {
		t.Errorf("%d bytes, not about 5 MB", got)
	}
}
