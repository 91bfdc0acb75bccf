package resolve

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// resolution looks for the solution that moves as little as possible.
type resolution struct {
	u      *universe
	budget int
	limit  int
	firm   pins          // updated packages, at the versions found for them
	loose  map[*pkg]bool // locked packages that an update may push along
}

// pins are versions that packages are held at.
type pins map[*pkg]int

// solve finds a solution in which as few locked packages move as possible. It
// first holds all of them. Each proof that this is impossible names the pins it
// rests on; these are let go until a solution appears. Then the pins let go are
// put back one by one where a solution remains.
func (r *resolution) solve() (*search, error) {
	held, err := r.lockedPins()
	if err != nil {
		return nil, err
	}
	if len(r.u.opts.Update) > 0 || len(r.u.opts.Precise) > 0 {
		if err := r.advance(held); err != nil {
			return nil, err
		}
	}
	all := maps.Clone(held)
	done, released, err := r.release(held)
	if err != nil {
		return nil, err
	}
	for _, p := range released {
		if done.selected(p) != all[p] && done.selected(p) != 0 {
			continue
		}
		held[p] = all[p] // it stayed although it need not
	}
	for _, p := range released {
		if _, ok := held[p]; ok {
			continue
		}
		held[p] = all[p]
		again, proof, err := r.attempt(held, nil)
		switch {
		case err != nil:
			return nil, err
		case proof != nil:
			delete(held, p)
		default:
			done = again
		}
	}
	return done, nil
}

// release lets go of pins until there is a solution. It returns those let go,
// by name.
func (r *resolution) release(held pins) (*search, []*pkg, error) {
	var released []*pkg
	for {
		done, proof, err := r.attempt(held, nil)
		if err != nil {
			return nil, nil, err
		}
		if proof == nil {
			slices.SortFunc(released, comparePkg)
			return done, released, nil
		}
		blamed := r.blamed(proof, held)
		if len(blamed) == 0 {
			return nil, nil, &Conflict{explanation: r.u.explain(proof), hint: r.remedy(proof)}
		}
		for _, p := range blamed {
			delete(held, p)
		}
		released = append(released, blamed...)
	}
}

// blamed returns the pins that a proof rests on; those that an update may push
// along are preferred.
func (r *resolution) blamed(proof *incompatibility, held pins) []*pkg {
	var all, loose []*pkg
	for _, f := range proof.facts() {
		if _, ok := held[f.pkg]; !ok || f.kind != factLocked {
			continue
		}
		all = append(all, f.pkg)
		if r.loose[f.pkg] {
			loose = append(loose, f.pkg)
		}
	}
	if len(loose) > 0 {
		return loose
	}
	return all
}

// attempt runs one search with packages held. The packages in first are decided
// as soon as they are needed.
func (r *resolution) attempt(held pins, first map[*pkg]bool) (*search, *incompatibility, error) {
	s := r.search(held)
	s.first = first
	proof, err := s.run()
	return s, proof, err
}

// search prepares a run with packages held.
func (r *resolution) search(held pins) *search {
	s := &search{
		ctx: r.u.ctx, u: r.u, roots: r.u.rootClauses, budget: &r.budget, limit: r.limit,
		prefer: map[*pkg]int{}, limits: map[*pkg]*constraint{},
		stated: map[*incompatibility]bool{},
	}
	for p, k := range held {
		s.limits[p] = confine(p, k, factLocked)
	}
	for p, k := range r.firm {
		s.limits[p] = confine(p, k, factLocked)
	}
	for key, version := range r.u.locked {
		if p := r.u.packages[key]; p != nil && p.stateOf(version) > 0 {
			s.prefer[p] = p.stateOf(version)
		}
	}
	for id, version := range r.u.opts.Precise {
		p := r.u.packages[keyOf(id)]
		s.limits[p] = confine(p, p.stateOf(version), factPrecise)
	}
	return s
}

func confine(p *pkg, state int, why factKind) *constraint {
	allowed := singleton(state, p.states())
	allowed.add(0)
	return &constraint{allowed, &fact{kind: why, pkg: p, name: p.entries[state-1].Vers}}
}

// lockedPins loads the locked packages and returns the pins of those whose
// version still exists.
func (r *resolution) lockedPins() (pins, error) {
	held := pins{}
	for _, key := range sortedPackages(r.u.locked) {
		p, err := r.u.load(key)
		if err != nil {
			return nil, err
		}
		if p == nil {
			continue
		}
		if k := p.stateOf(r.u.locked[key]); k > 0 {
			held[p] = k
		}
	}
	return held, nil
}

// advance finds the newest versions of the packages to be updated and holds
// them there. Their dependants stay; their dependencies may give way.
func (r *resolution) advance(held pins) error {
	first := map[*pkg]bool{}
	for _, key := range r.updated() {
		p, err := r.u.load(key)
		if err != nil {
			return err
		}
		if p != nil {
			first[p] = true
		}
	}
	fixed := maps.Clone(held)
	if err := r.letGo(fixed, first); err != nil {
		return err
	}
	done, proof, err := r.attempt(fixed, first)
	if err != nil || proof != nil {
		return err // what is locked no longer fits: it will be let go of first
	}
	r.firm, r.loose = pins{}, map[*pkg]bool{}
	for p := range first {
		if k := done.selected(p); k > 0 {
			r.firm[p] = k
		}
	}
	for p := range held {
		_, stays := fixed[p]
		r.loose[p] = !stays
	}
	return nil
}

func (r *resolution) updated() []Package {
	ids := map[Package]string{}
	for id, update := range r.u.opts.Update {
		if update {
			ids[keyOf(id)] = ""
		}
	}
	for id := range r.u.opts.Precise {
		ids[keyOf(id)] = ""
	}
	return sortedPackages(ids)
}

// letGo removes the pins that some version of a moving package contradicts,
// and those that versions of these contradict in turn.
func (r *resolution) letGo(held pins, moving map[*pkg]bool) error {
	queue := make([]*pkg, 0, len(moving))
	for p := range moving {
		queue = append(queue, p)
	}
	slices.SortFunc(queue, comparePkg)
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		contradicted, err := r.u.contradicts(p, held)
		if err != nil {
			return err
		}
		for _, q := range contradicted {
			delete(held, q)
			queue = append(queue, q)
		}
	}
	return nil
}

// contradicts returns the packages held at a version that some version of p
// does not accept.
func (u *universe) contradicts(p *pkg, held pins) ([]*pkg, error) {
	seen := map[*pkg]bool{}
	for k := 1; k < p.states(); k++ {
		for _, d := range p.shape(k).entry.Deps {
			q, err := u.lockedTarget(p, d.Registry, d.PackageName(), held)
			if err != nil {
				return nil, err
			}
			if q != nil && !q.accepts(d.Req, held[q]) {
				seen[q] = true
			}
		}
	}
	found := make([]*pkg, 0, len(seen))
	for q := range seen {
		found = append(found, q)
	}
	slices.SortFunc(found, comparePkg)
	return found, nil
}

// lockedTarget returns the package held that a dependency of p names, if any.
func (u *universe) lockedTarget(p *pkg, registry, name string, held pins) (*pkg, error) {
	alias, err := u.locate(p, registry)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	q := u.packages[keyOf(Package{alias, name})]
	if _, ok := held[q]; !ok {
		return nil, nil
	}
	return q, nil
}

// accepts reports whether a requirement of a line admits a candidate of p.
func (p *pkg) accepts(text string, state int) bool {
	req, err := index.ParseRequirement(text)
	return err == nil && p.match(text, req).has(state)
}

func comparePkg(a, b *pkg) int { return comparePackages(a.id, b.id) }

func comparePackages(a, b Package) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return strings.Compare(a.Registry, b.Registry)
}

func sortedPackages(m map[Package]string) []Package {
	keys := make([]Package, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, comparePackages)
	return keys
}
