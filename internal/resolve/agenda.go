package resolve

import "math"

// agenda orders the packages, and the choices between members of a family, that
// must be decided: those the user wants moved
// first, then those that met most conflicts, then those with the fewest
// candidates left, then the one met first. It is a heap, of four children to a
// node, whose entries are not removed when they grow stale; they are recognised
// when they come up.
type agenda struct {
	heap []priority
}

// priority is the place of a variable; no variable has the zero one.
type priority struct {
	rank uint64 // what is least goes first: see newPriority
	v    variable
}

// newPriority puts into one number, from its highest bit, whether the user wants
// the variable moved, how many conflicts it met, and how many candidates it has.
func newPriority(v variable, first bool, conflicts int32, count int) priority {
	rank := uint64(math.MaxInt32-conflicts)<<32 | uint64(min(count, math.MaxUint32))
	if !first {
		rank |= 1 << 63
	}
	return priority{rank, v}
}

func (a priority) before(b priority) bool {
	return a.rank < b.rank || a.rank == b.rank && a.v < b.v
}

// priority returns the place of a variable, and whether it is to be decided.
func (s *search) priority(v variable) (priority, bool) {
	state, info, current := s.vars[v], s.u.vars[v], s.current[v]
	if !state.known || state.decided || info.feature != "" || !current.positive() {
		return priority{}, false
	}
	if info.choice == nil {
		return newPriority(v, s.first[info.pkg], state.conflicts, current.count()), true
	}
	first, count := false, 0
	for i, o := range info.choice.demand.options {
		if current.has(i + 1) {
			first = first || s.first[o.pkg]
			count += o.states.count()
		}
	}
	return newPriority(v, first, state.conflicts, count), true
}

// put enters a variable that has changed.
func (a *agenda) put(s *search, v variable) {
	p, open := s.priority(v)
	if !open || s.vars[v].listed == p {
		return
	}
	s.vars[v].listed = p
	a.heap = append(a.heap, p)
	at := len(a.heap) - 1
	for at > 0 {
		parent := (at - 1) / 4
		if !p.before(a.heap[parent]) {
			break
		}
		a.heap[at] = a.heap[parent]
		at = parent
	}
	a.heap[at] = p
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
	moved, heap := a.heap[last], a.heap[:last]
	a.heap = heap
	if last == 0 {
		return
	}
	at := 0
	for first := 1; first < last; first = 4*at + 1 {
		least := first
		for child := first + 1; child < min(first+4, last); child++ {
			if heap[child].before(heap[least]) {
				least = child
			}
		}
		if !heap[least].before(moved) {
			break
		}
		heap[at] = heap[least]
		at = least
	}
	heap[at] = moved
}
