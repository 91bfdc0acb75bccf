package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clydepm/clyde/internal/git"
)

// Remote is an index in a git repository elsewhere, whose branch may be pushed
// to. It is a Destination: a change is a commit that is pushed, and refused when
// somebody else pushed first.
type Remote struct {
	mirror *git.Mirror
	url    string
	auth   git.Auth
}

// OpenRemote returns the index at a URL, on the branch that its HEAD names.
// Nothing is fetched yet. The caller closes it.
func OpenRemote(url string, auth git.Auth) (*Remote, error) {
	mirror, err := git.NewMirror(git.MirrorOptions{URL: url, Depth: 1, Auth: auth})
	if err != nil {
		return nil, err
	}
	return &Remote{mirror: mirror, url: url, auth: auth}, nil
}

// Close removes what was fetched.
func (r *Remote) Close() error { return r.mirror.Close() }

func (r *Remote) String() string { return git.Redact(r.url) }

// Head fetches the newest commit. The error is ErrNotFound when the repository
// is no index.
func (r *Remote) Head(ctx context.Context) (State, error) {
	commit, err := r.mirror.Update(ctx)
	if err != nil {
		return State{}, err
	}
	tree, err := r.mirror.Repo().Tree(commit)
	if err != nil {
		return State{}, err
	}
	return State{ID: commit, Tree: tree}, checkIndex(tree, r.String())
}

// Write makes the commit here.
func (r *Remote) Write(_ context.Context, base State, change Change, by Author, when time.Time) (string, error) {
	return r.mirror.Repo().WriteCommit(git.Commit{
		Parent: base.ID, Files: change.files(),
		Message: change.Message, Name: by.Name, Email: by.Email, When: when,
	})
}

// Advance pushes the commit, if the branch is still at base.
func (r *Remote) Advance(ctx context.Context, base State, id string) error {
	err := r.mirror.Repo().PushWith(ctx, git.PushOptions{URL: r.url, Ref: "refs/heads/" + r.mirror.Branch(), Old: base.ID, New: id, Auth: r.auth})
	if errors.Is(err, git.ErrConflict) {
		return fmt.Errorf("%w: %w", ErrMoved, err)
	}
	return err
}
