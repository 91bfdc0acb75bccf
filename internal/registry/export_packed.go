package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/indexcache"
	"github.com/clydepm/clyde/internal/staticindex"
)

// newPacked is the name of the packed file until its digest is known. It is one
// that [indexcache.Sweep] removes.
const newPacked = ".new-packed"

// exportCommit calls visit with the path and the content of every package, in
// order, and writes the packed file of the commit from nothing, so that equal
// commits give equal files. A packed file of the same commit that is there
// already stays; from one of another commit contents are taken that are the same.
func (x *exporter) exportCommit(s *Source, visit func(path string, data []byte) error) (err error) {
	places, err := placesOf(s.Tree)
	if err != nil {
		return err
	}
	_, known := x.readChanges()
	from := contents{tree: s.Tree}
	defer func() { err = errors.Join(err, from.close()) }()
	from.open(x.openPacked(known))
	add := func(indexcache.ID, []byte) error { return nil }
	finish := func() error {
		x.now[x.packed.Path] = x.packed.SHA256
		return nil
	}
	var here bool
	if x.packed, here = x.packedBefore(s, known); !here {
		w, appender, err := x.beginPacked(s, places)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, w.Abort()) }()
		add = appender.Add
		finish = func() error { return errors.Join(appender.Flush(), x.finishPacked(w)) }
	}
	for _, p := range places {
		_, isPackage := index.NameOf(p.Path)
		isPackage = isPackage && (p.Mode == indexcache.Regular || p.Mode == indexcache.Executable)
		if p.Mode == indexcache.Submodule || here && !isPackage {
			continue
		}
		data, err := from.read(p)
		if err == nil {
			err = add(p.ID, data)
		}
		if err == nil && isPackage {
			err = visit(p.Path, data)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.Path, err)
		}
	}
	return finish()
}

// contents are the files of a commit, read out of an earlier packed file as far
// as they are there: that is much faster than reading a repository.
type contents struct {
	tree   fs.FS
	packed *indexcache.File
	state  *indexcache.State
}

// open takes a packed file, which may be nil, to read from.
func (c *contents) open(packed *indexcache.File) {
	if packed == nil {
		return
	}
	c.packed = packed
	// One that is damaged is of no use, and not needed.
	c.state, _ = packed.State()
}

func (c *contents) close() error {
	if c.packed == nil {
		return nil
	}
	return c.packed.Close()
}

func (c *contents) read(p indexcache.Place) ([]byte, error) {
	if c.state != nil {
		if _, content, ok := c.state.Object(p.ID); ok {
			if data, err := content(); err == nil {
				return data, nil
			}
		}
	}
	return readPlace(c.tree, p)
}

// openPacked opens the packed file of an earlier export; nil when there is none
// that can be read.
func (x *exporter) openPacked(known *staticindex.Head) *indexcache.File {
	if known == nil {
		return nil
	}
	for _, p := range known.Packed {
		if p.Format == indexcache.FormatVersion {
			if file, err := indexcache.Open(filepath.Join(x.dir, p.Path)); err == nil {
				return file
			}
		}
	}
	return nil
}

// finishPacked gives the packed file the name that its digest makes.
func (x *exporter) finishPacked(w *indexcache.Writer) (err error) {
	temp := filepath.Join(x.dir, newPacked)
	if err := w.Finish(temp); err != nil {
		return err
	}
	if x.packed, err = sealPacked(temp); err != nil {
		return err
	}
	x.now[x.packed.Path] = x.packed.SHA256
	x.written.Add(1)
	return os.Rename(temp, filepath.Join(x.dir, x.packed.Path))
}

// packedBefore is the packed file of an earlier export of the same commit.
func (x *exporter) packedBefore(s *Source, before *staticindex.Head) (staticindex.Packed, bool) {
	if before == nil || before.Commit != s.Commit {
		return staticindex.Packed{}, false
	}
	for _, p := range before.Packed {
		if p.Format == indexcache.FormatVersion && x.before[p.Path] == p.SHA256 && isFile(filepath.Join(x.dir, p.Path), p.Size) {
			return p, true
		}
	}
	return staticindex.Packed{}, false
}

// beginPacked begins the packed file of a commit. Its one appender takes the files
// in their order, which decides what the file is, byte by byte.
func (x *exporter) beginPacked(s *Source, places []indexcache.Place) (*indexcache.Writer, *indexcache.Appender, error) {
	if err := indexcache.Sweep(x.dir); err != nil {
		return nil, nil, err
	}
	commit, err := commitOf(s)
	if err != nil {
		return nil, nil, err
	}
	w, err := indexcache.NewWriter(x.dir, commit, places)
	if err != nil {
		return nil, nil, err
	}
	appender, err := w.Appender()
	if err != nil {
		return nil, nil, errors.Join(err, w.Abort())
	}
	return w, appender, nil
}

// commitOf is the commit of a source as a packed file has it.
func commitOf(s *Source) (commit indexcache.Commit, err error) {
	info, err := s.Repo.CommitInfo(s.Commit)
	if err != nil {
		return commit, err
	}
	if commit.ID, err = indexcache.ParseID(s.Commit); err != nil {
		return commit, err
	}
	if commit.Tree, err = indexcache.ParseID(info.Tree); err != nil {
		return commit, err
	}
	commit.Object, err = s.Repo.RawCommit(s.Commit)
	return commit, err
}

func readPlace(tree fs.FS, p indexcache.Place) ([]byte, error) {
	if p.Mode != indexcache.Symlink {
		return fs.ReadFile(tree, p.Path)
	}
	target, err := fs.ReadLink(tree, p.Path)
	return []byte(target), err
}

// placesOf lists the files of a commit.
func placesOf(tree fs.FS) ([]indexcache.Place, error) {
	var places []indexcache.Place
	err := fs.WalkDir(tree, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		object, ok := e.(interface{ ObjectID() string })
		if !ok {
			return fmt.Errorf("%s has no object ID", path)
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		id, err := indexcache.ParseID(object.ObjectID())
		places = append(places, indexcache.Place{Path: path, Mode: indexcache.ModeOf(info.Mode()), ID: id})
		return err
	})
	return places, err
}

// sealPacked brings a packed file to disk, where others may read it, and says
// what it is.
func sealPacked(name string) (p staticindex.Packed, err error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	digest := sha256.New()
	if p.Size, err = io.Copy(digest, f); err != nil {
		return p, err
	}
	p.Format, p.SHA256 = indexcache.FormatVersion, hex.EncodeToString(digest.Sum(nil))
	p.Path = staticindex.PackedPath(p.Format, p.SHA256)
	return p, errors.Join(f.Chmod(0o644), f.Sync())
}
