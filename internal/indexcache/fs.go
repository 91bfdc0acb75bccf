package indexcache

import (
	"bytes"
	"cmp"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/listing"
)

// FS is the commit as a file system, as git itself would show it: it implements
// [fs.ReadDirFS] and [fs.ReadFileFS], and its entries have a method ObjectID.
// Opening a symbolic link gives its target as content; nothing is followed.
func (f *File) FS() fs.FS { return commitFS{file: f} }

type commitFS struct {
	file *File
	over map[string]*entry // what is otherwise than in file; nil: not there
}

func (c commitFS) find(name string) (*entry, error) {
	if e, ok := c.over[name]; ok {
		return e, nil
	}
	return c.file.find(name)
}

// Open implements fs.FS.
func (c commitFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	e, err := c.find(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	if e == nil {
		list, err := c.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openFolder{node: node{file: c.file, name: path.Base(name)}, Entries: list}, nil
	}
	content, err := c.file.content(e)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{fileNode{node{c.file, path.Base(name), e}}, bytes.NewReader(content)}, nil
}

// ReadFile implements fs.ReadFileFS.
func (c commitFS) ReadFile(name string) ([]byte, error) {
	e, err := c.find(name)
	if err == nil && (e == nil || !fs.ValidPath(name)) {
		err = fs.ErrNotExist
	}
	if err == nil {
		var content []byte
		if content, err = c.file.content(e); err == nil {
			return content, nil
		}
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: err}
}

// ReadDir implements fs.ReadDirFS. A folder without files does not exist.
func (c commitFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	list, err := c.children(prefix)
	if err == nil && len(list) == 0 && name != "." {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return list, nil
}

// children lists what lies directly below a prefix, which is "" or ends in "/".
func (c commitFS) children(prefix string) ([]fs.DirEntry, error) {
	found := map[string]fs.DirEntry{}
	add := func(e *entry) {
		rest, below := strings.CutPrefix(e.path, prefix)
		if !below {
			return
		}
		name, _, folder := strings.Cut(rest, "/")
		if folder {
			found[name] = node{file: c.file, name: name}
		} else {
			found[name] = fileNode{node{c.file, name, e}}
		}
	}
	err := c.file.eachBelow(prefix, func(e *entry) {
		if _, other := c.over[e.path]; !other {
			add(e)
		}
	})
	for _, e := range c.over {
		if e != nil {
			add(e)
		}
	}
	// io/fs orders by name alone, git takes a folder's name with a slash.
	list := slices.Collect(maps.Values(found))
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return list, err
}

// node is an entry of a folder, itself a folder when it has no entry.
type node struct {
	file  *File
	name  string
	entry *entry
}

func (n node) Name() string               { return n.name }
func (n node) IsDir() bool                { return n.entry == nil }
func (n node) Type() fs.FileMode          { return n.Mode().Type() }
func (n node) Info() (fs.FileInfo, error) { return n, nil }
func (n node) ModTime() time.Time         { return time.Time{} } // git keeps none
func (n node) Sys() any                   { return nil }
func (n node) String() string             { return fs.FormatDirEntry(n) }

// Size is that of a file.
func (n node) Size() int64 {
	if n.entry == nil {
		return 0
	}
	return n.entry.size
}

// Mode is that of a file, or of a folder.
func (n node) Mode() fs.FileMode {
	switch {
	case n.entry == nil:
		return fs.ModeDir | 0o755
	case n.entry.mode == Executable:
		return 0o755
	case n.entry.mode == Symlink:
		return fs.ModeSymlink | 0o777
	case n.entry.mode == Submodule:
		return fs.ModeIrregular
	}
	return 0o644
}

// fileNode is a node that is no folder: folders are compared by what is in them.
type fileNode struct{ node }

// ObjectID is the git object of the file.
func (n fileNode) ObjectID() string { return n.entry.id.String() }

type openFile struct {
	fileNode
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.fileNode, nil }
func (f *openFile) Close() error               { return nil }
func (f *openFile) Size() int64                { return f.node.Size() }

type openFolder struct {
	node
	listing.Entries
}

func (d *openFolder) Stat() (fs.FileInfo, error) { return d.node, nil }
func (d *openFolder) Close() error               { return nil }
func (d *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: fs.ErrInvalid}
}
