package packagefolder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/clydepm/clyde/internal/archive"
)

// Archive is one package that was found: an archive, or an unpacked folder, which
// is what packing it makes.
type Archive struct {
	Path     string    `json:"path"` // below the folder, with slashes
	Size     int64     `json:"size"`
	ModTime  time.Time `json:"mtime"`
	SHA256   string    `json:"sha256"`
	Top      string    `json:"top"`
	Newest   time.Time `json:"newest"`
	Manifest string    `json:"manifest"`
	Unpacked bool      `json:"unpacked,omitempty"` // a folder
	Packed   int64     `json:"packed,omitempty"`   // bytes of the archive that a folder makes
}

// Options say what is read.
type Options struct {
	Dir      string // absolute
	Skip     string // what below it is left alone, "" for nothing
	Unpacked bool   // folders with a manifest are packages, too
	State    string // folder for the record of what was read
	Full     bool   // read everything, whatever the record says
	Limits   archive.Limits
	// Read is called after each archive that was read, by several goroutines. It
	// may be nil.
	Read func(path string, done, total int)
}

// Scanned is what was found in a folder.
type Scanned struct {
	Archives   []*Archive // sound ones, by path
	Unreadable []string   // names of files that are no sound archives
	Total      int        // archives, whether sound or not
	Read       int        // of them, not known from the record
	Problems   []Problem
}

// Scan finds the packages of the folder and reads those that the record does not
// know. What is wrong with one of them is in the result.
func Scan(ctx context.Context, opts Options) (*Scanned, error) {
	root, err := os.OpenRoot(opts.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	record, err := openRecord(opts)
	if err != nil {
		return nil, err
	}
	s := &Scanned{}
	files, err := s.list(ctx, root, opts)
	if err != nil {
		return nil, err
	}
	var unknown []*Archive
	for _, f := range files {
		if !record.fill(f) {
			unknown = append(unknown, f)
		}
	}
	s.Total, s.Read = len(files), len(unknown)
	bad, err := inspectAll(ctx, root, unknown, opts)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if bad[f] == nil {
			s.Archives = append(s.Archives, f)
			continue
		}
		s.Problems = append(s.Problems, unsound(f.Path, bad[f]))
		s.Unreadable = append(s.Unreadable, path.Base(f.Path))
	}
	return s, record.save(s.Archives)
}

// list walks the folder.
func (s *Scanned) list(ctx context.Context, root *os.Root, opts Options) ([]*Archive, error) {
	inside, err := filepath.Rel(opts.Dir, opts.Skip)
	if err != nil {
		inside = ""
	}
	inside = filepath.ToSlash(inside)
	var files []*Archive
	err = fs.WalkDir(root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && p == ".":
			return err
		case err != nil:
			s.Problems = append(s.Problems, Problem{Where: p, Rule: RuleFile, Detail: err.Error()})
			return nil //nolint:nilerr // reported, and the rest is read
		case p == ".":
			return nil
		case e.IsDir() && (p == inside || strings.HasPrefix(e.Name(), ".")):
			return fs.SkipDir
		case e.IsDir() && opts.Unpacked && hasManifest(root, p):
			return s.folder(root, p, &files)
		case e.IsDir() || !IsArchiveName(e.Name()):
			return nil
		}
		s.file(p, e, &files)
		return nil
	})
	return files, err
}

// file notes what is named like an archive.
func (s *Scanned) file(p string, e fs.DirEntry, files *[]*Archive) {
	info, err := e.Info()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is not a regular file; links are not followed")
	}
	if err != nil {
		s.unreadable(p, err)
		return
	}
	*files = append(*files, &Archive{Path: p, Size: info.Size(), ModTime: info.ModTime()})
}

// unreadable reports what cannot be looked at.
func (s *Scanned) unreadable(p string, err error) {
	s.Problems = append(s.Problems, Problem{Where: p, Rule: RuleFile, Detail: err.Error()})
	s.Unreadable = append(s.Unreadable, path.Base(p))
}

// IsArchiveName reports whether a file is taken for an archive by its name.
func IsArchiveName(name string) bool {
	return !strings.HasPrefix(name, ".") && (strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz"))
}

// inspectAll reads archives on all processors, and returns why some are not
// sound. The error is that of the context.
func inspectAll(ctx context.Context, root *os.Root, files []*Archive, opts Options) (map[*Archive]error, error) {
	bad := map[*Archive]error{}
	var mu sync.Mutex
	done := 0
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, f := range files {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			err := f.inspect(ctx, root, opts.Limits)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				bad[f] = err
			}
			done++
			if opts.Read != nil {
				opts.Read(f.Path, done, len(files))
			}
			return nil
		})
	}
	return bad, group.Wait()
}

func (a *Archive) inspect(ctx context.Context, root *os.Root, limits archive.Limits) error {
	if a.Unpacked {
		return a.pack(ctx, root, limits)
	}
	file, err := root.Open(filepath.FromSlash(a.Path))
	if err != nil {
		return err
	}
	defer file.Close()
	contents, err := archive.Inspect(ctx, file, limits)
	if err != nil {
		return err
	}
	if contents.Size != a.Size {
		return fmt.Errorf("has %d bytes and had %d: it is being written", contents.Size, a.Size)
	}
	a.SHA256, a.Top, a.Newest, a.Manifest = contents.SHA256, contents.Top, contents.Newest.UTC(), string(contents.Manifest)
	return nil
}

// unsound is the problem of an archive that cannot be read.
func unsound(where string, err error) Problem {
	p := Problem{Where: where, Rule: RuleFile, Detail: err.Error()}
	var unsafe *archive.UnsafeError
	if errors.As(err, &unsafe) {
		p.Rule, p.Detail = unsafe.Rule, unsafe.Detail
		if unsafe.Path != "" {
			p.Detail = fmt.Sprintf("%q: %s", unsafe.Path, unsafe.Detail)
		}
	}
	return p
}
