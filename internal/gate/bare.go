package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/git"
)

// Bare is an index in a git repository without a host. A pull request is a
// branch beside the index's own that has something the index has not; its
// number is its place among the branches by name.
type Bare struct {
	repo *git.Repo
	path string
	ref  string // of the index
}

// OpenBare opens the index in a repository. The caller closes it.
func OpenBare(path string) (*Bare, error) {
	repo, err := git.Open(path)
	if err != nil {
		return nil, err
	}
	b := &Bare{repo: repo, path: path}
	if b.ref, err = repo.HeadRef(); err == nil && !repo.Bare() {
		err = &forge.Error{Kind: forge.ErrRefused, Op: "merge in " + path, Detail: "its branch is checked out; the files there would be left behind", Remedy: "give a bare repository"}
	}
	if err != nil {
		return nil, errors.Join(err, repo.Close())
	}
	return b, nil
}

// Close releases the repository.
func (b *Bare) Close() error { return b.repo.Close() }

func (b *Bare) String() string { return b.path }

// Head returns the commit of the index's branch.
func (b *Bare) Head(context.Context) (forge.Snapshot, error) {
	id, err := b.repo.ReadRef(b.ref)
	if err != nil {
		return forge.Snapshot{}, err
	}
	return b.snapshot(id)
}

// Tree returns the tree of a commit.
func (b *Bare) Tree(_ context.Context, commit string) (fs.FS, error) { return b.repo.Tree(commit) }

func (b *Bare) snapshot(id string) (forge.Snapshot, error) {
	tree, err := b.repo.Tree(id)
	return forge.Snapshot{ID: id, Tree: tree}, err
}

// branches are all branches but the index's, by name.
func (b *Bare) branches(ctx context.Context) ([]forge.Pull, error) {
	here, err := git.ListRemote(ctx, b.path)
	if err != nil {
		return nil, err
	}
	var pulls []forge.Pull
	for _, ref := range here.Refs {
		if branch, ok := strings.CutPrefix(ref.Name, "refs/heads/"); ok && ref.Name != b.ref {
			pulls = append(pulls, forge.Pull{Branch: branch, Head: ref.ID, State: forge.Open})
		}
	}
	slices.SortFunc(pulls, func(p, q forge.Pull) int { return strings.Compare(p.Branch, q.Branch) })
	for i := range pulls {
		pulls[i].Number = i + 1
	}
	return pulls, nil
}

// OpenPulls returns the branches that are not merged.
func (b *Bare) OpenPulls(ctx context.Context) ([]forge.Pull, error) {
	all, err := b.branches(ctx)
	if err != nil {
		return nil, err
	}
	head, err := b.repo.ReadRef(b.ref)
	if err != nil {
		return nil, err
	}
	var open []forge.Pull
	for _, p := range all {
		merged, err := b.repo.IsAncestor(p.Head, head)
		if err != nil {
			return nil, err
		}
		if !merged {
			open = append(open, p)
		}
	}
	return open, nil
}

// Pull returns a branch by its place among the branches.
func (b *Bare) Pull(ctx context.Context, number int) (forge.Pull, error) {
	all, err := b.branches(ctx)
	if err != nil {
		return forge.Pull{}, err
	}
	if number < 1 || number > len(all) {
		return forge.Pull{}, &forge.Error{Kind: forge.ErrNotFound, Op: fmt.Sprintf("find branch %d of %s", number, b.path), Detail: "there are fewer"}
	}
	return all[number-1], nil
}

// Proposed returns the newest commit of the index that a branch has, and its
// head.
func (b *Bare) Proposed(_ context.Context, p forge.Pull) (fork, head forge.Snapshot, err error) {
	tip, err := b.repo.ReadRef(b.ref)
	if err != nil {
		return fork, head, err
	}
	at, err := b.repo.ForkPoint(p.Head, tip)
	if errors.Is(err, git.ErrNotFound) {
		return fork, head, &forge.Error{Kind: forge.ErrRefused, Op: "compare " + p.Branch + " with the index", Detail: "they have no commit in common"}
	}
	if err != nil {
		return fork, head, err
	}
	if fork, err = b.snapshot(at); err != nil {
		return fork, head, err
	}
	head, err = b.snapshot(p.Head)
	return fork, head, err
}

// ProposedAt returns the zero time: git knows only the times that a commit claims.
func (b *Bare) ProposedAt(context.Context, forge.Pull) (time.Time, error) { return time.Time{}, nil }

// Reviews returns none: whoever may write to the repository is its reviewer.
func (b *Bare) Reviews(context.Context, forge.Pull) ([]forge.Review, error) { return nil, nil }

// Merge writes the commit and moves the index's branch to it by
// compare-and-swap.
func (b *Bare) Merge(_ context.Context, m forge.Merge) (string, error) {
	op := "merge " + m.Pull.Branch
	head, err := b.repo.ReadRef("refs/heads/" + m.Pull.Branch)
	if err != nil || head != m.Pull.Head {
		return "", &forge.Error{Kind: forge.ErrMoved, Op: op, Detail: "the branch was pushed to", Err: err}
	}
	info, err := b.repo.CommitInfo(head)
	if err != nil {
		return "", err
	}
	commit := git.Commit{Parent: m.Base.ID, Files: m.Files, Message: m.Message, Name: m.Author.Name, Email: m.Author.Email, When: m.When}
	if len(info.Parents) == 1 && info.Parents[0] == m.Fork {
		commit.Merged = head
	}
	id, err := b.repo.WriteCommit(commit)
	if err != nil {
		return "", err
	}
	err = b.repo.CompareAndSwap(b.ref, m.Base.ID, id)
	if errors.Is(err, git.ErrConflict) {
		return "", &forge.Error{Kind: forge.ErrMoved, Op: op, Detail: "the index moved", Err: err}
	}
	return id, err
}

// ClosePull leaves the branch to whoever made it.
func (b *Bare) ClosePull(context.Context, forge.Pull, string) error { return nil }
