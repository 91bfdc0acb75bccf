package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/history"
)

// followHistory decides whether the registry's head may take the place of the
// commit known before: it continues from there, or from a declared squash of it.
// Whoever accepted that very head with opts is not contradicted. The error is
// [ErrIntegrity] and wraps a [*history.Error].
//
// The whole history is fetched to a place of its own for that. A head whose
// newest commits alone show that it continues need not be asked about.
func (c gitCopy) followHistory(ctx context.Context, f *fetcher, known string, opts UpdateOptions) (_ history.Step, err error) {
	switch {
	case known == "":
		return history.Step{Kind: history.First}, nil
	case known == f.head.ID:
		return history.Step{Kind: history.Same}, nil
	case opts.accepts(c.name, f.head.ID):
		return history.Step{}, nil
	}
	step, err := c.trace(ctx, f, known, false)
	return step, c.judgeHistory(err, f.head.ID, opts)
}

// trace holds the head against a commit that is known, or locked, with the whole
// history of both.
func (c gitCopy) trace(ctx context.Context, f *fetcher, known string, locked bool) (_ history.Step, err error) {
	dir, err := c.tempFolder()
	if err != nil {
		return history.Step{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	repo, err := c.historyOf(ctx, f, known, dir)
	if err != nil {
		return history.Step{}, err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	return history.Follow(ctx, known, f.head.ID, repo, history.Options{
		Locked: locked,
		Bring: func(ctx context.Context, branch, id string) (bool, error) {
			return c.bringSnapshot(ctx, f, repo, branch, id)
		},
	})
}

func (c gitCopy) tempFolder() (string, error) {
	if err := os.MkdirAll(c.folder(), 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(c.folder(), ".history-*")
}

// historyOf fetches the whole history of the head, and what the known commit has
// beyond it if the registry still has that.
func (c gitCopy) historyOf(ctx context.Context, f *fetcher, known, dir string) (*git.Repo, error) {
	limit := transferFactor * c.timeout
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	repo, err := git.InitBare(filepath.Join(dir, "history.git"), "main")
	if err != nil {
		return nil, err
	}
	if err := repo.FetchCommit(limited, f.remote, f.head.ID, ""); err != nil {
		return nil, errors.Join(c.remoteError(waitError(ctx, limit, err)), repo.Close())
	}
	if _, here, err := repo.Parents(known); err != nil || here {
		return repo, err
	}
	// A registry that does not have the commit any more says so with an error:
	// then it is not at hand.
	_ = repo.FetchCommit(limited, f.remote, known, f.head.ID)
	if limited.Err() != nil {
		return nil, errors.Join(waitError(ctx, limit, limited.Err()), repo.Close())
	}
	return repo, nil
}

// judgeHistory puts a history that is refused into words of this package, or
// lets it pass when it was accepted by name.
func (c gitCopy) judgeHistory(err error, head string, opts UpdateOptions) error {
	var problem *history.Error
	switch {
	case !errors.As(err, &problem):
		return err
	case opts.accepts(c.name, head):
		return nil
	}
	return &Error{
		Class: ErrIntegrity, Message: "not updated", Err: problem,
		Remedy: fmt.Sprintf("%s\nonly if they confirm this very commit: clyde registry update %s --accept-history %s=%s", problem.Remedy, c.name, c.name, head),
	}
}

// accepts reports whether a head was accepted by name, whatever leads to it.
func (o UpdateOptions) accepts(registry, head string) bool {
	commit := o.AcceptHistory[registry]
	return commit != "" && strings.HasPrefix(head, commit)
}

// bringSnapshot fetches the branch that keeps the old head of a squash, and all
// that leads to it.
func (c gitCopy) bringSnapshot(ctx context.Context, f *fetcher, repo *git.Repo, branch, id string) (bool, error) {
	limit := transferFactor * c.timeout
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ref, err := f.remote.Branch(limited, branch)
	if err == nil && ref.ID == id {
		err = repo.FetchCommit(limited, f.remote, id, f.head.ID)
	}
	if errors.Is(err, git.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, c.remoteError(waitError(ctx, limit, err))
	}
	return ref.ID == id, nil
}

// checkFresh holds the time of the newest commit against the limit that the
// index sets in its policy. One that is not understood is none.
func (c gitCopy) checkFresh(files fs.FS, head string, when time.Time) error {
	policy, err := indexTree{files}.policy()
	if err != nil {
		return err
	}
	limit, err := time.ParseDuration(policy.Freshness)
	if err != nil {
		return nil //nolint:nilerr // as the comment says
	}
	return history.CheckFresh(head, when, c.access.Now(), limit)
}
