package github

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	gh "github.com/google/go-github/v60/github"

	"github.com/clydepm/clyde/internal/forge"
)

// A new fork is made in the background; it is waited for.
const (
	forkAttempts = 12
	forkPause    = 2 * time.Second
	forkLongest  = 20 * time.Second
)

// Write makes the branch a commit on top of the index, whatever it was before.
func (x *Index) Write(ctx context.Context, branch string, c forge.Commit) (id string, err error) {
	at, err := x.place(ctx)
	if err != nil {
		return "", err
	}
	id, err = x.commit(ctx, at, c)
	if err != nil && !at.fork && (status(err) == http.StatusForbidden || status(err) == http.StatusNotFound) {
		// The token may not push after all.
		if at, err = x.fork(ctx); err != nil {
			return "", err
		}
		id, err = x.commit(ctx, at, c)
	}
	if err == nil {
		err = x.moveBranch(ctx, at, branch, id)
	}
	return id, explain("write the branch "+branch+" of "+at.owner+"/"+at.name, err)
}

// commit makes the tree and the commit. In a fork that was asked for just now
// the objects are there a little later.
func (x *Index) commit(ctx context.Context, at target, c forge.Commit) (string, error) {
	pause := forkPause
	for attempt := 1; ; attempt++ {
		id, err := x.tryCommit(ctx, at, c)
		code := status(err)
		notYet := at.fork && (code == http.StatusNotFound || code == http.StatusConflict)
		if !notYet || attempt == forkAttempts {
			return id, err
		}
		if err := x.client.transport.Pause(ctx, pause); err != nil {
			return "", err
		}
		pause = min(2*pause, forkLongest)
	}
}

func (x *Index) tryCommit(ctx context.Context, at target, c forge.Commit) (string, error) {
	base, err := x.treeOf(ctx, c.Base)
	if err != nil {
		return "", err
	}
	files := map[string][]byte{c.Path: c.Data}
	maps.Copy(files, c.Others)
	return x.makeCommit(forge.Repeatable(ctx), at, base, []string{c.Base.ID}, newCommit{files, c.Message, c.Author, c.When})
}

// newCommit is what a commit has beside its parents.
type newCommit struct {
	files   map[string][]byte // nil deletes
	message string
	author  forge.Author
	when    time.Time
}

// makeCommit makes the tree of a commit on top of another, and the commit. The
// same objects have the same IDs, so that nothing is made twice.
func (x *Index) makeCommit(ctx context.Context, at target, base string, parents []string, c newCommit) (string, error) {
	var entries []*gh.TreeEntry
	for _, path := range slices.Sorted(maps.Keys(c.files)) {
		e := &gh.TreeEntry{Path: gh.String(path), Mode: gh.String("100644"), Type: gh.String("blob")}
		if data := c.files[path]; data != nil {
			if !utf8.Valid(data) {
				return "", &forge.Error{Kind: forge.ErrRefused, Op: "write " + path, Detail: "the file is no UTF-8 text"}
			}
			e.Content = gh.String(string(data))
		}
		entries = append(entries, e)
	}
	tree, _, err := x.client.api.Git.CreateTree(ctx, at.owner, at.name, base, entries)
	if err != nil {
		return "", err
	}
	commit := &gh.Commit{Message: gh.String(c.message), Tree: tree}
	for _, parent := range parents {
		commit.Parents = append(commit.Parents, &gh.Commit{SHA: gh.String(parent)})
	}
	if c.author != (forge.Author{}) {
		commit.Author = &gh.CommitAuthor{Name: gh.String(c.author.Name), Email: gh.String(c.author.Email), Date: &gh.Timestamp{Time: c.when.UTC()}}
	}
	made, _, err := x.client.api.Git.CreateCommit(ctx, at.owner, at.name, commit, nil)
	return made.GetSHA(), err
}

// treeOf is the ID of a snapshot's tree.
func (x *Index) treeOf(ctx context.Context, s forge.Snapshot) (string, error) {
	if t, ok := s.Tree.(*treeFS); ok {
		return t.id, nil
	}
	commit, _, err := x.client.api.Git.GetCommit(ctx, x.owner, x.name, s.ID)
	return commit.GetTree().GetSHA(), err
}

// moveBranch creates the branch, and forces it where it is there already.
func (x *Index) moveBranch(ctx context.Context, at target, branch, id string) error {
	ref := &gh.Reference{Ref: gh.String("refs/heads/" + branch), Object: &gh.GitObject{SHA: gh.String(id)}}
	_, err := forge.Once(ctx, x.client.transport, unclear,
		func() (*gh.Reference, error) {
			made, _, err := x.client.api.Git.CreateRef(ctx, at.owner, at.name, ref)
			return made, err
		},
		func() (*gh.Reference, bool, error) {
			have, _, err := x.client.api.Git.GetRef(ctx, at.owner, at.name, ref.GetRef())
			if status(err) == http.StatusNotFound {
				return nil, false, nil
			}
			return have, have.GetObject().GetSHA() == id, err
		})
	if status(err) == http.StatusUnprocessableEntity && says(err, "already exists") {
		_, _, err = x.client.api.Git.UpdateRef(ctx, at.owner, at.name, ref, true)
	}
	return err
}

// isNotPermitted reports whether GitHub refused for want of a permission.
func isNotPermitted(err error) bool {
	code := status(err)
	return code == http.StatusForbidden || code == http.StatusNotFound || errors.Is(err, forge.ErrNotPermitted)
}
