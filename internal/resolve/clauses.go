package resolve

import (
	"errors"
	"fmt"
	"slices"

	"github.com/clydepm/clyde/index"
)

// stated is a need with the incompatibilities that state it, for all versions
// that share it. There are none if the need is met by everything.
type stated struct {
	need    need
	states  set
	clauses []*incompatibility
	next    *stated // of the same key
}

// key is equal for equal needs.
func (n *need) key() string {
	if n.dep != nil {
		return n.dep.PackageName()
	}
	return n.want
}

// manyNeeds is how many needs under one feature are looked at one by one.
const manyNeeds = 32

// lookup finds what states a need. It looks at one position first.
func (info *variableInfo) lookup(n *need, guess int) (i int, known *stated) {
	if guess < len(info.stated) && info.stated[guess].need.covers(n) {
		return guess, info.stated[guess]
	}
	if info.byName != nil {
		for s := info.byName[n.key()]; s != nil; s = s.next {
			if s.need.covers(n) {
				return guess, s
			}
		}
		return guess, nil
	}
	for i, s := range info.stated {
		if s.need.covers(n) {
			return i, s
		}
	}
	return guess, nil
}

// keep adds a need.
func (info *variableInfo) keep(s *stated) {
	info.stated = append(info.stated, s)
	if info.byName != nil {
		info.name(s)
	} else if len(info.stated) > manyNeeds {
		info.byName = map[string]*stated{}
		for _, s := range info.stated {
			info.name(s)
		}
	}
}

func (info *variableInfo) name(s *stated) {
	key := s.need.key()
	s.next, info.byName[key] = info.byName[key], s
}

// needs returns what a version of p needs while a feature is on (p's own
// variable: always), in the order of the line, until it is asked again.
func (u *universe) needs(p *pkg, feature variable, state int) ([]*stated, error) {
	info := u.vars[feature]
	all, first, position := u.scratch[:0], len(info.stated), 0
	var failed error
	u.shape(p, state).needs(info.feature, func(n need) {
		if n.kind == needFeature && failed == nil {
			n.anyReq, failed = u.anyRequirement(p, n.dep.Registry)
		}
		i, known := info.lookup(&n, position)
		if position = i + 1; known == nil {
			known = u.allNeeds.one()
			known.need, known.states = n, emptySet(p.states())
			info.keep(known)
		}
		all = append(all, known)
	})
	u.scratch = all
	if failed != nil {
		return nil, failed
	}
	fresh := info.stated[first:]
	u.share(p, info, fresh)
	for _, s := range fresh {
		if err := u.clause(p, feature, s); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// anyRequirement reports whether it does not matter by which requirement a
// package is needed that is to have a feature: one version of it is all there can
// be.
func (u *universe) anyRequirement(p *pkg, registry string) (bool, error) {
	if registry == "" {
		return !p.side, nil
	}
	alias, err := u.locate(p, registry)
	if err != nil {
		return false, nil //nolint:nilerr // the need itself will say so
	}
	side, err := u.sideBySide(alias)
	return !side, err
}

// share finds all candidates of p that have the needs which are fresh.
func (u *universe) share(p *pkg, info *variableInfo, fresh []*stated) {
	if len(fresh) == 0 {
		return
	}
	for _, s := range u.shapes(p) {
		position := len(info.stated) - len(fresh)
		s.needs(info.feature, func(n need) {
			i, known := info.lookup(&n, position)
			if position = i + 1; known != nil && known.clauses == nil {
				known.states = known.states.or(s.states)
			}
		})
	}
}

// clause states one need of versions of p.
func (u *universe) clause(p *pkg, feature variable, s *stated) error {
	n := &s.need
	c := u.newFact(fact{kind: factNeed, pkg: p, states: s.states, need: *n})
	c.terms = append(c.terms, term{p.v, s.states})
	if n.feature != "" {
		c.terms = append(c.terms, term{feature, on})
	}
	if n.weak {
		c.terms = append(c.terms, term{u.feature(p, prefixDep+n.dep.Name), on})
	}
	switch n.kind {
	case needOwn:
		s.clauses = u.without(c, term{u.feature(p, n.want), off})
		return nil
	case needBroken:
		c.fact.kind = factBroken
		s.clauses = u.alone(c)
		return nil
	}
	var err error
	s.clauses, err = u.dependency(c, p, n.dep)
	return err
}

// dependency completes c with a need of another package.
func (u *universe) dependency(c *incompatibility, p *pkg, d *index.Dependency) ([]*incompatibility, error) {
	alias, err := u.locate(p, d.Registry)
	if errors.Is(err, ErrNotFound) {
		c.fact.kind = factNoRegistry
		return u.alone(c), nil
	}
	if err != nil {
		return nil, err
	}
	id := Package{alias, d.PackageName()}
	target, err := u.load(id)
	if err != nil {
		return nil, err
	}
	if target == nil {
		c.fact.kind, c.fact.missing = factNoPackage, &id
		return u.alone(c), nil
	}
	c.fact.family = target
	if c.fact.need.kind == needFeature {
		return u.featureClauses(c, target, &c.fact.need), nil
	}
	if d := target.demand(d.Req); d != nil {
		return u.requires(c, d), nil
	}
	c.fact.kind = factBadRequirement
	return u.alone(c), nil
}

// requires completes c with the need of a version.
func (u *universe) requires(c *incompatibility, d *demand) []*incompatibility {
	c.fact.req = d.req
	switch len(d.options) {
	case 0:
		c.fact.kind = factNoMatch
		return u.alone(c)
	case 1:
		o := d.options[0]
		c.fact.other, c.fact.otherStates = o.pkg, o.states
		return u.without(c, term{o.pkg.v, o.pkg.full.minus(o.states)})
	}
	choice := u.choice(c.fact.pkg, c.fact.family, d)
	return u.without(c, term{choice.v, off})
}

// featureClauses complete c with the need of a feature of target, of each member
// that may be chosen.
func (u *universe) featureClauses(c *incompatibility, target *family, n *need) []*incompatibility {
	if !target.side {
		return u.featureClause(c, target.members[0], n.want)
	}
	d := target.demand(n.dep.Req)
	switch {
	case d == nil || len(d.options) == 0:
		return nil // what needs the version says so
	case len(d.options) == 1:
		return u.featureClause(c, d.options[0].pkg, n.want)
	}
	choice := u.choice(c.fact.pkg, target, d)
	var clauses []*incompatibility
	for i, o := range d.options {
		stated := u.newFact(*c.fact)
		stated.terms = append(append(stated.terms, c.terms...), term{choice.v, choice.option(i)})
		clauses = append(clauses, u.featureClause(stated, o.pkg, n.want)...)
	}
	return clauses
}

// featureClause completes c with the need of a feature of target; none if that
// feature is the default one and no version defines it.
func (u *universe) featureClause(c *incompatibility, target *pkg, feature string) []*incompatibility {
	c.fact.other = target
	if feature == defaultFeature && !u.definesDefault(target) {
		return nil
	}
	return u.without(c, term{u.feature(target, feature), off})
}

// without adds a term to c; nothing is left if its terms can then never all
// hold.
func (u *universe) without(c *incompatibility, t term) []*incompatibility {
	for i := range c.terms {
		if c.terms[i].v == t.v {
			c.terms[i].set = c.terms[i].set.and(t.set)
			if c.terms[i].set.empty() {
				return nil
			}
			return u.alone(c)
		}
	}
	c.terms = append(c.terms, t)
	return u.alone(c)
}

func (u *universe) definesDefault(p *pkg) bool {
	if p.byDefault == nil {
		defines := slices.ContainsFunc(u.shapes(p), func(s *shape) bool {
			_, defined := s.features[defaultFeature]
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
