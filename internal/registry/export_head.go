package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/staticindex"
)

// exportHead writes the change log, which says what the newest commit is. All
// that it refers to is there already. An index without commits has none.
func (x *exporter) exportHead(ctx context.Context, s *Source, registry string, opts ExportOptions) error {
	if s.Repo == nil {
		return nil
	}
	before, _ := x.readChanges()
	log := exportLog{source: s, known: map[string]staticindex.Commit{}}
	for _, c := range before.Commits {
		log.known[c.ID] = c
	}
	commits, err := log.read(ctx)
	if err != nil {
		return err
	}
	head := staticindex.Head{Registry: registry, Commit: s.Commit, Packed: []staticindex.Packed{x.packed}}
	changes := &staticindex.Changes{Commits: commits}
	if changes.Envelope, err = x.seal(ctx, s, head, before.Envelope, opts); err != nil {
		return err
	}
	data, err := changes.Format()
	if err != nil {
		return err
	}
	if err := x.write(staticindex.ChangesFile, data); err != nil {
		return err
	}
	return x.publish()
}

// readChanges reads the change log of an earlier export to the folder; an empty
// one when there is none that can be read.
func (x *exporter) readChanges() (*staticindex.Changes, *staticindex.Head) {
	data, err := os.ReadFile(filepath.Join(x.dir, staticindex.ChangesFile))
	if err == nil {
		if changes, head, err := staticindex.ParseChanges(data); err == nil {
			return changes, head
		}
	}
	return &staticindex.Changes{}, nil
}

// seal makes the statement about the head. A signature that says the same and
// holds for half of its time yet is kept, so that nothing changes without need.
func (x *exporter) seal(ctx context.Context, s *Source, head staticindex.Head, before staticindex.Envelope, opts ExportOptions) (staticindex.Envelope, error) {
	if opts.Key == nil {
		info, err := s.Repo.CommitInfo(s.Commit)
		if err != nil {
			return staticindex.Envelope{}, err
		}
		head.Time = info.When.UTC()
		return staticindex.Seal(ctx, head, nil)
	}
	id, err := exportKey(s, head.Registry, opts.Key)
	if err != nil {
		return staticindex.Envelope{}, err
	}
	x.result.Key = id
	if old, err := before.Head(); err == nil && stillHolds(before, old, head, id, opts.Valid, opts.Now) {
		x.result.Expires = old.Expires
		return before, nil
	}
	sealed, err := sealUntil(ctx, &head, opts.Key, opts.Valid, opts.Now)
	x.result.Expires = head.Expires
	return sealed, err
}

// exportKey is the ID of a key whose signature clients take: it is one of the
// index itself. The error is a [*RefusedError] when it is not.
func exportKey(s *Source, registry string, key staticindex.Key) (string, error) {
	id, err := key.KeyID()
	if err != nil {
		return "", err
	}
	if registry == "" {
		return "", &RefusedError{"the index has no name, and a signature is for a registry by its name", "give it one under clyde.name in its " + index.ConfigPath}
	}
	return id, s.checkKey(id, "signature")
}

// exportLog reads the change log out of a repository.
type exportLog struct {
	source *Source
	known  map[string]staticindex.Commit // what an earlier export found
	size   int
}

func (l *exportLog) read(ctx context.Context) ([]staticindex.Commit, error) {
	var commits []staticindex.Commit
	for id := l.source.Commit; id != "" && len(commits) < staticindex.MaxCommits && l.size < staticindex.MaxLog; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		commit, err := l.commit(id)
		if errors.Is(err, git.ErrNotFound) && len(commits) > 0 {
			return commits, nil // a shallow repository ends here
		}
		if err != nil {
			return nil, err
		}
		commits = append(commits, commit)
		if commit.Files == nil {
			break
		}
		id = commit.Parents()[0]
	}
	return commits, nil
}

// commit reads one commit, and how it differs from its first parent.
func (l *exportLog) commit(id string) (staticindex.Commit, error) {
	commit, ok := l.known[id]
	if !ok {
		object, err := l.source.Repo.RawCommit(id)
		if err != nil {
			return commit, err
		}
		commit = staticindex.Commit{ID: id, Object: object}
		if err := l.tell(&commit); err != nil {
			return commit, err
		}
	}
	line, err := json.Marshal(commit)
	l.size += len(line)
	return commit, err
}

// tell adds what a commit changed, unless that is too much or cannot be seen.
func (l *exportLog) tell(commit *staticindex.Commit) error {
	parents := commit.Parents()
	if len(parents) == 0 {
		return nil
	}
	base, err := l.source.Repo.Tree(parents[0])
	if errors.Is(err, git.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	head, err := l.source.Repo.Tree(commit.ID)
	if err != nil {
		return err
	}
	changes, err := index.Changes(base, head)
	var large *index.TooLargeError
	if errors.As(err, &large) || err == nil && !staticindex.FitsFiles(len(changes)) {
		return nil
	}
	if err != nil {
		return err
	}
	files, blobs, ok := tellFiles(changes)
	if ok {
		commit.Files, commit.Blobs = files, blobs
	}
	return nil
}

// tellFiles is how changes stand in the log; false when they cannot.
func tellFiles(changes []index.FileChange) (files map[string]*staticindex.Blob, blobs map[string][]byte, ok bool) {
	files, blobs = map[string]*staticindex.Blob{}, map[string][]byte{}
	for _, c := range changes {
		files[c.Path] = nil
		if c.After == nil {
			continue
		}
		mode, ok := gitMode(c.After.Mode)
		if !ok {
			return nil, nil, false
		}
		blob := &staticindex.Blob{Mode: mode, ID: staticindex.ObjectID("blob", c.After.Data)}
		files[c.Path] = blob
		if _, isPackage := index.NameOf(c.Path); isPackage && mode == staticindex.RegularMode || c.Path == index.ConfigPath {
			continue // it is served under its path
		}
		if !staticindex.FitsBlob(c.After.Data) {
			return nil, nil, false
		}
		blobs[blob.ID] = bytes.Clone(c.After.Data)
	}
	return files, blobs, true
}

// gitMode is the mode of a file with content, as git writes it.
func gitMode(mode fs.FileMode) (string, bool) {
	switch {
	case mode.IsRegular() && mode&0o111 == 0:
		return staticindex.RegularMode, true
	case mode.IsRegular():
		return "100755", true
	case mode&fs.ModeSymlink != 0:
		return "120000", true
	}
	return "", false
}
