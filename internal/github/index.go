package github

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	gh "github.com/google/go-github/v60/github"

	"github.com/clydepm/clyde/internal/forge"
)

// Index is an index in a repository on GitHub. It is a publish.Forge.
type Index struct {
	client      *Client
	owner, name string

	mu         sync.Mutex
	repository *gh.Repository // once it is known
	viewer     string         // login of the token's owner, once it is known
	target     target         // where branches go, once it is known
}

// target is the repository that branches are written to.
type target struct {
	owner, name string
	fork        bool
}

// Index returns the index in the repository "owner/name".
func (c *Client) Index(repository string) (*Index, error) {
	owner, name, err := split(repository)
	if err != nil {
		return nil, err
	}
	return &Index{client: c, owner: owner, name: name}, nil
}

func (x *Index) String() string { return x.client.web + "/" + x.owner + "/" + x.name }

// about asks once for what GitHub says about the repository.
func (x *Index) about(ctx context.Context) (*gh.Repository, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.repository != nil {
		return x.repository, nil
	}
	r, _, err := x.client.api.Repositories.Get(ctx, x.owner, x.name)
	if err != nil {
		return nil, explain("read "+x.String(), err)
	}
	x.repository = r
	// A repository that was renamed answers under its old name too.
	x.owner, x.name = r.GetOwner().GetLogin(), r.GetName()
	return r, nil
}

// Head returns the newest commit of the default branch.
func (x *Index) Head(ctx context.Context) (forge.Snapshot, error) {
	r, err := x.about(ctx)
	if err != nil {
		return forge.Snapshot{}, err
	}
	op := "read the index " + x.String()
	branch, _, err := x.client.api.Repositories.GetBranch(ctx, x.owner, x.name, r.GetDefaultBranch(), 0)
	if err != nil {
		return forge.Snapshot{}, explain(op, err)
	}
	commit := branch.GetCommit()
	tree, err := x.readTree(ctx, commit.GetCommit().GetTree().GetSHA())
	if err != nil {
		return forge.Snapshot{}, explain(op, err)
	}
	return forge.Snapshot{ID: commit.GetSHA(), Tree: tree}, nil
}

// mayPush reports whether the token may write to the index's own repository,
// as far as can be told before trying.
func (x *Index) mayPush() bool {
	return x.client.appToken || x.repository.GetPermissions()["push"]
}

// place is where branches go: the index's own repository, or a fork.
func (x *Index) place(ctx context.Context) (target, error) {
	if _, err := x.about(ctx); err != nil {
		return target{}, err
	}
	x.mu.Lock()
	known := x.target
	x.mu.Unlock()
	if known.name != "" {
		return known, nil
	}
	if x.mayPush() {
		return x.settle(target{owner: x.owner, name: x.name}), nil
	}
	return x.fork(ctx)
}

func (x *Index) settle(t target) target {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.target = t
	return t
}

// fork makes a fork, or finds the one that is there: GitHub answers both alike.
func (x *Index) fork(ctx context.Context) (target, error) {
	fork, _, err := x.client.api.Repositories.CreateFork(forge.Repeatable(ctx), x.owner, x.name, &gh.RepositoryCreateForkOptions{DefaultBranchOnly: true})
	if _, accepted := errors.AsType[*gh.AcceptedError](err); err != nil && !accepted {
		err = explain("fork "+x.String(), err)
		if code := status(err); code == http.StatusForbidden || code == http.StatusNotFound {
			return target{}, &forge.Error{
				Kind: forge.ErrNotPermitted, Op: "propose a change to " + x.String(),
				Detail: "the token may neither push to the repository nor fork it",
				Remedy: "give a token that may: a fine-grained one with Contents and Pull requests on the index, or a classic one with the scope public_repo",
				Err:    err,
			}
		}
		return target{}, err
	}
	x.mu.Lock()
	x.viewer = fork.GetOwner().GetLogin()
	x.mu.Unlock()
	return x.settle(target{owner: fork.GetOwner().GetLogin(), name: fork.GetName(), fork: true}), nil
}

// me is the login of the token's owner, or "" for a token without one.
func (x *Index) me(ctx context.Context) (string, error) {
	x.mu.Lock()
	known := x.viewer
	x.mu.Unlock()
	if known != "" || x.client.appToken {
		return known, nil
	}
	user, _, err := x.client.api.Users.Get(ctx, "")
	if err != nil {
		if code := status(err); code == http.StatusForbidden || code == http.StatusUnauthorized {
			return "", nil
		}
		return "", explain("ask who the token belongs to", err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.viewer = user.GetLogin()
	return x.viewer, nil
}

// claim marks the pull request that this token goes on with: the one of a branch
// of the index's own repository where it may push, and else the one from a fork
// of its owner. Where there is one already, its repository is where the branch
// is written, even if the token could write elsewhere by now.
func (x *Index) claim(ctx context.Context, pulls []forge.Pull) error {
	for i, p := range pulls {
		if x.mayPush() && strings.EqualFold(p.Repository, x.owner+"/"+x.name) {
			pulls[i].Own = true
			x.settle(target{owner: x.owner, name: x.name})
			return nil
		}
	}
	for i, p := range pulls {
		owner, name, _ := strings.Cut(p.Repository, "/")
		me, err := x.me(ctx)
		if err != nil {
			return err
		}
		if me != "" && strings.EqualFold(owner, me) && !strings.EqualFold(p.Repository, x.owner+"/"+x.name) {
			pulls[i].Own = true
			x.settle(target{owner: owner, name: name, fork: true})
			return nil
		}
	}
	return nil
}

// Identity is what GitHub knows a repository by, whatever it is called.
type Identity struct {
	ID, OwnerID int64
	URL         string // of its page, as it is called now
}

// Identify asks for the numbers of the repository "owner/name".
func (c *Client) Identify(ctx context.Context, repository string) (Identity, error) {
	owner, name, err := split(repository)
	if err != nil {
		return Identity{}, err
	}
	r, _, err := c.api.Repositories.Get(ctx, owner, name)
	if err != nil {
		return Identity{}, explain("read "+c.web+"/"+owner+"/"+name, err)
	}
	return Identity{ID: r.GetID(), OwnerID: r.GetOwner().GetID(), URL: c.web + "/" + r.GetFullName()}, nil
}
