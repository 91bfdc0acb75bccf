package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	slashpath "path"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	fastjson "github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"

	"github.com/clydepm/clyde/internal/archive"
)

// inventoryName is the file beside a store entry's tree that lists its files.
// It is written last.
const inventoryName = "files.json"

// maxInventory bounds the bytes of an inventory that is read.
const maxInventory = 64 << 20

// inventory lists the files of a tree, sorted by path.
type inventory struct {
	Version int            `json:"inventory"`
	Files   []storedFile   `json:"files"`
	Folders []storedFolder `json:"folders,omitempty"` // the tree's own first; older inventories have none
}

// storedFolder is a folder at the time when its tree was sealed. A file that is
// put in or taken out later changes its time.
type storedFolder struct {
	Path     string    `json:"path"`
	Modified time.Time `json:"modified"`
}

type storedFile struct {
	Path       string    `json:"path"` // slashes, relative to the tree
	Size       int64     `json:"size"`
	Executable bool      `json:"executable,omitempty"`
	Modified   time.Time `json:"modified"`
	SHA256     string    `json:"sha256"`
	Link       string    `json:"link,omitempty"` // where a symbolic link leads, within the tree; hooks may make some
}

const inventoryVersion = 1

// seal brings a freshly extracted tree to disk, makes it read-only and lists
// its files.
func seal(ctx context.Context, tree string) (*inventory, error) {
	paths, folders, err := listTree(tree)
	if err != nil {
		return nil, err
	}
	inv := &inventory{Version: inventoryVersion, Files: make([]storedFile, len(paths))}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sealJobs)
	for i, path := range paths {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			file, err := sealFile(tree, path)
			inv.Files[i] = file
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, folder := range slices.Backward(folders) {
		if err := errors.Join(syncDir(folder), os.Chmod(folder, 0o555)); err != nil {
			return nil, err
		}
	}
	inv.Folders, err = timesOf(tree, folders)
	return inv, err
}

func timesOf(tree string, folders []string) ([]storedFolder, error) {
	times := make([]storedFolder, len(folders))
	for i, folder := range folders {
		info, err := os.Lstat(folder)
		if err != nil {
			return nil, err
		}
		rel, err := filepath.Rel(tree, folder)
		if err != nil {
			return nil, err
		}
		times[i] = storedFolder{filepath.ToSlash(rel), info.ModTime().UTC()}
	}
	return times, nil
}

// inventoryOf lists files that were made read-only.
func inventoryOf(files []archive.Extracted) *inventory {
	inv := &inventory{Version: inventoryVersion, Files: make([]storedFile, len(files))}
	for i, f := range files {
		inv.Files[i] = storedFile{Path: f.Path, Size: f.Size, Executable: f.Executable, Modified: f.Modified.UTC(), SHA256: f.SHA256}
	}
	return inv
}

// sealFolders makes the folders of a tree read-only, and gives their times.
func sealFolders(tree string) ([]storedFolder, error) {
	var folders []string
	err := filepath.WalkDir(tree, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		folders = append(folders, name)
		return os.Chmod(name, 0o555)
	})
	if err != nil {
		return nil, err
	}
	return timesOf(tree, folders)
}

// sealJobs is how many files are brought to disk at a time: file systems
// write many waiting files at the cost of few.
const sealJobs = 16

// listTree gives the files and symbolic links below tree, relative and with
// slashes, and its folders, itself first.
func listTree(tree string) (paths, folders []string, err error) {
	err = filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			folders = append(folders, path)
			return nil
		case !d.Type().IsRegular() && d.Type()&fs.ModeSymlink == 0:
			return fmt.Errorf("%s is neither a file nor a folder nor a link", path)
		}
		rel, err := filepath.Rel(tree, path)
		paths = append(paths, filepath.ToSlash(rel))
		return err
	})
	slices.Sort(paths)
	return paths, folders, err
}

func sealFile(tree, path string) (_ storedFile, err error) {
	name := filepath.Join(tree, filepath.FromSlash(path))
	if target, err := os.Readlink(name); err == nil {
		return sealLink(path, filepath.ToSlash(target))
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return storedFile{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return storedFile{}, err
	}
	mode := fs.FileMode(0o444)
	if info.Mode()&0o100 != 0 {
		mode = 0o555
	}
	sum, err := hashOf(f)
	if err != nil {
		return storedFile{}, err
	}
	if err := errors.Join(f.Chmod(mode), f.Sync()); err != nil {
		return storedFile{}, err
	}
	return storedFile{Path: path, Size: info.Size(), Executable: mode == 0o555, Modified: info.ModTime().UTC(), SHA256: sum}, nil
}

// sealLink refuses a link that leads out of its tree: nothing tells whether
// what it leads to is still the same.
func sealLink(path, target string) (storedFile, error) {
	if slashpath.IsAbs(target) || !filepath.IsLocal(filepath.FromSlash(slashpath.Join(slashpath.Dir(path), target))) {
		return storedFile{}, fmt.Errorf("%s is a link to %s, outside of the package", path, target)
	}
	return storedFile{Path: path, Link: target}, nil
}

func hashOf(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (inv *inventory) text() ([]byte, error) {
	data, err := json.Marshal(inv)
	return append(data, '\n'), err
}

// write makes the file of an inventory and brings it to disk.
func (inv *inventory) write(name string) error {
	data, err := inv.text()
	if err != nil {
		return err
	}
	return writeNewFile(name, data, 0o444)
}

func readInventory(name string) (*inventory, error) {
	data, err := readBounded(name, maxInventory)
	if err != nil {
		return nil, err
	}
	var inv inventory
	if err := fastjson.Unmarshal(data, &inv); err != nil {
		return nil, err
	}
	if inv.Version != inventoryVersion {
		return nil, fmt.Errorf("inventory version %d is not known", inv.Version)
	}
	return &inv, nil
}

// compare looks whether the files of tree are those listed, and reports the
// first path at fault with the error. Contents are read where the time of
// modification is not the recorded one, or everywhere when all is set.
func (inv *inventory) compare(tree string, all bool) (string, error) {
	if !all && inv.untouched(tree) {
		return inv.glance(tree)
	}
	for path, err := range inv.differences(tree, all) {
		return path, err
	}
	return "", nil
}

// untouched reports whether nothing was put into a folder or taken out since the
// tree was sealed. Then no folder has to be read: looking at what is installed is
// what an installation with nothing to do spends its time on.
func (inv *inventory) untouched(tree string) bool {
	for _, f := range inv.Folders {
		info, err := os.Lstat(filepath.Join(tree, filepath.FromSlash(f.Path)))
		if err != nil || !info.IsDir() || !info.ModTime().Equal(f.Modified) {
			return false
		}
	}
	return len(inv.Folders) > 0
}

// glance is compare for a tree that is untouched.
func (inv *inventory) glance(tree string) (string, error) {
	for _, f := range inv.Files {
		if err := f.compare(filepath.Join(tree, filepath.FromSlash(f.Path)), false); err != nil {
			return f.Path, err
		}
	}
	return "", nil
}

// What can be wrong with a file as a whole.
var (
	errMissing = errors.New("is missing")
	errExtra   = errors.New("does not belong there")
)

// differences are all files at fault, by path.
func (inv *inventory) differences(tree string, all bool) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		paths, _, err := listTree(tree)
		if err != nil {
			yield(".", err)
			return
		}
		for _, f := range inv.Files {
			for len(paths) > 0 && paths[0] < f.Path {
				if !yield(paths[0], errExtra) {
					return
				}
				paths = paths[1:]
			}
			err := errMissing
			if len(paths) > 0 && paths[0] == f.Path {
				err = f.compare(filepath.Join(tree, filepath.FromSlash(f.Path)), all)
				paths = paths[1:]
			}
			if err != nil && !yield(f.Path, err) {
				return
			}
		}
		for _, path := range paths {
			if !yield(path, errExtra) {
				return
			}
		}
	}
}

func (f storedFile) compare(name string, all bool) error {
	info, err := os.Lstat(name)
	switch {
	case err != nil:
		return err
	case f.Link != "":
		if target, err := os.Readlink(name); err != nil || filepath.ToSlash(target) != f.Link {
			return errors.New("is not the link to " + f.Link)
		}
		return nil
	case !info.Mode().IsRegular():
		return errors.New("is not a regular file")
	case info.Size() != f.Size:
		return fmt.Errorf("has %d bytes instead of %d", info.Size(), f.Size)
	case runtime.GOOS != "windows" && (info.Mode()&0o111 != 0) != f.Executable:
		return fmt.Errorf("has mode %v", info.Mode())
	case info.ModTime().Equal(f.Modified) && !all:
		return nil
	}
	return f.compareContent(name)
}

func (f storedFile) compareContent(name string) error {
	sum, err := hashFile(name)
	if err == nil && sum != f.SHA256 {
		err = errors.New("has another content")
	}
	return err
}

func hashFile(name string) (_ string, err error) {
	r, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return hashOf(r)
}
