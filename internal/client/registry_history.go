package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/history"
)

// followHistory decides whether the head that was fetched into repo may take
// the place of the commit known before: it continues from there, or from a
// declared squash of it, and the index does not stand still. Whoever accepted
// that very head with opts is not contradicted. The error is [ErrIntegrity] and
// wraps a [*history.Error].
func (c gitCopy) followHistory(ctx context.Context, repo *git.Repo, known, head string, opts UpdateOptions) (history.Step, error) {
	step, err := history.Follow(ctx, known, head, repo, history.Options{
		Bring: func(ctx context.Context, branch, id string) (bool, error) {
			return c.bringSnapshot(ctx, repo, known, branch, id)
		},
	})
	if err == nil {
		err = c.checkFresh(repo, head)
	}
	return step, c.judgeHistory(err, head, opts)
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

// bringSnapshot fetches the branch that keeps the old head of a squash.
func (c gitCopy) bringSnapshot(ctx context.Context, repo *git.Repo, known, branch, id string) (bool, error) {
	limited, cancel := context.WithTimeout(ctx, transferFactor*c.timeout)
	defer cancel()
	_, here, err := repo.Parents(known)
	if err != nil {
		return false, err
	}
	if !here {
		known = "" // a copy that was made again: all that leads to the old head is fetched
	}
	fetched, err := repo.Fetch(limited, git.FetchOptions{URL: c.url, Branch: branch, Have: known})
	if errors.Is(err, git.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, c.remoteError(waitError(ctx, transferFactor*c.timeout, err))
	}
	return fetched.New == id, nil
}

// checkFresh holds the time of the newest commit against the limit that the
// index sets in its policy. One that is not understood is none.
func (c gitCopy) checkFresh(repo *git.Repo, head string) error {
	files, err := repo.Tree(head)
	if err != nil {
		return err
	}
	policy, err := indexTree{files}.policy()
	if err != nil {
		return err
	}
	limit, err := time.ParseDuration(policy.Freshness)
	if err != nil {
		return nil //nolint:nilerr // as the comment says
	}
	info, err := repo.CommitInfo(head)
	if err != nil {
		return err
	}
	return history.CheckFresh(head, info.When, c.access.Now(), limit)
}
