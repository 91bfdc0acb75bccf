package indexcache

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/clydepm/clyde/index"
)

// frameSize is how much content a frame has, or more if one file has.
const frameSize = 128 << 10

// Place is where a file is in the tree of a commit.
type Place struct {
	Path string
	Mode Mode
	ID   ID
}

// Writer makes a file of a commit. Its contents are added in any order and by
// several goroutines, each with an [Appender] of its own; then [Writer.Finish]
// gives the file its name. A writer that is not finished must be aborted.
type Writer struct {
	commit Commit
	temp   *os.File
	out    *bufio.Writer // to temp
	files  []*entry      // sorted by path
	wanted wanted
	past   []past

	changed int // packages

	blockSize, fanOut int // of the directory

	mu     sync.Mutex
	end    int64 // of the heap
	failed error
}

// Commit is a commit as git keeps it, and the ID of its tree.
type Commit struct {
	ID, Tree ID
	Object   []byte
}

// NewWriter begins a file in the folder dir, of a commit with these files. The
// error is [ErrDamaged] when they do not make the commit's tree.
func NewWriter(dir string, commit Commit, places []Place) (*Writer, error) {
	w, err := newWriter(dir, commit, places)
	if err != nil {
		return nil, err
	}
	w.wanted.files = make([]byID, 0, len(w.files))
	for _, f := range w.files {
		w.wanted.add(f)
		if f.isPackage() {
			w.changed++
		}
	}
	return w, nil
}

func newWriter(dir string, commit Commit, places []Place) (*Writer, error) {
	w := &Writer{
		commit: commit, end: headerSize, files: make([]*entry, len(places)),
		blockSize: blockSize, fanOut: fanOut,
	}
	entries := make([]entry, len(places))
	for i, p := range places {
		entries[i] = entry{path: p.Path, mode: p.Mode, id: p.ID}
		w.files[i] = &entries[i]
	}
	return w, w.begin(dir)
}

// begin checks the files against the ID of the tree and makes the temporary file.
func (w *Writer) begin(dir string) error {
	sortEntries(w.files)
	for i, f := range w.files {
		if f.path == "" || len(f.path) > maxPath || i > 0 && w.files[i-1].path == f.path {
			return fmt.Errorf("a commit cannot have the file %q", f.path)
		}
	}
	if tree := folders(w.files, func(string, ID, []byte) {}); tree != w.commit.Tree {
		return damaged("the files of commit %s make the tree %s and not %s", w.commit.ID, tree, w.commit.Tree)
	}
	if objectID("commit", w.commit.Object) != w.commit.ID || len(w.commit.Object) > maxRecord {
		return damaged("the object is not that of commit %s", w.commit.ID)
	}
	temp, err := os.CreateTemp(dir, tempPattern)
	if err != nil {
		return err
	}
	w.temp, w.out = temp, bufio.NewWriterSize(temp, 2*frameSize)
	if _, err := w.out.Write(make([]byte, headerSize)); err != nil {
		return errors.Join(err, w.Abort())
	}
	return nil
}

func sortEntries(files []*entry) {
	slices.SortFunc(files, func(a, b *entry) int { return strings.Compare(a.path, b.path) })
}

// tempPattern names what is being written; see [Sweep].
const tempPattern = ".new-*"

// Sweep removes what writers that were killed left in a folder. The caller
// knows that no writer is at work there.
func Sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, tempPattern))
	if err != nil {
		return err
	}
	var all []error
	for _, name := range left {
		all = append(all, os.Remove(name))
	}
	return errors.Join(all...)
}

// Wants reports whether the content of an object has still to be added.
func (w *Writer) Wants(id ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.wanted.of(id)) > 0
}

// Appender adds contents to a writer, for one goroutine. Flush it in the end.
type Appender struct {
	w       *Writer
	encoder *zstd.Encoder
	raw     []byte
	frame   []byte
	waiting []*entry // whose contents are in raw
	reader  *index.Reader
	records recordWriter
	record  []byte
}

// Appender makes a new appender.
func (w *Writer) Appender() (*Appender, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(2*frameSize), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	return &Appender{w: w, encoder: encoder, reader: index.NewReader()}, nil
}

// Add adds the content of an object, which the caller has found to have the ID.
// The content is not kept. Contents that the commit does not have, or that were
// added before, are passed over.
func (a *Appender) Add(id ID, content []byte) error {
	if len(content) > maxContent {
		return fmt.Errorf("a file of the commit has %d bytes, more than %d", len(content), maxContent)
	}
	a.w.mu.Lock()
	files := a.w.wanted.take(id)
	a.w.mu.Unlock()
	if len(files) == 0 {
		return nil
	}
	// Every command reads the configuration, which so has a frame of its own.
	alone := slices.ContainsFunc(files, func(f byID) bool { return f.path == index.ConfigPath })
	if alone || len(a.raw)+len(content) > frameSize {
		if err := a.Flush(); err != nil {
			return err
		}
	}
	for _, f := range files {
		f.at, f.size = int64(len(a.raw)), int64(len(content))
		if err := a.addRecord(f.entry, content); err != nil {
			return err
		}
		a.waiting = append(a.waiting, f.entry)
	}
	a.raw = append(a.raw, content...)
	if alone {
		return a.Flush()
	}
	return nil
}

// Flush writes the contents that wait for a frame to become full.
func (a *Appender) Flush() error {
	if len(a.waiting) == 0 {
		return nil
	}
	a.frame = a.encoder.EncodeAll(a.raw, a.frame[:0])
	frame, err := a.w.add(a.frame)
	for _, f := range a.waiting {
		f.frame, f.raw = frame, int64(len(a.raw))
	}
	a.raw, a.waiting = a.raw[:0], a.waiting[:0]
	return err
}

// addRecord adds what is derived from the lines of a package.
func (a *Appender) addRecord(f *entry, content []byte) error {
	name, ok := index.NameOf(f.path)
	if !ok || f.mode != Regular {
		return nil
	}
	entries := ownEntries(name, a.reader.Read(content).Entries)
	a.record = a.records.appendRecord(a.record[:0], entries)
	if len(a.record) <= maxRecord {
		var err error
		if f.record, err = a.w.add(a.record); err != nil {
			return err
		}
	}
	if summary, ok := Summarize(entries); ok {
		f.summary = summary.append(nil)
	}
	return nil
}

// Lines reads the file of a package. A line about another package is left out:
// a file answers for its own name only.
func Lines(name string, content []byte) index.File {
	file := index.ParseFile(content)
	file.Entries = ownEntries(name, file.Entries)
	return file
}

func ownEntries(name string, entries []*index.Entry) []*index.Entry {
	return slices.DeleteFunc(entries, func(e *index.Entry) bool { return !strings.EqualFold(e.Name, name) })
}

// add appends to the heap.
func (w *Writer) add(data []byte) (extent, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed != nil {
		return extent{}, w.failed
	}
	e := extent{at: w.end, size: int64(len(data)), sum: checksum(data)}
	if _, err := w.out.Write(data); err != nil {
		w.failed = err
		return e, err
	}
	w.end += e.size
	return e, nil
}

// Finish writes the rest of the file and gives it its name. The error is
// [ErrDamaged] when a content is missing. The writer is of no use afterwards.
//
// The file is not brought to disk, which would take longer than all the rest:
// what a power cut leaves of it is told by its checksums, and made again.
func (w *Writer) Finish(name string) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Abort())
		}
	}()
	if missing := w.wanted.missing(); missing != nil {
		return damaged("%s, object %s, is missing", missing.path, missing.id)
	}
	h := header{commit: w.commit.ID, tree: w.commit.Tree, heapEnd: w.end, live: live(w.files) + live(w.pastEntries()), files: uint32(len(w.files))}
	if err := w.writeDirectory(&h); err != nil {
		return err
	}
	if err := w.writeNames(&h); err != nil {
		return err
	}
	if err := w.writePast(&h); err != nil {
		return err
	}
	if h.object, err = w.add(w.commit.Object); err != nil {
		return err
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	if _, err := w.temp.WriteAt(h.bytes(), 0); err != nil {
		return err
	}
	if err := w.temp.Close(); err != nil {
		return err
	}
	return os.Rename(w.temp.Name(), name)
}

// live is how many bytes of the heap are referred to. A frame counts for as
// much of it as there are files that lie in it.
func live(files []*entry) int64 {
	total := 0.0
	for _, f := range files {
		total += float64(f.record.size)
		if f.raw > 0 {
			total += float64(f.frame.size) * float64(f.size) / float64(f.raw)
		}
	}
	return int64(total)
}

func (w *Writer) writeNames(h *header) (err error) {
	var names []byte
	for _, f := range w.files {
		if f.summary != nil {
			names = append(names, f.summary...)
			h.packages++
		}
	}
	h.names, err = w.add(names)
	return err
}

// Abort removes what was written. It may be called after Finish, too.
func (w *Writer) Abort() error {
	err := w.temp.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	removed := os.Remove(w.temp.Name())
	if errors.Is(removed, os.ErrNotExist) {
		removed = nil
	}
	return errors.Join(err, removed)
}
