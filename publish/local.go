package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
)

// Local is an index in a bare git repository on this machine. A change is a
// commit on the branch that HEAD names.
type Local struct {
	repo *git.Repo
	path string
	ref  string
}

// OpenLocal opens the index in the repository at path. It reports ErrNotFound
// when there is none, and ErrRefused when somebody has the branch checked out,
// because the files there would no longer be those of the branch. The caller
// closes it.
func OpenLocal(path string) (*Local, error) {
	repo, err := git.Open(path)
	if errors.Is(err, git.ErrNotFound) {
		return nil, &Error{Kind: ErrNotFound, Detail: "there is no index at " + path, Remedy: "give the folder of a bare git repository; 'clyde index init' makes one"}
	}
	if err != nil {
		return nil, err
	}
	l := &Local{repo: repo, path: path}
	if err := l.check(); err != nil {
		return nil, errors.Join(err, repo.Close())
	}
	return l, nil
}

func (l *Local) check() error {
	var err error
	if l.ref, err = l.repo.HeadRef(); err != nil {
		return err
	}
	branch := strings.TrimPrefix(l.ref, "refs/heads/")
	if !l.repo.Bare() {
		return &Error{
			Kind:   ErrRefused,
			Detail: fmt.Sprintf("%s has its branch %s checked out; publishing would leave the checked-out files behind", l.path, branch),
			Remedy: fmt.Sprintf("publish to a bare repository: git clone --bare %s %s.git", l.path, filepath.Base(l.path)),
		}
	}
	worktree, err := l.worktree()
	if worktree != "" {
		return &Error{
			Kind:   ErrRefused,
			Detail: fmt.Sprintf("the branch %s of %s is checked out in %s; publishing would leave the checked-out files behind", branch, l.path, worktree),
			Remedy: "switch that worktree to another branch, or detach it: git switch --detach",
		}
	}
	return err
}

// worktree returns the linked worktree that has the branch checked out, or "".
func (l *Local) worktree() (string, error) {
	heads, err := filepath.Glob(filepath.Join(l.repo.Dir(), "worktrees", "*", "HEAD"))
	if err != nil {
		return "", err
	}
	for _, head := range heads {
		data, err := os.ReadFile(head)
		if err != nil || strings.TrimSpace(string(data)) != "ref: "+l.ref {
			continue
		}
		place, err := os.ReadFile(filepath.Join(filepath.Dir(head), "gitdir"))
		if err != nil {
			continue // half-removed
		}
		if where := filepath.Dir(strings.TrimSpace(string(place))); isFolder(where) {
			return where, nil
		}
	}
	return "", nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Close releases the repository.
func (l *Local) Close() error { return l.repo.Close() }

func (l *Local) String() string { return l.path }

// Config reads the index's config.json. The error is ErrNotFound when there is
// none, because a repository without one is no index.
func (l *Local) Config(ctx context.Context) (*index.Config, error) {
	head, err := l.Head(ctx)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(head.Tree, index.ConfigPath)
	if err != nil {
		return nil, err
	}
	return index.ParseConfig(data)
}

// Head returns the commit of the branch. The error is ErrNotFound when the
// repository is no index.
func (l *Local) Head(context.Context) (State, error) {
	commit, err := l.repo.ReadRef(l.ref)
	if errors.Is(err, git.ErrNotFound) {
		return State{}, noIndex(l.path)
	}
	if err != nil {
		return State{}, err
	}
	tree, err := l.repo.Tree(commit)
	if err != nil {
		return State{}, err
	}
	return State{ID: commit, Tree: tree}, checkIndex(tree, l.path)
}

// checkIndex reports ErrNotFound for a tree that is no index.
func checkIndex(tree fs.FS, where string) error {
	_, err := fs.Stat(tree, index.ConfigPath)
	if errors.Is(err, fs.ErrNotExist) {
		return noIndex(where)
	}
	return err
}

func noIndex(where string) error {
	return &Error{Kind: ErrNotFound, Detail: where + " is a git repository but no index: it has no " + index.ConfigPath, Remedy: "make one with 'clyde index init'"}
}

// Write writes the objects of a commit.
func (l *Local) Write(_ context.Context, base State, change Change, by Author, when time.Time) (string, error) {
	return l.repo.WriteCommit(git.Commit{
		Parent:  base.ID,
		Files:   change.files(),
		Message: change.Message,
		Name:    by.Name,
		Email:   by.Email,
		When:    when,
	})
}

// Advance moves the branch by compare-and-swap.
func (l *Local) Advance(_ context.Context, base State, id string) error {
	err := l.repo.CompareAndSwap(l.ref, base.ID, id)
	if errors.Is(err, git.ErrConflict) {
		return fmt.Errorf("%w: %w", ErrMoved, err)
	}
	return err
}
