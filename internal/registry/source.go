package registry

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
)

// Source is an index that is read: the committed tree of a repository, or a
// plain folder.
type Source struct {
	Tree   fs.FS
	Repo   *git.Repo // nil for a folder
	Commit string    // "" for a folder

	mirror *git.Mirror // nil for an index of this machine
}

// FetchSource fetches an index and opens the tree of a revision, or of the newest
// commit when that is "". Closing the source closes the mirror.
func FetchSource(ctx context.Context, mirror *git.Mirror, rev string) (*Source, error) {
	head, err := mirror.Update(ctx)
	if err != nil {
		return nil, err
	}
	s := &Source{Repo: mirror.Repo(), mirror: mirror}
	if s.Commit, err = s.Repo.Resolve(cmp.Or(rev, head)); err != nil {
		return nil, err
	}
	s.Tree, err = s.Repo.Tree(s.Commit)
	return s, err
}

// OpenSource opens the index at path: the tree of a revision, HEAD when that is
// "", or the folder itself when it is no repository and has a config.json. The
// error is [git.ErrNotFound] when there is neither.
func OpenSource(path, rev string) (*Source, error) {
	repo, err := git.Open(path)
	if errors.Is(err, git.ErrNotFound) && rev == "" {
		if info, statErr := os.Stat(filepath.Join(path, index.ConfigPath)); statErr == nil && info.Mode().IsRegular() {
			return &Source{Tree: os.DirFS(path)}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	s := &Source{Repo: repo}
	if s.Commit, err = repo.Resolve(cmp.Or(rev, "HEAD")); err == nil {
		s.Tree, err = repo.Tree(s.Commit)
	}
	if err != nil {
		return nil, errors.Join(err, repo.Close())
	}
	return s, nil
}

// Close releases what the source has open.
func (s *Source) Close() error {
	switch {
	case s.mirror != nil:
		return s.mirror.Close()
	case s.Repo == nil:
		return nil
	}
	return s.Repo.Close()
}

// Config reads the config.json of the index.
func (s *Source) Config() (*index.Config, error) {
	data, err := fs.ReadFile(s.Tree, index.ConfigPath)
	if err != nil {
		return nil, err
	}
	return index.ParseConfig(data)
}

// Has reports whether the index has a package.
func (s *Source) Has(_ context.Context, name string) (bool, error) {
	_, err := s.Versions(name)
	if errors.Is(err, git.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Versions reads the lines of a package, in their order. The error is
// [git.ErrNotFound] when the index has no such package.
func (s *Source) Versions(name string) ([]*index.Entry, error) {
	file, err := index.Path(name)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(s.Tree, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &git.Error{Op: "read package", Name: name, Kind: git.ErrNotFound}
	}
	if err != nil {
		return nil, err
	}
	return index.ParseFile(data).Entries, nil
}
