package resolve_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/resolve"
)

// layered makes a universe like a real registry: packages of ten versions each
// that depend on packages below them, mostly by caret requirements that the
// newest versions satisfy, sometimes by one that holds others back.
func layered(packages, versions int) *world {
	random := rand.New(rand.NewPCG(1, 1))
	w := newWorld()
	for i := range packages {
		for v := range versions {
			e := &index.Entry{
				Name: name(i), Vers: fmt.Sprintf("%d.%d.0", 1+v/5, v%5), V: 1,
				Features: map[string][]string{"default": {"std"}, "std": nil},
			}
			for range random.IntN(6) {
				below := i + 1 + packages/12 + random.IntN(packages/8)
				if below >= packages {
					continue
				}
				d := index.Dependency{Name: name(below), Kind: index.KindNormal, DefaultFeatures: true}
				switch random.IntN(20) {
				case 0:
					d.Req = fmt.Sprintf(">=1.%d", random.IntN(5))
				case 1:
					d.Optional, d.Req = true, "^1"
				default:
					d.Req = "^2"
				}
				if v < versions/2 {
					d.Req = fmt.Sprintf("^1.%d", random.IntN(3))
				}
				e.Deps = append(e.Deps, d)
			}
			w.add("main", e)
		}
	}
	return w
}

func name(i int) string { return fmt.Sprintf("package-%d", i) }

func asks(names ...string) []resolve.Dependency {
	var deps []resolve.Dependency
	for _, n := range names {
		deps = append(deps, resolve.Dependency{Package: resolve.Package{Registry: "main", Name: n}, DefaultFeatures: true})
	}
	return deps
}

// BenchmarkLayered resolves about 580 of 5,000 packages with 50,000 versions.
func BenchmarkLayered(b *testing.B) {
	w := layered(5000, 10)
	opts := resolve.Options{Root: "app", Dependencies: asks(name(0), name(1), name(2), name(3))}
	var sol *resolve.Solution
	for b.Loop() {
		var err error
		if sol, err = resolve.Resolve(b.Context(), w, opts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(sol.Packages)), "packages")
}

// BenchmarkLayeredLocked resolves the same with a lock and one thing added.
func BenchmarkLayeredLocked(b *testing.B) {
	w := layered(5000, 10)
	opts := resolve.Options{Root: "app", Dependencies: asks(name(0), name(1), name(2), name(3))}
	sol, err := resolve.Resolve(b.Context(), w, opts)
	if err != nil {
		b.Fatal(err)
	}
	opts.Locked = hold(locked(sol))
	opts.Dependencies = append(opts.Dependencies, asks(name(4990))...)
	for b.Loop() {
		if _, err := resolve.Resolve(b.Context(), w, opts); err != nil {
			b.Fatal(err)
		}
	}
}

// quarrel makes a universe where most newest versions exclude each other, so
// that the solver has to learn: every package of a column wants its neighbour at
// a version near its own, and the last wants an old one.
func quarrel(packages, versions int) (*world, resolve.Options) {
	random := rand.New(rand.NewPCG(3, 3))
	w := newWorld()
	opts := resolve.Options{Root: "app"}
	for i := range packages {
		for v := range versions {
			e := &index.Entry{Name: name(i), Vers: fmt.Sprintf("1.%d.0", v), V: 1}
			for range 3 {
				near := i + 1 + random.IntN(8)
				if near >= packages {
					continue
				}
				low := max(0, v-1-random.IntN(3))
				e.Deps = append(e.Deps, index.Dependency{
					Name: name(near), Kind: index.KindNormal, Req: fmt.Sprintf(">=1.%d, <1.%d", low, v+1),
				})
			}
			w.add("main", e)
		}
		if i%4 == 0 {
			opts.Dependencies = append(opts.Dependencies, asks(name(i))...)
		}
	}
	return w, opts
}

// BenchmarkQuarrel resolves 200 packages of 40 versions that mostly exclude
// each other.
func BenchmarkQuarrel(b *testing.B) {
	w, opts := quarrel(200, 40)
	for b.Loop() {
		if _, err := resolve.Resolve(b.Context(), w, opts); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPigeons proves that there is no solution where every choice has to
// be refuted.
func BenchmarkPigeons(b *testing.B) {
	w, opts := pigeons(6)
	for b.Loop() {
		if _, err := resolve.Resolve(b.Context(), w, opts); err == nil {
			b.Fatal("found a place for every pigeon")
		}
	}
}
