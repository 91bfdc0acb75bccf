package indexcache

import (
	"encoding/binary"
	"io/fs"
	"strings"
)

// A file also tells how commits that it showed before differed, newest first,
// as far as that is remembered: a lock may name one of them. Their contents are
// in the heap as well.

// Bounds of what is remembered.
const (
	maxPastCommits = 100
	maxPastChanges = 20_000
	maxPast        = 1 << 26 // bytes
)

// past is a commit that was shown before, by its difference to the one after.
type past struct {
	commit  ID
	changes []pastChange
}

// pastChange is a file that the commit had, or, without an entry, had not.
type pastChange struct {
	path  string
	entry *entry
}

// remember compares the files with those of the base, both in their order. It
// puts what differs before the commits that base remembers, and notes which
// contents are wanted. What is the same it takes over, and returns it: the files
// of base, and those of the writer.
func (w *Writer) remember(base *State) (same, kept []*entry, err error) {
	all, err := base.file.loadPast()
	if err != nil {
		return nil, nil, err
	}
	before := past{commit: base.file.head.commit}
	same, kept = make([]*entry, 0, len(w.files)), make([]*entry, 0, len(w.files))
	w.changed = 0
	eachPair(base.files, w.files, func(old, now *entry) {
		switch {
		case old != nil && now != nil && old.id == now.id && old.mode == now.mode:
			*now = *old
			same, kept = append(same, old), append(kept, now)
			return
		case old != nil:
			before.changes = append(before.changes, pastChange{old.path, old})
		default:
			before.changes = append(before.changes, pastChange{now.path, nil})
		}
		if old.isPackage() || now.isPackage() {
			w.changed++
		}
		if now != nil {
			w.wanted.add(now)
		}
	})
	w.past = boundedPast(append([]past{before}, all...))
	return same, kept, nil
}

// eachPair calls visit for each path of two sorted lists; a file that one of them
// does not have is nil.
func eachPair(a, b []*entry, visit func(a, b *entry)) {
	for len(a) > 0 || len(b) > 0 {
		var order int
		switch {
		case len(a) == 0:
			order = 1
		case len(b) == 0:
			order = -1
		default:
			order = strings.Compare(a[0].path, b[0].path)
		}
		var x, y *entry
		if order <= 0 {
			x, a = a[0], a[1:]
		}
		if order >= 0 {
			y, b = b[0], b[1:]
		}
		visit(x, y)
	}
}

func boundedPast(all []past) []past {
	changes := 0
	for i, p := range all {
		changes += len(p.changes)
		if i == maxPastCommits || changes > maxPastChanges {
			return all[:i]
		}
	}
	return all
}

// pastEntries are the files of commits that were shown before.
func (w *Writer) pastEntries() []*entry {
	var all []*entry
	for _, p := range w.past {
		for _, c := range p.changes {
			if c.entry != nil && c.entry.mode != Submodule {
				all = append(all, c.entry)
			}
		}
	}
	return all
}

func (w *Writer) writePast(h *header) (err error) {
	var b []byte
	for _, p := range w.past {
		b = append(b, p.commit[:]...)
		b = binary.AppendUvarint(b, uint64(len(p.changes)))
		for _, c := range p.changes {
			if c.entry == nil {
				b = append(b, 0)
				b = appendText(b, c.path)
				continue
			}
			b = c.entry.append(append(b, 1), "")
		}
	}
	h.past, err = w.add(b)
	return err
}

// loadPast reads the commits that were shown before.
func (f *File) loadPast() ([]past, error) {
	data, err := f.read(f.head.past, "earlier commits")
	if err != nil {
		return nil, err
	}
	var all []past
	for c := (cursor{rest: data}); len(c.rest) > 0 || c.bad; {
		var p past
		copy(p.commit[:], c.take(len(p.commit)))
		for range c.items() {
			if c.byte() == 0 {
				p.changes = append(p.changes, pastChange{path: c.text(maxPath)})
				continue
			}
			e := readEntry(&c, "", f.head.heapEnd)
			p.changes = append(p.changes, pastChange{e.path, &e})
			if c.bad {
				break
			}
		}
		if c.bad {
			return nil, c.err("an earlier commit")
		}
		all = append(all, p)
	}
	return all, nil
}

// FSAt is [File.FS] of a commit that was shown before; false when it is not
// remembered any more, or never was shown.
func (f *File) FSAt(commit string) (fs.FS, bool, error) {
	if commit == f.commit {
		return f.FS(), true, nil
	}
	all, err := f.loadPast()
	if err != nil {
		return nil, false, err
	}
	over := map[string]*entry{}
	for _, p := range all {
		for _, c := range p.changes {
			over[c.path] = c.entry
		}
		if p.commit.String() == commit {
			return commitFS{f, over}, true, nil
		}
	}
	return nil, false, nil
}
