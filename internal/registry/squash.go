package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/history"
	"github.com/clydepm/clyde/internal/review"
)

// SquashKey signs the record of a squash.
type SquashKey interface {
	KeyID() (string, error)
	SignPayload(ctx context.Context, payloadType string, payload []byte) (string, error)
}

// SquashOptions describe a squash.
type SquashOptions struct {
	Reason        string // for people
	Key           SquashKey
	When          time.Time
	Author, Email string
}

// Squashed is a squash that was made, or planned.
type Squashed struct {
	Branch   string    `json:"branch"`
	Old      string    `json:"old"`           // head, kept on Snapshot
	New      string    `json:"new,omitempty"` // the commit without a parent; "" when nothing was written
	Snapshot string    `json:"snapshot"`      // branch
	Date     time.Time `json:"date"`          // of the record
	Reason   string    `json:"reason"`
	Key      string    `json:"key"`
	DryRun   bool      `json:"dry_run,omitempty"`
}

// RefusedError reports what nobody would follow: a squash, or a signature.
type RefusedError struct {
	Detail, Remedy string
}

func (e *RefusedError) Error() string { return e.Detail }

// Hint says what to do instead.
func (e *RefusedError) Hint() string { return e.Remedy }

// PlanSquash says what a squash of a repository's head would be, and signs its
// record. Nothing is written. Taken says which commit a branch has, "" when
// there is no such branch. The error is a [*RefusedError] when nobody would
// follow it.
func PlanSquash(ctx context.Context, repo *git.Repo, taken func(branch string) (string, error), opts SquashOptions) (*SquashPlan, error) {
	p := &SquashPlan{repo: repo, opts: opts}
	var err error
	if p.ref, err = repo.HeadRef(); err != nil {
		return nil, err
	}
	if p.old, err = repo.ReadRef(p.ref); err != nil {
		return nil, err
	}
	if p.tree, err = repo.Tree(p.old); err != nil {
		return nil, err
	}
	if p.config, err = (&Source{Tree: p.tree}).Config(); err != nil {
		return nil, err
	}
	record := &index.Squash{Head: p.old, Date: opts.When.UTC().Format(time.RFC3339), Reason: opts.Reason}
	if record.Snapshot, err = p.snapshot(taken); err != nil {
		return nil, err
	}
	if err := p.sign(ctx, record); err != nil {
		return nil, err
	}
	p.config.Clyde.Squash = record
	return p, nil
}

// SquashPlan is a squash before it is made.
type SquashPlan struct {
	repo     *git.Repo
	opts     SquashOptions
	ref, old string
	tree     fs.FS
	config   *index.Config // with the record
}

// snapshot chooses the first branch that is free, or has the old head already
// because a squash was interrupted.
func (p *SquashPlan) snapshot(taken func(string) (string, error)) (string, error) {
	for n := 1; ; n++ {
		branch := index.SnapshotBranch(p.opts.When, n)
		id, err := taken(branch)
		if err != nil || id == "" || id == p.old {
			return branch, err
		}
	}
}

// sign completes a record, and holds it against the keys of the old head as
// everyone else will.
func (p *SquashPlan) sign(ctx context.Context, record *index.Squash) error {
	var err error
	if record.Key, err = p.opts.Key.KeyID(); err != nil {
		return err
	}
	if err := (&Source{Tree: p.tree}).checkKey(record.Key, "squash"); err != nil {
		return err
	}
	if record.Signature, err = p.opts.Key.SignPayload(ctx, index.SquashPayloadType, record.Payload(p.config.Clyde.Name)); err != nil {
		return err
	}
	if err := record.Check(); err != nil {
		return &RefusedError{err.Error(), ""}
	}
	problem, err := history.SquashSignature(p.tree, record)
	if problem != nil {
		return &RefusedError{problem.Error(), ""}
	}
	return err
}

// checkKey reports a key that does not speak for the index, so that nobody would
// follow what it signs, as a [*RefusedError].
func (s *Source) checkKey(id, what string) error {
	trust, err := fs.Sub(s.Tree, "trust")
	if err != nil {
		return err
	}
	keys, err := attest.ReadIndexKeys(trust)
	if err != nil || keys.Has(id) {
		return err
	}
	return &RefusedError{
		fmt.Sprintf("the key %s is not under trust/%s in the index, so nobody would follow the %s", id, attest.IndexKeysFolder, what),
		"'clyde key trust KEY.pub --for index --index PATH' adds it; clients have to see that commit before the " + what,
	}
}

// Describe says what is planned.
func (p *SquashPlan) Describe() Squashed {
	record := p.config.Clyde.Squash
	return Squashed{
		Branch: p.ref, Old: p.old, Snapshot: record.Snapshot, Date: p.opts.When.UTC(), Reason: record.Reason, Key: record.Key, DryRun: true,
	}
}

// Write writes the commit of the squash, moves nothing, and judges it as the
// gate of the index would.
func (p *SquashPlan) Write(ctx context.Context) (*Squashed, error) {
	id, err := p.repo.WriteCommit(git.Commit{
		Base: p.old, Files: map[string][]byte{index.ConfigPath: p.config.Format()},
		Message: fmt.Sprintf("Squash the history of %s\n\n%s\n\nThe history before is on %s, which ends at %s.\n",
			p.config.Clyde.Name, p.opts.Reason, p.config.Clyde.Squash.Snapshot, p.old),
		Name: p.opts.Author, Email: p.opts.Email, When: p.opts.When,
	})
	if err != nil {
		return nil, err
	}
	if err := p.judge(ctx, id); err != nil {
		return nil, err
	}
	done := p.Describe()
	done.New, done.DryRun = id, false
	return &done, nil
}

func (p *SquashPlan) judge(ctx context.Context, id string) error {
	lineage, err := review.LineageOf(history.Follow(ctx, p.old, id, p.repo, history.Options{}))
	if err != nil {
		return err
	}
	head, err := p.repo.Tree(id)
	if err != nil {
		return err
	}
	report, err := review.Judge(review.Input{Base: p.tree, Head: head, BaseID: p.old, HeadID: id, Lineage: lineage, Now: p.opts.When})
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		if f.Status == review.Fail {
			return &RefusedError{f.Check + ": " + f.Detail, f.Hint}
		}
	}
	return nil
}

// SquashLocal squashes a repository on this machine. The old head is on its
// branch before the index moves; when the index moved meanwhile, the error is
// [git.ErrConflict] and the branch is left, for the next attempt.
func SquashLocal(ctx context.Context, repo *git.Repo, opts SquashOptions, dryRun bool) (*Squashed, error) {
	plan, err := PlanSquash(ctx, repo, localBranch(repo), opts)
	if err != nil {
		return nil, err
	}
	if dryRun {
		planned := plan.Describe()
		return &planned, nil
	}
	done, err := plan.Write(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := localBranch(repo)(done.Snapshot)
	if err == nil && kept == "" {
		err = repo.CompareAndSwap("refs/heads/"+done.Snapshot, "", done.Old)
	}
	if err != nil {
		return nil, err
	}
	return done, repo.CompareAndSwap(done.Branch, done.Old, done.New)
}

func localBranch(repo *git.Repo) func(string) (string, error) {
	return func(branch string) (string, error) {
		id, err := repo.ReadRef("refs/heads/" + branch)
		if errors.Is(err, git.ErrNotFound) {
			return "", nil
		}
		return id, err
	}
}

// SquashRemote squashes a remote index: the old head is pushed to its branch
// first, then the index is moved, by force but only from that head. The mirror
// is of the index's branch.
func SquashRemote(ctx context.Context, mirror *git.Mirror, address string, auth git.Auth, opts SquashOptions, dryRun bool) (*Squashed, error) {
	if _, err := mirror.Update(ctx); err != nil {
		return nil, err
	}
	remote, err := git.ListRemoteAs(ctx, address, auth)
	if err != nil {
		return nil, err
	}
	taken := func(branch string) (string, error) {
		id, _ := remote.Find("refs/heads/" + branch)
		return id, nil
	}
	plan, err := PlanSquash(ctx, mirror.Repo(), taken, opts)
	if err != nil {
		return nil, err
	}
	if dryRun {
		planned := plan.Describe()
		return &planned, nil
	}
	done, err := plan.Write(ctx)
	if err != nil {
		return nil, err
	}
	kept, _ := taken(done.Snapshot)
	snapshot := git.PushOptions{URL: address, Ref: "refs/heads/" + done.Snapshot, Old: kept, New: done.Old, Auth: auth}
	if err := mirror.Repo().PushWith(ctx, snapshot); err != nil {
		return nil, err
	}
	return done, mirror.Repo().PushWith(ctx, git.PushOptions{URL: address, Ref: done.Branch, Old: done.Old, New: done.New, Force: true, Auth: auth})
}
