package indexcache

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
)

// wanted are the files whose contents have to be added. There may be a million,
// so that they are a sorted list and not a map, which takes five times the memory.
type wanted struct {
	files  []byID // those that have no content are not here
	sorted bool   // by their IDs
	left   int    // of the files, not taken
}

// add notes that the content of a file has to be added.
func (w *wanted) add(f *entry) {
	if f.mode != Submodule {
		w.files, w.sorted, w.left = append(w.files, newByID(f)), false, w.left+1
	}
}

// of are the files that an object is the content of, while nobody took them.
func (w *wanted) of(id ID) []byID {
	if !w.sorted {
		w.files, w.sorted = sortByID(w.files), true
	}
	if files := withID(w.files, id); len(files) > 0 && !files[0].taken {
		return files
	}
	return nil
}

// take is of, and they are not wanted any more.
func (w *wanted) take(id ID) []byID {
	files := w.of(id)
	for _, f := range files {
		f.taken = true
	}
	w.left -= len(files)
	return files
}

// missing is a file that nobody took; nil when there is none.
func (w *wanted) missing() *entry {
	for _, f := range w.files {
		if !f.taken {
			return f.entry
		}
	}
	return nil
}

// byID is a file in a list that is sorted by ID. The beginning of the ID stands
// beside it, so that a search does not touch a file at each step.
type byID struct {
	begin uint64
	*entry
}

func newByID(f *entry) byID { return byID{binary.BigEndian.Uint64(f.id[:]), f} }

func (f byID) compare(begin uint64, id *ID) int {
	if f.begin != begin {
		return cmp.Compare(f.begin, begin)
	}
	return bytes.Compare(f.id[:], id[:])
}

// sortByID returns files sorted. IDs are spread evenly, unless somebody chose them:
// each goes at once to the few with the same first bits, which are then sorted.
func sortByID(files []byID) []byID {
	first := max(0, bits.Len(uint(len(files)))-1)
	bucket := func(f byID) uint64 { return f.begin >> (64 - first) }
	ends := make([]int32, 1<<first+1)
	for _, f := range files {
		ends[bucket(f)+1]++
	}
	for b := range ends[1:] {
		ends[b+1] += ends[b]
	}
	sorted := make([]byID, len(files))
	for _, f := range files {
		sorted[ends[bucket(f)]] = f
		ends[bucket(f)]++
	}
	from := int32(0)
	for _, end := range ends {
		slices.SortFunc(sorted[from:end], func(a, b byID) int { return a.compare(b.begin, &b.id) })
		from = end
	}
	return sorted
}

// withID are those with an ID, of files that sortByID sorted.
func withID(files []byID, id ID) []byID {
	begin := binary.BigEndian.Uint64(id[:])
	from, _ := slices.BinarySearchFunc(files, &id, func(f byID, id *ID) int { return f.compare(begin, id) })
	to := from
	for to < len(files) && files[to].id == id {
		to++
	}
	return files[from:to]
}
