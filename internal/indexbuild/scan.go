package indexbuild

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

// found is one archive of the folder.
type found struct {
	Path     string    `json:"path"` // below the folder, with slashes
	Size     int64     `json:"size"`
	ModTime  time.Time `json:"mtime"`
	SHA256   string    `json:"sha256"`
	Top      string    `json:"top"`
	Newest   time.Time `json:"newest"`
	Manifest string    `json:"manifest"`
}

// scanned is what was found in the folder.
type scanned struct {
	archives   []*found // sound ones, by path
	unreadable []string // names of files that are no sound archives
	total      int      // archives, whether sound or not
	read       int
	problems   []Problem
}

// scan finds the archives of the folder and reads those that the record does not
// know.
func scan(ctx context.Context, opts Options) (*scanned, error) {
	root, err := os.OpenRoot(opts.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	record, err := openRecord(opts)
	if err != nil {
		return nil, err
	}
	s := &scanned{}
	files, err := s.list(ctx, root, opts)
	if err != nil {
		return nil, err
	}
	var unknown []*found
	for _, f := range files {
		if !record.fill(f) {
			unknown = append(unknown, f)
		}
	}
	s.total, s.read = len(files), len(unknown)
	bad, err := inspectAll(ctx, root, unknown, opts)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if bad[f] == nil {
			s.archives = append(s.archives, f)
			continue
		}
		s.problems = append(s.problems, unsound(f.Path, bad[f]))
		s.unreadable = append(s.unreadable, path.Base(f.Path))
	}
	return s, record.save(s.archives)
}

// list walks the folder.
func (s *scanned) list(ctx context.Context, root *os.Root, opts Options) ([]*found, error) {
	inside, err := filepath.Rel(opts.Dir, opts.Into)
	if err != nil {
		inside = ""
	}
	inside = filepath.ToSlash(inside)
	var files []*found
	err = fs.WalkDir(root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && p == ".":
			return err
		case err != nil:
			s.problems = append(s.problems, Problem{Where: p, Rule: RuleFile, Detail: err.Error()})
			return nil //nolint:nilerr // reported, and the rest is read
		case e.IsDir() && (p == inside && p != "." || p != "." && strings.HasPrefix(e.Name(), ".")):
			return fs.SkipDir
		case e.IsDir() || !isArchiveName(e.Name()):
			return nil
		}
		info, err := e.Info()
		if err == nil && !info.Mode().IsRegular() {
			err = errors.New("is not a regular file; links are not followed")
		}
		if err != nil {
			s.problems = append(s.problems, Problem{Where: p, Rule: RuleFile, Detail: err.Error()})
			s.unreadable = append(s.unreadable, e.Name())
			return nil //nolint:nilerr // reported, and the rest is read
		}
		files = append(files, &found{Path: p, Size: info.Size(), ModTime: info.ModTime()})
		return nil
	})
	return files, err
}

func isArchiveName(name string) bool {
	return !strings.HasPrefix(name, ".") && (strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz"))
}

// inspectAll reads archives on all processors, and returns why some are not
// sound. The error is that of the context.
func inspectAll(ctx context.Context, root *os.Root, files []*found, opts Options) (map[*found]error, error) {
	bad := map[*found]error{}
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

func (f *found) inspect(ctx context.Context, root *os.Root, limits archive.Limits) error {
	file, err := root.Open(filepath.FromSlash(f.Path))
	if err != nil {
		return err
	}
	defer file.Close()
	contents, err := archive.Inspect(ctx, file, limits)
	if err != nil {
		return err
	}
	if contents.Size != f.Size {
		return fmt.Errorf("has %d bytes and had %d: it is being written", contents.Size, f.Size)
	}
	f.SHA256, f.Top, f.Newest, f.Manifest = contents.SHA256, contents.Top, contents.Newest.UTC(), string(contents.Manifest)
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
