package publish

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/listing"
)

// overlay is a tree with one file replaced or added. What lies beside the way
// to that file is the tree's own, object IDs included, so that a comparison
// reads the changed file alone.
type overlay struct {
	tree fs.FS
	path string
	data []byte
	gone bool // there is no such file
}

// WithFile returns a tree in which one file has other contents, or none at all
// when data is nil.
func WithFile(tree fs.FS, path string, data []byte) fs.FS {
	return overlay{tree: tree, path: path, data: data, gone: data == nil}
}

func (o overlay) missing(op string) error {
	return &fs.PathError{Op: op, Path: o.path, Err: fs.ErrNotExist}
}

var _ interface {
	fs.ReadDirFS
	fs.ReadFileFS
	fs.StatFS
} = overlay{}

// onTheWay reports whether name is a folder above the changed file.
func (o overlay) onTheWay(name string) bool {
	return name == "." || strings.HasPrefix(o.path, name+"/")
}

// Open opens a file or folder.
func (o overlay) Open(name string) (fs.File, error) {
	switch {
	case name == o.path && o.gone:
		return nil, o.missing("open")
	case name == o.path:
		return &overlayFile{info: o.info(), Reader: strings.NewReader(string(o.data))}, nil
	case o.onTheWay(name):
		entries, err := o.ReadDir(name)
		return &overlayFolder{info: overlayInfo{name: path.Base(name), mode: fs.ModeDir | 0o755}, Entries: entries}, err
	}
	return o.tree.Open(name)
}

// ReadFile reads a file.
func (o overlay) ReadFile(name string) ([]byte, error) {
	if name == o.path && o.gone {
		return nil, o.missing("read")
	}
	if name == o.path {
		return slices.Clone(o.data), nil
	}
	return fs.ReadFile(o.tree, name)
}

// Stat describes a file or folder.
func (o overlay) Stat(name string) (fs.FileInfo, error) {
	switch {
	case name == o.path && o.gone:
		return nil, o.missing("stat")
	case name == o.path:
		return o.info(), nil
	case o.onTheWay(name):
		return overlayInfo{name: path.Base(name), mode: fs.ModeDir | 0o755}, nil
	}
	return fs.Stat(o.tree, name)
}

// ReadLink gives the target of a link of the tree below.
func (o overlay) ReadLink(name string) (string, error) { return fs.ReadLink(o.tree, name) }

// Lstat describes a file, folder or link.
func (o overlay) Lstat(name string) (fs.FileInfo, error) {
	if name == o.path || o.onTheWay(name) {
		return o.Stat(name)
	}
	return fs.Lstat(o.tree, name)
}

// ReadDir lists a folder. The entry on the way to the changed file has no object
// ID, because it has none yet.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.tree, name)
	if !o.onTheWay(name) {
		return entries, err
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	rest := o.path
	if name != "." {
		rest = strings.TrimPrefix(o.path, name+"/")
	}
	child, _, below := strings.Cut(rest, "/")
	info := o.info()
	if below {
		info = overlayInfo{name: child, mode: fs.ModeDir | 0o755}
	}
	entries = slices.DeleteFunc(slices.Clone(entries), func(e fs.DirEntry) bool { return e.Name() == child })
	if o.gone && !below {
		return entries, nil
	}
	entries = append(entries, fs.FileInfoToDirEntry(info))
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, nil
}

func (o overlay) info() overlayInfo {
	return overlayInfo{name: path.Base(o.path), size: int64(len(o.data)), mode: 0o644}
}

// overlayInfo describes the changed file and the folders on the way to it.
type overlayInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (i overlayInfo) Name() string       { return i.name }
func (i overlayInfo) Size() int64        { return i.size }
func (i overlayInfo) Mode() fs.FileMode  { return i.mode }
func (i overlayInfo) ModTime() time.Time { return time.Time{} }
func (i overlayInfo) IsDir() bool        { return i.mode.IsDir() }
func (i overlayInfo) Sys() any           { return nil }

type overlayFile struct {
	info overlayInfo
	*strings.Reader
}

func (f *overlayFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *overlayFile) Close() error               { return nil }

type overlayFolder struct {
	info overlayInfo
	listing.Entries
}

func (f *overlayFolder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *overlayFolder) Close() error               { return nil }

func (f *overlayFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: errors.New("is a folder")}
}
