package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
)

// gitRegistry reads an index out of a bare shallow copy in the cache. Nothing
// is checked out; a lookup reads one blob.
//
// Readers take no lock: an update only adds objects, and what is shown is the
// commit in the record beside the copy, which is replaced in one rename.
// Writers hold a file lock.
type gitRegistry struct {
	config RegistryConfig
	copy   gitCopy

	mu       sync.Mutex // guards the fields below
	open     *openCopy  // nil until the first question
	packages map[string]index.File
	names    []Summary // of open.commit, nil until the first search
}

// openCopy is a state of the registry being read.
type openCopy struct {
	repo   *git.Repo
	record gitRecord
	tree   indexTree
}

func newGitRegistry(c *Config, config RegistryConfig, location Location, a Access) *gitRegistry {
	digest := sha256.Sum256([]byte(config.Key()))
	base := location.InferName() + "-" + hex.EncodeToString(digest[:6])
	return &gitRegistry{
		config: config,
		copy: gitCopy{
			name: config.Name, url: location.CloneURL(), branch: config.Branch,
			base:    filepath.Join(c.Cache, "registries", base),
			offline: c.Offline && location.URL != nil, timeout: c.Timeout, access: a,
		},
		packages: map[string]index.File{},
	}
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
	return Status{Commit: opened.record.Commit, Updated: opened.record.Updated}, nil
}

func (g *gitRegistry) Count(ctx context.Context) (n int, err error) {
	defer nameRegistry(&err, g.config.Name)
	g.mu.Lock()
	defer g.mu.Unlock()
	err = g.reading(ctx, func(t indexTree) error {
		names, err := changedPackages(nil, t.files)
		n = len(names)
		return err
	})
	return n, err
}

func (g *gitRegistry) Index(ctx context.Context) (config *index.Config, err error) {
	defer nameRegistry(&err, g.config.Name)
	g.mu.Lock()
	defer g.mu.Unlock()
	err = g.reading(ctx, func(t indexTree) error {
		config, err = t.config()
		return err
	})
	return config, err
}

func (g *gitRegistry) Package(ctx context.Context, name string) (file index.File, err error) {
	defer nameRegistry(&err, g.config.Name)
	g.mu.Lock()
	defer g.mu.Unlock()
	if file, ok := g.packages[name]; ok {
		return file, nil
	}
	err = g.reading(ctx, func(t indexTree) error {
		file, err = t.versions(name)
		return err
	})
	if err == nil {
		g.packages[name] = file
	}
	return file, err
}

// View shows another commit only if the copy has it: it is shallow, and may be
// younger than a lock.
func (g *gitRegistry) View(ctx context.Context, commit string, read func(fs.FS) error) (err error) {
	defer nameRegistry(&err, g.config.Name)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reading(ctx, func(shown indexTree) error {
		if commit == "" || commit == g.open.record.Commit {
			return read(shown.files)
		}
		files, err := g.open.repo.Tree(commit)
		if err != nil {
			return read(shown.files)
		}
		return read(files)
	})
}

// reading runs read on the shown tree. When the copy turns out to be damaged it
// is made again and read once more. The caller holds g.mu.
func (g *gitRegistry) reading(ctx context.Context, read func(indexTree) error) error {
	opened, err := g.state(ctx)
	if err != nil {
		return err
	}
	if err = read(opened.tree); !isDamage(err) {
		return unsafeError(err)
	}
	before := opened.record.Commit
	g.copy.access.note("registry %s: the copy in the cache is damaged (%v); fetching it again", g.config.Name, err)
	if g.copy.offline {
		return g.copy.offlineError("the copy in the cache is damaged")
	}
	answered := len(g.packages) > 0
	if err := errors.Join(g.close(), g.copy.discard(ctx)); err != nil {
		return err
	}
	if opened, err = g.state(ctx); err != nil {
		return err
	}
	if answered && opened.record.Commit != before {
		return &Error{
			Class: ErrConflict, Message: "its damaged copy was made again and is newer than what was read before",
			Remedy: "run the command again",
		}
	}
	return unsafeError(read(opened.tree))
}

// unsafeError puts a tree that could harm its reader into a class.
func unsafeError(err error) error {
	var unsafe *git.UnsafeError
	if errors.As(err, &unsafe) {
		return &Error{Class: ErrIntegrity, Message: "its content is not read", Err: err}
	}
	return err
}

// isDamage reports whether err means that the copy cannot be read, and not
// that it says something we do not like.
func isDamage(err error) bool {
	var own *Error
	var unsafe *git.UnsafeError
	return err != nil && !isNoPackage(err) && !errors.As(err, &own) && !errors.As(err, &unsafe) && !errors.Is(err, fs.ErrNotExist) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
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
	g.names = nil
	if g.open == nil {
		return nil
	}
	repo := g.open.repo
	g.open = nil
	return repo.Close()
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
