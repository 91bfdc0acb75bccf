package resolve

import (
	"errors"
	"fmt"
	"slices"
)

// statedKey names what a version needs under a feature.
type statedKey struct {
	feature string
	state   int
}

// clauses returns the incompatibilities that say what a version of p needs
// while a feature is on (p's own variable: always).
func (u *universe) clauses(p *pkg, feature variable, state int) ([]*incompatibility, error) {
	key := statedKey{u.vars[feature].feature, state}
	if known, ok := p.stated[key]; ok {
		return known, nil
	}
	var clauses []*incompatibility
	for _, n := range u.shape(p, state).needs(key.feature) {
		stated, ok := p.needs[n]
		if !ok {
			var err error
			if stated, err = u.needClauses(p, n); err != nil {
				return nil, err
			}
			p.needs[n] = stated
		}
		clauses = append(clauses, stated...)
	}
	p.stated[key] = clauses
	return clauses, nil
}

// needClauses states one need of all versions of p that share it.
func (u *universe) needClauses(p *pkg, n need) ([]*incompatibility, error) {
	if n.kind != needFeature {
		return u.clause(p, n, u.sharing(p, n))
	}
	// Where one version of a package is all there can be, it does not matter by
	// which requirement it is needed.
	if alias, err := u.locate(p, n.registry); err == nil {
		side, err := u.sideBySide(alias)
		if err != nil {
			return nil, err
		}
		if !side {
			n.req = ""
		}
	}
	if stated, ok := p.needs[n]; ok {
		return stated, nil
	}
	stated, err := u.clause(p, n, u.sharing(p, n))
	if err == nil {
		p.needs[n] = stated
	}
	return stated, err
}

// sharing returns the candidates of p that have a need.
func (u *universe) sharing(p *pkg, n need) set {
	states := emptySet(p.states())
	position := 0
	for _, s := range u.shapes(p) {
		if n.ofDependency() {
			i := s.findDependency(n, position)
			if i < 0 {
				continue
			}
			position = i // versions mostly list their dependencies alike
		} else if !slices.ContainsFunc(s.needs(n.feature), n.covers) {
			continue
		}
		states = states.or(s.states)
	}
	return states
}

// clause states one need of the given versions of p. The result is empty if the
// need is met by everything.
func (u *universe) clause(p *pkg, n need, states set) ([]*incompatibility, error) {
	c := &incompatibility{
		terms: make([]term, 1, 3),
		fact:  &fact{kind: factNeed, pkg: p, states: states, need: n},
	}
	c.terms[0] = term{p.v, states}
	if n.feature != "" {
		c.terms = append(c.terms, term{u.feature(p, n.feature), on})
	}
	if n.when != "" {
		c.terms = append(c.terms, term{u.feature(p, prefixDep+n.when), on})
	}
	switch n.kind {
	case needOwn:
		return c.without(term{u.feature(p, n.want), off}), nil
	case needBroken:
		c.fact.kind = factBroken
		return c.alone(), nil
	}
	alias, err := u.locate(p, n.registry)
	if errors.Is(err, ErrNotFound) {
		c.fact.kind = factNoRegistry
		return c.alone(), nil
	}
	if err != nil {
		return nil, err
	}
	target, err := u.load(Package{alias, n.name})
	if err != nil {
		return nil, err
	}
	if target == nil {
		c.fact.kind = factNoPackage
		c.fact.missing = Package{alias, n.name}
		return c.alone(), nil
	}
	c.fact.family = target
	if n.kind == needFeature {
		return u.featureClauses(c, target, n), nil
	}
	if d := target.demand(n.req); d != nil {
		return u.requires(c, d), nil
	}
	c.fact.kind = factBadRequirement
	return c.alone(), nil
}

// alone returns c as the only one of its kind.
func (c *incompatibility) alone() []*incompatibility { return []*incompatibility{c} }

// requires completes c with the need of a version.
func (u *universe) requires(c *incompatibility, d *demand) []*incompatibility {
	c.fact.req = d.req
	switch len(d.options) {
	case 0:
		c.fact.kind = factNoMatch
		return c.alone()
	case 1:
		o := d.options[0]
		c.fact.other, c.fact.otherStates = o.pkg, o.states
		return c.without(term{o.pkg.v, o.pkg.full.minus(o.states)})
	}
	choice := u.choice(c.fact.pkg, c.fact.family, d)
	return c.without(term{choice.v, off})
}

// featureClauses complete c with the need of a feature of target, of each member
// that may be chosen.
func (u *universe) featureClauses(c *incompatibility, target *family, n need) []*incompatibility {
	options := make([]option, len(target.members))
	for i, p := range target.members {
		options[i].pkg = p
	}
	var choice *choice
	if target.side {
		d := target.demand(n.req)
		if d == nil {
			return nil // what needs the version says so
		}
		if options = d.options; len(options) > 1 {
			choice = u.choice(c.fact.pkg, target, d)
		}
	}
	if choice == nil && len(options) == 1 {
		c.fact.other = options[0].pkg
		return u.featureClause(c, options[0].pkg, n.want)
	}
	var clauses []*incompatibility
	for i, o := range options {
		f := *c.fact
		f.other = o.pkg
		stated := &incompatibility{terms: slices.Clone(c.terms), fact: &f}
		if choice != nil {
			stated.terms = append(stated.terms, term{choice.v, choice.option(i)})
		}
		clauses = append(clauses, u.featureClause(stated, o.pkg, n.want)...)
	}
	return clauses
}

// featureClause completes c with the need of a feature of target; none if that
// feature is the default one and no version defines it.
func (u *universe) featureClause(c *incompatibility, target *pkg, feature string) []*incompatibility {
	if feature == defaultFeature && !target.definesDefault() {
		return nil
	}
	return c.without(term{u.feature(target, feature), off})
}

// without adds a term to c; nothing is left if its terms can then never all
// hold.
func (c *incompatibility) without(t term) []*incompatibility {
	for i := range c.terms {
		if c.terms[i].v == t.v {
			c.terms[i].set = c.terms[i].set.and(t.set)
			if c.terms[i].set.empty() {
				return nil
			}
			return c.alone()
		}
	}
	c.terms = append(c.terms, t)
	return c.alone()
}

func (p *pkg) definesDefault() bool {
	if p.byDefault == nil {
		defines := slices.ContainsFunc(p.candidates, func(c candidate) bool {
			_, defined := c.Features[defaultFeature]
			return defined
		})
		p.byDefault = &defines
	}
	return *p.byDefault
}

func (u *universe) locate(from *pkg, registry string) (string, error) {
	if registry == "" {
		return from.id.Registry, nil
	}
	alias, err := u.src.Locate(u.ctx, from.id, registry)
	if err != nil {
		return "", fmt.Errorf("find the registry %s, which %s names: %w", registry, from.id.Name, err)
	}
	return alias, nil
}
