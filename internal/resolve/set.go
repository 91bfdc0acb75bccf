package resolve

import "math/bits"

// set is a set of the states of one variable. State 0 means "not selected"
// (for a feature: "off"); state k stands for the k-th oldest candidate version
// (for a feature: 1 is "on"). Because "not selected" is a state like any other,
// a positive term, a negative term and a range of versions are all just sets,
// and the logic of PubGrub becomes union, intersection and inclusion.
//
// The first 64 states live in lo, so that a package with fewer than 64
// candidates costs no allocation. Sets are values: no operation changes hi in
// place. Two sets that meet always belong to the same variable and therefore
// have the same length.
type set struct {
	lo uint64
	hi []uint64
}

// fullSet returns the set of all of n states.
func fullSet(n int) set {
	if n < 64 {
		return set{lo: 1<<n - 1}
	}
	s := set{lo: ^uint64(0), hi: make([]uint64, (n-1)/64)}
	for i := 64; i < n; i++ {
		s.hi[i/64-1] |= 1 << (i % 64)
	}
	return s
}

// singleton returns the set of state i among n states.
func singleton(i, n int) set {
	s := emptySet(n)
	s.add(i)
	return s
}

func emptySet(n int) set {
	if n <= 64 {
		return set{}
	}
	return set{hi: make([]uint64, (n-1)/64)}
}

// emptyLike returns the empty set of the states of s's variable.
func emptyLike(s set) set { return s.minus(s) }

// add puts state i into a set that nobody else holds yet.
func (s *set) add(i int) {
	if i < 64 {
		s.lo |= 1 << i
		return
	}
	s.hi[i/64-1] |= 1 << (i % 64)
}

func (s set) has(i int) bool {
	if i < 64 {
		return s.lo>>i&1 == 1
	}
	return s.hi[i/64-1]>>(i%64)&1 == 1
}

func (s set) and(t set) set {
	r := set{lo: s.lo & t.lo}
	if s.hi != nil {
		r.hi = make([]uint64, len(s.hi))
		for i := range r.hi {
			r.hi[i] = s.hi[i] & t.hi[i]
		}
	}
	return r
}

func (s set) or(t set) set {
	r := set{lo: s.lo | t.lo}
	if s.hi != nil {
		r.hi = make([]uint64, len(s.hi))
		for i := range r.hi {
			r.hi[i] = s.hi[i] | t.hi[i]
		}
	}
	return r
}

// minus returns the states of s that are not in t.
func (s set) minus(t set) set {
	r := set{lo: s.lo &^ t.lo}
	if s.hi != nil {
		r.hi = make([]uint64, len(s.hi))
		for i := range r.hi {
			r.hi[i] = s.hi[i] &^ t.hi[i]
		}
	}
	return r
}

// within reports whether every state of s is in t.
func (s set) within(t set) bool {
	if s.lo&^t.lo != 0 {
		return false
	}
	for i, w := range s.hi {
		if w&^t.hi[i] != 0 {
			return false
		}
	}
	return true
}

// meets reports whether s and t have a state in common.
func (s set) meets(t set) bool {
	if s.lo&t.lo != 0 {
		return true
	}
	for i, w := range s.hi {
		if w&t.hi[i] != 0 {
			return true
		}
	}
	return false
}

func (s set) empty() bool {
	if s.lo != 0 {
		return false
	}
	for _, w := range s.hi {
		if w != 0 {
			return false
		}
	}
	return true
}

func (s set) equal(t set) bool { return s.within(t) && t.within(s) }

func (s set) count() int {
	n := bits.OnesCount64(s.lo)
	for _, w := range s.hi {
		n += bits.OnesCount64(w)
	}
	return n
}

// highest returns the greatest state of s, -1 if s is empty.
func (s set) highest() int {
	for i := len(s.hi) - 1; i >= 0; i-- {
		if s.hi[i] != 0 {
			return (i+1)*64 + bits.Len64(s.hi[i]) - 1
		}
	}
	return bits.Len64(s.lo) - 1
}

// positive reports whether s rules out "not selected".
func (s set) positive() bool { return s.lo&1 == 0 }
