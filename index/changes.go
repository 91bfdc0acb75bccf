package index

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
)

// Bounds of a difference that [Changes] reports.
const (
	MaxFileSize     = 64 << 20  // of one file, in bytes
	MaxChangedFiles = 1000      // in one difference
	MaxChangedBytes = 256 << 20 // of all changed files together, before and after
	maxTreeDepth    = 64
)

// FileChange is a file that differs between two trees.
type FileChange struct {
	Path   string
	Before *Blob // nil: there was none
	After  *Blob // nil: there is none any more
}

// Blob is a file of a tree.
type Blob struct {
	Mode fs.FileMode // 0o644, 0o755, fs.ModeSymlink, or fs.ModeIrregular for anything else
	Data []byte      // of a symbolic link, its target; of anything irregular, its object ID if it has one
}

// TooLargeError reports a difference, or a file in it, beyond a bound.
type TooLargeError struct {
	Path  string // the file or folder that went beyond it
	What  string // what is bounded
	Limit int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s: the change is too large: more than %d %s", e.Path, e.Limit, e.What)
}

// Changes returns the files that differ between two trees, sorted by path. Where
// both trees have an entry that implements interface{ ObjectID() string } and
// these are equal, it is taken to be unchanged and not read. A nil tree is an
// empty one. A difference beyond the bounds of this package is a
// [*TooLargeError]; other errors are those of the trees.
func Changes(base, head fs.FS) ([]FileChange, error) {
	d := differ{base: base, head: head}
	if err := d.folder(".", base != nil, head != nil, 0); err != nil {
		return nil, err
	}
	slices.SortFunc(d.changes, func(a, b FileChange) int { return cmp.Compare(a.Path, b.Path) })
	return d.changes, nil
}

type differ struct {
	base, head fs.FS
	changes    []FileChange
	bytes      int64
}

// folder compares a folder that exists in one of the trees or in both.
func (d *differ) folder(name string, inBase, inHead bool, depth int) error {
	if depth > maxTreeDepth {
		return &TooLargeError{name, "folders within each other", maxTreeDepth}
	}
	before, err := list(d.base, name, inBase)
	if err != nil {
		return err
	}
	after, err := list(d.head, name, inHead)
	if err != nil {
		return err
	}
	for child, pair := range merge(before, after) {
		if err := d.entry(path.Join(name, child), pair.before, pair.after, depth); err != nil {
			return err
		}
	}
	return nil
}

func list(tree fs.FS, name string, exists bool) ([]fs.DirEntry, error) {
	if !exists {
		return nil, nil
	}
	entries, err := fs.ReadDir(tree, name)
	if err != nil {
		return nil, fmt.Errorf("reading folder %s: %w", name, err)
	}
	return entries, nil
}

// pair is what the two trees have under one name; either may be nil.
type pair struct{ before, after fs.DirEntry }

// merge matches entries by name and drops those that are known to be equal.
func merge(before, after []fs.DirEntry) map[string]pair {
	pairs := make(map[string]pair)
	old := make(map[string]fs.DirEntry, len(before))
	for _, e := range before {
		old[e.Name()] = e
	}
	for _, e := range after {
		if o := old[e.Name()]; o == nil || !sameObject(o, e) {
			pairs[e.Name()] = pair{o, e}
		}
		delete(old, e.Name())
	}
	for name, e := range old {
		pairs[name] = pair{e, nil}
	}
	return pairs
}

// sameObject reports whether two entries are known to be equal without reading them.
func sameObject(a, b fs.DirEntry) bool {
	id := objectID(a)
	if id == "" || id != objectID(b) || a.IsDir() != b.IsDir() {
		return false
	}
	if a.IsDir() {
		return true
	}
	before, errBefore := entryMode(a)
	after, errAfter := entryMode(b)
	return errBefore == nil && errAfter == nil && before == after
}

func objectID(e fs.DirEntry) string {
	if o, ok := e.(interface{ ObjectID() string }); ok {
		return o.ObjectID()
	}
	return ""
}

func (d *differ) entry(name string, before, after fs.DirEntry, depth int) error {
	beforeFolder, afterFolder := isFolder(before), isFolder(after)
	if beforeFolder || afterFolder {
		if err := d.folder(name, beforeFolder, afterFolder, depth+1); err != nil {
			return err
		}
	}
	change := FileChange{Path: name}
	var err error
	if before != nil && !beforeFolder {
		if change.Before, err = d.read(d.base, name, before); err != nil {
			return err
		}
	}
	if after != nil && !afterFolder {
		if change.After, err = d.read(d.head, name, after); err != nil {
			return err
		}
	}
	if change.Before.equal(change.After) {
		return nil
	}
	if len(d.changes) == MaxChangedFiles {
		return &TooLargeError{name, "files", MaxChangedFiles}
	}
	d.changes = append(d.changes, change)
	return nil
}

func isFolder(e fs.DirEntry) bool { return e != nil && e.IsDir() }

func (b *Blob) equal(c *Blob) bool {
	if b == nil || c == nil {
		return b == c
	}
	return b.Mode == c.Mode && bytes.Equal(b.Data, c.Data)
}

func (d *differ) read(tree fs.FS, name string, entry fs.DirEntry) (*Blob, error) {
	mode, err := entryMode(entry)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	blob := &Blob{Mode: mode}
	switch mode {
	case fs.ModeIrregular:
		blob.Data = []byte(objectID(entry))
	case fs.ModeSymlink:
		blob.Data, err = readLink(tree, name)
	default:
		blob.Data, err = readFile(tree, name)
	}
	if err != nil {
		return nil, err
	}
	if d.bytes += int64(len(blob.Data)); d.bytes > MaxChangedBytes {
		return nil, &TooLargeError{name, "bytes in all files", MaxChangedBytes}
	}
	return blob, nil
}

// entryMode returns the mode as git knows it: a file that someone may execute is
// 0o755, any other is 0o644.
func entryMode(e fs.DirEntry) (fs.FileMode, error) {
	switch e.Type() {
	case fs.ModeSymlink:
		return fs.ModeSymlink, nil
	case 0:
	default:
		return fs.ModeIrregular, nil
	}
	info, err := e.Info()
	if err != nil {
		return 0, err
	}
	if info.Mode()&0o111 != 0 {
		return 0o755, nil
	}
	return 0o644, nil
}

// readLink returns the target of a symbolic link. A tree that has no links of
// its own kind, as git's, gives the target as the file's content.
func readLink(tree fs.FS, name string) ([]byte, error) {
	target, err := fs.ReadLink(tree, name)
	if errors.Is(err, fs.ErrInvalid) {
		return readFile(tree, name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading link %s: %w", name, err)
	}
	return []byte(target), nil
}

func readFile(tree fs.FS, name string) ([]byte, error) {
	file, err := tree.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer file.Close() // read only: closing cannot lose anything
	data, err := io.ReadAll(io.LimitReader(file, MaxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(data) > MaxFileSize {
		return nil, &TooLargeError{name, "bytes in one file", MaxFileSize}
	}
	return data, nil
}
