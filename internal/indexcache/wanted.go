package indexcache

import (
	"bytes"
	"slices"
)

// wanted are the files whose contents have to be added. There may be a million,
// so that they are a sorted list and not a map, which takes ten times the memory.
type wanted struct {
	files  []*entry // those that have no content are not here
	sorted bool     // by their IDs
	left   int      // of the files, not taken
}

// add notes that the content of a file has to be added.
func (w *wanted) add(f *entry) {
	if f.mode != Submodule {
		w.files, w.sorted, w.left = append(w.files, f), false, w.left+1
	}
}

// of are the files that an object is the content of, while nobody took them.
func (w *wanted) of(id ID) []*entry {
	if !w.sorted {
		sortByID(w.files)
		w.sorted = true
	}
	if files := withID(w.files, id); len(files) > 0 && !files[0].taken {
		return files
	}
	return nil
}

// take is of, and they are not wanted any more.
func (w *wanted) take(id ID) []*entry {
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
			return f
		}
	}
	return nil
}

func compareID(a *entry, id ID) int { return bytes.Compare(a.id[:], id[:]) }

func sortByID(files []*entry) {
	slices.SortFunc(files, func(a, b *entry) int { return compareID(a, b.id) })
}

// withID are those with an ID, of files that sortByID sorted.
func withID(files []*entry, id ID) []*entry {
	from, _ := slices.BinarySearchFunc(files, id, compareID)
	to := from
	for to < len(files) && files[to].id == id {
		to++
	}
	return files[from:to]
}
