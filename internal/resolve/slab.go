package resolve

// slab hands out values that live as long as each other, many to an allocation.
type slab[T any] struct{ free []T }

// slabSize is how many values are allocated at a time.
const slabSize = 64

// one returns a zero value.
func (s *slab[T]) one() *T { return &s.some(1)[0] }

// some returns n zero values, to which nothing can be appended in place.
func (s *slab[T]) some(n int) []T {
	if len(s.free) < n {
		s.free = make([]T, max(n, slabSize))
	}
	values := s.free[:n:n]
	s.free = s.free[n:]
	return values
}
