package index

import "unsafe"

// Reader reads the files of many packages, one after another, in the same
// memory. It is for whoever looks at all of an index: a file costs hardly more
// than looking at its bytes, for versions of a package repeat each other.
type Reader struct {
	d       *lineDecoder
	entries []*Entry
}

// NewReader returns a reader.
func NewReader() *Reader {
	d := newFileDecoder()
	d.shares = true
	return &Reader{d: d}
}

// Read is [ParseFile] for entries that are only looked at, and only until the
// next Read and as long as data is not changed: they are parts of it, and equal
// dependencies and features are one.
func (r *Reader) Read(data []byte) File {
	r.d.lines.reset()
	r.d.lists.reset()
	r.d.pieces = r.d.pieces[:0]
	r.d.depBefore = r.d.depBefore[:0]
	r.d.depsBefore, r.d.featuresBefore = before[[]Dependency]{}, before[map[string][]string]{}
	r.d.checked = ""
	text := unsafe.String(unsafe.SliceData(data), len(data)) // the copy would cost as much as a third of the rest
	f := r.d.file(text, r.entries[:0])
	if r.entries = f.Entries; cap(r.entries) > maxKeptRoom {
		r.entries = nil
	}
	return f
}

// room is memory out of which slices are taken, all of which are given back at
// once. The zero value is one that is never given back: each slice is its own.
type room[T any] struct {
	kept  bool
	items []T
}

// maxKeptRoom bounds how many items are kept for another use.
const maxKeptRoom = 1 << 14

// take returns n items that are not zero.
func (r *room[T]) take(n int) []T {
	if !r.kept {
		return make([]T, n)
	}
	if cap(r.items)-len(r.items) < n {
		r.items = make([]T, 0, max(2*cap(r.items), n, 16))
	}
	start := len(r.items)
	r.items = r.items[:start+n]
	return r.items[start : start+n : start+n]
}

// reset gives all back.
func (r *room[T]) reset() {
	r.kept = true
	if r.items = r.items[:0]; cap(r.items) > maxKeptRoom {
		r.items = nil
	}
}
