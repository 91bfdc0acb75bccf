package foreign

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/manifest"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Options say what is imported and where to.
type Options struct {
	Dir string // folder with foreign archives, absolute
	// Put stores an archive of clyde, a file that is removed afterwards.
	Put func(ctx context.Context, file, name, sha256 string) error
	// Has reports whether a package is there already, beside those in the folder.
	Has    func(name string) bool
	Limits archive.Limits
	// Read is called after each archive, by several goroutines. It may be nil.
	Read func(path string, done, total int)
}

// Imported is the outcome of an import.
type Imported struct {
	Archives int      // that were found
	Taken    int      // of them
	Notes    []Note   // by place
	Refused  []*Error // by place
}

// extensions are those of files that are taken for archives.
func extensions() []string {
	return []string{".deb", ".tgz", ".tar", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2"}
}

// IsArchive reports whether a file's name is that of an archive.
func IsArchive(name string) bool {
	return !strings.HasPrefix(name, ".") && slices.ContainsFunc(extensions(), func(e string) bool { return strings.HasSuffix(name, e) })
}

// Import turns every archive below a folder into one of clyde. What cannot be
// taken is in the result, and the rest is taken; the error is for what stopped the
// import.
func Import(ctx context.Context, opts Options) (*Imported, error) {
	root, err := os.OpenRoot(opts.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	i := &importer{opts: opts, root: root, names: map[string]bool{}}
	files, err := i.list(ctx)
	if err != nil {
		return nil, err
	}
	i.readNames(files)
	i.result.Archives = len(files)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, file := range files {
		group.Go(func() error { return i.one(ctx, file, len(files)) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(i.result.Notes, func(a, b Note) int { return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Detail, b.Detail)) })
	slices.SortFunc(i.result.Refused, func(a, b *Error) int { return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Detail, b.Detail)) })
	return &i.result, nil
}

type importer struct {
	opts  Options
	root  *os.Root
	names map[string]bool // of the Debian packages in the folder

	mu     sync.Mutex
	done   int
	result Imported
}

// list walks the folder.
func (i *importer) list(ctx context.Context) ([]string, error) {
	var files []string
	err := fs.WalkDir(i.root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case e.IsDir() && p != "." && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		case !e.IsDir() && IsArchive(e.Name()):
			files = append(files, p)
		}
		return nil
	})
	return files, err
}

// readNames notes which Debian packages there are, since they may depend on each
// other. One that cannot be read is reported when it is converted.
func (i *importer) readNames(files []string) {
	for _, file := range files {
		if !strings.HasSuffix(file, ".deb") {
			continue
		}
		_ = i.withDeb(file, func(d *deb) error {
			i.names[debName(d.control["package"])] = true
			return nil
		})
	}
}

func (i *importer) knows(name string) bool { return i.names[name] || i.opts.Has(name) }

func (i *importer) withDeb(file string, do func(*deb) error) error {
	f, err := i.root.Open(filepath.FromSlash(file))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	d, err := readDeb(f, info.Size())
	if err != nil {
		return &Error{Where: file, Detail: err.Error()}
	}
	return do(d)
}

// one converts an archive. A refusal of it goes to the result.
func (i *importer) one(ctx context.Context, file string, total int) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	temp, err := os.MkdirTemp("", "clyde-import-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	c := &conversion{importer: i, file: file, temp: temp}
	notes, err := c.run(ctx)
	refused, err := refusalOf(file, err)
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.done++
	if refused != nil {
		i.result.Refused = append(i.result.Refused, refused)
	} else {
		i.result.Taken++
		i.result.Notes = append(i.result.Notes, notes...)
	}
	if i.opts.Read != nil {
		i.opts.Read(file, i.done, total)
	}
	return nil
}

// refusalOf tells a fault of an archive from one of this machine.
func refusalOf(file string, err error) (*Error, error) {
	var refused *Error
	var unsafe *archive.UnsafeError
	var unfit *archive.RefusedError
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &refused):
		return refused, nil
	case errors.As(err, &unsafe):
		return &Error{Where: file, Detail: unsafe.Error()}, nil
	case errors.As(err, &unfit):
		return &Error{Where: file, Detail: "cannot be packed: " + strings.ReplaceAll(unfit.Error(), "\n", "; "), Remedy: unfit.Refusals[0].Hint}, nil
	}
	return nil, err
}

// folderOf is the one folder that everything in a folder is in, or "." when there
// is no such.
func folderOf(root *os.Root) (string, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil || len(entries) != 1 || !entries[0].IsDir() || entries[0].Name() == path.Dir(manifest.Path) {
		return ".", err
	}
	return entries[0].Name(), nil
}
