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

	"github.com/clydepm/clyde/internal/indexcache"
	"github.com/clydepm/clyde/internal/staticindex"
)

// newPacked is the name of the packed file until its digest is known. It is one
// that [indexcache.Sweep] removes.
const newPacked = ".new-packed"

// exportPacked writes the packed file of the commit, from nothing, so that equal
// commits give equal files. One of the same commit that is there already stays.
func (x *exporter) exportPacked(s *Source, before *staticindex.Head) (staticindex.Packed, error) {
	if p, ok := x.packedBefore(s, before); ok {
		x.now[p.Path] = p.SHA256
		return p, nil
	}
	if err := indexcache.Sweep(x.dir); err != nil {
		return staticindex.Packed{}, err
	}
	temp := filepath.Join(x.dir, newPacked)
	if err := writePacked(s, x.dir, temp); err != nil {
		return staticindex.Packed{}, err
	}
	p, err := sealPacked(temp)
	if err != nil {
		return p, err
	}
	x.now[p.Path] = p.SHA256
	x.written.Add(1)
	return p, os.Rename(temp, filepath.Join(x.dir, p.Path))
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

func writePacked(s *Source, dir, name string) error {
	places, err := placesOf(s.Tree)
	if err != nil {
		return err
	}
	info, err := s.Repo.CommitInfo(s.Commit)
	if err != nil {
		return err
	}
	commit := indexcache.Commit{}
	if commit.ID, err = indexcache.ParseID(s.Commit); err != nil {
		return err
	}
	if commit.Tree, err = indexcache.ParseID(info.Tree); err != nil {
		return err
	}
	if commit.Object, err = s.Repo.RawCommit(s.Commit); err != nil {
		return err
	}
	w, err := indexcache.NewWriter(dir, commit, places)
	if err != nil {
		return err
	}
	if err := addContents(w, s.Tree, places); err != nil {
		return errors.Join(err, w.Abort())
	}
	return w.Finish(name)
}

// addContents adds the files in their order by one appender: the order decides
// what the file is, byte by byte.
func addContents(w *indexcache.Writer, tree fs.FS, places []indexcache.Place) error {
	appender, err := w.Appender()
	if err != nil {
		return err
	}
	for _, p := range places {
		if p.Mode == indexcache.Submodule {
			continue
		}
		data, err := readPlace(tree, p)
		if err != nil {
			return err
		}
		if err := appender.Add(p.ID, data); err != nil {
			return fmt.Errorf("%s: %w", p.Path, err)
		}
	}
	return appender.Flush()
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
