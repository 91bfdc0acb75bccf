package resolve

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// resolution looks for the solution that moves as little as possible. Every
// package with a locked version is held there unless it is among released.
type resolution struct {
	u        *universe
	budget   int
	limit    int
	runs     int32 // that there were
	released map[*pkg]bool
	firm     map[*pkg]int  // updated packages, at the versions found for them
	loose    map[*pkg]bool // locked packages that an update may push along
}

// solve finds a solution in which as few locked packages move as possible. It
// first holds all of them. Each proof that this is impossible names the locked
// versions it rests on; these are released until a solution appears. Then they
// are held again one by one where a solution remains.
func (r *resolution) solve() (*search, error) {
	r.released = map[*pkg]bool{}
	if len(r.u.opts.Update) > 0 || len(r.u.opts.Precise) > 0 {
		if err := r.advance(); err != nil {
			return nil, err
		}
	}
	done, err := r.release()
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(r.released, func(p *pkg, _ bool) bool {
		return done.selected(p) == p.locked || done.selected(p) == 0 // it did not have to move
	})
	for _, p := range sortedKeys(r.released) {
		delete(r.released, p)
		again, proof, err := r.attempt(nil)
		switch {
		case err != nil:
			return nil, err
		case proof != nil:
			r.released[p] = true
		default:
			done = again
		}
	}
	return done, nil
}

// release releases locked packages until there is a solution.
func (r *resolution) release() (*search, error) {
	for {
		done, proof, err := r.attempt(nil)
		if err != nil {
			return nil, err
		}
		if proof == nil {
			return done, nil
		}
		blamed := r.blamed(proof)
		if len(blamed) == 0 {
			return nil, &Conflict{explanation: r.u.explain(proof), hint: r.remedy(proof)}
		}
		for _, p := range blamed {
			r.released[p] = true
		}
	}
}

// blamed returns the locked packages that a proof rests on; those that an
// update may push along are preferred.
func (r *resolution) blamed(proof *incompatibility) []*pkg {
	var all, loose []*pkg
	for _, f := range proof.facts() {
		if _, firm := r.firm[f.pkg]; f.kind != factLocked || firm {
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

// attempt runs one search. The packages in first are decided as soon as they
// are needed.
func (r *resolution) attempt(first map[*pkg]bool) (*search, *incompatibility, error) {
	s := r.search(r.u.rootClauses, &r.budget, r.confine)
	s.first = first
	proof, err := s.run()
	return s, proof, err
}

func (r *resolution) search(roots []*incompatibility, budget *int, confine func(*pkg) *incompatibility) *search {
	r.runs++
	return &search{ctx: r.u.ctx, u: r.u, number: r.runs, roots: roots, budget: budget, limit: r.limit, confine: confine}
}

// confine states the one version that a package may have in a run, nil if it
// may have any.
func (r *resolution) confine(p *pkg) *incompatibility {
	if c := r.confinePrecise(p); c != nil {
		return c
	}
	if k, ok := r.firm[p]; ok {
		return p.only(k, factLocked)
	}
	if p.locked > 0 && !r.released[p] {
		return p.only(p.locked, factLocked)
	}
	return nil
}

func (r *resolution) confinePrecise(p *pkg) *incompatibility {
	if version, ok := r.u.precise[keyOf(p.id)]; ok {
		if k := p.stateOf(version); k > 0 {
			return p.only(k, factPrecise)
		}
	}
	return nil
}

// only states that p is at one candidate or not selected; nil if p has no other.
func (p *pkg) only(state int, why factKind) *incompatibility {
	others := p.any().minus(singleton(state, p.states()))
	if others.empty() {
		return nil
	}
	return &incompatibility{
		terms: []term{{p.v, others}},
		fact:  &fact{kind: why, pkg: p, name: p.candidates[state-1].Vers},
	}
}

// advance finds the newest versions of the packages to be updated and holds
// them there. Their dependants stay; their dependencies may give way. When the
// locked versions no longer fit together there is no such version, and these
// packages are left to the search like any that is not locked.
func (r *resolution) advance() error {
	moving, err := r.updated()
	if err != nil {
		return err
	}
	if r.loose, err = r.contradicted(moving); err != nil {
		return err
	}
	maps.Copy(r.released, r.loose)
	done, proof, err := r.attempt(moving)
	clear(r.released)
	if err != nil || proof != nil {
		return err
	}
	r.firm = map[*pkg]int{}
	for p := range moving {
		if k := done.selected(p); k > 0 {
			r.firm[p] = k
		}
	}
	return nil
}

// updated returns the packages to be updated that exist.
func (r *resolution) updated() (map[*pkg]bool, error) {
	ids := maps.Clone(r.u.precise)
	for id, update := range r.u.opts.Update {
		if update {
			ids[keyOf(id)] = ""
		}
	}
	moving := map[*pkg]bool{}
	for _, id := range sortedPackages(ids) {
		f, err := r.u.load(id)
		if err != nil {
			return nil, err
		}
		if f == nil {
			continue
		}
		for _, p := range f.members {
			if p.locked == 0 {
				moving[p] = true
			}
		}
	}
	return moving, nil
}

// contradicted returns the locked packages of which some version of a moving
// package does not accept the locked version, those that some version of these
// does not accept, and so on.
func (r *resolution) contradicted(moving map[*pkg]bool) (map[*pkg]bool, error) {
	found := map[*pkg]bool{}
	queue := sortedKeys(moving)
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		refused, err := r.u.refused(p)
		if err != nil {
			return nil, err
		}
		for _, q := range refused {
			if !found[q] {
				found[q] = true
				queue = append(queue, q)
			}
		}
	}
	return found, nil
}

// refused returns the packages whose locked version some version of p does not
// accept.
func (u *universe) refused(p *pkg) ([]*pkg, error) {
	found := map[*pkg]bool{}
	for _, s := range u.shapes(p) {
		for _, d := range s.deps {
			f, err := u.lockedTarget(p, d)
			if err != nil {
				return nil, err
			}
			if f != nil {
				f.refusing(d.Req, found)
			}
		}
	}
	return sortedKeys(found), nil
}

// lockedTarget returns the family that a dependency of p names, nil unless
// something of it is locked.
func (u *universe) lockedTarget(p *pkg, d *index.Dependency) (*family, error) {
	alias, err := u.locate(p, d.Registry)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	id := Package{alias, d.PackageName()}
	if _, ok := u.locked[keyOf(id)]; !ok {
		return nil, nil
	}
	return u.load(id)
}

// refusing adds the members of which a requirement of a line does not admit the
// locked version. Where versions may stand side by side, a member of which it
// admits none does not contradict it.
func (f *family) refusing(text string, found map[*pkg]bool) {
	admitted := map[*pkg]set{}
	if d := f.demand(text); d != nil {
		for _, o := range d.options {
			admitted[o.pkg] = o.states
		}
	}
	for _, p := range f.members {
		states, some := admitted[p]
		if p.locked > 0 && (some && !states.has(p.locked) || !some && p.alone()) {
			found[p] = true
		}
	}
}

func comparePackages(a, b Package) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return strings.Compare(a.Registry, b.Registry)
}

func sortedKeys[V any](m map[*pkg]V) []*pkg { return sortedPkgs(slices.Collect(maps.Keys(m))) }

func sortedPkgs(all []*pkg) []*pkg {
	slices.SortFunc(all, func(a, b *pkg) int {
		return cmp.Or(comparePackages(a.id, b.id), cmp.Compare(a.v, b.v)) // members of a family, oldest first
	})
	return all
}

func sortedPackages(m map[Package]string) []Package {
	return slices.SortedFunc(maps.Keys(m), comparePackages)
}
