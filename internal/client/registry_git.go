package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/indexcache"
)

// gitRegistry reads an index out of the packed file that is its copy in the
// cache; see [indexcache].
//
// Readers take no lock: a packed file is never changed, and which one is shown
// is said by the record beside it, which is replaced in one rename. Writers
// hold a file lock.
type gitRegistry struct {
	config RegistryConfig
	copy   gitCopy

	mu       sync.Mutex // guards the fields below
	open     *openCopy  // nil until the first question
	packages map[string]index.File
	answered bool // something of the open copy was told
}

// openCopy is a state of the registry being read.
type openCopy struct {
	file   *indexcache.File
	record gitRecord
}

func newGitRegistry(c *Config, config RegistryConfig, base string, there Location, a Access) *gitRegistry {
	return &gitRegistry{
		config: config,
		copy: gitCopy{
			name: config.Name, url: there.CloneURL(), branch: config.Branch,
			base:    base,
			offline: c.Offline && there.URL != nil || a.KeptOnly, timeout: c.Timeout, access: a,
		},
		packages: map[string]index.File{},
	}
}

// copyBase is what the files of the copy of a registry begin with.
func copyBase(c *Config, config RegistryConfig, location Location) string {
	return filepath.Join(c.Cache, "registries", location.InferName()+"-"+copyDigest(config))
}

func (g *gitRegistry) Config() RegistryConfig { return g.config }

// state opens the copy at the first question, making it when there is none.
// The caller holds g.mu.
func (g *gitRegistry) state(ctx context.Context) (*openCopy, error) {
	if g.open != nil {
		return g.open, nil
	}
	opened, err := g.copy.load()
	if err != nil {
		if opened, err = g.copy.make(ctx); err != nil {
			return nil, err
		}
	}
	g.open = opened
	return opened, nil
}

func (g *gitRegistry) Status(ctx context.Context) (_ Status, err error) {
	defer nameRegistry(&err, g.config.Name)
	g.mu.Lock()
	defer g.mu.Unlock()
	opened, err := g.state(ctx)
	if err != nil {
		return Status{}, err
	}
	return Status{Commit: opened.record.Commit, Updated: opened.record.Updated, Signed: opened.record.signedUntil()}, nil
}

func (g *gitRegistry) Count(ctx context.Context) (n int, known bool, err error) {
	err = g.ask(ctx, func(f *indexcache.File) error {
		n = f.Packages()
		return nil
	})
	return n, true, err
}

func (g *gitRegistry) Index(ctx context.Context) (config *index.Config, err error) {
	err = g.ask(ctx, func(f *indexcache.File) error {
		config, err = indexTree{f.FS()}.config()
		return err
	})
	return config, err
}

func (g *gitRegistry) Package(ctx context.Context, name string) (file index.File, err error) {
	err = g.ask(ctx, func(f *indexcache.File) error {
		if known, ok := g.packages[name]; ok {
			file = known
			return nil
		}
		var ok bool
		if file, ok, err = f.Package(name); err == nil && !ok {
			err = &NoPackageError{Name: name}
		}
		if err == nil {
			g.packages[name] = file
		}
		return err
	})
	return file, err
}

func (g *gitRegistry) Entries(ctx context.Context, name string) (entries []*index.Entry, err error) {
	err = g.ask(ctx, func(f *indexcache.File) error {
		var ok bool
		if entries, ok, err = f.Entries(name); err == nil && !ok {
			err = &NoPackageError{Name: name}
		}
		return err
	})
	return entries, err
}

// Releases is [gitRegistry.Entries] as choosing versions needs it.
func (g *gitRegistry) Releases(ctx context.Context, name string) (releases *index.Releases, err error) {
	err = g.ask(ctx, func(f *indexcache.File) error {
		var ok bool
		if releases, ok, err = f.Releases(name); err == nil && !ok {
			err = &NoPackageError{Name: name}
		}
		return err
	})
	return releases, err
}

// View shows another commit only if the copy remembers it: it may be younger
// than a lock.
func (g *gitRegistry) View(ctx context.Context, commit string, read func(fs.FS) error) error {
	return g.ask(ctx, func(f *indexcache.File) error {
		files, ok, err := f.FSAt(commit)
		if err != nil {
			return err
		}
		if !ok {
			files = f.FS()
		}
		return read(files)
	})
}

func (g *gitRegistry) Search(ctx context.Context, q Query) (matches []Match, err error) {
	err = g.ask(ctx, func(f *indexcache.File) error {
		matches, err = q.search(ctx, g.config.Name, f.Names)
		return err
	})
	return matches, err
}

// ask puts a question to the shown copy. When that turns out to be damaged it
// is made again and asked once more.
func (g *gitRegistry) ask(ctx context.Context, question func(*indexcache.File) error) (err error) {
	defer nameRegistry(&err, g.config.Name)
	g.mu.Lock()
	defer g.mu.Unlock()
	opened, err := g.state(ctx)
	if err != nil {
		return err
	}
	if err = question(opened.file); !isDamage(err) {
		g.answered = true
		return err
	}
	return g.askAgain(ctx, opened.record.Commit, err, question)
}

// askAgain is ask after the copy, of a commit, was found to be damaged.
func (g *gitRegistry) askAgain(ctx context.Context, before string, damage error, question func(*indexcache.File) error) error {
	g.copy.access.note("registry %s: the copy in the cache is damaged (%v); fetching it again", g.config.Name, damage)
	if g.copy.offline {
		return g.copy.offlineError("the copy in the cache is damaged")
	}
	answered, broken := g.answered, g.open.record.File
	if err := errors.Join(g.close(), g.copy.discard(ctx, broken)); err != nil {
		return err
	}
	opened, err := g.state(ctx)
	if err != nil {
		return err
	}
	if answered && opened.record.Commit != before {
		return &Error{
			Class: ErrConflict, Message: "its damaged copy was made again and is newer than what was read before",
			Remedy: "run the command again",
		}
	}
	if err := question(opened.file); err != nil {
		return err
	}
	g.answered = true
	return nil
}

// isDamage reports whether err means that the copy cannot be read, and not
// that it says something we do not like.
func isDamage(err error) bool {
	var own *Error
	return errors.Is(err, indexcache.ErrDamaged) && !errors.As(err, &own)
}

func (g *gitRegistry) Update(ctx context.Context, opts UpdateOptions) (_ Change, err error) {
	defer nameRegistry(&err, g.config.Name)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.close(); err != nil {
		return Change{}, err
	}
	return g.copy.update(ctx, opts)
}

func (g *gitRegistry) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.close()
}

// close forgets the shown state. The caller holds g.mu.
func (g *gitRegistry) close() error {
	clear(g.packages)
	g.answered = false
	if g.open == nil {
		return nil
	}
	file := g.open.file
	g.open = nil
	return file.Close()
}

// forget removes the copy of a registry that is no longer configured.
func (g *gitRegistry) forget(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return errors.Join(g.close(), g.copy.remove(ctx))
}

// removeAll removes files and folders that may be absent.
func removeAll(names ...string) error {
	var all []error
	for _, name := range names {
		all = append(all, os.RemoveAll(name))
	}
	return errors.Join(all...)
}

// shortID is a commit ID as people quote it.
func shortID(id string) string { return id[:min(len(id), 12)] }

// unsafeError puts a tree that could harm its reader into a class.
func unsafeError(err error) error {
	var unsafe *git.UnsafeError
	if errors.As(err, &unsafe) {
		return &Error{Class: ErrIntegrity, Message: "its content is not read", Err: err}
	}
	return err
}

// waitError explains a deadline that was this program's own.
func waitError(ctx context.Context, limit time.Duration, err error) error {
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return err
	}
	return &Error{
		Class: ErrNetwork, Message: fmt.Sprintf("no answer within %v", limit),
		Remedy: "try again, or wait longer with --config timeout=5m",
	}
}
