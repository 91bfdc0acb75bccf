package resolve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// universe is all that has been read so far: packages, their candidates, and
// what follows from their lines whatever is chosen. It grows as the search meets
// packages, and is shared by the runs of one Resolve.
type universe struct {
	ctx  context.Context
	src  Source
	opts Options

	vars     []*variableInfo
	packages map[Package]*family  // by lower-case name; nil: does not exist
	named    map[string][]*family // by folded name: one package in several registries
	links    map[string][]link    // by native library
	choices  map[choiceKey]*choice
	side     map[string]bool // registries that allow incompatible versions side by side
	targets  targets
	scratch  []*stated

	infos    slab[variableInfo]
	pkgs     slab[pkg]
	facts    slab[factRoom]
	shaped   slab[shape]
	allNeeds slab[stated]
	lists    slab[*incompatibility] // of one

	roots       []*rootNeed
	rootClauses []*incompatibility
	locked      map[Package][]string // Options.Locked by key, without what is to move
	precise     map[Package]string   // Options.Precise by key
}

// variableInfo says what a variable stands for.
type variableInfo struct {
	pkg     *pkg    // nil for a choice of the root
	feature string  // "" for the package itself, or a choice
	choice  *choice // of pkg, among the members of a family it needs
	full    set
	axioms  []*incompatibility // hold always; stated when the variable is met
	stated  []*stated          // what versions of pkg need while the variable is on
	byName  map[string]*stated // if they are many; see stated.key
}

// pkg is a package, or a class of compatible versions of one, with its
// candidates, oldest first: state k of its variable stands for candidates[k-1].
type pkg struct {
	*family
	v          variable
	full       set
	candidates []candidate
	locked     int // state of the locked version; 0 if none, or if it is to move

	features    map[string]variable
	featureVars []variable // in the order in which they were met
	shapes      []*shape   // in the order of their oldest candidates; nil until somebody asks
	byDefault   *bool      // whether some candidate defines the default feature; nil until somebody asks
}

// link is the set of versions of a package that link a native library.
type link struct {
	pkg    *pkg
	states set
}

func newUniverse(ctx context.Context, src Source, opts Options) (*universe, error) {
	u := &universe{
		ctx: ctx, src: src, opts: opts,
		packages: map[Package]*family{}, named: map[string][]*family{}, links: map[string][]link{},
		choices: map[choiceKey]*choice{}, side: map[string]bool{}, targets: targets{},
		locked: map[Package][]string{}, precise: map[Package]string{},
	}
	for p, versions := range opts.Locked {
		if !opts.UpdateAll && !opts.Update[p] {
			u.locked[keyOf(p)] = versions
		}
	}
	for p, version := range opts.Precise {
		u.precise[keyOf(p)] = version
	}
	return u, u.loadRoot()
}

// doubled makes room for one more. There are thousands of variables, and append
// adds a quarter at a time.
func doubled[T any](s []T) []T {
	if len(s) == cap(s) {
		return slices.Grow(s, max(len(s), 64))
	}
	return s
}

// keyOf returns the key of a package: an index finds names whatever their case.
func keyOf(p Package) Package { return Package{p.Registry, strings.ToLower(p.Name)} }

// states returns the number of states of p's variable.
func (p *pkg) states() int { return len(p.candidates) + 1 }

// any returns all states in which p is selected.
func (p *pkg) any() set { return p.full.minus(singleton(0, p.states())) }

// stateOf returns the state of a version, 0 if p has no such candidate.
func (p *pkg) stateOf(version string) int {
	for i, c := range p.candidates {
		if c.Vers == version {
			return i + 1
		}
	}
	return 0
}

// sideBySide reports whether a registry allows incompatible versions of a
// package to be selected side by side.
func (u *universe) sideBySide(registry string) (bool, error) {
	side, asked := u.side[registry]
	c, ok := u.src.(Coexister)
	if asked || !ok {
		return side, nil
	}
	side, err := c.Coexist(u.ctx, registry)
	if err != nil {
		return false, fmt.Errorf("ask whether versions may stand side by side: %w", err)
	}
	u.side[registry] = side
	return side, nil
}

// load returns a package, nil if it does not exist.
func (u *universe) load(id Package) (*family, error) {
	key := keyOf(id)
	if f, ok := u.packages[key]; ok {
		return f, nil
	}
	releases, err := u.src.Versions(u.ctx, id)
	switch {
	case errors.Is(err, ErrNotFound) || err == nil && len(releases.List) == 0:
		u.packages[key] = nil
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the versions of %s: %w", id.Name, err)
	}
	f, err := u.newFamily(id, releases)
	if err != nil {
		return nil, err
	}
	u.packages[key] = f
	fold := index.Fold(f.id.Name)
	for _, p := range f.members {
		u.exclude(p, u.named[fold])
	}
	u.named[fold] = append(u.named[fold], f)
	return f, nil
}

// newPackage makes a member of a family.
func (u *universe) newPackage(f *family, candidates []candidate, locked []string) *pkg {
	p := u.pkgs.one()
	p.family, p.candidates, p.full = f, candidates, fullSet(len(candidates)+1)
	p.v = u.newVariable(variableInfo{pkg: p, full: p.full})
	for i, c := range candidates {
		if slices.Contains(locked, c.Vers) {
			p.locked = i + 1
		}
	}
	if k := p.stateOf(u.precise[keyOf(f.id)]); k > 0 && p.locked != k {
		p.locked = 0
	}
	return p
}

// newVariable numbers a variable.
func (u *universe) newVariable(info variableInfo) variable {
	kept := u.infos.one()
	*kept = info
	u.vars = append(doubled(u.vars), kept)
	return variable(len(u.vars) - 1)
}

// exclude states what cannot be selected together with p: packages of the same
// name from other registries, and packages that link the same native library.
func (u *universe) exclude(p *pkg, namesakes []*family) {
	for _, other := range namesakes {
		for _, q := range other.members {
			u.forbid(p, p.any(), q, q.any(), fact{kind: factOneRegistry, pkg: p, other: q})
		}
	}
	var linked map[string]set
	for i, c := range p.candidates {
		if c.Links == "" {
			continue
		}
		if linked == nil {
			linked = map[string]set{}
		}
		states, ok := linked[c.Links]
		if !ok {
			states = emptySet(p.states())
		}
		states.add(i + 1)
		linked[c.Links] = states
	}
	for _, library := range slices.Sorted(maps.Keys(linked)) {
		states := linked[library]
		for _, l := range u.links[library] {
			u.forbid(p, states, l.pkg, l.states, fact{kind: factLinks, pkg: p, other: l.pkg, name: library})
		}
		u.links[library] = append(u.links[library], link{p, states})
	}
}

func (u *universe) forbid(p *pkg, states set, other *pkg, otherStates set, why fact) {
	c := u.newFact(why)
	c.terms = append(c.terms, term{p.v, states}, term{other.v, otherStates})
	u.vars[p.v].axioms = append(u.vars[p.v].axioms, c)
}

// matching returns the candidates of p that satisfy a requirement.
func (p *pkg) matching(req index.Requirement) set {
	s := emptySet(p.states())
	for i, c := range p.candidates {
		if req.Matches(c.version) {
			s.add(i + 1)
		}
	}
	return s
}

// feature returns the variable of a feature of p. The versions without the
// feature are excluded as long as it is on.
func (u *universe) feature(p *pkg, name string) variable {
	if v, ok := p.features[name]; ok {
		return v
	}
	lacking := emptySet(p.states())
	for _, s := range u.shapes(p) {
		if !s.has(name) {
			lacking = lacking.or(s.states)
		}
	}
	v := u.newVariable(variableInfo{pkg: p, feature: name, full: fullSet(2)})
	if p.features == nil {
		p.features = map[string]variable{}
	}
	p.features[name] = v
	p.featureVars = append(p.featureVars, v)
	if !lacking.empty() {
		c := u.newFact(fact{kind: factLacks, pkg: p, states: lacking, name: name})
		c.terms = append(c.terms, term{p.v, lacking}, term{v, on})
		u.vars[v].axioms = u.alone(c)
	}
	return v
}

// The states of a feature.
var (
	off = set{lo: 1}
	on  = set{lo: 2}
)
