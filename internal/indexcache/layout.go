package indexcache

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/clydepm/clyde/index"
)

// FormatVersion is the version of the format that is written, and the only one
// that is read: a file of another version is made again.
const FormatVersion = 3

// ErrDamaged reports a file that is not, or not any more, what was written.
var ErrDamaged = errors.New("the packed index is damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrDamaged}, args...)...)
}

// ID is a git object ID.
type ID [20]byte

// ParseID reads the 40 hex digits of an object ID.
func ParseID(s string) (id ID, err error) {
	if len(s) != 2*len(id) {
		return id, fmt.Errorf("%q is not an object ID", s)
	}
	_, err = hex.Decode(id[:], []byte(s))
	return id, err
}

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Mode is the kind of a file.
type Mode byte

// The kinds of files that a commit can have.
const (
	Regular Mode = iota
	Executable
	Symlink
	Submodule // its ID is that of a commit elsewhere; it has no content
)

const (
	magic      = "clydeidx"
	headerSize = 256
	blockSize  = 64  // entries of a block of the directory
	fanOut     = 128 // fences of a node

	minEntry   = 23      // bytes of an entry
	maxBlock   = 1 << 20 // bytes of a block or a node
	maxLevels  = 4       // of nodes; two do for a million files
	maxNames   = 1 << 30 // bytes of all names
	maxRecord  = 4 << 20 // a package with more has no record
	maxPath    = 4096
	maxContent = index.MaxFileSize
)

// castagnoli is made once by the standard library and kept there.
func checksum(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }

// extent is a piece of the file.
type extent struct {
	at, size int64
	sum      uint32
}

// header is the beginning of a file.
type header struct {
	commit, tree    ID
	heapEnd         int64
	live            int64 // bytes of the heap that something refers to, nearly
	files, packages uint32
	levels          int    // of nodes
	root            extent // of the directory, which goes from heapEnd to its end
	names, past     extent
	object          extent // the commit as git keeps it
}

func (h header) bytes() []byte {
	b := append(make([]byte, 0, headerSize), magic...)
	b = binary.BigEndian.AppendUint32(b, FormatVersion)
	b = append(b, 0, 0, 0, 0) // the checksum
	b = append(b, h.commit[:]...)
	b = append(b, h.tree[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.heapEnd))
	b = binary.BigEndian.AppendUint64(b, uint64(h.live))
	b = binary.BigEndian.AppendUint32(b, h.files)
	b = binary.BigEndian.AppendUint32(b, h.packages)
	for _, e := range []extent{h.root, h.names, h.past, h.object} {
		b = binary.BigEndian.AppendUint64(b, uint64(e.at))
		b = binary.BigEndian.AppendUint64(b, uint64(e.size))
		b = binary.BigEndian.AppendUint32(b, e.sum)
	}
	b = append(b, byte(h.levels))
	b = append(b, make([]byte, headerSize-len(b))...)
	binary.BigEndian.PutUint32(b[12:], checksum(b[16:]))
	return b
}

// parseHeader reads the header of a file of the given size.
func parseHeader(b []byte, size int64) (h header, err error) {
	switch {
	case len(b) != headerSize || string(b[:8]) != magic:
		return h, damaged("it does not begin as one")
	case binary.BigEndian.Uint32(b[8:]) != FormatVersion:
		return h, damaged("it has format version %d", binary.BigEndian.Uint32(b[8:]))
	case binary.BigEndian.Uint32(b[12:]) != checksum(b[16:]):
		return h, damaged("checksum of its header")
	}
	copy(h.commit[:], b[16:])
	copy(h.tree[:], b[36:])
	h.heapEnd = int64(binary.BigEndian.Uint64(b[56:]))
	h.live = int64(binary.BigEndian.Uint64(b[64:]))
	h.files = binary.BigEndian.Uint32(b[72:])
	h.packages = binary.BigEndian.Uint32(b[76:])
	for i, e := range []*extent{&h.root, &h.names, &h.past, &h.object} {
		part := b[80+20*i:]
		e.at = int64(binary.BigEndian.Uint64(part))
		e.size = int64(binary.BigEndian.Uint64(part[8:]))
		e.sum = binary.BigEndian.Uint32(part[16:])
	}
	h.levels = int(b[160])
	switch {
	case h.heapEnd < headerSize || h.live < 0, h.levels < 1, h.levels > maxLevels,
		h.root.at < h.heapEnd, h.root.size < 0, h.root.size > maxBlock,
		h.names.at != h.root.at+h.root.size, h.names.size < 0, h.names.size > maxNames,
		h.past.at != h.names.at+h.names.size, h.past.size < 0, h.past.size > maxPast,
		h.object.at != h.past.at+h.past.size, h.object.size < 0, h.object.size > maxRecord:
		return h, damaged("its parts do not fit together")
	case h.object.at+h.object.size != size:
		return h, damaged("it has %d bytes and should have %d", size, h.object.at+h.object.size)
	case int64(h.files) > (h.names.at-h.heapEnd)/minEntry:
		return h, damaged("its directory has no room for %d files", h.files)
	}
	return h, nil
}

// entry is a file of the commit.
type entry struct {
	path   string
	mode   Mode
	taken  bool // by an appender; see [wanted]
	id     ID
	frame  extent
	raw    int64 // size of the frame's content
	at     int64 // of the file in the frame's content
	size   int64
	record extent // size 0: none

	summary []byte // of a package, as it stands among the names; known to writers alone
}

// append adds the entry to a block; before is the path of the entry before.
func (e *entry) append(b []byte, before string) []byte {
	shared := 0
	for shared < min(len(before), len(e.path)) && before[shared] == e.path[shared] {
		shared++
	}
	b = binary.AppendUvarint(b, uint64(shared))
	b = appendText(b, e.path[shared:])
	b = append(b, byte(e.mode))
	b = append(b, e.id[:]...)
	if e.mode == Submodule {
		return b
	}
	b = appendExtent(b, e.frame)
	b = binary.AppendUvarint(b, uint64(e.raw))
	b = binary.AppendUvarint(b, uint64(e.at))
	b = binary.AppendUvarint(b, uint64(e.size))
	return appendExtent(b, e.record)
}

// readEntry reads what append wrote. Everything the entry refers to lies within
// the heap, which ends at heapEnd.
func readEntry(c *cursor, before string, heapEnd int64) entry {
	path := []byte(before)
	e := nextEntry(c, &path, heapEnd)
	e.path = string(path)
	return e
}

// nextEntry is readEntry, but that it leaves the path where that of the entry
// before is.
func nextEntry(c *cursor, path *[]byte, heapEnd int64) (e entry) {
	shared := c.count(len(*path))
	*path = append((*path)[:shared], c.take(c.count(min(maxPath-shared, len(c.rest))))...)
	e.mode = Mode(c.byte())
	copy(e.id[:], c.take(len(e.id)))
	if e.mode > Submodule {
		c.fail()
	}
	if e.mode >= Submodule {
		return e
	}
	e.frame = c.extent(heapEnd, maxContent)
	e.raw = int64(c.count(maxContent + frameSize))
	e.at = int64(c.count(int(e.raw)))
	e.size = int64(c.count(int(e.raw - e.at)))
	e.record = c.extent(heapEnd, maxRecord)
	return e
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendExtent(b []byte, e extent) []byte {
	b = binary.AppendUvarint(b, uint64(e.size))
	if e.size == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(e.at))
	return binary.BigEndian.AppendUint32(b, e.sum)
}

// cursor reads bytes that may be anything. After the first thing that does not
// fit it only gives zeros.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) fail() { c.rest, c.bad = nil, true }

// err reports that something did not fit.
func (c *cursor) err(what string) error {
	if c.bad {
		return damaged("%s does not make sense", what)
	}
	return nil
}

func (c *cursor) uvarint() uint64 {
	if len(c.rest) > 0 && c.rest[0] < 0x80 {
		v := c.rest[0]
		c.rest = c.rest[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(c.rest)
	if n <= 0 {
		c.fail()
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

// count reads a number that is at most limit.
func (c *cursor) count(limit int) int {
	v := c.uvarint()
	if limit < 0 || v > uint64(limit) {
		c.fail()
		return 0
	}
	return int(v)
}

// items reads how many items follow, each of which takes a byte or more.
func (c *cursor) items() int { return c.count(len(c.rest)) }

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.rest) {
		c.fail()
		return nil
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) text(limit int) string { return string(c.take(c.count(min(limit, len(c.rest))))) }

// extent reads a piece that ends at end or before.
func (c *cursor) extent(end, limit int64) (e extent) {
	e.size = int64(c.count(int(limit)))
	if e.size == 0 {
		return e
	}
	e.at = int64(c.count(int(end)))
	if sum := c.take(4); sum != nil {
		e.sum = binary.BigEndian.Uint32(sum)
	}
	if e.at < headerSize || e.at > end-e.size {
		c.fail()
	}
	return e
}
