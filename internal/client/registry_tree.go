package client

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/indexcache"
)

// indexTree reads an index that is a tree of files, wherever the files are.
type indexTree struct {
	files fs.FS
}

// config reads config.json.
func (t indexTree) config() (*index.Config, error) {
	data, err := t.read(index.ConfigPath)
	if err != nil {
		return nil, err
	}
	return parseIndexConfig(data)
}

// parseIndexConfig reads the config.json of a registry.
func parseIndexConfig(data []byte) (*index.Config, error) {
	config, err := index.ParseConfig(data)
	if err != nil {
		return nil, &Error{Class: ErrIntegrity, Message: index.ConfigPath + " of the registry", Err: err}
	}
	return config, nil
}

// checkIndex reports whether the tree is an index at all.
func (t indexTree) checkIndex() error {
	_, err := t.config()
	if errors.Is(err, fs.ErrNotExist) {
		return &Error{
			Class: ErrNotFound, Message: "this is not a package index: it has no " + index.ConfigPath,
			Remedy: "check the address, or make it an index with 'clyde index init'",
		}
	}
	return err
}

// versions reads the lines of a package. A line about another package is left
// out: a file answers for its own name only.
func (t indexTree) versions(name string) (index.File, error) {
	at, err := index.Path(name)
	if err != nil {
		return index.File{}, &NoPackageError{Name: name}
	}
	data, err := t.read(at)
	if errors.Is(err, fs.ErrNotExist) {
		return index.File{}, &NoPackageError{Name: name}
	}
	if err != nil {
		return index.File{}, err
	}
	return indexcache.Lines(name, data), nil
}

// read reads a regular file of bounded size.
func (t indexTree) read(name string) (_ []byte, err error) {
	f, err := t.files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	data, err := io.ReadAll(io.LimitReader(f, index.MaxFileSize+1))
	if err == nil && len(data) > index.MaxFileSize {
		return nil, &Error{Class: ErrIntegrity, Message: fmt.Sprintf("%s has more than %d bytes", name, index.MaxFileSize)}
	}
	return data, err
}

// maxIndexDepth bounds the folders that can hold packages: "he/ll/hello".
const maxIndexDepth = 2

// changedPackages lists the packages whose files differ between two trees, by
// lower-case name; base may be nil for "all of head". Nothing is read but
// folders that differ.
func changedPackages(base, head fs.FS) ([]string, error) {
	var names []string
	err := changedFiles(base, head, ".", 0, func(at string) {
		if name, ok := index.NameOf(at); ok {
			names = append(names, name)
		}
	})
	slices.Sort(names)
	return names, err
}

func changedFiles(base, head fs.FS, dir string, depth int, visit func(at string)) error {
	before, err := readFolder(base, dir)
	if err != nil {
		return err
	}
	after, err := readFolder(head, dir)
	if err != nil {
		return err
	}
	for _, name := range unionOfNames(before, after) {
		old, now := before[name], after[name]
		if sameObject(old, now) {
			continue
		}
		at := path.Join(dir, name)
		folder, file := isTree(old) || isTree(now), isRegular(old) || isRegular(now)
		if folder && depth < maxIndexDepth && !strings.HasPrefix(name, ".") {
			if err := changedFiles(only(base, isTree(old)), only(head, isTree(now)), at, depth+1, visit); err != nil {
				return err
			}
		}
		if file {
			visit(at)
		}
	}
	return nil
}

// only is the tree when it has the folder, and nil otherwise.
func only(tree fs.FS, has bool) fs.FS {
	if has {
		return tree
	}
	return nil
}

func readFolder(tree fs.FS, dir string) (map[string]fs.DirEntry, error) {
	if tree == nil {
		return nil, nil
	}
	list, err := fs.ReadDir(tree, dir)
	if err != nil {
		return nil, err
	}
	entries := make(map[string]fs.DirEntry, len(list))
	for _, e := range list {
		entries[e.Name()] = e
	}
	return entries, nil
}

func unionOfNames(a, b map[string]fs.DirEntry) []string {
	names := make([]string, 0, len(b))
	for name := range b {
		names = append(names, name)
	}
	for name := range a {
		if b[name] == nil {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, cmp.Compare)
	return names
}

func isTree(e fs.DirEntry) bool    { return e != nil && e.IsDir() }
func isRegular(e fs.DirEntry) bool { return e != nil && e.Type().IsRegular() }

// sameObject reports whether git says that two entries hold the same.
func sameObject(a, b fs.DirEntry) bool {
	x, okX := a.(interface{ ObjectID() string })
	y, okY := b.(interface{ ObjectID() string })
	return okX && okY && a.Type() == b.Type() && x.ObjectID() == y.ObjectID()
}
