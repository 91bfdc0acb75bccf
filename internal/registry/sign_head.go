package registry

import (
	"context"
	"errors"
	"time"

	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/staticindex"
)

// SignOptions describe a signed statement about the head of a repository.
type SignOptions struct {
	Key           staticindex.Key
	Valid         time.Duration // how long it holds
	Now           time.Time
	Author, Email string
	DryRun        bool
}

// SignedHead is a statement that was made, kept or planned.
type SignedHead struct {
	Ref     string    `json:"ref"`
	Commit  string    `json:"commit"`
	Key     string    `json:"key"`
	Time    time.Time `json:"time"`
	Expires time.Time `json:"expires"`
	Kept    bool      `json:"kept"` // the one that was there says the same, and holds for half of its time yet
	DryRun  bool      `json:"dry_run,omitempty"`
}

// SignHeadLocal signs the head of a repository on this machine; see
// [staticindex.HeadRef]. It is a tag of its own: the index gets no commit. The
// error is a [*RefusedError] when clients would not take the signature, and
// [git.ErrConflict] when another one was put there meanwhile.
func SignHeadLocal(ctx context.Context, repo *git.Repo, opts SignOptions) (*SignedHead, error) {
	old, err := repo.ReadRef(staticindex.HeadRef)
	if err != nil && !errors.Is(err, git.ErrNotFound) {
		return nil, err
	}
	tag, _ := repo.Tag(old) // one that cannot be read is replaced
	done, id, err := signHead(ctx, repo, tag, opts)
	if err != nil || id == "" {
		return done, err
	}
	return done, repo.CompareAndSwap(staticindex.HeadRef, old, id)
}

// SignHeadRemote is SignHeadLocal for a remote repository. The mirror is of the
// index's branch.
func SignHeadRemote(ctx context.Context, mirror *git.Mirror, address string, auth git.Auth, opts SignOptions) (*SignedHead, error) {
	if _, err := mirror.Update(ctx); err != nil {
		return nil, err
	}
	old, tag, err := remoteTag(ctx, address, auth)
	if err != nil {
		return nil, err
	}
	done, id, err := signHead(ctx, mirror.Repo(), tag, opts)
	if err != nil || id == "" {
		return done, err
	}
	return done, mirror.Repo().PushWith(ctx, git.PushOptions{URL: address, Ref: staticindex.HeadRef, Old: old, New: id, Force: true, Auth: auth})
}

// remoteTag is the tag that a remote has, and its ID; neither when it has none.
func remoteTag(ctx context.Context, address string, auth git.Auth) (id string, tag *git.Tag, err error) {
	u, err := git.DialUpload(ctx, address, auth)
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, u.Close()) }()
	head, id, err := u.BranchAnd(ctx, "", staticindex.HeadRef)
	if err != nil || id == "" {
		return "", nil, err
	}
	tag, err = u.FetchTag(ctx, id, head.ID, "")
	var unsafe *git.UnsafeError
	if errors.As(err, &unsafe) || errors.Is(err, git.ErrNotFound) {
		return id, nil, nil // what cannot be read is replaced
	}
	return id, tag, err
}

// signHead writes a tag; the ID is "" when that is not needed, or not meant.
func signHead(ctx context.Context, repo *git.Repo, before *git.Tag, opts SignOptions) (done *SignedHead, id string, err error) {
	s := &Source{Repo: repo}
	if s.Commit, err = repo.Resolve("HEAD"); err == nil {
		s.Tree, err = repo.Tree(s.Commit)
	}
	if err != nil {
		return nil, "", err
	}
	config, err := s.Config()
	if err != nil {
		return nil, "", err
	}
	key, err := exportKey(s, config.Clyde.Name, opts.Key)
	if err != nil {
		return nil, "", err
	}
	head := staticindex.Head{Registry: config.Clyde.Name, Commit: s.Commit}
	done = &SignedHead{Ref: staticindex.HeadRef, Commit: s.Commit, Key: key, DryRun: opts.DryRun}
	if before != nil {
		if envelope, old, err := staticindex.ParseTag(before); err == nil && stillHolds(*envelope, old, head, key, opts.Valid, opts.Now) {
			done.Time, done.Expires, done.Kept = old.Time, old.Expires, true
			return done, "", nil
		}
	}
	envelope, err := sealUntil(ctx, &head, opts.Key, opts.Valid, opts.Now)
	if err != nil {
		return nil, "", err
	}
	done.Time, done.Expires = head.Time, head.Expires
	if opts.DryRun {
		return done, "", nil
	}
	message, err := envelope.Message()
	if err != nil {
		return nil, "", err
	}
	id, err = repo.WriteTag(git.Tag{
		Commit: s.Commit, Name: staticindex.HeadTag, Tagger: opts.Author, TaggerEmail: opts.Email, When: opts.Now, Message: message,
	})
	return done, id, err
}

// stillHolds reports whether a statement says the same as another would, and
// holds for half of its time yet, so that nothing changes without need.
func stillHolds(e staticindex.Envelope, old *staticindex.Head, head staticindex.Head, key string, valid time.Duration, now time.Time) bool {
	left := old.Expires.Sub(now)
	return e.Key == key && old.Says(head) && left > valid/2 && left <= valid
}

// sealUntil signs a statement that holds from now for a time.
func sealUntil(ctx context.Context, head *staticindex.Head, key staticindex.Key, valid time.Duration, now time.Time) (staticindex.Envelope, error) {
	head.Time = now.UTC().Truncate(time.Second)
	head.Expires = head.Time.Add(valid)
	return staticindex.Seal(ctx, *head, key)
}
