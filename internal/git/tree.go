package git

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/clydepm/clyde/internal/listing"
)

// The modes of git tree entries.
const (
	modeDir       = 0o40000
	modeRegular   = 0o100644
	modeExec      = 0o100755
	modeSymlink   = 0o120000
	modeSubmodule = 0o160000
)

// treeEntry is one entry of a tree object.
type treeEntry struct {
	name string
	mode uint32
	id   Hash
}

func (e treeEntry) isDir() bool { return e.mode == modeDir }

// fileMode maps a git mode to that of io/fs.
func (e treeEntry) fileMode() fs.FileMode {
	switch e.mode {
	case modeDir:
		return fs.ModeDir | 0o755
	case modeSymlink:
		return fs.ModeSymlink | 0o777
	case modeExec:
		return 0o755
	case modeSubmodule:
		return fs.ModeIrregular
	default:
		return 0o644
	}
}

// checkMode refuses the modes that git itself does not write: two trees that
// differ in them alone would look the same to a reader of file modes.
func checkMode(mode []byte) (uint32, error) {
	for _, m := range []uint32{modeDir, modeRegular, modeExec, modeSymlink, modeSubmodule} {
		if string(mode) == strconv.FormatUint(uint64(m), 8) {
			return m, nil
		}
	}
	return 0, &UnsafeError{Rule: "tree/mode", Detail: fmt.Sprintf("%q is not a mode that git writes", mode)}
}

// parseTree reads a tree object and refuses what could harm a reader of it.
func parseTree(data []byte) ([]treeEntry, error) {
	var entries []treeEntry
	for len(data) > 0 {
		if len(entries) == maxTreeWidth {
			return nil, &UnsafeError{Rule: "tree/width", Detail: fmt.Sprintf("a folder has more than %d entries", maxTreeWidth)}
		}
		mode, rest, ok := bytes.Cut(data, []byte{' '})
		name, rest, ok2 := bytes.Cut(rest, []byte{0})
		if !ok || !ok2 || len(rest) < 20 {
			return nil, &UnsafeError{Rule: "object/malformed", Detail: "a tree object is cut off"}
		}
		m, err := checkMode(mode)
		if err != nil {
			return nil, err
		}
		e := treeEntry{name: string(name), mode: m, id: hex.EncodeToString(rest[:20])}
		if err := checkEntryName(e.name); err != nil {
			return nil, err
		}
		if n := len(entries); n > 0 && compareEntries(entries[n-1], e) >= 0 {
			return nil, &UnsafeError{Path: e.name, Rule: "tree/order", Detail: "entries are not sorted or not unique"}
		}
		entries = append(entries, e)
		data = rest[20:]
	}
	return entries, checkTwins(entries)
}

// checkTwins refuses a file and a folder of one name, which git's order does
// not put side by side.
func checkTwins(entries []treeEntry) error {
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		if seen[e.name] {
			return &UnsafeError{Path: e.name, Rule: "tree/order", Detail: "a file and a folder have one name"}
		}
		seen[e.name] = true
	}
	return nil
}

// compareEntries is git's order: by bytes, a folder as if it ended in "/".
func compareEntries(a, b treeEntry) int {
	return strings.Compare(sortName(a), sortName(b))
}

func sortName(e treeEntry) string {
	if e.isDir() {
		return e.name + "/"
	}
	return e.name
}

// checkEntryName refuses the names that git's own fsck refuses, and more that
// no index has a use for.
func checkEntryName(name string) error {
	var detail string
	switch {
	case name == "":
		detail = "an entry has no name"
	case name == "." || name == "..":
		detail = "the name leaves its folder"
	case isDotGit(name):
		detail = "the name is git's own on some system"
	case strings.ContainsAny(name, "/\\\x00"):
		detail = "the name has a separator or NUL in it"
	case !utf8.ValidString(name):
		detail = "the name is not UTF-8"
	case len(name) > 255:
		detail = "the name is longer than 255 bytes"
	default:
		return nil
	}
	return &UnsafeError{Path: name, Rule: "tree/name", Detail: detail}
}

// isDotGit reports whether a file system takes the name for ".git": folded
// case, the short name of Windows, trailing dots and spaces, an alternate
// stream, and the code points that HFS+ ignores.
func isDotGit(name string) bool {
	name = strings.Map(func(r rune) rune {
		if r >= 0x200c && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x206a && r <= 0x206f || r == 0xfeff {
			return -1
		}
		return r
	}, name)
	name, _, _ = strings.Cut(strings.ToLower(name), ":")
	name = strings.TrimRight(name, ". ")
	return name == ".git" || name == "git~1"
}

// Tree is the tree of a commit, or the tree with that ID, as a file system that
// implements [fs.ReadDirFS], [fs.ReadFileFS], [fs.StatFS] and
// [fs.ReadLinkFS]. Its entries have a method ObjectID() string. Opening a
// symbolic link gives its target as content; nothing is followed.
func (r *Repo) Tree(commit Hash) (fs.FS, error) {
	root, err := r.treeOf(commit)
	if err != nil {
		return nil, err
	}
	return &treeFS{repo: r, root: root, dirs: map[string][]treeEntry{}}, nil
}

// TreeAt is the tree of the commit that a revision names; see [Repo.Resolve].
func (r *Repo) TreeAt(rev string) (fs.FS, error) {
	commit, err := r.Resolve(rev)
	if err != nil {
		return nil, err
	}
	return r.Tree(commit)
}

// maxCachedDirs bounds the folders that a treeFS keeps parsed.
const maxCachedDirs = 4096

type treeFS struct {
	repo *Repo
	root Hash

	mu   sync.Mutex
	dirs map[string][]treeEntry
}

// entries is the parsed folder at a path, which must be valid.
func (t *treeFS) entries(dir string) ([]treeEntry, error) {
	t.mu.Lock()
	cached, ok := t.dirs[dir]
	t.mu.Unlock()
	if ok {
		return cached, nil
	}
	id := t.root
	if dir != "." {
		if strings.Count(dir, "/") >= maxTreeDepth {
			return nil, &UnsafeError{Path: dir, Rule: "tree/depth", Detail: fmt.Sprintf("folders are nested deeper than %d", maxTreeDepth)}
		}
		e, err := t.lookup(dir)
		if err != nil {
			return nil, err
		}
		if !e.isDir() {
			return nil, fs.ErrNotExist
		}
		id = e.id
	}
	list, err := t.repo.readTree(id, dir)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.dirs) >= maxCachedDirs {
		clear(t.dirs)
	}
	t.dirs[dir] = list
	return list, nil
}

// lookup finds the entry at a path other than ".".
func (t *treeFS) lookup(name string) (treeEntry, error) {
	list, err := t.entries(path.Dir(name))
	if err != nil {
		return treeEntry{}, err
	}
	base := path.Base(name)
	i := slices.IndexFunc(list, func(e treeEntry) bool { return e.name == base })
	if i < 0 {
		return treeEntry{}, fs.ErrNotExist
	}
	return list[i], nil
}

func (t *treeFS) find(op, name string) (node, error) {
	if !fs.ValidPath(name) {
		return node{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return node{t, ".", treeEntry{name: ".", mode: modeDir, id: t.root}}, nil
	}
	e, err := t.lookup(name)
	if err != nil {
		return node{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return node{t, name, e}, nil
}

// Open implements fs.FS.
func (t *treeFS) Open(name string) (fs.File, error) {
	n, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if n.entry.isDir() {
		list, err := t.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openDir{node: n, Entries: list}, nil
	}
	data, err := n.content("open")
	if err != nil {
		return nil, err
	}
	return &openFile{node: n, Reader: bytes.NewReader(data)}, nil
}

// ReadFile implements fs.ReadFileFS.
func (t *treeFS) ReadFile(name string) ([]byte, error) {
	n, err := t.find("read", name)
	if err != nil {
		return nil, err
	}
	return n.content("read")
}

// ReadDir implements fs.ReadDirFS.
func (t *treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !n.entry.isDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	list, err := t.entries(name)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	out := make([]fs.DirEntry, len(list))
	for i, e := range list {
		out[i] = node{t, path.Join(name, e.name), e}
	}
	// io/fs orders by name alone, git takes a folder's name with a slash.
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

// Stat implements fs.StatFS. Links are not followed.
func (t *treeFS) Stat(name string) (fs.FileInfo, error) {
	n, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return n.Info()
}

// Lstat implements fs.ReadLinkFS.
func (t *treeFS) Lstat(name string) (fs.FileInfo, error) { return t.Stat(name) }

// ReadLink implements fs.ReadLinkFS.
func (t *treeFS) ReadLink(name string) (string, error) {
	n, err := t.find("readlink", name)
	if err != nil {
		return "", err
	}
	if n.entry.mode != modeSymlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	data, err := n.content("readlink")
	return string(data), err
}

// node is an entry with its place; it is the fs.DirEntry.
type node struct {
	tree  *treeFS
	path  string
	entry treeEntry
}

func (n node) Name() string      { return n.entry.name }
func (n node) IsDir() bool       { return n.entry.isDir() }
func (n node) Type() fs.FileMode { return n.entry.fileMode().Type() }
func (n node) String() string    { return fs.FormatDirEntry(n) }

// ObjectID is the git object of the entry: equal IDs mean equal content.
func (n node) ObjectID() string { return n.entry.id }

func (n node) Info() (fs.FileInfo, error) { return fileInfo{n}, nil }

func (n node) content(op string) ([]byte, error) {
	if !n.entry.fileMode().IsRegular() && n.entry.mode != modeSymlink {
		return nil, &fs.PathError{Op: op, Path: n.path, Err: fs.ErrInvalid}
	}
	data, err := n.tree.repo.readObject(n.entry.id, plumbing.BlobObject)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: n.path, Err: err}
	}
	return data, nil
}

type fileInfo struct{ node }

func (i fileInfo) Mode() fs.FileMode  { return i.entry.fileMode() }
func (i fileInfo) ModTime() time.Time { return time.Time{} } // git keeps none
func (i fileInfo) Sys() any           { return nil }
func (i fileInfo) String() string     { return fs.FormatFileInfo(i) }

// Size looks the object up when it is asked for: most readers of modes do not.
// An object that cannot be read has size 0, and reading it says why.
func (i fileInfo) Size() int64 {
	if !i.Mode().IsRegular() && i.entry.mode != modeSymlink {
		return 0
	}
	size, err := i.tree.repo.objectSize(i.entry.id)
	if err != nil {
		return 0
	}
	return size
}

type openFile struct {
	node
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.Info() }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	node
	listing.Entries
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.Info() }
func (d *openDir) Close() error               { return nil }
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.path, Err: fs.ErrInvalid}
}

// readTree reads and parses the tree object of the folder dir.
func (r *Repo) readTree(id Hash, dir string) ([]treeEntry, error) {
	data, err := r.readObject(id, plumbing.TreeObject)
	if err != nil {
		return nil, err
	}
	list, err := parseTree(data)
	var unsafe *UnsafeError
	if errors.As(err, &unsafe) {
		unsafe.Path = path.Join(dir, unsafe.Path)
	}
	return list, err
}

// objectSize is the size of an object without reading it.
func (r *Repo) objectSize(id Hash) (size int64, err error) {
	err = r.withStorage(func() (err error) {
		size, err = r.storage.EncodedObjectSize(plumbing.NewHash(id))
		return err
	})
	return size, err
}
