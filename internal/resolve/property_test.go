package resolve_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/resolve"
)

// generator makes small universes. draw returns a number below n; it comes from
// a seeded source or from rapid, which can then shrink a failure.
type generator struct {
	draw  func(n int) int
	names []string
}

func oneOf[T any](g *generator, items ...T) T { return items[g.draw(len(items))] }

func (g *generator) chance(percent int) bool { return g.draw(100) < percent }

// universe makes a world of two registries, of which the second has few
// packages, and what a root asks of the first.
func (g *generator) universe() (*world, resolve.Options) {
	w := newWorld()
	w.aliases["https://main.example.org"], w.aliases["https://corp.example.org"] = "main", "corp"
	g.names = []string{"a", "b", "c", "d", "e"}[:2+g.draw(4)]
	for _, name := range g.names {
		g.versions(w, "main", name)
	}
	if g.chance(15) {
		g.versions(w, "corp", oneOf(g, g.names...))
	}
	opts := resolve.Options{Root: "app"}
	for range 1 + g.draw(2) {
		opts.Dependencies = append(opts.Dependencies, g.rootDependency())
	}
	if g.chance(10) {
		opts.Features = map[string][]string{"f": {oneOf(g, g.names...) + "/x"}}
	}
	return w, opts
}

func (g *generator) rootDependency() resolve.Dependency {
	d := g.dependency()
	req, err := index.ParseRequirement(d.Req)
	if err != nil {
		req = index.Requirement{} // a root comes with its requirements parsed
	}
	return resolve.Dependency{
		Package: resolve.Package{Registry: "main", Name: oneOf(g, g.names...)}, Alias: d.Name,
		Req: req, Features: d.Features, DefaultFeatures: d.DefaultFeatures,
	}
}

func (g *generator) versions(w *world, registry, name string) {
	all := []string{"1.0.0", "1.1.0", "2.0.0", "1.1.0-rc.1", "2.0.0-beta"}
	first := g.draw(3)
	for _, v := range all[first : first+1+g.draw(3)] {
		w.add(registry, g.entry(name, v))
	}
}

func (g *generator) entry(name, version string) *index.Entry {
	e := &index.Entry{Name: name, Vers: version, V: 1, Yanked: g.chance(8), Features: map[string][]string{}}
	if g.chance(5) {
		e.Links = "z"
	}
	for range g.draw(3) {
		e.Deps = append(e.Deps, g.dependency())
	}
	for _, f := range []string{"x", "y", "default"} {
		if !g.chance(60) {
			continue
		}
		e.Features[f] = []string{}
		for range g.draw(3) {
			e.Features[f] = append(e.Features[f], g.featureValue(e))
		}
	}
	return e
}

func (g *generator) dependency() index.Dependency {
	d := index.Dependency{
		Name: oneOf(g, g.names...), Optional: g.chance(35), DefaultFeatures: g.chance(50), Kind: index.KindNormal,
		Req: oneOf(g, "*", "*", "*", "*", "*", "^1", "^1", "^1", "^2", "=1.0.0", ">=1.1", "<2", "~1.1", "^1.1.0-a", ">=2.0.0-0"),
	}
	switch {
	case g.chance(3):
		d.Package = "nowhere"
	case g.chance(10):
		d.Package = oneOf(g, g.names...)
	case g.chance(6):
		d.Registry = oneOf(g, "https://corp.example.org", "https://unknown.example.org")
	case g.chance(10):
		d.Kind = oneOf(g, index.KindBuild, index.KindDev)
	case g.chance(2):
		d.Req = "banana"
	}
	if g.chance(25) {
		d.Features = append(d.Features, oneOf(g, "x", "x", "x", "y", "y", oneOf(g, g.names...)))
	}
	return d
}

func (g *generator) featureValue(e *index.Entry) string {
	name := oneOf(g, g.names...)
	if len(e.Deps) > 0 && g.chance(90) {
		name = oneOf(g, e.Deps...).Name
	}
	return oneOf(g, "x", "y", name, "dep:"+name, name+"/x", name+"?/x", name+"?/y")
}

// check holds a result against the oracle.
func check(w *world, opts resolve.Options) error {
	sol, err := resolve.Resolve(context.Background(), w, opts)
	want := satisfiable(w, opts)
	var conflict *resolve.Conflict
	var yanked *resolve.YankedError
	switch {
	case errors.As(err, &conflict):
		if want {
			return fmt.Errorf("there is a solution, but: %s", conflict.Explanation())
		}
		return checkExplanation(conflict)
	case errors.As(err, &yanked):
		if want {
			return fmt.Errorf("there is a solution, but: %w", err)
		}
		return nil
	case err != nil:
		return err
	case !want:
		return fmt.Errorf("there is no solution, not %s", brief(sol))
	}
	return checkSolution(w, opts, sol)
}

func checkExplanation(c *resolve.Conflict) error {
	lines := strings.Split(c.Explanation(), "\n")
	if !strings.HasSuffix(lines[len(lines)-1], "app cannot be resolved.") {
		return fmt.Errorf("explanation does not end in the conclusion: %s", c.Explanation())
	}
	return nil
}

// checkSolution follows a solution from the root: it must hold, and hold no
// more than is needed.
func checkSolution(w *world, opts resolve.Options, sol *resolve.Solution) error {
	p := pick{}
	for _, s := range sol.Packages {
		if !candidate(opts, key(s.Package), s.Entry) {
			return fmt.Errorf("%s %s is no candidate", s.Package.Name, s.Entry.Vers)
		}
		p[key(s.Package)] = s.Entry
	}
	c := follow(w, opts, p)
	if !c.valid {
		return fmt.Errorf("invalid solution %s", brief(sol))
	}
	if len(c.features) != len(sol.Packages) {
		return fmt.Errorf("%d packages are needed, not %s", len(c.features), brief(sol))
	}
	for _, s := range sol.Packages {
		if want := c.definedFeatures(key(s.Package)); !slices.Equal(s.Features, want) {
			return fmt.Errorf("features of %s are %v, not %v", s.Package.Name, want, s.Features)
		}
		if err := checkEdges(c, s); err != nil {
			return err
		}
	}
	return nil
}

func checkEdges(c *closure, s resolve.Selected) error {
	n := 0
	for _, d := range s.Entry.Deps {
		if d.Kind == index.KindDev || d.Optional && !c.active[key(s.Package)][d.Name] {
			continue
		}
		if n >= len(s.Dependencies) {
			return fmt.Errorf("%s lacks its edge to %s", s.Package.Name, d.Name)
		}
		e := s.Dependencies[n]
		n++
		if e.Name != d.Name || e.Req != d.Req || e.Kind != d.Kind || c.pick[key(e.Package)].Vers != e.Version {
			return fmt.Errorf("edge %+v of %s does not tell of %+v", e, s.Package.Name, d)
		}
	}
	if n != len(s.Dependencies) {
		return fmt.Errorf("%s has edges %v", s.Package.Name, s.Dependencies)
	}
	return nil
}

// checkDeterminism resolves again with everything in another order.
func checkDeterminism(w *world, opts resolve.Options, shuffle func(n int, swap func(i, j int))) error {
	outcome := func() (*resolve.Solution, string) {
		sol, err := resolve.Resolve(context.Background(), w, opts)
		var conflict *resolve.Conflict
		if errors.As(err, &conflict) {
			return nil, conflict.Explanation() + conflict.Hint()
		}
		return sol, fmt.Sprint(err)
	}
	sol, text := outcome()
	for _, entries := range w.entries {
		shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	}
	again, textAgain := outcome()
	if !reflect.DeepEqual(sol, again) || text != textAgain {
		return fmt.Errorf("the order of versions matters: %v %s, then %v %s", sol, text, again, textAgain)
	}
	return nil
}

// checkMinimalChange resolves, asks for one thing more, or something else, and
// resolves with the lock: no solution may move only a part of what moved.
func (g *generator) checkMinimalChange(w *world, opts resolve.Options) error {
	before, _ := resolve.Resolve(context.Background(), w, opts)
	if before == nil {
		return nil // check has seen to conflicts
	}
	opts.Locked = hold(locked(before))
	if again, err := resolve.Resolve(context.Background(), w, opts); err != nil || brief(again) != brief(before) {
		return fmt.Errorf("the lock of %s does not hold: %v %w", brief(before), again, err)
	}
	opts.Dependencies = slices.Clone(opts.Dependencies)
	if g.chance(30) {
		opts.Dependencies[0] = g.rootDependency()
	} else {
		opts.Dependencies = append(opts.Dependencies, g.rootDependency())
	}
	if g.chance(30) {
		opts.Update = map[resolve.Package]bool{{Registry: "main", Name: oneOf(g, g.names...)}: true}
	}
	if err := check(w, opts); err != nil {
		return err
	}
	after, _ := resolve.Resolve(context.Background(), w, opts)
	if after == nil {
		return nil
	}
	return checkMoved(w, opts, after)
}

func locked(sol *resolve.Solution) map[resolve.Package]string {
	versions := map[resolve.Package]string{}
	for _, s := range sol.Packages {
		versions[key(s.Package)] = s.Entry.Vers
	}
	return versions
}

// hold makes a lock of one version of each package.
func hold(versions map[resolve.Package]string) map[resolve.Package][]string {
	held := map[resolve.Package][]string{}
	for p, v := range versions {
		held[p] = []string{v}
	}
	return held
}

func checkMoved(w *world, opts resolve.Options, after *resolve.Solution) error {
	selected := locked(after)
	held := maps.Clone(opts.Locked)
	maps.DeleteFunc(held, func(p resolve.Package, _ []string) bool { return opts.Update[p] })
	p := pick{}
	for _, s := range after.Packages {
		p[key(s.Package)] = s.Entry
	}
	moved := follow(w, opts, p).moved(held)
	var better error
	everyPick(w, opts, func(p pick) bool {
		for u := range opts.Update {
			if v, ok := selected[u]; ok && p[u].Vers != v {
				return true
			}
		}
		c := follow(w, opts, p)
		if !c.valid {
			return true
		}
		for u := range opts.Update {
			if (c.features[u] != nil) != (selected[u] != "") {
				return true
			}
		}
		if fewer := c.moved(held); len(fewer) < len(moved) && subset(fewer, moved) {
			better = fmt.Errorf("%s moves %v, but moving %v is enough: %v", brief(after), moved, fewer, versionsOf(c))
		}
		return better == nil
	})
	return better
}

// checkUpdate updates one locked package: it must become as new as it can while
// everything else stays.
func (g *generator) checkUpdate(w *world, opts resolve.Options) error {
	before, _ := resolve.Resolve(context.Background(), w, opts)
	if before == nil || len(before.Packages) == 0 {
		return nil
	}
	u := key(oneOf(g, before.Packages...).Package)
	opts.Locked = hold(locked(before))
	opts.Locked[u] = []string{w.entries[u][0].Vers} // as if it had been resolved long ago
	opts.Update = map[resolve.Package]bool{u: true}
	after, err := resolve.Resolve(context.Background(), w, opts)
	if err != nil {
		return err
	}
	if err := errors.Join(checkSolution(w, opts, after), checkMoved(w, opts, after)); err != nil {
		return err
	}
	got, selected := locked(after)[u]
	if !selected {
		return nil
	}
	held := maps.Clone(opts.Locked)
	delete(held, u)
	var better error
	everyPick(w, opts, func(p pick) bool {
		if c := follow(w, opts, p); c.valid && c.features[u] != nil && len(c.moved(held)) == 0 && newer(p[u].Vers, got) {
			better = fmt.Errorf("%s is updated to %s only, with %v: %v", u.Name, got, brief(after), versionsOf(c))
		}
		return better == nil
	})
	return better
}

func newer(a, b string) bool {
	v, errV := index.ParseVersion(a)
	w, errW := index.ParseVersion(b)
	return errV == nil && errW == nil && v.Compare(w) > 0
}

func subset(a, b map[resolve.Package]bool) bool {
	for p := range a {
		if !b[p] {
			return false
		}
	}
	return true
}

func versionsOf(c *closure) []string {
	var versions []string
	for p := range c.features {
		versions = append(versions, p.Name+" "+c.pick[p].Vers)
	}
	slices.Sort(versions)
	return versions
}

// TestAgainstBruteForce runs a few thousand universes that never change.
func TestAgainstBruteForce(t *testing.T) {
	conflicts := 0
	for seed := range uint64(4000) {
		random := rand.New(rand.NewPCG(seed, 2))
		g := &generator{draw: random.IntN}
		w, opts := g.universe()
		if !satisfiable(w, opts) {
			conflicts++
		}
		if err := errors.Join(check(w, opts), checkDeterminism(w, opts, random.Shuffle), g.checkMinimalChange(w, opts), g.checkUpdate(w, opts)); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, dump(w, opts))
		}
	}
	if conflicts < 1000 || conflicts > 3500 {
		t.Errorf("%d of 4000 universes have no solution: the generator is lopsided", conflicts)
	}
}

// TestRapid draws universes that rapid can shrink.
func TestRapid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{draw: func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "n") }}
		w, opts := g.universe()
		if err := errors.Join(check(w, opts), g.checkMinimalChange(w, opts), g.checkUpdate(w, opts)); err != nil {
			t.Fatalf("%v\n%s", err, dump(w, opts))
		}
	})
}

func dump(w *world, opts resolve.Options) string {
	var b strings.Builder
	for p, entries := range w.entries {
		for _, e := range entries {
			fmt.Fprintf(&b, "%s: %s\n", p.Registry, e.AppendLine(nil))
		}
	}
	for _, d := range opts.Dependencies {
		fmt.Fprintf(&b, "root: %+v %s\n", d, d.Req)
	}
	fmt.Fprintf(&b, "features %v locked %v update %v\n", opts.Features, opts.Locked, opts.Update)
	return b.String()
}
