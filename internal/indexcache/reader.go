package indexcache

import (
	"cmp"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/clydepm/clyde/index"
)

// File is an open file of a commit. It is safe for use by several goroutines;
// close it when done. A method that meets damage reports [ErrDamaged].
type File struct {
	file   *os.File
	reader io.ReaderAt
	head   header
	commit string

	mu      sync.Mutex
	nodes   map[fence][]fence // of the directory; no more than maxKeptNodes
	kept    map[extent][]byte // blocks of the directory; no more than maxKeptBlocks
	decoder *zstd.Decoder
	frame   extent // the frame that was unpacked last
	raw     []byte // its content
}

// Open opens a file. It reads the header and nothing else. The error is
// [ErrDamaged], or that of the file system. The caller must call Close.
func Open(name string) (*File, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	f, err := openFrom(file, file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

// openFrom opens a file, all of whose content is read from reader.
func openFrom(file *os.File, reader io.ReaderAt) (*File, error) {
	f := &File{file: file, reader: reader, nodes: map[fence][]fence{}, kept: map[extent][]byte{}}
	return f, f.readHeader()
}

func (f *File) readHeader() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	b := make([]byte, headerSize)
	if n, err := f.reader.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	} else if n < headerSize {
		return damaged("it has %d bytes", n)
	}
	f.head, err = parseHeader(b, info.Size())
	f.commit = f.head.commit.String()
	return err
}

// Close closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.decoder != nil {
		f.decoder.Close()
		f.decoder = nil
	}
	return f.file.Close()
}

// Commit is the ID of the commit.
func (f *File) Commit() string { return f.commit }

// Tree is the ID of the commit's tree.
func (f *File) Tree() string { return f.head.tree.String() }

// CommitObject is the commit as git keeps it.
func (f *File) CommitObject() ([]byte, error) { return f.read(f.head.object, "the commit") }

// Packages says how many packages there are.
func (f *File) Packages() int { return int(f.head.packages) }

// read reads a piece and checks it.
func (f *File) read(e extent, what string) ([]byte, error) {
	b := make([]byte, e.size)
	if _, err := f.reader.ReadAt(b, e.at); err != nil && (!errors.Is(err, io.EOF) || e.size > 0) {
		return nil, damaged("%s cannot be read: %v", what, err)
	}
	if checksum(b) != e.sum {
		return nil, damaged("checksum of %s", what)
	}
	return b, nil
}

// content reads the content of a file and holds it against its object ID. The
// result is the caller's own.
func (f *File) content(e *entry) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.mode == Submodule {
		return nil, fs.ErrInvalid
	}
	if err := f.unpack(e); err != nil {
		return nil, err
	}
	content := slices.Clone(f.raw[e.at : e.at+e.size])
	if objectID("blob", content) != e.id {
		return nil, damaged("%s is not object %s", e.path, e.id)
	}
	return content, nil
}

// unpack makes f.raw the content of a file's frame. The caller holds f.mu.
func (f *File) unpack(e *entry) error {
	if e.frame == f.frame && int64(len(f.raw)) == e.raw {
		return nil
	}
	packed, err := f.read(e.frame, "a frame")
	if err != nil {
		return err
	}
	if f.decoder == nil {
		f.decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(maxContent+frameSize), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return err
		}
	}
	f.frame = extent{}
	if int64(cap(f.raw)) < e.raw || int64(cap(f.raw)) > e.raw+4*frameSize {
		f.raw = make([]byte, 0, e.raw)
	}
	f.raw, err = f.decoder.DecodeAll(packed, f.raw[:0:e.raw])
	if err != nil || int64(len(f.raw)) != e.raw {
		f.raw = f.raw[:0]
		return damaged("a frame of %s: %v", e.path, err)
	}
	f.frame = e.frame
	return nil
}

// packageEntry finds the file of a package; nil when there is none.
func (f *File) packageEntry(name string) (*entry, error) {
	path, err := index.Path(name)
	if err != nil {
		return nil, nil //nolint:nilerr // no package can have such a name
	}
	e, err := f.find(path)
	if e != nil && e.mode != Regular {
		e = nil
	}
	return e, err
}

// Content reads the exact bytes of the file of a package; false when there is
// no such package.
func (f *File) Content(name string) ([]byte, bool, error) {
	e, err := f.packageEntry(name)
	if e == nil || err != nil {
		return nil, false, err
	}
	content, err := f.content(e)
	return content, err == nil, err
}

// Package reads all lines of a package; false when there is no such package.
func (f *File) Package(name string) (index.File, bool, error) {
	content, ok, err := f.Content(name)
	if !ok || err != nil {
		return index.File{}, false, err
	}
	return Lines(name, content), true, nil
}

// Releases reads what choosing versions needs of the lines of a package. It is
// false when there is no such package. Their Entry has neither what the version
// needs, nor unknown members, nor what is said to people (description, keywords,
// license, authors, homepage, repository, source).
func (f *File) Releases(name string) (*index.Releases, bool, error) {
	r, ok, err := f.packageRecord(name)
	switch {
	case !ok || err != nil:
		return nil, false, err
	case r != nil:
		return &r.Releases, true, nil
	}
	file, ok, err := f.Package(name)
	return index.ReleasesOf(file.Entries), ok, err
}

// packageRecord reads the record of a package: nil if it has too many lines for
// one, false if there is no such package.
func (f *File) packageRecord(name string) (*record, bool, error) {
	e, err := f.packageEntry(name)
	if e == nil || err != nil {
		return nil, false, err
	}
	if e.record.size == 0 {
		return nil, true, nil
	}
	data, err := f.read(e.record, "a record")
	if err != nil {
		return nil, false, err
	}
	r, err := readRecord(data)
	return r, err == nil, err
}

// Entries reads every version of a package; false when there is no such package.
// They have all but dependencies of development, unknown members, and what is said
// to people.
func (f *File) Entries(name string) ([]*index.Entry, bool, error) {
	r, ok, err := f.packageRecord(name)
	switch {
	case !ok || err != nil:
		return nil, false, err
	case r == nil:
		file, ok, err := f.Package(name)
		return file.Entries, ok, err
	}
	entries, err := r.entries()
	return entries, err == nil, err
}

// Names calls visit with the summary of every package, in the order of their
// paths, until it reports false. What was visited is worth nothing when it
// reports damage, as the checksum is known at the end.
func (f *File) Names(visit func(n Named) bool) error {
	left, sum := f.head.names, uint32(0)
	buffer, held := make([]byte, namesBuffer), 0
	for left.size > 0 || held > 0 {
		n, err := f.reader.ReadAt(buffer[held:min(int64(len(buffer)), int64(held)+left.size)], left.at)
		if err != nil && (!errors.Is(err, io.EOF) || int64(n) < left.size) {
			return damaged("the names cannot be read: %v", err)
		}
		sum = crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), buffer[held:held+n])
		left.at, left.size = left.at+int64(n), left.size-int64(n)
		rest, err := someNames(buffer[:held+n], &visit)
		if err != nil {
			return err
		}
		if len(rest) == held+n { // a summary of this size, or the beginning of one
			if left.size == 0 {
				return damaged("a name does not make sense")
			}
			buffer = slices.Grow(buffer, len(buffer))[:2*len(buffer)]
			held = len(rest)
			continue
		}
		held = copy(buffer, rest)
	}
	if sum != f.head.names.sum {
		return damaged("checksum of the names")
	}
	return nil
}

// namesBuffer is how much of the names is read at a time.
const namesBuffer = 64 << 10

// someNames visits the summaries that are whole, until visit reports false,
// which makes it nil. It returns what follows them.
func someNames(data []byte, visit *func(n Named) bool) (rest []byte, err error) {
	for c := (cursor{rest: data}); ; data = c.rest {
		item := c.take(c.items())
		if c.bad || len(data) == 0 {
			return data, nil
		}
		n, ok := readNamed(item)
		if !ok {
			return nil, damaged("a name does not make sense")
		}
		if *visit != nil && !(*visit)(n) {
			*visit = nil
		}
	}
}

// eachName calls visit with each summary also as it stands in the file, which
// stays valid.
func (f *File) eachName(visit func(n Named, raw []byte) bool) error {
	data, err := f.read(f.head.names, "the names")
	if err != nil {
		return err
	}
	c := cursor{rest: data}
	for len(c.rest) > 0 {
		before := c.rest
		n, ok := readNamed(c.take(c.items()))
		if !ok || c.bad {
			c.fail()
			break
		}
		if !visit(n, before[:len(before)-len(c.rest)]) {
			return nil
		}
	}
	return c.err("a name")
}

// Prove computes the ID of the commit's tree from the directory and compares.
func (f *File) Prove() error {
	state, err := f.State()
	if err != nil {
		return err
	}
	if tree := folders(state.files, func(string, ID, []byte) {}); tree != f.head.tree {
		return damaged("its files make the tree %s and not %s", tree, f.head.tree)
	}
	return nil
}

// State is the directory of a file in memory, to compare another commit with.
type State struct {
	file  *File
	files []*entry
	trees map[ID]string // paths of folders; nil until they are asked for
	blobs []byID        // the files with a content, sorted by ID
}

// State reads the whole directory.
func (f *File) State() (*State, error) {
	s := &State{file: f, files: make([]*entry, 0, f.head.files)}
	err := f.eachEntry(func(e *entry) { s.files = append(s.files, e) })
	return s, err
}

// Commit is the ID of the commit.
func (s *State) Commit() string { return s.file.commit }

// AppendUnder adds the files below a folder to places, sorted by path; "" is the
// root.
func (s *State) AppendUnder(places []Place, folder string) []Place {
	for _, e := range s.under(folder) {
		places = append(places, Place{e.path, e.mode, e.id})
	}
	return places
}

func (s *State) under(folder string) []*entry {
	if folder == "" {
		return s.files
	}
	folder += "/"
	from, _ := slices.BinarySearchFunc(s.files, folder, func(e *entry, path string) int { return cmp.Compare(e.path, path) })
	to := from
	for to < len(s.files) && strings.HasPrefix(s.files[to].path, folder) {
		to++
	}
	return s.files[from:to]
}

// prepare computes what objects the commit has.
func (s *State) prepare() {
	if s.trees != nil {
		return
	}
	s.trees = make(map[ID]string, len(s.files)/3)
	folders(s.files, func(path string, id ID, _ []byte) { s.trees[id] = path })
	s.blobs = make([]byID, 0, len(s.files))
	for _, e := range s.files {
		if e.mode != Submodule {
			s.blobs = append(s.blobs, newByID(e))
		}
	}
	s.blobs = sortByID(s.blobs)
}

// Folder finds a folder by the ID of its tree.
func (s *State) Folder(id ID) (path string, ok bool) {
	s.prepare()
	path, ok = s.trees[id]
	return path, ok
}

// Object finds an object of the commit: a file, a folder, or the commit itself.
// It is false when the commit does not have it.
func (s *State) Object(id ID) (kind string, content func() ([]byte, error), ok bool) {
	if id == s.file.head.commit {
		return "commit", s.file.CommitObject, true
	}
	s.prepare()
	if files := withID(s.blobs, id); len(files) > 0 {
		return "blob", func() ([]byte, error) { return s.file.content(files[0].entry) }, true
	}
	folder, ok := s.trees[id]
	return "tree", func() ([]byte, error) { return s.folder(folder), nil }, ok
}

// folder is a folder as git keeps it.
func (s *State) folder(folder string) (content []byte) {
	base := folder
	if base != "" {
		base += "/"
	}
	f := folding{files: s.under(folder), visit: func(path string, _ ID, data []byte) {
		if path == folder {
			content = slices.Clone(data)
		}
	}}
	f.folder(base, 0)
	return content
}
