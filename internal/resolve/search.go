package resolve

import (
	"cmp"
	"context"
	"slices"
)

// search is one run of PubGrub over the universe. It ends with an assignment
// of one state to every variable that must be selected, or with an
// incompatibility without terms, from which the whole proof can be read.
type search struct {
	ctx    context.Context
	u      *universe
	budget *int               // steps left, shared between the runs of one Resolve
	limit  int                // steps there were
	roots  []*incompatibility // what the root needs
	first  map[*pkg]bool      // packages to decide as soon as they are needed
	// confine states what holds of a package in this run only, nil for nothing.
	confine func(*pkg) *incompatibility

	number  int32       // among the runs of one Resolve, from 1
	vars    []*varState // nil if nothing is known of the variable
	current []set       // the states left for each of them
	states  slab[varState]
	trail   []assignment
	level   int

	agenda agenda
	queue  []variable  // changed since their incompatibilities were last read
	expand []expansion // dependencies that became active and are not stated yet
}

// varState is what a run knows about one variable, beside the states left for it.
type varState struct {
	known     bool // the variable has been met in this run
	queued    bool
	decided   bool
	conflicts int32
	last      int32 // step of the trail that narrowed it last, noStep if none did
	watched   []*incompatibility
	stated    set      // versions of which it is stated what they need while this is on
	listed    priority // that the agenda has the variable by; zero if it has not
}

// assignment is one step of the trail: a decision when cause is nil, else a
// derivation. It leaves some states of its variable.
type assignment struct {
	v      variable
	level  int32
	before int32 // the step that narrowed the variable before, noStep if none did
	left   set
	cause  *incompatibility
}

const noStep = -1

// expansion asks to state what a decided version of a package needs under one
// of its features (variable of the feature; the package's own for "always").
type expansion struct {
	pkg     *pkg
	feature variable
}

// run searches until every needed package is decided. It returns nil, or the
// incompatibility that proves there is no solution.
func (s *search) run() (*incompatibility, error) {
	if proof, err := s.state(s.roots); proof != nil || err != nil {
		return proof, err
	}
	for {
		if proof, err := s.settle(); proof != nil || err != nil {
			return proof, err
		}
		next, open := s.agenda.next(s)
		if !open {
			return nil, nil
		}
		s.decide(next)
		if err := s.spend(); err != nil {
			return nil, err
		}
	}
}

// settle propagates and states newly active dependencies until neither has
// anything left to do.
func (s *search) settle() (*incompatibility, error) {
	for {
		if proof, err := s.propagate(); proof != nil || err != nil {
			return proof, err
		}
		if len(s.expand) == 0 {
			return nil, nil
		}
		e := s.expand[0]
		s.expand = s.expand[1:]
		version := s.selected(e.pkg)
		if version == 0 || !s.on(e.pkg, e.feature) {
			continue // undone by a conflict since it was queued
		}
		if proof, err := s.stateNeeds(e, version); proof != nil || err != nil {
			return proof, err
		}
	}
}

func (s *search) on(p *pkg, feature variable) bool {
	return feature == p.v || s.current[feature].positive()
}

// stateNeeds states what the decided version of a package needs under one of its
// features, each once.
func (s *search) stateNeeds(e expansion, version int) (*incompatibility, error) {
	stated := &s.vars[e.feature].stated
	if stated.lo == 0 && stated.hi == nil {
		*stated = emptySet(e.pkg.states())
	}
	if stated.has(version) {
		return nil, nil
	}
	stated.add(version)
	needs, err := s.u.needs(e.pkg, e.feature, version)
	if err != nil {
		return nil, err
	}
	for _, n := range needs {
		if proof, err := s.state(n.clauses); proof != nil || err != nil {
			return proof, err
		}
	}
	return nil, nil
}

// state adds incompatibilities that hold whatever is chosen, each once.
func (s *search) state(clauses []*incompatibility) (*incompatibility, error) {
	for _, c := range clauses {
		if c.run == s.number {
			continue
		}
		c.run = s.number
		for _, t := range c.terms {
			if proof, err := s.meet(t.v); proof != nil || err != nil {
				return proof, err
			}
		}
		if proof, err := s.add(c); proof != nil || err != nil {
			return proof, err
		}
	}
	return nil, nil
}

// meet makes a variable known to this run, with what is always true of it.
func (s *search) meet(v variable) (*incompatibility, error) {
	for int(v) >= len(s.vars) {
		s.vars, s.current = append(doubled(s.vars), nil), append(doubled(s.current), set{})
	}
	state := s.at(v)
	if state.known {
		return nil, nil
	}
	info := s.u.vars[v]
	state.known = true
	s.current[v] = info.full
	axioms := info.axioms
	if info.feature == "" && info.choice == nil {
		if c := s.confine(info.pkg); c != nil {
			axioms = append(axioms[:len(axioms):len(axioms)], c)
		}
	}
	return s.state(axioms)
}

// at returns what is known about a variable that is numbered as one that was met.
func (s *search) at(v variable) *varState {
	if s.vars[v] == nil {
		s.vars[v] = s.states.one()
		s.vars[v].last = noStep
	}
	return s.vars[v]
}

// met reports whether this run has met a variable.
func (s *search) met(v variable) bool {
	return int(v) < len(s.vars) && s.vars[v] != nil && s.vars[v].known
}

// add watches an incompatibility and draws its immediate consequence.
func (s *search) add(c *incompatibility) (*incompatibility, error) {
	for _, t := range c.terms {
		s.vars[t.v].watched = append(s.vars[t.v].watched, c)
	}
	if !s.read(c) {
		return nil, nil
	}
	return s.recover(c)
}

// propagate reads the incompatibilities of changed variables until nothing
// more follows.
func (s *search) propagate() (*incompatibility, error) {
	for len(s.queue) > 0 {
		v := s.queue[len(s.queue)-1]
		s.queue = s.queue[:len(s.queue)-1]
		s.vars[v].queued = false
		watched := s.vars[v].watched
		for i := len(watched) - 1; i >= 0; i-- {
			if !s.read(watched[i]) {
				continue
			}
			if proof, err := s.recover(watched[i]); proof != nil || err != nil {
				return proof, err
			}
			break
		}
	}
	return nil, nil
}

// read draws the consequence of one incompatibility: when all terms but one
// hold, the remaining one must not. It reports whether all of them hold, which
// is a conflict.
func (s *search) read(c *incompatibility) (conflict bool) {
	open := -1
	for i, t := range c.terms {
		current := s.current[t.v]
		if current.within(t.set) {
			continue
		}
		if open >= 0 || !current.meets(t.set) {
			return false
		}
		open = i
	}
	if open < 0 {
		return true
	}
	t := c.terms[open]
	s.assign(t.v, s.current[t.v].minus(t.set), c)
	return false
}

// assign narrows a variable to the states left.
func (s *search) assign(v variable, left set, cause *incompatibility) {
	state := s.vars[v]
	wasPositive := s.current[v].positive()
	s.current[v] = left
	s.trail = append(s.trail, assignment{v, int32(s.level), state.last, left, cause})
	state.last = int32(len(s.trail) - 1)
	if !state.queued {
		state.queued = true
		s.queue = append(s.queue, v)
	}
	info := s.u.vars[v]
	if info.feature != "" && !wasPositive && left.positive() {
		s.expand = append(s.expand, expansion{info.pkg, v})
	}
	s.agenda.put(s, v)
}

// selected returns the state decided for a package, 0 if it is not selected.
func (s *search) selected(p *pkg) int {
	if !s.met(p.v) || !s.vars[p.v].decided {
		return 0
	}
	return s.current[p.v].highest()
}

// target returns what is to meet a demand of a dependant, nil for the root: the
// only option, or the one that was chosen.
func (s *search) target(from *pkg, f *family, d *demand) *pkg {
	if len(d.options) == 1 {
		return d.options[0].pkg
	}
	c := s.u.choice(from, f, d)
	return d.options[s.current[c.v].highest()-1].pkg
}

// decide selects the locked version of a package, else its newest; or the member
// of a family that a dependant gets, likewise.
func (s *search) decide(v variable) {
	info := s.u.vars[v]
	decision := s.current[v].highest()
	var preferred int
	if info.choice != nil {
		preferred = info.choice.locked
	} else {
		preferred = info.pkg.locked
	}
	if preferred > 0 && s.current[v].has(preferred) {
		decision = preferred
	}
	only := info.full.like()
	only.add(decision)
	s.level++
	s.assign(v, only, nil)
	s.vars[v].decided = true
	if info.choice != nil {
		return
	}
	p := info.pkg
	s.expand = append(s.expand, expansion{p, v})
	for _, f := range p.featureVars {
		if s.met(f) && s.current[f].positive() {
			s.expand = append(s.expand, expansion{p, f})
		}
	}
}

// recover learns from a conflict: it finds the incompatibility at the root of
// it, undoes the decisions that led there and draws the new consequence. It
// returns the proof when the conflict depends on no decision.
func (s *search) recover(c *incompatibility) (*incompatibility, error) {
	learned := false
	for len(c.terms) > 0 {
		if err := s.spend(); err != nil {
			return nil, err
		}
		last, previous := s.satisfiers(c)
		step := s.trail[last]
		if step.cause == nil || previous < int(step.level) {
			s.undo(previous)
			s.blame(c)
			if learned {
				return s.add(c)
			}
			s.read(c)
			return nil, nil
		}
		c = c.conflictWith(step.cause, step.v, s.u.vars[step.v].full)
		learned = true
	}
	return c, nil
}

// satisfiers returns the step of the trail that completed c, and the highest
// decision level that c needs besides that step.
func (s *search) satisfiers(c *incompatibility) (last, previous int) {
	last = -1
	var lastTerm term
	for _, t := range c.terms {
		step := s.satisfier(t.v, t.set)
		switch {
		case step > last:
			if last >= 0 {
				previous = max(previous, int(s.trail[last].level))
			}
			last, lastTerm = step, t
		default:
			previous = max(previous, int(s.trail[step].level))
		}
	}
	// The last step alone may not imply its term: then an earlier one about
	// the same variable is needed too.
	if cause := s.trail[last].cause; cause != nil {
		removed := cause.term(lastTerm.v) // the step says: not one of these
		enough := removed.or(lastTerm.set)
		if full := s.u.vars[lastTerm.v].full; !full.within(enough) {
			previous = max(previous, int(s.trail[s.satisfier(lastTerm.v, enough)].level))
		}
	}
	return last, previous
}

// satisfier returns the first step after which v is within the set.
func (s *search) satisfier(v variable, within set) int {
	step := s.vars[v].last
	for {
		before := s.trail[step].before
		if before == noStep || !s.trail[before].left.within(within) {
			return int(step)
		}
		step = before
	}
}

// undo takes back every step above a decision level.
func (s *search) undo(level int) {
	for len(s.trail) > 0 && int(s.trail[len(s.trail)-1].level) > level {
		step := s.trail[len(s.trail)-1]
		s.trail = s.trail[:len(s.trail)-1]
		state := s.vars[step.v]
		state.last = step.before
		s.current[step.v] = s.u.vars[step.v].full
		if step.before != noStep {
			s.current[step.v] = s.trail[step.before].left
		}
		if step.cause == nil {
			state.decided = false
		}
		s.agenda.put(s, step.v)
	}
	s.level = level
	for _, v := range s.queue {
		s.vars[v].queued = false
	}
	s.queue = s.queue[:0]
}

// blame counts a conflict for every package that took part in it.
func (s *search) blame(c *incompatibility) {
	for _, t := range c.terms {
		v := t.v
		if s.u.vars[v].feature != "" {
			v = s.u.vars[v].pkg.v
		}
		s.at(v).conflicts++
		s.agenda.put(s, v)
	}
}

// spend counts a step and notices cancellation.
func (s *search) spend() error {
	*s.budget--
	if *s.budget < 0 {
		return &StepLimitError{Steps: s.limit, Disputed: s.disputed()}
	}
	if *s.budget%256 == 0 {
		return s.ctx.Err()
	}
	return nil
}

// disputed returns the names of the packages that met most conflicts.
func (s *search) disputed() []string {
	var worst []variable
	for v := range s.vars {
		if s.vars[v] != nil && s.vars[v].conflicts > 0 {
			worst = append(worst, variable(v))
		}
	}
	slices.SortStableFunc(worst, func(a, b variable) int {
		return cmp.Compare(s.vars[b].conflicts, s.vars[a].conflicts)
	})
	var names []string
	for _, v := range worst {
		if name := s.u.nameOf(v); len(names) < 3 && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// nameOf returns the name of the package that a variable is about.
func (u *universe) nameOf(v variable) string {
	if c := u.vars[v].choice; c != nil {
		return c.family.id.Name
	}
	return u.vars[v].pkg.id.Name
}
