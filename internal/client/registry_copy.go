package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/history"
)

// transferFactor is how much longer than one answer a whole transfer may take.
const transferFactor = 20

// gitCopy is the copy of a git registry in the cache:
//
//	<base>.git       bare repository, shallow at the commit it was cloned at
//	<base>.json      the record: which commit is shown and since when
//	<base>.search    names and descriptions at a commit
//	<base>.lock      held by whoever changes any of these
type gitCopy struct {
	name, url, branch string
	base              string
	offline           bool
	timeout           time.Duration
	access            Access
}

// gitRecord is what is remembered about a copy. It outlives a damaged
// repository, so that a new copy is held against the commit known before.
type gitRecord struct {
	URL     string    `json:"url"`
	Ref     string    `json:"ref"`
	Commit  string    `json:"commit"`
	Updated time.Time `json:"updated"`
}

func (c gitCopy) repository() string { return c.base + ".git" }
func (c gitCopy) recordFile() string { return c.base + ".json" }
func (c gitCopy) searchFile() string { return c.base + ".search" }
func (c gitCopy) lockFile() string   { return c.base + ".lock" }

func (c gitCopy) readRecord() (gitRecord, error) {
	var r gitRecord
	data, err := os.ReadFile(c.recordFile())
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("%s: %w", c.recordFile(), err)
	}
	if r.Commit == "" || r.Ref == "" {
		return r, fmt.Errorf("%s: names no commit", c.recordFile())
	}
	return r, nil
}

func (c gitCopy) writeRecord(r gitRecord) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(c.recordFile(), append(data, '\n'))
}

// load opens the copy as the record says. Any error means that there is no
// copy that can be used.
func (c gitCopy) load() (*openCopy, error) {
	record, err := c.readRecord()
	if err != nil {
		return nil, err
	}
	repo, err := git.Open(c.repository())
	if err != nil {
		return nil, err
	}
	opened, err := openAt(repo, record)
	if err != nil {
		return nil, errors.Join(err, repo.Close())
	}
	return opened, nil
}

// openAt reads enough of a commit to see that it is there and is an index.
func openAt(repo *git.Repo, record gitRecord) (*openCopy, error) {
	files, err := repo.Tree(record.Commit)
	if err != nil {
		return nil, unsafeError(err)
	}
	tree := indexTree{files}
	if err := tree.checkIndex(); err != nil {
		return nil, unsafeError(err)
	}
	return &openCopy{repo: repo, record: record, tree: tree}, nil
}

// make fetches the first copy, or again one that is damaged or gone, unless
// another process did so meanwhile.
func (c gitCopy) make(ctx context.Context) (*openCopy, error) {
	if c.offline {
		return nil, c.offlineError("it was never fetched, or its copy is gone")
	}
	unlock, err := lockFile(ctx, c.lockFile())
	if err != nil {
		return nil, err
	}
	defer unlock()
	if opened, err := c.load(); err == nil {
		return opened, nil
	}
	if _, err := c.clone(ctx, UpdateOptions{}); err != nil {
		return nil, err
	}
	return c.load()
}

func (c gitCopy) offlineError(why string) error {
	return &Error{
		Class: ErrNetwork, Message: "needed but not here: " + why,
		Remedy: "run 'clyde registry update " + c.name + "' without --offline",
	}
}

// update moves the copy to the newest commit of the registry.
func (c gitCopy) update(ctx context.Context, opts UpdateOptions) (_ Change, err error) {
	if c.offline {
		return Change{}, &Error{
			Class: ErrNetwork, Message: "cannot be updated offline", Remedy: "run the command without --offline",
		}
	}
	unlock, err := lockFile(ctx, c.lockFile())
	if err != nil {
		return Change{}, err
	}
	defer unlock()
	opened, err := c.load()
	if err != nil {
		return c.clone(ctx, opts)
	}
	defer func() { err = errors.Join(err, opened.repo.Close()) }()
	now, err := c.remoteHead(ctx)
	if err != nil {
		return Change{}, err
	}
	if now == opened.record.Commit {
		if _, err := c.followHistory(ctx, opened.repo, now, now, opts); err != nil {
			return Change{}, err
		}
		opened.record.Updated = c.access.Now().UTC()
		return Change{Old: now, New: now}, c.writeRecord(opened.record)
	}
	return c.advance(ctx, opened, opts)
}

// remoteHead asks where the registry's branch is. It is a short question, so
// a registry that does not answer is noticed soon.
func (c gitCopy) remoteHead(ctx context.Context) (string, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	remote, err := git.ListRemote(limited, c.url)
	if err != nil {
		return "", c.remoteError(waitError(ctx, c.timeout, err))
	}
	ref := remote.Head
	if c.branch != "" {
		ref = "refs/heads/" + c.branch
	}
	id, _ := remote.Find(ref)
	return id, nil // a branch that is missing is explained by the fetch
}

// advance fetches what is new and, if it continues the known history, shows it.
func (c gitCopy) advance(ctx context.Context, opened *openCopy, opts UpdateOptions) (Change, error) {
	limited, cancel := context.WithTimeout(ctx, transferFactor*c.timeout)
	defer cancel()
	fetched, err := opened.repo.Fetch(limited, git.FetchOptions{URL: c.url, Branch: c.branch})
	if err != nil {
		return Change{}, c.remoteError(waitError(ctx, transferFactor*c.timeout, err))
	}
	record := gitRecord{URL: c.url, Ref: fetched.Ref, Commit: fetched.New, Updated: c.access.Now().UTC()}
	step, err := c.followHistory(ctx, opened.repo, opened.record.Commit, fetched.New, opts)
	if err != nil {
		return Change{}, err
	}
	next, err := openAt(opened.repo, record)
	if err != nil {
		return Change{}, fmt.Errorf("at its new commit %s: %w", shortID(fetched.New), err)
	}
	changed, err := changedPackages(opened.tree.files, next.tree.files)
	if err != nil {
		return Change{}, err
	}
	if err := opened.repo.CompareAndSwap(fetched.Ref, fetched.Old, fetched.New); err != nil {
		return Change{}, err
	}
	return Change{Old: opened.record.Commit, New: fetched.New, Packages: len(changed), Squashes: step.Squashes}, c.writeRecord(record)
}

// clone fetches a copy from nothing. When a record tells of an earlier copy,
// the new head must descend from its commit; the history needed to see that is
// fetched only when the head is another one. The caller holds the file lock.
func (c gitCopy) clone(ctx context.Context, opts UpdateOptions) (Change, error) {
	c.access.note("fetching registry %s from %s", c.name, c.url)
	if err := c.sweep(); err != nil {
		return Change{}, err
	}
	if _, err := c.remoteHead(ctx); err != nil {
		return Change{}, err
	}
	known, err := c.readRecord()
	if err != nil {
		known = gitRecord{}
	}
	fresh, err := c.cloneBeside(ctx, 1)
	if err != nil {
		return Change{}, err
	}
	defer func() { _ = removeAll(filepath.Dir(fresh)) }()
	record, packages, err := c.examine(fresh)
	if err != nil {
		return Change{}, err
	}
	step, err := c.followAgain(ctx, fresh, known.Commit, record.Commit, opts)
	if err != nil {
		return Change{}, err
	}
	if err := removeAll(c.repository()); err != nil {
		return Change{}, err
	}
	if err := os.Rename(fresh, c.repository()); err != nil {
		return Change{}, err
	}
	return Change{Old: known.Commit, New: record.Commit, Packages: packages, Squashes: step.Squashes}, c.writeRecord(record)
}

// followAgain decides about the head of a copy that was made again. To see
// whether it contains the commit that was shown before, the whole history is
// fetched to a place of its own.
func (c gitCopy) followAgain(ctx context.Context, fresh, known, head string, opts UpdateOptions) (_ history.Step, err error) {
	dir := fresh
	if known != "" && known != head && !opts.accepts(c.name, head) {
		if dir, err = c.cloneBeside(ctx, 0); err != nil {
			return history.Step{}, err
		}
		defer func() { _ = removeAll(filepath.Dir(dir)) }()
	}
	repo, err := git.Open(dir)
	if err != nil {
		return history.Step{}, err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	return c.followHistory(ctx, repo, known, head, opts)
}

// sweep removes what a killed process left. The caller holds the file lock.
func (c gitCopy) sweep() error {
	left, err := filepath.Glob(c.base + ".new-*")
	if err != nil {
		return err
	}
	return removeAll(left...)
}

// cloneBeside clones to a repository in a new folder beside the copy; the
// caller removes that folder.
func (c gitCopy) cloneBeside(ctx context.Context, depth int) (string, error) {
	if err := os.MkdirAll(filepath.Dir(c.base), 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(filepath.Dir(c.base), filepath.Base(c.base)+".new-*")
	if err != nil {
		return "", err
	}
	limited, cancel := context.WithTimeout(ctx, transferFactor*c.timeout)
	defer cancel()
	fresh := filepath.Join(dir, "copy.git")
	repo, err := git.Clone(limited, fresh, git.FetchOptions{URL: c.url, Branch: c.branch, Depth: depth})
	if err != nil {
		_ = removeAll(dir)
		return "", c.remoteError(waitError(ctx, transferFactor*c.timeout, err))
	}
	return fresh, repo.Close()
}

// examine looks at a fresh clone: what its head is, and that it is an index.
func (c gitCopy) examine(dir string) (record gitRecord, packages int, err error) {
	repo, err := git.Open(dir)
	if err != nil {
		return record, 0, err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	record = gitRecord{URL: c.url, Updated: c.access.Now().UTC()}
	if record.Ref, err = repo.HeadRef(); err != nil {
		return record, 0, err
	}
	if record.Commit, err = repo.ReadRef(record.Ref); err != nil {
		return record, 0, err
	}
	opened, err := openAt(repo, record)
	if err != nil {
		return record, 0, fmt.Errorf("%s: %w", c.url, err)
	}
	names, err := changedPackages(nil, opened.tree.files)
	return record, len(names), err
}

// discard throws the damaged repository away and keeps the record.
func (c gitCopy) discard(ctx context.Context) error {
	unlock, err := lockFile(ctx, c.lockFile())
	if err != nil {
		return err
	}
	defer unlock()
	return removeAll(c.repository(), c.searchFile())
}

// remove deletes all that is known about the registry.
func (c gitCopy) remove(ctx context.Context) error {
	unlock, err := lockFile(ctx, c.lockFile())
	if err != nil {
		return err
	}
	defer unlock()
	return removeAll(c.repository(), c.searchFile(), c.recordFile())
}

// remoteError puts a failure of git into a class of this package.
func (c gitCopy) remoteError(err error) error {
	var own *Error
	if errors.As(err, &own) || errors.Is(err, context.Canceled) {
		return err
	}
	e := &Error{Class: ErrNetwork, Message: c.url, Remedy: hintOf(err), Err: err}
	switch {
	case errors.Is(err, git.ErrNotFound):
		e.Class = ErrNotFound
	case errors.Is(err, git.ErrAuth):
		e.Class = ErrRefused
	case errors.Is(err, git.ErrURL):
		e.Class = ErrUsage
	}
	return e
}
