package resolve

import (
	"math/bits"
	"slices"
)

// set is a set of the states of one variable. State 0 means "not selected"
// (for a feature: "off"); state k stands for the k-th oldest candidate version
// (for a feature: 1 is "on"). Because "not selected" is a state like any other,
// a positive term, a negative term and a range of versions are all just sets,
// and the logic of PubGrub becomes union, intersection and inclusion.
//
// The first 64 states live in lo, so that a package with fewer than 64
// candidates costs no allocation, and a set takes two words. Sets are values: no
// operation changes hi in place. Two sets that meet always belong to the same
// variable and therefore have the same length.
type set struct {
	lo uint64
	hi *high
}

// high are the states from 64 on, 64 to a word.
type high struct {
	words []uint64
	few   [3]uint64 // room for the words of most
}

// newHigh makes room for n states, of which the first 64 are not in it.
func newHigh(n int) *high {
	if n <= 64 {
		return nil
	}
	h := &high{}
	if words := (n - 1) / 64; words <= len(h.few) {
		h.words = h.few[:words]
	} else {
		h.words = make([]uint64, words)
	}
	return h
}

// high returns the words of the states from 64 on.
func (s set) high() []uint64 {
	if s.hi == nil {
		return nil
	}
	return s.hi.words
}

// like returns an empty set of as many states.
func (s set) like() set { return set{hi: newHigh(64 * (len(s.high()) + 1))} }

// fullSet returns the set of all of n states.
func fullSet(n int) set {
	if n < 64 {
		return set{lo: 1<<n - 1}
	}
	s := set{lo: ^uint64(0), hi: newHigh(n)}
	for i := 64; i < n; i++ {
		s.add(i)
	}
	return s
}

// singleton returns the set of state i among n states.
func singleton(i, n int) set {
	s := emptySet(n)
	s.add(i)
	return s
}

func emptySet(n int) set { return set{hi: newHigh(n)} }

// add puts state i into a set that nobody else holds yet.
func (s *set) add(i int) {
	if i < 64 {
		s.lo |= 1 << i
		return
	}
	s.hi.words[i/64-1] |= 1 << (i % 64)
}

func (s set) has(i int) bool {
	if i < 64 {
		return s.lo>>i&1 == 1
	}
	return s.hi.words[i/64-1]>>(i%64)&1 == 1
}

func (s set) and(t set) set {
	if s.hi == nil {
		return set{lo: s.lo & t.lo}
	}
	r := s.like()
	r.lo = s.lo & t.lo
	for i := range r.hi.words {
		r.hi.words[i] = s.hi.words[i] & t.hi.words[i]
	}
	return r
}

func (s set) or(t set) set {
	if s.hi == nil {
		return set{lo: s.lo | t.lo}
	}
	r := s.like()
	r.lo = s.lo | t.lo
	for i := range r.hi.words {
		r.hi.words[i] = s.hi.words[i] | t.hi.words[i]
	}
	return r
}

// minus returns the states of s that are not in t.
func (s set) minus(t set) set {
	if s.hi == nil {
		return set{lo: s.lo &^ t.lo}
	}
	r := s.like()
	r.lo = s.lo &^ t.lo
	for i := range r.hi.words {
		r.hi.words[i] = s.hi.words[i] &^ t.hi.words[i]
	}
	return r
}

// within reports whether every state of s is in t.
func (s set) within(t set) bool {
	if s.lo&^t.lo != 0 {
		return false
	}
	for i, w := range s.high() {
		if w&^t.hi.words[i] != 0 {
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
	for i, w := range s.high() {
		if w&t.hi.words[i] != 0 {
			return true
		}
	}
	return false
}

func (s set) empty() bool {
	if s.lo != 0 {
		return false
	}
	for _, w := range s.high() {
		if w != 0 {
			return false
		}
	}
	return true
}

func (s set) equal(t set) bool { return s.within(t) && t.within(s) }

func (s set) count() int {
	n := bits.OnesCount64(s.lo)
	for _, w := range s.high() {
		n += bits.OnesCount64(w)
	}
	return n
}

// highest returns the greatest state of s, -1 if s is empty.
func (s set) highest() int {
	for i, w := range slices.Backward(s.high()) {
		if w != 0 {
			return (i+1)*64 + bits.Len64(w) - 1
		}
	}
	return bits.Len64(s.lo) - 1
}

// positive reports whether s rules out "not selected".
func (s set) positive() bool { return s.lo&1 == 0 }
