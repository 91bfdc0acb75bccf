package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/listing"
)

// treeFS is a tree at GitHub. Folders and files that are not known yet are
// fetched when they are read, and kept.
type treeFS struct {
	index  *Index
	id     string          // of the tree
	sparse bool            // folders are asked for one by one: few of them will be read
	ctx    context.Context // of the call that asked for the tree: fs.FS hands none down

	mu      sync.Mutex
	folders map[string][]entry // by path, "." is the top
	files   map[string][]byte  // by object ID
}

// entry is one of a folder. It is its own fs.DirEntry and fs.FileInfo.
type entry struct {
	name, mode, id string
	size           int64
}

func (e entry) Name() string               { return e.name }
func (e entry) IsDir() bool                { return e.mode == "040000" }
func (e entry) Type() fs.FileMode          { return e.Mode().Type() }
func (e entry) Info() (fs.FileInfo, error) { return e, nil }
func (e entry) Size() int64                { return e.size }
func (e entry) ModTime() time.Time         { return time.Time{} } // git keeps none
func (e entry) Sys() any                   { return nil }
func (e entry) ObjectID() string           { return e.id }

func (e entry) Mode() fs.FileMode {
	switch e.mode {
	case "040000":
		return fs.ModeDir | 0o755
	case "100644":
		return 0o644
	case "100755":
		return 0o755
	case "120000":
		return fs.ModeSymlink | 0o777
	}
	return fs.ModeIrregular // a submodule, or what git does not know yet
}

// readTree asks for a whole tree in one call.
func (x *Index) readTree(ctx context.Context, id string) (fs.FS, error) {
	t := &treeFS{index: x, id: id, ctx: ctx, folders: map[string][]entry{}, files: map[string][]byte{}}
	tree, _, err := x.client.api.Git.GetTree(ctx, x.owner, x.name, id, true)
	if err != nil {
		return nil, err
	}
	if tree.GetTruncated() {
		// Beyond 100,000 entries or 7 MB: folders are asked for as they are read.
		if tree, _, err = x.client.api.Git.GetTree(ctx, x.owner, x.name, id, false); err != nil {
			return nil, err
		}
	}
	return t, t.add(".", tree)
}

// add takes in the entries of a tree below a folder.
func (t *treeFS) add(folder string, tree *gh.Tree) error {
	whole := map[string][]entry{folder: {}}
	for _, e := range tree.Entries {
		at := path.Join(folder, e.GetPath())
		if !fs.ValidPath(e.GetPath()) || e.GetPath() == "." {
			return &forge.Error{Kind: forge.ErrRefused, Op: "read the index " + t.index.String(), Detail: fmt.Sprintf("the tree has an entry named %q", e.GetPath())}
		}
		dir := path.Dir(at)
		whole[dir] = append(whole[dir], entry{name: path.Base(at), mode: e.GetMode(), id: e.GetSHA(), size: int64(e.GetSize())})
	}
	for dir, entries := range whole {
		slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
		t.folders[dir] = entries
	}
	return nil
}

// folder lists a folder, and asks for it first where it is not known.
func (t *treeFS) folder(op, name string) ([]entry, error) {
	t.mu.Lock()
	entries, known := t.folders[name]
	t.mu.Unlock()
	if known {
		return entries, nil
	}
	e, err := t.find(op, name)
	if err != nil {
		return nil, err
	}
	if !e.IsDir() {
		return nil, &fs.PathError{Op: op, Path: name, Err: errors.New("is no folder")}
	}
	tree, _, err := t.index.client.api.Git.GetTree(t.ctx, t.index.owner, t.index.name, e.id, !t.sparse)
	if err == nil && tree.GetTruncated() {
		tree, _, err = t.index.client.api.Git.GetTree(t.ctx, t.index.owner, t.index.name, e.id, false)
	}
	if err != nil {
		return nil, explain("read "+name+" of the index "+t.index.String(), err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.add(name, tree); err != nil {
		return nil, err
	}
	return t.folders[name], nil
}

func (t *treeFS) find(op, name string) (entry, error) {
	if !fs.ValidPath(name) {
		return entry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return entry{name: ".", mode: "040000", id: t.id}, nil
	}
	siblings, err := t.folder(op, path.Dir(name))
	if err != nil {
		return entry{}, err
	}
	i, found := slices.BinarySearchFunc(siblings, path.Base(name), func(e entry, name string) int { return cmp.Compare(e.name, name) })
	if !found {
		return entry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return siblings[i], nil
}

// content fetches a file, or the target of a link.
func (t *treeFS) content(name string, e entry) ([]byte, error) {
	t.mu.Lock()
	data, known := t.files[e.id]
	t.mu.Unlock()
	if known {
		return data, nil
	}
	data, _, err := t.index.client.api.Git.GetBlobRaw(t.ctx, t.index.owner, t.index.name, e.id)
	if err != nil {
		return nil, explain("read "+name+" of the index "+t.index.String(), err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.files[e.id] = data
	return data, nil
}

// ReadDir lists a folder.
func (t *treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := t.folder("readdir", name)
	if err != nil {
		return nil, err
	}
	list := make([]fs.DirEntry, len(entries))
	for i, e := range entries {
		list[i] = e
	}
	return list, nil
}

// ReadFile reads a regular file.
func (t *treeFS) ReadFile(name string) ([]byte, error) {
	e, err := t.find("read", name)
	if err != nil {
		return nil, err
	}
	if !e.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is no regular file")}
	}
	data, err := t.content(name, e)
	return slices.Clone(data), err
}

// ReadLink gives the target of a link.
func (t *treeFS) ReadLink(name string) (string, error) {
	e, err := t.find("readlink", name)
	if err != nil {
		return "", err
	}
	if e.Type() != fs.ModeSymlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	data, err := t.content(name, e)
	return string(data), err
}

// Stat describes an entry; links are not followed.
func (t *treeFS) Stat(name string) (fs.FileInfo, error) { return t.find("stat", name) }

// Lstat is Stat.
func (t *treeFS) Lstat(name string) (fs.FileInfo, error) { return t.find("lstat", name) }

// Open opens a file or folder.
func (t *treeFS) Open(name string) (fs.File, error) {
	e, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if e.IsDir() {
		entries, err := t.ReadDir(name)
		return &openFolder{entry: e, Entries: entries}, err
	}
	data, err := t.ReadFile(name)
	return &openFile{entry: e, Reader: strings.NewReader(string(data))}, err
}

type openFile struct {
	entry
	*strings.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.entry, nil }
func (f *openFile) Size() int64                { return f.entry.size }
func (f *openFile) Close() error               { return nil }

type openFolder struct {
	entry
	listing.Entries
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.entry, nil }
func (f *openFolder) Close() error               { return nil }

func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.name, Err: errors.New("is a folder")}
}
