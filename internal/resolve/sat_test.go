package resolve_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/crillab/gophersat/solver"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/resolve"
)

// The second oracle translates a universe into clauses for a SAT solver. It can
// decide universes that are too large for trying all combinations, and those in
// which versions stand side by side. It is written from the rules in the package
// comment and shares no code with the solver or the first oracle.

// sideWorld is a world in which incompatible versions may be selected together.
type sideWorld struct{ *world }

func (sideWorld) Coexist(context.Context, string) (bool, error) { return true, nil }

// formula collects clauses. A literal is a variable, or less than 0 if negated.
type formula struct {
	w       *world
	side    bool
	numbers map[string]int
	clauses [][]int
	stated  map[string]bool
	queue   []*index.Entry
}

func (f *formula) variable(format string, args ...any) int {
	key := fmt.Sprintf(format, args...)
	n, ok := f.numbers[key]
	if !ok {
		n = len(f.numbers) + 1
		f.numbers[key] = n
	}
	return n
}

func (f *formula) add(clause ...int) { f.clauses = append(f.clauses, slices.Clone(clause)) }

// selected is the variable of a version; meeting it states what the version
// needs.
func (f *formula) selected(e *index.Entry) int {
	v := f.variable("%s %s", e.Name, e.Vers)
	if !f.stated[e.Name+" "+e.Vers] {
		f.stated[e.Name+" "+e.Vers] = true
		f.queue = append(f.queue, e)
	}
	return v
}

func (f *formula) feature(e *index.Entry, name string) int {
	f.selected(e)
	return f.variable("%s %s has %s", e.Name, e.Vers, name)
}

// need states that a condition, all of whose literals hold, makes one of the
// versions of a package be selected that a requirement admits, with features.
// The same dependant and requirement mean the same choice.
func (f *formula) need(condition []int, from, name, req string, features []string, defaults bool) {
	not := make([]int, len(condition))
	for i, c := range condition {
		not[i] = -c
	}
	r, err := index.ParseRequirement(req)
	if err != nil {
		f.add(not...)
		return
	}
	var options []int
	for _, e := range f.w.entries[resolve.Package{Registry: "main", Name: name}] {
		v, err := index.ParseVersion(e.Vers)
		if err != nil || e.Yanked || !r.Matches(v) {
			continue
		}
		choice := f.variable("%s gets %s %s by %s", from, name, e.Vers, req)
		options = append(options, choice)
		f.add(-choice, f.selected(e))
		for _, want := range features {
			f.add(append(slices.Clone(not), -choice, f.feature(e, want))...)
		}
		if defaults {
			f.add(append(slices.Clone(not), -choice, f.feature(e, "default"))...)
		}
	}
	f.add(slices.Concat(not, options)...)
	for i, a := range options { // it gets one
		for _, b := range options[:i] {
			f.add(-a, -b)
		}
	}
}

// expand states what a version needs, always and by each feature.
func (f *formula) expand(e *index.Entry) {
	at := f.selected(e)
	dependant := e.Name + " " + e.Vers
	for _, d := range e.Deps {
		if d.Kind == index.KindDev {
			continue
		}
		condition := []int{at}
		if d.Optional {
			condition = append(condition, f.feature(e, "dep:"+d.Name))
		}
		f.need(condition, dependant, d.PackageName(), d.Req, d.Features, d.DefaultFeatures)
	}
	for _, name := range []string{"x", "y", "default", "a", "b", "c", "d", "e", "f", "g", "h"} {
		on := f.feature(e, name)
		values, explicit := e.Features[name]
		switch {
		case explicit:
			for _, value := range values {
				f.value(e, dependant, []int{at, on}, value)
			}
		case name == "default":
		case implicit(e, name):
			f.add(-at, -on, f.feature(e, "dep:"+name))
		default:
			f.add(-at, -on)
		}
	}
}

// value states one value of a feature.
func (f *formula) value(e *index.Entry, dependant string, condition []int, value string) {
	not := []int{-condition[0], -condition[1]}
	exists, optional := false, false
	name, want, slash := strings.Cut(strings.TrimPrefix(value, "dep:"), "/")
	name, weak := strings.CutSuffix(name, "?")
	for _, d := range e.Deps {
		if d.Name == name && d.Kind != index.KindDev {
			exists, optional = true, optional || d.Optional
		}
	}
	_, explicit := e.Features[name]
	isFeature := explicit || implicit(e, name) || name == "default"
	switch {
	case strings.HasPrefix(value, "dep:") || slash:
		if !exists {
			f.add(not...)
			return
		}
		if optional && !weak {
			f.add(append(not, f.feature(e, "dep:"+name))...)
			if slash && isFeature {
				f.add(append(slices.Clone(not), f.feature(e, name))...)
			}
		}
	case isFeature:
		f.add(append(not, f.feature(e, name))...)
	case !exists:
		f.add(not...)
	}
	for _, d := range e.Deps {
		if !slash || d.Name != name || d.Kind == index.KindDev {
			continue
		}
		given := slices.Clone(condition)
		if d.Optional {
			given = append(given, f.feature(e, "dep:"+name))
		}
		f.need(given, dependant, d.PackageName(), d.Req, []string{want}, false)
	}
}

// exclude states what must not be selected together.
func (f *formula) exclude() {
	var all []*index.Entry
	for _, entries := range f.w.entries {
		all = append(all, entries...)
	}
	for i, a := range all {
		for _, b := range all[:i] {
			v, _ := index.ParseVersion(a.Vers)
			w, _ := index.ParseVersion(b.Vers)
			same := a.Name == b.Name && (!f.side || v.Major == w.Major && (v.Major > 0 || v.Minor == w.Minor && (v.Minor > 0 || v.Patch == w.Patch)))
			if same || a.Links != "" && a.Links == b.Links {
				f.add(-f.variable("%s %s", a.Name, a.Vers), -f.variable("%s %s", b.Name, b.Vers))
			}
		}
	}
}

// satisfiableBySAT reports whether a universe has a solution.
func satisfiableBySAT(w *world, opts resolve.Options, side bool) bool {
	f := &formula{w: w, side: side, numbers: map[string]int{}, stated: map[string]bool{}}
	root := f.variable("root")
	f.add(root)
	for _, d := range opts.Dependencies {
		f.need([]int{root}, "root", d.Package.Name, d.Req.String(), d.Features, d.DefaultFeatures)
	}
	for len(f.queue) > 0 {
		e := f.queue[0]
		f.queue = f.queue[1:]
		f.expand(e)
	}
	f.exclude()
	for _, c := range f.clauses {
		if len(c) == 0 {
			return false
		}
	}
	return solver.New(solver.ParseSlice(f.clauses)).Solve() == solver.Sat
}

// largeUniverse makes a universe of up to eight packages in one registry with up
// to six versions of several classes each.
func (g *generator) largeUniverse() (*world, resolve.Options) {
	w := newWorld()
	g.names = []string{"a", "b", "c", "d", "e", "f", "g", "h"}[:3+g.draw(6)]
	all := []string{"0.1.0", "0.1.1", "0.2.0", "1.0.0", "1.1.0", "1.2.0-rc.1", "2.0.0", "2.1.0", "3.0.0-beta"}
	for _, name := range g.names {
		first := g.draw(5)
		for _, version := range all[first:min(len(all), first+1+g.draw(6))] {
			e := g.entry(name, version)
			for i := range e.Deps {
				e.Deps[i].Registry, e.Deps[i].Kind = "", index.KindNormal
				if g.chance(40) {
					e.Deps[i].Req = oneOf(g, "^0.1", "^0.2", "~1.0", "<2", ">=1", "^2", ">=0.1, <1.1", "=1.1.0")
				}
			}
			w.add("main", e)
		}
	}
	opts := resolve.Options{Root: "app"}
	for range 1 + g.draw(3) {
		opts.Dependencies = append(opts.Dependencies, g.rootDependency())
	}
	return w, opts
}

// validate follows a solution from the root by its edges, and holds every line
// of it against the index: that each dependency is met, that features that are
// needed are there, that nothing stands beside what it must not, and that nothing
// is selected without need.
func validate(w *world, opts resolve.Options, sol *resolve.Solution, side bool) error {
	v := &validator{w: w, at: map[string]*resolve.Selected{}, needed: map[string]bool{}}
	for i, s := range sol.Packages {
		v.at[s.Package.Name+" "+s.Entry.Vers] = &sol.Packages[i]
		for _, o := range sol.Packages[:i] {
			a, _ := index.ParseVersion(s.Entry.Vers)
			b, _ := index.ParseVersion(o.Entry.Vers)
			if s.Package == o.Package && (!side || a.Compatible(b)) || s.Entry.Links != "" && s.Entry.Links == o.Entry.Links {
				return fmt.Errorf("%s %s beside %s %s", s.Package.Name, a, o.Package.Name, b)
			}
		}
	}
	for i, d := range opts.Dependencies {
		e := sol.Root[i]
		version, err := index.ParseVersion(e.Version)
		if err != nil || e.Package.Name != d.Package.Name || !d.Req.Matches(version) {
			return fmt.Errorf("the root gets %s %s for %s %s", e.Package.Name, e.Version, d.Package.Name, d.Req)
		}
		v.reach(e, d.Features)
	}
	for len(v.queue) > 0 && v.err == nil {
		s := v.queue[0]
		v.queue = v.queue[1:]
		v.line(s)
	}
	if v.err == nil && len(v.needed) != len(sol.Packages) {
		return fmt.Errorf("%d packages are needed, and selected %s", len(v.needed), brief(sol))
	}
	return v.err
}

type validator struct {
	w      *world
	at     map[string]*resolve.Selected
	needed map[string]bool
	queue  []*resolve.Selected
	err    error
}

func (v *validator) reach(e resolve.Edge, features []string) {
	key := e.Package.Name + " " + e.Version
	s := v.at[key]
	if s == nil {
		v.err = fmt.Errorf("an edge leads to %s, which is not selected", key)
		return
	}
	for _, f := range features {
		if f != "default" && !strings.Contains(f, "/") && !strings.HasPrefix(f, "dep:") && !slices.Contains(s.Features, f) {
			v.err = fmt.Errorf("%s lacks feature %s", key, f)
		}
	}
	if !v.needed[key] {
		v.needed[key] = true
		v.queue = append(v.queue, s)
	}
}

// line checks the edges of one selected version against its line.
func (v *validator) line(s *resolve.Selected) {
	if s.Entry.Yanked || !slices.Contains(v.w.entries[resolve.Package{Registry: "main", Name: s.Package.Name}], s.Entry) {
		v.err = fmt.Errorf("%s %s is no candidate", s.Package.Name, s.Entry.Vers)
	}
	edges := s.Dependencies
	for _, d := range s.Entry.Deps {
		if d.Kind == index.KindDev {
			continue
		}
		if len(edges) == 0 || edges[0].Name != d.Name || edges[0].Req != d.Req || edges[0].Package.Name != d.PackageName() || edges[0].Optional != d.Optional {
			if !d.Optional {
				v.err = fmt.Errorf("%s %s has no edge for %s %s", s.Package.Name, s.Entry.Vers, d.Name, d.Req)
			}
			continue
		}
		e := edges[0]
		edges = edges[1:]
		req, errReq := index.ParseRequirement(d.Req)
		version, errVersion := index.ParseVersion(e.Version)
		if errReq != nil || errVersion != nil || !req.Matches(version) {
			v.err = fmt.Errorf("%s %s gets %s %s for %s", s.Package.Name, s.Entry.Vers, e.Package.Name, e.Version, d.Req)
		}
		v.reach(e, d.Features)
	}
}

// universes is how many universes are tried: all of them where there is time.
func universes() uint64 {
	if os.Getenv("CLYDE_TEST_FULL") == "1" {
		return 20_000
	}
	return 1_500
}

// TestAgainstSAT holds random universes against the SAT solver, with one version
// of each package and with incompatible ones side by side. Every solution is
// validated, and shuffling the index changes nothing.
func TestAgainstSAT(t *testing.T) {
	for _, side := range []bool{false, true} {
		t.Run(map[bool]string{false: "one version", true: "side by side"}[side], func(t *testing.T) {
			// One after the other: the solver keeps what it learns in a buffer of its package.
			conflicts := 0
			for seed := range universes() / 2 {
				random := rand.New(rand.NewPCG(seed, 7))
				g := &generator{draw: random.IntN}
				w, opts := g.largeUniverse()
				want := satisfiableBySAT(w, opts, side)
				if !want {
					conflicts++
				}
				if err := checkAgainst(w, opts, side, want, random); err != nil {
					t.Fatalf("seed %d: %v\n%s", seed, err, dump(w, opts))
				}
			}
			t.Logf("%d of %d universes have no solution", conflicts, universes()/2)
			if least := int(universes() / 20); conflicts < least || conflicts > int(universes()/2)-least {
				t.Error("the generator is lopsided")
			}
		})
	}
}

func checkAgainst(w *world, opts resolve.Options, side, want bool, random *rand.Rand) error {
	var source resolve.Source = w
	if side {
		source = sideWorld{w}
	}
	sol, err := resolve.Resolve(context.Background(), source, opts)
	for _, entries := range w.entries {
		random.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	}
	again, errAgain := resolve.Resolve(context.Background(), source, opts)
	if fmt.Sprint(err) != fmt.Sprint(errAgain) || err == nil && brief(sol) != brief(again) {
		return fmt.Errorf("the order of versions matters: %v %w, then %v %w", sol, err, again, errAgain)
	}
	var conflict *resolve.Conflict
	var yanked *resolve.YankedError
	switch {
	case errors.As(err, &conflict) || errors.As(err, &yanked):
		if want {
			return fmt.Errorf("there is a solution, but: %w", err)
		}
		return nil
	case err != nil:
		return err
	case !want:
		return fmt.Errorf("there is no solution, not %s", brief(sol))
	}
	return validate(w, opts, sol, side)
}
