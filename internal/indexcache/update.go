package indexcache

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// Update begins a file of another commit. What the base has already is taken
// over without being unpacked. Contents that are new have to be added; see
// [Writer.Wants].
func Update(base *State, dir string, commit Commit, places []Place) (*Writer, error) {
	w, err := newWriter(dir, commit, places)
	if err != nil {
		return nil, err
	}
	if err := w.takeOver(base); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// Changed says how many packages differ from those of the base: all when there
// is none.
func (w *Writer) Changed() int { return w.changed }

// isPackage reports whether there is a file and it is that of a package.
func (e *entry) isPackage() bool {
	if e == nil || e.mode != Regular {
		return false
	}
	_, ok := index.NameOf(e.path)
	return ok
}

// A heap is taken over as it is until this much more than what is referred to
// would be copied: a third, and some for small ones.
func wasteful(heap, live int64) bool { return heap > live+live/3+(4<<20) }

// takeOver compares with the base, file by file in their order, and takes over
// its heap.
func (w *Writer) takeOver(base *State) error {
	if err := base.readSummaries(); err != nil {
		return err
	}
	same, kept, err := w.remember(base)
	if err != nil {
		return err
	}
	moved := w.moved(base)
	same = append(same, moved...)
	if wasteful(base.file.head.heapEnd-headerSize, live(same)+live(w.pastEntries())) {
		return w.repack(base.file, same, kept)
	}
	w.out.Reset(w.temp) // the place of the header comes with the heap
	if w.end, err = base.file.copyHeap(w.temp); err != nil {
		return err
	}
	return w.takeMoved(base.file, moved)
}

// moved are the files of the base whose contents are wanted under another name.
func (w *Writer) moved(base *State) (moved []*entry) {
	if w.wanted.left == 0 {
		return nil
	}
	for _, old := range base.files {
		if len(w.wanted.of(old.id)) > 0 && old.mode != Submodule {
			moved = append(moved, old)
		}
	}
	return moved
}

// takeMoved takes contents over, and reads them for what is derived from them
// and their names.
func (w *Writer) takeMoved(base *File, moved []*entry) error {
	if len(moved) == 0 {
		return nil
	}
	a, err := w.Appender()
	if err != nil {
		return err
	}
	for _, old := range moved {
		for _, f := range w.wanted.take(old.id) {
			f.frame, f.raw, f.at, f.size = old.frame, old.raw, old.at, old.size
			content, err := base.content(old)
			if err != nil {
				return err
			}
			if err := a.addRecord(f.entry, content); err != nil {
				return err
			}
		}
	}
	return nil
}

// repack adds the contents of base again, frame by frame, without what nothing
// refers to any more: those of the files that are the same, as the kept files of
// the commit, and of earlier commits.
func (w *Writer) repack(base *File, same, kept []*entry) error {
	known := map[ID]*entry{}
	for _, e := range same {
		known[e.id] = e
	}
	for _, f := range kept {
		f.record, f.summary = extent{}, nil
		w.wanted.add(f)
	}
	for _, p := range w.past {
		for i, c := range p.changes {
			if c.entry == nil || c.entry.mode == Submodule {
				continue
			}
			old := *c.entry
			p.changes[i].entry = &old // to be filled in anew
			known[old.id] = c.entry
			w.wanted.add(&old)
		}
	}
	entries := make([]*entry, 0, len(known))
	for _, e := range known {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Or(cmp.Compare(a.frame.at, b.frame.at), cmp.Compare(a.at, b.at)) })
	a, err := w.Appender()
	if err != nil {
		return err
	}
	for _, e := range entries {
		content, err := base.content(e)
		if err != nil {
			return err
		}
		if err := a.Add(e.id, content); err != nil {
			return err
		}
	}
	return a.Flush()
}

// readSummaries gives the files of packages the summaries that the file has for
// them, which are in the same order.
func (s *State) readSummaries() error {
	next := 0
	found := true
	err := s.file.eachName(func(n Named, raw []byte) bool {
		for found = false; next < len(s.files) && !found; next++ {
			name, ok := index.NameOf(s.files[next].path)
			if found = ok && strings.EqualFold(name, string(n.Name)); found {
				s.files[next].summary = raw
			}
		}
		return found
	})
	if err == nil && !found {
		err = damaged("the names are not those of the packages")
	}
	return err
}

// copyHeap copies header and heap to the beginning of another file.
func (f *File) copyHeap(to *os.File) (int64, error) {
	if _, err := to.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	// A file of its own: the position of f.file is not to be moved.
	from, err := os.Open(f.file.Name())
	if err != nil {
		return 0, err
	}
	defer from.Close()
	n, err := io.CopyN(to, from, f.head.heapEnd)
	if err != nil {
		return n, fmt.Errorf("copy the packed index: %w", err)
	}
	return n, nil
}
