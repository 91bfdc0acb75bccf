package indexcache

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestWithID finds files by their IDs among many, and among those that somebody
// gave IDs that begin alike.
func TestWithID(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, size := range []int{0, 1, 2, 7, 100, 5000} {
		for _, alike := range []bool{false, true} {
			count := map[ID]int{}
			var files []byID
			for range size {
				var id ID
				for i := range id {
					id[i] = byte(random.IntN(256))
				}
				if alike {
					id = ID{19: id[0]}
				}
				for range 1 + random.IntN(2) {
					files = append(files, newByID(&entry{id: id}))
					count[id]++
				}
			}
			sorted := sortByID(files)
			if !slices.IsSortedFunc(sorted, func(a, b byID) int { return slices.Compare(a.id[:], b.id[:]) }) {
				t.Fatalf("%d files are not sorted", size)
			}
			for id, want := range count {
				if found := withID(sorted, id); len(found) != want || found[0].id != id {
					t.Fatalf("%d files: %d of %s, want %d", size, len(found), id, want)
				}
			}
			if found := withID(sorted, ID{1, 2, 3}); len(found) > 0 {
				t.Fatalf("%d files: found %v", size, found)
			}
		}
	}
}
