package gitea

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/git"
)

// Index is an index in a repository on Gitea or Forgejo. It is a publish.Forge.
// It is not for concurrent use.
type Index struct {
	client  *client
	name    string // "owner/name"
	token   string
	mirror  *git.Mirror
	history bool

	about  *repository
	viewer string
	target string // repository that branches go to, once it is known
}

type repository struct {
	FullName      string `json:"full_name"`
	DefaultBranch string `json:"default_branch"`
	Owner         user
	Permissions   struct{ Push bool }
}

type user struct{ Login string }

// New returns the index. The caller closes it.
func New(opts Options) (*Index, error) {
	c, err := newClient(opts)
	if err != nil {
		return nil, err
	}
	return &Index{client: c, name: opts.Repository, token: opts.Token}, nil
}

// FetchHistory has the whole history fetched, which merging needs. It is to be
// called first.
func (x *Index) FetchHistory() { x.history = true }

// Close removes what was fetched.
func (x *Index) Close() error {
	if x.mirror == nil {
		return nil
	}
	return x.mirror.Close()
}

func (x *Index) String() string { return x.client.server + "/" + x.name }

func (x *Index) path(format string, args ...any) string {
	return repositoryPath(x.name) + fmt.Sprintf(format, args...)
}

func repositoryPath(repository string) string {
	owner, name, _ := strings.Cut(repository, "/")
	return "repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name)
}

// facts asks once for what the host says about the repository.
func (x *Index) facts(ctx context.Context) (*repository, error) {
	if x.about != nil {
		return x.about, nil
	}
	var r repository
	if err := x.client.call(ctx, http.MethodGet, x.path(""), nil, &r); err != nil {
		return nil, explain("read "+x.String(), err)
	}
	x.about, x.name = &r, r.FullName
	return x.about, nil
}

func (x *Index) auth() git.Auth { return git.Auth{User: "clyde", Token: x.token} }

func (x *Index) gitURL(repository string) string { return x.client.server + "/" + repository + ".git" }

// Head fetches the newest commit of the default branch.
func (x *Index) Head(ctx context.Context) (forge.Snapshot, error) {
	r, err := x.facts(ctx)
	if err != nil {
		return forge.Snapshot{}, err
	}
	if x.mirror == nil {
		depth := 1
		if x.history || !r.Permissions.Push {
			depth = 0 // a fork may be behind
		}
		if x.mirror, err = git.NewMirror(git.MirrorOptions{URL: x.gitURL(x.name), Branch: r.DefaultBranch, Depth: depth, Auth: x.auth()}); err != nil {
			return forge.Snapshot{}, err
		}
	}
	commit, err := x.mirror.Update(ctx)
	if err != nil {
		return forge.Snapshot{}, err
	}
	tree, err := x.mirror.Repo().Tree(commit)
	return forge.Snapshot{ID: commit, Tree: tree}, err
}

// me is the login of the token's owner.
func (x *Index) me(ctx context.Context) (string, error) {
	if x.viewer != "" {
		return x.viewer, nil
	}
	var u user
	if err := x.client.call(ctx, http.MethodGet, "user", nil, &u); err != nil {
		return "", explain("ask who the token belongs to", err)
	}
	x.viewer = u.Login
	return x.viewer, nil
}

// place is the repository that branches go to: the index's own or a fork.
func (x *Index) place(ctx context.Context) (string, error) {
	if x.target != "" {
		return x.target, nil
	}
	r, err := x.facts(ctx)
	if err != nil {
		return "", err
	}
	if r.Permissions.Push {
		x.target = x.name
		return x.target, nil
	}
	me, err := x.me(ctx)
	if err != nil {
		return "", err
	}
	fork, found, err := x.findFork(ctx, me)
	if err == nil && !found {
		fork, err = forge.Once(ctx, x.client.transport, unclear,
			func() (string, error) {
				var made repository
				err := x.client.call(ctx, http.MethodPost, x.path("/forks"), struct{}{}, &made)
				return made.FullName, err
			},
			func() (string, bool, error) { return x.findFork(ctx, me) })
	}
	if err != nil {
		return "", explain("fork "+x.String(), err)
	}
	x.target = fork
	return fork, nil
}

// findFork looks for the fork of an owner.
func (x *Index) findFork(ctx context.Context, owner string) (string, bool, error) {
	for page := 1; page <= maxPages; page++ {
		var forks []repository
		if err := x.client.call(ctx, http.MethodGet, x.path("/forks?limit=%d&page=%d", perPage, page), nil, &forks); err != nil {
			return "", false, err
		}
		for _, f := range forks {
			if strings.EqualFold(f.Owner.Login, owner) {
				return f.FullName, true, nil
			}
		}
		if len(forks) < perPage {
			break
		}
	}
	return "", false, nil
}

// Write pushes the branch with one commit on top of the index.
func (x *Index) Write(ctx context.Context, branch string, c forge.Commit) (string, error) {
	at, err := x.place(ctx)
	if err != nil {
		return "", err
	}
	by, err := x.author(ctx, c.Author)
	if err != nil {
		return "", err
	}
	files := map[string][]byte{c.Path: c.Data}
	maps.Copy(files, c.Others)
	id, err := x.mirror.Repo().WriteCommit(git.Commit{
		Parent: c.Base.ID, Files: files, Message: c.Message, Name: by.Name, Email: by.Email, When: c.When,
	})
	if err != nil {
		return "", err
	}
	return id, x.push(ctx, at, branch, id)
}

// author is who a commit names: the owner of the token, when nobody else is to
// be.
func (x *Index) author(ctx context.Context, by forge.Author) (forge.Author, error) {
	if by != (forge.Author{}) {
		return by, nil
	}
	me, err := x.me(ctx)
	return forge.Author{Name: cmp.Or(me, "clyde"), Email: cmp.Or(me, "clyde") + "@noreply." + x.host()}, err
}

func (x *Index) host() string {
	u, err := url.Parse(x.client.server)
	if err != nil {
		return "localhost"
	}
	return u.Hostname()
}

// push forces the branch from where it is. A push whose outcome is not known is
// looked up by the next attempt, which finds the branch where it should be.
func (x *Index) push(ctx context.Context, at, branch, id string) error {
	address, ref := x.gitURL(at), "refs/heads/"+branch
	_, err := forge.Once(ctx, x.client.transport, func(err error) bool {
		return errors.Is(err, git.ErrNetwork) || errors.Is(err, git.ErrConflict)
	}, func() (bool, error) {
		remote, err := git.ListRemoteAs(ctx, address, x.auth())
		if err != nil {
			return false, err
		}
		old, _ := remote.Find(ref)
		return true, x.mirror.Repo().PushWith(ctx, git.PushOptions{URL: address, Ref: ref, Old: old, New: id, Force: true, Auth: x.auth()})
	}, func() (bool, bool, error) { return false, false, nil })
	if errors.Is(err, git.ErrAuth) {
		return &forge.Error{Kind: forge.ErrNotPermitted, Op: "push to " + at, Err: err, Remedy: "give the token the scope write:repository"}
	}
	return err
}
