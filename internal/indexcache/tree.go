package indexcache

import (
	"crypto/sha1" //nolint:gosec // git's object IDs
	"io/fs"
	"strconv"
	"strings"
)

// Names of the modes in tree objects, by [Mode], and that of a folder.
func (m Mode) git() string {
	switch m {
	case Executable:
		return "100755"
	case Symlink:
		return "120000"
	case Submodule:
		return "160000"
	}
	return "100644"
}

// ParseMode reads the mode of a tree object; what it does not know is a regular
// file.
func ParseMode(mode string) Mode {
	for m := Regular; m <= Submodule; m++ {
		if m.git() == mode {
			return m
		}
	}
	return Regular
}

// ModeOf is the kind of a file with that mode.
func ModeOf(mode fs.FileMode) Mode {
	switch {
	case mode&fs.ModeSymlink != 0:
		return Symlink
	case mode&fs.ModeIrregular != 0:
		return Submodule
	case mode&0o111 != 0:
		return Executable
	}
	return Regular
}

const gitFolder = "40000"

// objectID is the ID that git gives an object.
func objectID(kind string, content []byte) (id ID) {
	h := sha1.New() //nolint:gosec // see the import
	h.Write(append(strconv.AppendInt([]byte(kind+" "), int64(len(content)), 10), 0))
	h.Write(content)
	h.Sum(id[:0])
	return id
}

// folders computes the tree objects of a commit from its files, sorted by path,
// which is the order of git as well: a folder is sorted as if it ended in "/".
// It calls visit for each folder, the inner ones first, the root with the path
// "", and returns the ID of the root. The content is valid during the call.
func folders(files []*entry, visit func(path string, id ID, content []byte)) ID {
	f := folding{files: files, visit: visit}
	return f.folder("", 0)
}

type folding struct {
	files []*entry
	next  int
	visit func(path string, id ID, content []byte)
	free  [][]byte // buffers of finished folders
}

// folder takes the files that are below the path, which ends in "/" or is "".
func (f *folding) folder(path string, depth int) ID {
	for len(f.free) <= depth {
		f.free = append(f.free, nil)
	}
	content := f.free[depth][:0]
	for f.next < len(f.files) && strings.HasPrefix(f.files[f.next].path, path) {
		file := f.files[f.next]
		name, _, isFolder := strings.Cut(file.path[len(path):], "/")
		mode, id := gitFolder, ID{}
		if isFolder {
			id = f.folder(file.path[:len(path)+len(name)+1], depth+1)
		} else {
			mode, id = file.mode.git(), file.id
			f.next++
		}
		content = append(content, mode...)
		content = append(content, ' ')
		content = append(content, name...)
		content = append(content, 0)
		content = append(content, id[:]...)
	}
	f.free[depth] = content
	id := objectID("tree", content)
	f.visit(strings.TrimSuffix(path, "/"), id, content)
	return id
}
