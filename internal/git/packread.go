package git

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // the checksum of git's pack format
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"sort"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/clydepm/clyde/internal/inflate"
)

// ID is an object ID in its 20 bytes.
type ID = plumbing.Hash

// Pack is a pack that was received: objects that are read out of it without
// making a repository. It is read once from front to back; then what stands in
// it lies unpacked in a temporary file, and objects that are differences are
// put together when they are asked for. Close it when done.
type Pack struct {
	spool   *os.File
	objects []packed
	base    Base

	children []int32          // first object that is a difference to this one, or -1
	byRef    map[ID][]int32   // objects that are differences to one with this ID
	inner    map[ID]innerPart // commits and trees
}

// Base gives an object that is not in a pack: its kind, "commit", "tree" or
// "blob", and a way to its content. The error is [ErrNotFound] when there is none
// with that ID.
type Base func(id ID) (kind string, content func() ([]byte, error), err error)

// packed is an object as it stands in a pack.
type packed struct {
	offset  int64 // in the pack
	at      int64 // in the spool
	size    int32 // there
	kind    plumbing.ObjectType
	base    int32 // an OFSDelta: the object it is a difference to
	sibling int32 // the next object with the same base, or -1
}

// innerPart is a commit, a tree or a tag.
type innerPart struct {
	kind    plumbing.ObjectType
	content []byte
}

// Limits of a pack, beside those of its objects.
const (
	maxPackObjects = 1 << 26
	maxDeltaDepth  = 4096
)

// ReadPack reads a pack to its end and checks its sum. The base gives objects
// that a thin pack has differences to; it may be nil. The temporary file is made
// in dir.
func ReadPack(r io.Reader, dir string, base Base) (_ *Pack, err error) {
	p := &Pack{base: base, byRef: map[ID][]int32{}, inner: map[ID]innerPart{}}
	if p.spool, err = os.CreateTemp(dir, ".pack-*"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if err := p.receive(r); err != nil {
		return nil, err
	}
	return p, p.readInner()
}

// Close removes the temporary file.
func (p *Pack) Close() error {
	return errors.Join(p.spool.Close(), os.Remove(p.spool.Name()))
}

// Len says how many objects the pack has.
func (p *Pack) Len() int { return len(p.objects) }

func malformed(format string, args ...any) error {
	return &UnsafeError{Rule: "object/malformed", Detail: "the pack: " + fmt.Sprintf(format, args...)}
}

// packStream reads a pack and sums what it reads, but for the last 20 bytes,
// which are the sum.
type packStream struct {
	*inflate.Input
	under *summingReader
}

func newPackStream(r io.Reader) *packStream {
	under := &summingReader{r: r, sum: sha1.New()} //nolint:gosec // see the import
	return &packStream{inflate.NewInput(under), under}
}

// check reads the end of the pack and compares the sum.
func (s *packStream) check() error {
	var trailer [20]byte
	if _, err := io.ReadFull(s, trailer[:]); err != nil {
		return noEOF(err)
	}
	if s.Buffered() > 0 {
		return malformed("something follows its end")
	}
	if [20]byte(s.under.sum.Sum(nil)) != trailer {
		return malformed("its checksum is wrong")
	}
	return nil
}

type summingReader struct {
	r    io.Reader
	sum  hash.Hash
	tail []byte // the last bytes, which are not summed yet
}

func (s *summingReader) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.tail = append(s.tail, b[:n]...)
	if excess := len(s.tail) - sha1.Size; excess > 0 {
		s.sum.Write(s.tail[:excess])
		s.tail = append(s.tail[:0], s.tail[excess:]...)
	}
	return n, err
}

// receive reads the pack and unpacks what stands in it.
func (p *Pack) receive(r io.Reader) error {
	in := newPackStream(r)
	var start [12]byte
	if _, err := io.ReadFull(in, start[:]); err != nil {
		return noEOF(err)
	}
	count := binary.BigEndian.Uint32(start[8:])
	if string(start[:4]) != "PACK" || binary.BigEndian.Uint32(start[4:]) != 2 || count > maxPackObjects {
		return malformed("it does not begin as one")
	}
	likely := min(count, 1<<16) // whoever says more has to send them
	p.objects, p.children = make([]packed, 0, likely), make([]int32, 0, likely)
	out := &spoolWriter{w: bufio.NewWriterSize(p.spool, 1<<18)}
	decoder := inflate.NewDecoder()
	for range count {
		o := packed{offset: in.Offset(), at: out.written, sibling: -1, base: -1}
		size, err := p.objectHeader(in, &o)
		if err == nil {
			err = out.copy(decoder, in, size)
		}
		if err != nil {
			return noEOF(err)
		}
		o.size = int32(size)
		p.add(o)
	}
	if err := in.check(); err != nil {
		return err
	}
	return out.w.Flush()
}

// add notes an object; references to a base by ID are noted by objectHeader.
func (p *Pack) add(o packed) {
	number := int32(len(p.objects))
	if o.base >= 0 {
		o.sibling = p.children[o.base]
		p.children[o.base] = number
	}
	p.objects = append(p.objects, o)
	p.children = append(p.children, -1)
}

// objectHeader reads what stands before the content of an object.
func (p *Pack) objectHeader(in *packStream, o *packed) (size int64, err error) {
	b, err := in.ReadByte()
	if err != nil {
		return 0, err
	}
	o.kind = plumbing.ObjectType(b >> 4 & 7)
	size = int64(b & 15)
	for shift := 4; b&0x80 != 0; shift += 7 {
		if b, err = in.ReadByte(); err != nil {
			return 0, err
		}
		if shift > 32 {
			return 0, malformed("the size of an object")
		}
		size |= int64(b&0x7f) << shift
	}
	if size > maxObjectSize {
		return 0, &UnsafeError{Rule: "object/size", Detail: fmt.Sprintf("%d bytes, more than %d", size, maxObjectSize)}
	}
	switch o.kind {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
	case plumbing.REFDeltaObject:
		var id ID
		if _, err := io.ReadFull(in, id[:]); err != nil {
			return 0, err
		}
		p.byRef[id] = append(p.byRef[id], int32(len(p.objects)))
	case plumbing.OFSDeltaObject:
		o.base, err = p.baseOf(in, o.offset)
	default:
		err = malformed("an object of kind %d", o.kind)
	}
	return size, err
}

// baseOf reads how far before an object its base begins, and finds that.
func (p *Pack) baseOf(in *packStream, offset int64) (int32, error) {
	b, err := in.ReadByte()
	if err != nil {
		return 0, err
	}
	back := int64(b & 0x7f)
	for b&0x80 != 0 {
		if b, err = in.ReadByte(); err != nil {
			return 0, err
		}
		if back > 1<<48 {
			return 0, malformed("the offset of a base")
		}
		back = (back+1)<<7 | int64(b&0x7f)
	}
	at := offset - back
	i := sort.Search(len(p.objects), func(i int) bool { return p.objects[i].offset >= at })
	if i == len(p.objects) || p.objects[i].offset != at {
		return 0, malformed("a difference to nothing")
	}
	return int32(i), nil
}

// spoolWriter writes what comes out of the inflater.
type spoolWriter struct {
	w       *bufio.Writer
	written int64
	buf     []byte
}

// copy unpacks an object of that size.
func (s *spoolWriter) copy(decoder *inflate.Decoder, in *packStream, size int64) error {
	s.buf = slices.Grow(s.buf[:0], int(size))[:size]
	if err := decoder.Inflate(s.buf, in.Input); err != nil {
		if errors.Is(err, inflate.ErrCorrupt) {
			err = malformed("%v", err)
		}
		return err
	}
	s.written += size
	_, err := s.w.Write(s.buf)
	return err
}
