package indexcache

import (
	"iter"
	"slices"
	"sort"
	"strings"
)

// fence says where a block of the directory is, or a node, and with which path
// it begins.
type fence struct {
	first string
	place extent
}

// Bounds of what is kept of the directory for further questions.
const (
	maxKeptBlocks = 512
	maxKeptNodes  = 64
	maxKeptSize   = 16 << 10 // bytes of a block or node, which has 3 to 5 kB
)

// writeDirectory writes the blocks, the nodes above them, and the root of these.
func (w *Writer) writeDirectory(h *header) error {
	level, err := w.writeBlocks()
	if err != nil {
		return err
	}
	for h.levels = 1; len(level) > w.fanOut; h.levels++ {
		if level, err = w.writeNodes(level); err != nil {
			return err
		}
	}
	h.root, err = w.writeNode(nil, level)
	return err
}

func (w *Writer) writeBlocks() (fences []fence, err error) {
	fences = make([]fence, 0, len(w.files)/w.blockSize+1)
	var block []byte
	for files := range slices.Chunk(w.files, w.blockSize) {
		block = block[:0]
		before := ""
		for _, f := range files {
			block = f.append(block, before)
			before = f.path
		}
		place, err := w.add(block)
		if err != nil {
			return nil, err
		}
		fences = append(fences, fence{files[0].path, place})
	}
	return fences, nil
}

// writeNodes writes the nodes above the blocks or nodes of a level.
func (w *Writer) writeNodes(level []fence) (above []fence, err error) {
	var node []byte
	for below := range slices.Chunk(level, w.fanOut) {
		place, err := w.writeNode(node[:0], below)
		if err != nil {
			return nil, err
		}
		above = append(above, fence{below[0].first, place})
	}
	return above, nil
}

// writeNode writes one node, in the room of b.
func (w *Writer) writeNode(b []byte, below []fence) (extent, error) {
	for _, f := range below {
		b = appendExtent(appendText(b, f.first), f.place)
	}
	return w.add(b)
}

// find looks a path up; nil when the commit has no such file.
func (f *File) find(path string) (*entry, error) {
	at := fence{place: f.head.root}
	for level := f.head.levels; level > 0; level-- {
		below, err := f.node(at)
		if err != nil {
			return nil, err
		}
		number := lastUpTo(below, path)
		if number < 0 {
			return nil, nil
		}
		at = below[number]
	}
	data, err := f.block(at.place)
	if err != nil {
		return nil, err
	}
	c, now := cursor{rest: data}, make([]byte, 0, 128)
	for len(c.rest) > 0 {
		e := nextEntry(&c, &now, f.head.heapEnd)
		if !c.bad && string(now) == path {
			found := e // which alone takes memory
			found.path = path
			return &found, nil
		}
	}
	return nil, c.err("the directory")
}

// lastUpTo is the number of the last fence that does not begin after a path; -1
// when all do.
func lastUpTo(fences []fence, path string) int {
	return sort.Search(len(fences), func(i int) bool { return fences[i].first > path }) - 1
}

// blocks are the blocks of the directory in order, beginning with the one that a
// path would be in.
func (f *File) blocks(from string) iter.Seq2[fence, error] {
	return func(yield func(fence, error) bool) {
		f.blocksBelow(fence{place: f.head.root}, f.head.levels, from, yield)
	}
}

func (f *File) blocksBelow(at fence, level int, from string, yield func(fence, error) bool) (more bool) {
	if level == 0 {
		return yield(at, nil)
	}
	below, err := f.node(at)
	if err != nil {
		return yield(fence{}, err)
	}
	for _, next := range below[max(0, lastUpTo(below, from)):] {
		if !f.blocksBelow(next, level-1, from, yield) {
			return false
		}
	}
	return true
}

// eachEntry reads the whole directory, in order.
func (f *File) eachEntry(visit func(e *entry)) error {
	before := ""
	for block, err := range f.blocks("") {
		if err != nil {
			return err
		}
		entries, err := f.readBlock(block)
		if err != nil {
			return err
		}
		for i := range entries {
			if entries[i].path <= before {
				return damaged("the directory is not sorted")
			}
			before = entries[i].path
			visit(&entries[i])
		}
	}
	return nil
}

// eachBelow calls visit for the files whose path has a prefix, and perhaps for
// some others.
func (f *File) eachBelow(prefix string, visit func(e *entry)) error {
	for block, err := range f.blocks(prefix) {
		if err != nil {
			return err
		}
		if block.first > prefix && !strings.HasPrefix(block.first, prefix) {
			break
		}
		entries, err := f.readBlock(block)
		if err != nil {
			return err
		}
		for i := range entries {
			visit(&entries[i])
		}
	}
	return nil
}

// node reads a node. It lies after all that it refers to, and begins with the
// path that the node above says: no part of a directory is met twice, whoever
// wrote it.
func (f *File) node(at fence) ([]fence, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if kept := f.nodes[at]; kept != nil {
		return kept, nil
	}
	data, err := f.read(at.place, "the directory")
	if err != nil {
		return nil, err
	}
	below, err := parseNode(data, at)
	if err != nil {
		return nil, err
	}
	if len(data) <= maxKeptSize {
		keep(f.nodes, maxKeptNodes, at, below)
	}
	return below, nil
}

func parseNode(data []byte, at fence) ([]fence, error) {
	// Its paths share the memory of one string.
	c, all := cursor{rest: data}, string(data)
	below := make([]fence, 0, fanOut)
	for len(c.rest) > 0 && len(below) < fanOut {
		size := c.count(min(maxPath, len(c.rest)))
		from := len(all) - len(c.rest)
		c.take(size)
		next := fence{first: all[from:][:size], place: c.extent(at.place.at, maxBlock)}
		if n := len(below); next.first == "" || n > 0 && below[n-1].first >= next.first || next.place.size == 0 {
			c.fail()
		}
		below = append(below, next)
	}
	if len(c.rest) > 0 || at.first != "" && (len(below) == 0 || below[0].first != at.first) {
		c.fail()
	}
	return below, c.err("the directory")
}

// block reads a block as it stands in the file.
func (f *File) block(place extent) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if kept := f.kept[place]; kept != nil {
		return kept, nil
	}
	data, err := f.read(place, "the directory")
	if err != nil {
		return nil, err
	}
	if len(data) <= maxKeptSize {
		keep(f.kept, maxKeptBlocks, place, data)
	}
	return data, nil
}

// keep adds to what is kept, of which there may be so many.
func keep[K comparable, V any](kept map[K]V, limit int, key K, value V) {
	if len(kept) >= limit {
		clear(kept)
	}
	kept[key] = value
}

func (f *File) readBlock(at fence) ([]entry, error) {
	data, err := f.read(at.place, "the directory")
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, blockSize)
	c, path := cursor{rest: data}, []byte(nil)
	for len(c.rest) > 0 && len(entries) < blockSize {
		e := nextEntry(&c, &path, f.head.heapEnd)
		e.path = string(path)
		if n := len(entries); n > 0 && e.path <= entries[n-1].path {
			c.fail()
		}
		entries = append(entries, e)
	}
	if len(c.rest) > 0 || len(entries) == 0 || entries[0].path != at.first {
		c.fail()
	}
	return entries, c.err("the directory")
}
