package resolve

import (
	"errors"
	"fmt"
	"slices"

	"github.com/clydepm/clyde/index"
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
	for _, n := range p.shape(state).needs(key.feature) {
		c, ok := p.needs[n]
		if !ok {
			var err error
			if c, err = u.clause(p, n, p.sharing(n)); err != nil {
				return nil, err
			}
			p.needs[n] = c
		}
		if c != nil {
			clauses = append(clauses, c)
		}
	}
	p.stated[key] = clauses
	return clauses, nil
}

// sharing returns the candidates of p that have a need.
func (p *pkg) sharing(n need) set {
	states := emptySet(p.states())
	position := 0
	for k := 1; k < p.states(); k++ {
		s := p.shape(k)
		if n.ofDependency() {
			if i := s.findDependency(n, position); i >= 0 {
				position = i // versions mostly list their dependencies alike
				states.add(k)
			}
		} else if slices.Contains(s.needs(n.feature), n) {
			states.add(k)
		}
	}
	return states
}

// clause states one need of the given versions of p. It is nil if the need is
// met by everything.
func (u *universe) clause(p *pkg, n need, states set) (*incompatibility, error) {
	c := &incompatibility{
		terms: []term{{p.v, states}},
		fact:  &fact{kind: factNeed, pkg: p, states: states, need: n},
	}
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
		return c, nil
	}
	alias, err := u.locate(p, n.registry)
	if errors.Is(err, ErrNotFound) {
		c.fact.kind = factNoRegistry
		return c, nil
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
		return c, nil
	}
	c.fact.other = target
	if n.kind == needFeature {
		return u.featureClause(c, target, n.want), nil
	}
	if req, ok := parseRequirement(n.req); ok {
		return c.requires(target, n.req, req), nil
	}
	c.fact.kind = factBadRequirement
	return c, nil
}

func parseRequirement(text string) (req index.Requirement, ok bool) {
	req, err := index.ParseRequirement(text)
	return req, err == nil
}

// requires completes c with the need of a version of target.
func (c *incompatibility) requires(target *pkg, text string, req index.Requirement) *incompatibility {
	matching := target.match(text, req)
	c.fact.other, c.fact.req = target, req
	if matching.empty() {
		c.fact.kind = factNoMatch
		return c
	}
	c.fact.otherStates = matching
	return c.without(term{target.v, target.full.minus(matching)})
}

// featureClause completes c with the need of a feature of target; nil if that
// feature is the default one and no version defines it.
func (u *universe) featureClause(c *incompatibility, target *pkg, feature string) *incompatibility {
	if feature == defaultFeature && !target.definesDefault() {
		return nil
	}
	return c.without(term{u.feature(target, feature), off})
}

// without adds a term to c, which is nil if its terms can then never all hold.
func (c *incompatibility) without(t term) *incompatibility {
	for i := range c.terms {
		if c.terms[i].v == t.v {
			c.terms[i].set = c.terms[i].set.and(t.set)
			if c.terms[i].set.empty() {
				return nil
			}
			return c
		}
	}
	c.terms = append(c.terms, t)
	return c
}

func (p *pkg) definesDefault() bool {
	for _, e := range p.entries {
		_, defined := e.Features[defaultFeature]
		_, newer := e.Features2[defaultFeature]
		if defined || newer {
			return true
		}
	}
	return false
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
