package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Mirror is the newest commit of one branch of a remote, in a temporary
// repository, so that a change can be made on top of it and pushed.
type Mirror struct {
	opts MirrorOptions
	temp string
	repo *Repo
	ref  string
}

// MirrorOptions say what is mirrored.
type MirrorOptions struct {
	URL    string
	Branch string // "" is the branch that the remote's HEAD names
	Depth  int    // how many commits, 0 is all of them
	Auth   Auth
}

// NewMirror returns a mirror. Nothing is fetched yet. The error is [ErrURL] for
// an address that is refused. The caller closes the mirror.
func NewMirror(opts MirrorOptions) (*Mirror, error) {
	if err := CheckURL(opts.URL); err != nil {
		return nil, err
	}
	return &Mirror{opts: opts}, nil
}

// Update fetches what is new and returns the branch's newest commit. A remote
// whose history was rewritten is followed.
func (m *Mirror) Update(ctx context.Context) (Hash, error) {
	if m.repo == nil {
		if err := m.clone(ctx); err != nil {
			return "", err
		}
		return m.repo.ReadRef(m.ref)
	}
	fetched, err := m.repo.Fetch(ctx, FetchOptions{URL: m.opts.URL, Branch: m.Branch(), Auth: m.opts.Auth})
	if err != nil {
		return "", err
	}
	if fetched.Old != fetched.New {
		if err := m.repo.CompareAndSwap(m.ref, fetched.Old, fetched.New); err != nil {
			return "", err
		}
	}
	return fetched.New, nil
}

func (m *Mirror) clone(ctx context.Context) error {
	if m.temp == "" {
		temp, err := os.MkdirTemp("", "clyde-mirror-*")
		if err != nil {
			return err
		}
		m.temp = temp
	}
	path := filepath.Join(m.temp, "mirror.git")
	repo, err := Clone(ctx, path, FetchOptions{URL: m.opts.URL, Branch: m.opts.Branch, Depth: m.opts.Depth, Auth: m.opts.Auth})
	if err != nil {
		return err
	}
	m.repo = repo
	m.ref, err = repo.HeadRef()
	return err
}

// Repo is the repository, nil before the first Update.
func (m *Mirror) Repo() *Repo { return m.repo }

// Branch is the branch's short name, known after the first Update.
func (m *Mirror) Branch() string {
	if m.ref == "" {
		return m.opts.Branch
	}
	return strings.TrimPrefix(m.ref, "refs/heads/")
}

// Close removes the repository.
func (m *Mirror) Close() error {
	var err error
	if m.repo != nil {
		err = m.repo.Close()
	}
	if m.temp != "" {
		err = errors.Join(err, os.RemoveAll(m.temp))
	}
	return err
}
