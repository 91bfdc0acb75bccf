package resolve

import (
	"cmp"
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

	vars     []variableInfo
	packages map[Package]*pkg  // by lower-case name; nil: does not exist
	named    map[string][]*pkg // by folded name: one package in several registries
	links    map[string][]link // by native library

	roots       []*rootNeed
	rootClauses []*incompatibility
	locked      map[Package]string // Options.Locked by key, without what is to move
	precise     map[Package]string // Options.Precise by key
}

// variableInfo says what a variable stands for.
type variableInfo struct {
	pkg     *pkg
	feature string // "" for the package itself
	full    set
	axioms  []*incompatibility // hold always; stated when the variable is met
}

// pkg is a package with its candidates, oldest first: state k of its variable
// stands for entries[k-1].
type pkg struct {
	id       Package
	v        variable
	full     set
	entries  []*index.Entry
	versions []index.Version
	yanked   []candidate // that may not be chosen, oldest first
	locked   int         // state of the locked version; 0 if none, or if it is to move

	matches     map[string]set
	features    map[string]variable
	featureVars []variable // in the order in which they were met
	shapes      []*shape
	stated      map[statedKey][]*incompatibility
	needs       map[need]*incompatibility // nil: always met
}

type candidate struct {
	version index.Version
	entry   *index.Entry
}

// link is the set of versions of a package that link a native library.
type link struct {
	pkg    *pkg
	states set
}

func newUniverse(ctx context.Context, src Source, opts Options) (*universe, error) {
	u := &universe{
		ctx: ctx, src: src, opts: opts,
		packages: map[Package]*pkg{}, named: map[string][]*pkg{}, links: map[string][]link{},
		locked: map[Package]string{}, precise: map[Package]string{},
	}
	for p, version := range opts.Locked {
		u.locked[keyOf(p)] = version
	}
	if opts.UpdateAll {
		u.locked = map[Package]string{}
	}
	for p, update := range opts.Update {
		if update {
			delete(u.locked, keyOf(p))
		}
	}
	for p, version := range opts.Precise {
		u.precise[keyOf(p)] = version
		if u.locked[keyOf(p)] != version {
			delete(u.locked, keyOf(p))
		}
	}
	return u, u.loadRoot()
}

// keyOf returns the key of a package: an index finds names whatever their case.
func keyOf(p Package) Package { return Package{p.Registry, strings.ToLower(p.Name)} }

// states returns the number of states of p's variable.
func (p *pkg) states() int { return len(p.entries) + 1 }

// any returns all states in which p is selected.
func (p *pkg) any() set { return p.full.minus(singleton(0, p.states())) }

func (p *pkg) newest() *index.Entry { return p.entries[len(p.entries)-1] }

// stateOf returns the state of a version, 0 if p has no such candidate.
func (p *pkg) stateOf(version string) int {
	for i, e := range p.entries {
		if e.Vers == version {
			return i + 1
		}
	}
	return 0
}

// load returns a package, nil if it does not exist.
func (u *universe) load(id Package) (*pkg, error) {
	key := keyOf(id)
	if p, ok := u.packages[key]; ok {
		return p, nil
	}
	entries, err := u.src.Versions(u.ctx, id)
	switch {
	case errors.Is(err, ErrNotFound) || err == nil && len(entries) == 0:
		u.packages[key] = nil
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the versions of %s: %w", id.Name, err)
	}
	p := u.newPackage(id, entries)
	u.packages[key] = p
	u.exclude(p)
	return p, nil
}

// newPackage sorts the entries of a package into candidates and yanked ones.
func (u *universe) newPackage(id Package, entries []*index.Entry) *pkg {
	all := make([]candidate, 0, len(entries))
	for _, e := range entries {
		if v, err := index.ParseVersion(e.Vers); err == nil { // a line that is not a version cannot be asked for
			all = append(all, candidate{v, e})
		}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(a.version.Compare(b.version), strings.Compare(a.entry.Vers, b.entry.Vers))
	})
	p := &pkg{
		id: id, v: variable(len(u.vars)),
		matches: map[string]set{}, features: map[string]variable{},
		stated: map[statedKey][]*incompatibility{}, needs: map[need]*incompatibility{},
	}
	if len(all) > 0 {
		p.id.Name = all[len(all)-1].entry.Name
	}
	locked := u.locked[keyOf(id)]
	for _, c := range all {
		if c.entry.Yanked && c.entry.Vers != locked {
			p.yanked = append(p.yanked, c)
			continue
		}
		p.entries = append(p.entries, c.entry)
		p.versions = append(p.versions, c.version)
	}
	if locked != "" {
		p.locked = p.stateOf(locked)
	}
	p.shapes = make([]*shape, len(p.entries))
	p.full = fullSet(p.states())
	u.vars = append(u.vars, variableInfo{pkg: p, full: p.full})
	return p
}

// exclude states what cannot be selected together with p: packages of the same
// name from other registries, and packages that link the same native library.
func (u *universe) exclude(p *pkg) {
	fold := index.Fold(p.id.Name)
	for _, other := range u.named[fold] {
		u.forbid(p, p.any(), other, other.any(), &fact{kind: factOneRegistry, pkg: p, other: other})
	}
	u.named[fold] = append(u.named[fold], p)

	linked := map[string]set{}
	for i, e := range p.entries {
		if e.Links == "" {
			continue
		}
		states, ok := linked[e.Links]
		if !ok {
			states = emptySet(p.states())
		}
		states.add(i + 1)
		linked[e.Links] = states
	}
	for _, library := range slices.Sorted(maps.Keys(linked)) {
		states := linked[library]
		for _, l := range u.links[library] {
			u.forbid(p, states, l.pkg, l.states, &fact{kind: factLinks, pkg: p, other: l.pkg, name: library})
		}
		u.links[library] = append(u.links[library], link{p, states})
	}
}

func (u *universe) forbid(p *pkg, states set, other *pkg, otherStates set, why *fact) {
	u.vars[p.v].axioms = append(u.vars[p.v].axioms,
		&incompatibility{terms: []term{{p.v, states}, {other.v, otherStates}}, fact: why})
}

// match returns the candidates of p that satisfy a requirement.
func (p *pkg) match(text string, req index.Requirement) set {
	if s, ok := p.matches[text]; ok {
		return s
	}
	s := emptySet(p.states())
	for i, v := range p.versions {
		if req.Matches(v) {
			s.add(i + 1)
		}
	}
	p.matches[text] = s
	return s
}

// feature returns the variable of a feature of p. The versions without the
// feature are excluded as long as it is on.
func (u *universe) feature(p *pkg, name string) variable {
	if v, ok := p.features[name]; ok {
		return v
	}
	v := variable(len(u.vars))
	p.features[name] = v
	p.featureVars = append(p.featureVars, v)
	lacking := emptySet(p.states())
	for k := 1; k < p.states(); k++ {
		if !p.shape(k).has(name) {
			lacking.add(k)
		}
	}
	info := variableInfo{pkg: p, feature: name, full: fullSet(2)}
	if !lacking.empty() {
		info.axioms = []*incompatibility{{
			terms: []term{{p.v, lacking}, {v, on}},
			fact:  &fact{kind: factLacks, pkg: p, states: lacking, name: name},
		}}
	}
	u.vars = append(u.vars, info)
	return v
}

// The states of a feature.
var (
	off = set{lo: 1}
	on  = set{lo: 2}
)
