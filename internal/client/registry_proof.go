package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/history"
)

// UnprovedError reports a commit that a lock names, of which nobody could be
// asked whether it is of the registry's history.
type UnprovedError struct {
	Commit string
	Err    error
}

func (e *UnprovedError) Error() string {
	return fmt.Sprintf("commit %s, which the lock names, is not among those that are known here, and that it is of the registry's history was not proved: %v", shortID(e.Commit), e.Err)
}

// Unwrap gives the reason.
func (e *UnprovedError) Unwrap() error { return e.Err }

// Bounds of the commits that a record remembers.
const (
	maxProved = 128
	maxPassed = 64 // that one update adds: those that were asked for stay
)

// proves reports whether the head of the record is, or is known to descend from,
// a commit.
func (r *gitRecord) proves(commit string) bool {
	return commit == r.Commit || slices.Contains(r.Proved, commit)
}

// beyond is what a head proves that follows the one of the record by way of the
// commits that were passed, newest first.
func (r *gitRecord) beyond(passed []string) []string {
	if r.Commit == "" {
		return nil
	}
	all := slices.Concat(passed[:min(len(passed), maxPassed)], []string{r.Commit}, r.Proved)
	return all[:min(len(all), maxProved)]
}

// Prove implements [Registry]. For the commit that is shown, and for those that
// are remembered, nobody is asked.
func (g *gitRegistry) Prove(ctx context.Context, commit string, fetch bool) (err error) {
	defer nameRegistry(&err, g.config.Name)
	g.mu.Lock()
	defer g.mu.Unlock()
	record, err := g.proving(ctx, fetch)
	switch {
	case err != nil:
		return unproved(ctx, commit, err)
	case record.proves(commit):
		return nil
	case g.copy.offline:
		return &UnprovedError{commit, errors.New("offline")}
	}
	now, err := g.copy.prove(ctx, commit)
	switch {
	case g.open == nil || now.Commit == "":
	case now.Commit == record.Commit:
		g.open.record = now
	default:
		err = errors.Join(err, g.close())
	}
	return unproved(ctx, commit, err)
}

// proving is the record that a commit is looked for in.
func (g *gitRegistry) proving(ctx context.Context, fetch bool) (gitRecord, error) {
	if g.open == nil && !fetch {
		record, err := g.copy.readRecord()
		if err != nil {
			return record, errors.New("the registry was never fetched")
		}
		return record, nil
	}
	opened, err := g.state(ctx)
	if err != nil {
		return gitRecord{}, err
	}
	return opened.record, nil
}

// unproved sorts what went wrong: a registry that cannot answer says nothing
// against a commit.
func unproved(ctx context.Context, commit string, err error) error {
	var unproved *UnprovedError
	if err == nil || errors.Is(err, ErrIntegrity) || errors.As(err, &unproved) || ctx.Err() != nil {
		return err
	}
	return &UnprovedError{commit, err}
}

// prove asks the registry whether its head, which is fetched first if it is
// another one, descends from a commit, and remembers that it does. The record is
// what is remembered then, also when that is nothing new.
func (c gitCopy) prove(ctx context.Context, commit string) (now gitRecord, err error) {
	unlock, err := lockFile(ctx, c.lockFile())
	if err != nil {
		return now, err
	}
	defer unlock()
	opened, err := c.load()
	if err != nil {
		return now, err
	}
	defer func() { err = errors.Join(err, opened.file.Close()) }()
	ask := c.proveByGit
	if c.static != nil {
		ask = c.proveByLog
	}
	err = ask(ctx, opened, commit)
	now, readErr := c.readRecord()
	if err := errors.Join(err, readErr); err != nil || now.proves(commit) {
		return now, err
	}
	now.Proved = slices.Insert(now.Proved, 0, commit)
	now.Proved = now.Proved[:min(len(now.Proved), maxProved)]
	return now, c.writeRecord(now)
}

// proveByGit proves a commit of a git repository.
func (c gitCopy) proveByGit(ctx context.Context, opened *openCopy, commit string) (err error) {
	f, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if f.head.ID != opened.record.Commit {
		if _, err := c.advance(ctx, f, opened, UpdateOptions{}); err != nil {
			return err
		}
		if record, err := c.readRecord(); err != nil || record.proves(commit) {
			return err
		}
	}
	return c.notOfHistory(c.inHistory(ctx, f, commit, true))
}

// inHistory reports a commit that is not of the history of the head, as a
// [*history.Error].
func (c gitCopy) inHistory(ctx context.Context, f *fetcher, commit string, locked bool) error {
	leads, err := f.leads(ctx, commit)
	var large *git.UnsafeError
	switch {
	case errors.Is(err, git.ErrUnknownCommit):
		return history.Unknown(commit, f.head.ID)
	case err == nil && leads:
		return nil
	case err != nil && !errors.As(err, &large):
		return err
	}
	// It is of another branch, or from before a squash: what became of it shows
	// in the whole history.
	_, err = c.trace(ctx, f, commit, locked)
	return err
}

// maxCommits bounds the bytes of the commits between two.
const maxCommits = 64 << 20

// leads reports whether the head descends from a commit: the commits between
// the two are fetched, without their files if the registry can leave these out.
// The error is [git.ErrUnknownCommit] when the registry does not have the
// commit, and a [*git.UnsafeError] when there is too much between the two.
func (f *fetcher) leads(ctx context.Context, commit string) (leads bool, err error) {
	limit := transferFactor * f.copy.timeout
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if !isCommitID(commit) {
		return false, git.ErrUnknownCommit
	}
	req := git.UploadRequest{Want: f.head.ID, Have: commit, Whole: true, Commits: true, Limit: maxCommits}
	err = f.remote.Fetch(limited, req, func(r io.Reader) error {
		pack, err := git.ReadPack(r, f.copy.folder(), nil)
		if err != nil {
			return err
		}
		path, err := descent(pack, commit, f.head.ID)
		leads = path != nil
		return errors.Join(err, pack.Close())
	})
	var large *git.UnsafeError
	if err == nil || errors.Is(err, git.ErrUnknownCommit) || errors.As(err, &large) {
		return leads, err
	}
	return false, f.copy.remoteError(waitError(ctx, limit, err))
}

// isCommitID reports whether a repository of the kind that is read can have the
// commit: IDs of 64 digits are of another one.
func isCommitID(id string) bool { return len(id) == 40 }

// notOfHistory puts a commit of a lock that is of another history into words of
// this package.
func (c gitCopy) notOfHistory(err error) error {
	var problem *history.Error
	if !errors.As(err, &problem) {
		return err
	}
	return &Error{
		Class: ErrIntegrity, Message: "the lock was made from another history", Err: problem,
		Remedy: strings.TrimPrefix(problem.Remedy, "nothing was changed; ") + "\nto make the lock again from the registry as it is now, and see what changes: clyde update",
	}
}

// proveByLog proves a commit by the change log of a static export.
func (c gitCopy) proveByLog(ctx context.Context, opened *openCopy, commit string) error {
	head, err := c.readStatic(ctx, validators{})
	if err != nil {
		return err
	}
	if _, err := c.moveStatic(ctx, opened, head, UpdateOptions{}); err != nil {
		return err
	}
	graph, err := newStaticGraph(nil, head)
	if err != nil {
		return err
	}
	_, err = history.Follow(ctx, commit, head.Commit, graph, history.Options{Locked: true})
	var problem *history.Error
	if !errors.As(err, &problem) {
		return err
	}
	squashed, err := c.squashed()
	if err != nil {
		return err
	}
	if problem.Partial || squashed {
		return &UnprovedError{commit, errors.New("the change log of the registry does not go back that far")}
	}
	return c.notOfHistory(history.Unknown(commit, head.Commit))
}

// squashed reports whether the index that is shown has cut off its history.
func (c gitCopy) squashed() (_ bool, err error) {
	opened, err := c.load()
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, opened.file.Close()) }()
	var config *index.Config
	if config, err = (indexTree{opened.file.FS()}).config(); err != nil {
		return false, err
	}
	return config.Clyde.Squash != nil, nil
}
