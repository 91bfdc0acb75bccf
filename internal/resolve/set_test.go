package resolve

import (
	"testing"

	"pgregory.net/rapid"
)

// TestSetAgreesWithMap draws sets around the word boundaries and compares
// every operation with the same operation on a map.
func TestSetAgreesWithMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{1, 2, 63, 64, 65, 128, 129, 200}).Draw(t, "n")
		draw := func(label string) (set, map[int]bool) {
			s, m := emptySet(n), map[int]bool{}
			for _, i := range rapid.SliceOf(rapid.IntRange(0, n-1)).Draw(t, label) {
				s.add(i)
				m[i] = true
			}
			return s, m
		}
		a, inA := draw("a")
		b, inB := draw("b")
		within, meets, highest := true, false, -1
		for i := range n {
			if a.has(i) != inA[i] {
				t.Fatalf("has(%d) = %t", i, a.has(i))
			}
			if got := a.and(b).has(i); got != (inA[i] && inB[i]) {
				t.Fatalf("and has %d: %t", i, got)
			}
			if got := a.or(b).has(i); got != (inA[i] || inB[i]) {
				t.Fatalf("or has %d: %t", i, got)
			}
			if got := a.minus(b).has(i); got != (inA[i] && !inB[i]) {
				t.Fatalf("minus has %d: %t", i, got)
			}
			within = within && (!inA[i] || inB[i])
			meets = meets || inA[i] && inB[i]
			if inA[i] {
				highest = i
			}
			if !fullSet(n).has(i) || !singleton(i, n).equal(singleton(i, n)) || singleton(i, n).count() != 1 {
				t.Fatalf("full or singleton wrong at %d of %d", i, n)
			}
		}
		if a.within(b) != within || a.meets(b) != meets || a.highest() != highest || a.count() != len(inA) {
			t.Fatalf("within %t meets %t highest %d count %d; want %t %t %d %d",
				a.within(b), a.meets(b), a.highest(), a.count(), within, meets, highest, len(inA))
		}
		if a.empty() != (len(inA) == 0) || fullSet(n).count() != n || a.positive() == inA[0] {
			t.Fatal("empty, full or positive is wrong")
		}
	})
}
