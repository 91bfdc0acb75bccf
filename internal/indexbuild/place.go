package indexbuild

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2/maybe"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/packagefolder"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/publish"
)

// place is the index that is built.
type place interface {
	tree() (fs.FS, error)
	// write replaces the files, none or all of them known by what tree gave. It
	// returns the commit, "" where there is none, and errMoved when the index is
	// not what tree gave any more.
	write(files map[string][]byte, message string) (commit string, err error)
	close()
}

// openPlace opens the index, or makes it. The time is that of the newest archive:
// a new index is the same whenever it is built.
func openPlace(ctx context.Context, opts Options, newest time.Time) (place, error) {
	repo, err := git.Open(opts.Into)
	isNew := errors.Is(err, git.ErrNotFound)
	switch {
	case err == nil && !repo.Bare():
		err := &publish.Error{Kind: publish.ErrRefused, Detail: opts.Into + " has a worktree, whose files would not follow", Remedy: "build into a bare repository, and pull from it"}
		return nil, errors.Join(err, repo.Close())
	case err == nil:
		return &repository{repo: repo, opts: opts, when: opts.When}, nil
	case !isNew:
		return nil, err
	case opts.Git:
		return newRepository(opts, newest)
	}
	return openFolder(ctx, opts)
}

// start is what a new index begins with.
func (o Options) start(when time.Time) registry.InitOptions {
	base := strings.TrimSuffix(o.BaseURL, "/")
	if base == "" {
		base = registry.FileBase(o.Dir)
	}
	return registry.InitOptions{Name: o.Name, DLBase: base, When: when, Author: o.Author, Email: o.Email}
}

type repository struct {
	repo *git.Repo
	opts Options
	when time.Time
	ref  string
	base string
}

func newRepository(opts Options, newest time.Time) (place, error) {
	if _, err := registry.InitDir(opts.Into, opts.start(newest)); err != nil {
		return nil, err
	}
	repo, err := git.Open(opts.Into)
	if err != nil {
		return nil, err
	}
	return &repository{repo: repo, opts: opts, when: newest}, nil
}

func (r *repository) close() { _ = r.repo.Close() }

func (r *repository) tree() (fs.FS, error) {
	var err error
	if r.ref, err = r.repo.HeadRef(); err != nil {
		return nil, err
	}
	if r.base, err = r.repo.ReadRef(r.ref); err != nil {
		return nil, err
	}
	tree, err := r.repo.Tree(r.base)
	if err != nil {
		return nil, err
	}
	return tree, checkIndex(tree, r.opts.Into)
}

func (r *repository) write(files map[string][]byte, message string) (string, error) {
	if len(files) == 0 {
		return "", nil
	}
	commit, err := r.repo.WriteCommit(git.Commit{
		Parent: r.base, Files: files, Message: message, Name: r.opts.Author, Email: r.opts.Email, When: r.when,
	})
	if err != nil {
		return "", err
	}
	err = r.repo.CompareAndSwap(r.ref, r.base, commit)
	if errors.Is(err, git.ErrConflict) {
		return "", errMoved
	}
	return commit, err
}

// folder is a plain folder. Whoever builds holds its lock.
type folder struct {
	dir  string
	lock *flock.Flock
}

// lockRetry is how often a lock that somebody holds is tried again.
const lockRetry = 50 * time.Millisecond

func openFolder(ctx context.Context, opts Options) (_ place, err error) {
	lock := flock.New(filepath.Join(opts.State, packagefolder.StateName(opts.Into)+".lock"))
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return nil, fmt.Errorf("waiting for another build of %s: %w", opts.Into, err)
	}
	f := &folder{dir: opts.Into, lock: lock}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	entries, err := os.ReadDir(opts.Into)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(entries) > 0 {
		return f, checkIndex(os.DirFS(opts.Into), opts.Into)
	}
	files, err := opts.start(time.Time{}).Files()
	if err != nil {
		return nil, err
	}
	return f, f.put(index.ConfigPath, files[index.ConfigPath])
}

// checkIndex refuses to write where there is something else.
func checkIndex(tree fs.FS, where string) error {
	if _, err := fs.Stat(tree, index.ConfigPath); err != nil {
		return &publish.Error{Kind: publish.ErrRefused, Detail: where + " has other things in it: there is no " + index.ConfigPath, Remedy: "name a new place, or an index"}
	}
	return nil
}

func (f *folder) close() { _ = f.lock.Unlock() }

func (f *folder) tree() (fs.FS, error) { return os.DirFS(f.dir), nil }

func (f *folder) write(files map[string][]byte, _ string) (string, error) {
	for _, name := range sortedKeys(files) {
		if err := f.put(name, files[name]); err != nil {
			return "", err
		}
	}
	return "", nil
}

func (f *folder) put(name string, data []byte) error {
	target := filepath.Join(f.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return maybe.WriteFile(target, data, 0o644)
}
