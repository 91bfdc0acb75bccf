package resolve

// agenda orders the packages, and the choices between members of a family, that
// must be decided: those the user wants moved
// first, then those that met most conflicts, then those with the fewest
// candidates left, then the one met first. It is a heap whose entries are not
// removed when they grow stale; they are recognised when they come up.
type agenda struct {
	heap []priority
}

type priority struct {
	v         variable
	first     bool
	conflicts int
	count     int
}

func (a priority) before(b priority) bool {
	switch {
	case a.first != b.first:
		return a.first
	case a.conflicts != b.conflicts:
		return a.conflicts > b.conflicts
	case a.count != b.count:
		return a.count < b.count
	}
	return a.v < b.v
}

// priority returns the place of a variable, and whether it is to be decided.
func (s *search) priority(v variable) (priority, bool) {
	state, info := &s.vars[v], &s.u.vars[v]
	if !state.known || state.decided || info.feature != "" || !state.current.positive() {
		return priority{}, false
	}
	p := priority{v, s.first[info.pkg], state.conflicts, 0}
	if info.choice == nil {
		p.count = state.current.count()
		return p, true
	}
	p.first = false
	for i, o := range info.choice.demand.options {
		if state.current.has(i + 1) {
			p.first = p.first || s.first[o.pkg]
			p.count += o.states.count()
		}
	}
	return p, true
}

// put enters a variable that has changed.
func (a *agenda) put(s *search, v variable) {
	p, open := s.priority(v)
	if !open || s.vars[v].listed == p {
		return
	}
	s.vars[v].listed = p
	a.heap = append(a.heap, p)
	for i := len(a.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !a.heap[i].before(a.heap[parent]) {
			break
		}
		a.heap[i], a.heap[parent] = a.heap[parent], a.heap[i]
		i = parent
	}
}

// next takes out the variable to decide next; there is none when all are
// decided.
func (a *agenda) next(s *search) (v variable, open bool) {
	for len(a.heap) > 0 {
		top := a.heap[0]
		a.drop()
		if s.vars[top.v].listed == top {
			s.vars[top.v].listed = priority{}
		}
		if now, open := s.priority(top.v); open && now == top {
			return top.v, true
		}
	}
	return 0, false
}

// drop removes the top of the heap.
func (a *agenda) drop() {
	last := len(a.heap) - 1
	a.heap[0] = a.heap[last]
	a.heap = a.heap[:last]
	for i := 0; ; {
		least := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < last && a.heap[child].before(a.heap[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		a.heap[i], a.heap[least] = a.heap[least], a.heap[i]
		i = least
	}
}
