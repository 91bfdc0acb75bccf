package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/history"
	"github.com/clydepm/clyde/internal/indexcache"
	"github.com/clydepm/clyde/internal/staticindex"
)

// staticRecord is what is remembered about the change log of a static export.
type staticRecord struct {
	validators
	Time    time.Time `json:"time"`             // of the statement about the head
	Expires time.Time `json:"expires,omitzero"` // zero when it was not signed
}

// staticHead is what a static export says now.
type staticHead struct {
	staticindex.Head
	changes *staticindex.Changes
	have    validators
	same    bool     // as it was; nothing else is set
	proved  []string // commits that it is known to descend from, once that was looked at
}

// signed reports whether the statement has a signature; see also [gitCopy.verifyStatic].
func (h *staticHead) signed() bool { return h.changes.Envelope.Signature != "" }

func (h *staticHead) record() *staticRecord {
	return &staticRecord{validators: h.have, Time: h.Time, Expires: h.Expires}
}

// newest is the line of the head.
func (h *staticHead) newest() *staticindex.Commit { return &h.changes.Commits[0] }

// passed are the commits of the change log back to a known one, newest first;
// nil when it does not lead there.
func (h *staticHead) passed(known string) []string {
	var ids []string
	for _, commit := range h.changes.Commits {
		if commit.ID == known {
			return ids
		}
		ids = append(ids, commit.ID)
	}
	return nil
}

// readStatic asks for the change log, in one request.
func (c gitCopy) readStatic(ctx context.Context, have validators) (*staticHead, error) {
	a, err := c.static.get(ctx, staticindex.ChangesFile, have, staticindex.MaxChanges)
	if err != nil {
		return nil, err
	}
	if a.same {
		return &staticHead{same: true}, nil
	}
	changes, head, err := staticindex.ParseChanges(a.data)
	if err != nil {
		return nil, &Error{Class: ErrIntegrity, Message: c.static.address(""), Err: err}
	}
	return &staticHead{Head: *head, changes: changes, have: a.validators}, nil
}

// updateStatic is update for a static export. When nothing is new it takes one
// request, which the server answers with nothing.
func (c gitCopy) updateStatic(ctx context.Context, opened *openCopy, opts UpdateOptions) (Change, error) {
	have := validators{}
	if opened.record.Static != nil {
		have = opened.record.Static.validators
	}
	head, err := c.readStatic(ctx, have)
	if errors.Is(err, errAbsent) {
		return Change{}, &Error{
			Class: ErrIntegrity, Message: fmt.Sprintf("not updated: %s had a change log and has none any more", c.static.address("")),
			Remedy: "ask the registry's maintainers; if they confirm it, remove the registry and add it again",
		}
	}
	if err != nil {
		return Change{}, err
	}
	return c.moveStatic(ctx, opened, head, opts)
}

// moveStatic goes from what is shown to a head, which may be the same.
func (c gitCopy) moveStatic(ctx context.Context, opened *openCopy, head *staticHead, opts UpdateOptions) (Change, error) {
	known := opened.record.Commit
	if head.same || head.Commit == known {
		return Change{Old: known, New: known}, c.sameStatic(opened, head, opts)
	}
	if err := c.verifyStatic(opened.file.FS(), head, opts); err != nil {
		return Change{}, err
	}
	step, err := c.followStatic(ctx, opened, opened.record, head, opts)
	if err != nil {
		return Change{}, err
	}
	if step.Kind != "" {
		head.proved = opened.record.beyond(head.passed(known))
	}
	change := Change{Old: known, New: head.Commit, Squashes: step.Squashes}
	change.Packages, err = c.advanceStatic(ctx, opened, head, opts)
	if errors.Is(err, errNotTold) || errors.Is(err, indexcache.ErrDamaged) {
		change.Packages, err = c.fetchPacked(ctx, opened, head, opts)
	}
	return change, err
}

// sameStatic notes that the head is the one that is known, if it is not known
// for too long.
func (c gitCopy) sameStatic(opened *openCopy, head *staticHead, opts UpdateOptions) error {
	record := opened.record
	if !head.same {
		if err := c.verifyStatic(opened.file.FS(), head, opts); err != nil {
			return err
		}
		record.Static = head.record()
	}
	if err := c.freshStatic(opened.file.FS(), record, opts); err != nil {
		return err
	}
	record.Updated = c.access.Now().UTC()
	return c.writeRecord(record)
}

// freshStatic reports a head that stands still: its signature does not hold any
// more, or it is older than the policy of the index allows.
func (c gitCopy) freshStatic(files fs.FS, record gitRecord, opts UpdateOptions) error {
	last := record.When
	if s := record.Static; s != nil && !s.Expires.IsZero() {
		err := history.CheckFresh(record.Commit, s.Time, c.access.Now(), s.Expires.Sub(s.Time))
		if err := c.judgeHistory(err, record.Commit, opts); err != nil {
			return err
		}
		last = s.Time
	}
	return c.judgeHistory(c.checkFresh(files, record.Commit, last), record.Commit, opts)
}

// verifyStatic holds the statement against the keys of an index that is trusted:
// the one that was known, or, for the first copy, the index itself.
func (c gitCopy) verifyStatic(trusted fs.FS, head *staticHead, opts UpdateOptions) error {
	keys, err := indexKeys(trusted)
	if err != nil {
		return &Error{Class: ErrIntegrity, Message: "the keys of the registry cannot be read", Err: err}
	}
	config, err := indexTree{trusted}.config()
	if err != nil {
		return err
	}
	err = head.changes.Envelope.Verify(&head.Head, keys, config.Clyde.Name, c.access.Now())
	if errors.Is(err, staticindex.ErrSignature) {
		return &Error{Class: ErrIntegrity, Message: "not updated", Err: err, Remedy: "a mirror may be broken, or someone may hold back what is new: ask the registry's maintainers"}
	}
	return c.judgeHistory(err, head.Commit, opts)
}

// beginStatic is begin for a static export.
func (c gitCopy) beginStatic(ctx context.Context, known gitRecord, opts UpdateOptions) (Change, error) {
	head, err := c.readStatic(ctx, validators{})
	if err != nil {
		return Change{}, err
	}
	if err := os.MkdirAll(c.folder(), 0o755); err != nil {
		return Change{}, err
	}
	if err := indexcache.Sweep(c.folder()); err != nil {
		return Change{}, err
	}
	step, err := c.followStatic(ctx, nil, known, head, opts)
	if err != nil {
		return Change{}, err
	}
	if step.Kind != "" {
		head.proved = known.beyond(nil)
	}
	change := Change{Old: known.Commit, New: head.Commit, Squashes: step.Squashes}
	change.Packages, err = c.fetchPacked(ctx, nil, head, opts)
	return change, err
}

// followStatic decides whether the head may take the place of the known commit:
// the change log leads back to it, or a key that the index had says so and no
// older statement is shown again. Opened is what was known, or nil when that is
// lost.
func (c gitCopy) followStatic(ctx context.Context, opened *openCopy, known gitRecord, head *staticHead, opts UpdateOptions) (history.Step, error) {
	if opts.accepts(c.name, head.Commit) {
		return history.Step{}, nil
	}
	graph, err := newStaticGraph(opened, head)
	if err != nil {
		return history.Step{}, err
	}
	step, err := history.Follow(ctx, known.Commit, head.Commit, graph, history.Options{})
	if err != nil && errors.Is(err, history.ErrRewritten) && opened != nil && head.signed() && known.Static != nil && head.Time.After(known.Static.Time) {
		keys, keyErr := indexKeys(opened.file.FS())
		if keyErr == nil && keys.Has(head.changes.Envelope.Key) { // and has been verified
			return history.Step{Kind: history.Forward}, nil
		}
	}
	return step, c.judgeHistory(err, head.Commit, opts)
}

func indexKeys(files fs.FS) (*attest.IndexKeys, error) {
	trust, err := fs.Sub(files, "trust")
	if err != nil {
		return nil, err
	}
	return attest.ReadIndexKeys(trust)
}

// staticGraph is the commits of a change log, and the one that was known.
type staticGraph map[string][]string

func newStaticGraph(opened *openCopy, head *staticHead) (staticGraph, error) {
	g := staticGraph{}
	for i := range head.changes.Commits {
		c := &head.changes.Commits[i]
		g[c.ID] = c.Parents()
	}
	if opened == nil {
		return g, nil
	}
	object, err := opened.file.CommitObject()
	if err != nil {
		return nil, err
	}
	known := staticindex.Commit{ID: opened.file.Commit(), Object: object}
	g[known.ID] = known.Parents()
	return g, nil
}

// Parents implements [history.Graph].
func (g staticGraph) Parents(id string) (parents []string, here bool, err error) {
	parents, here = g[id]
	return parents, here, nil
}

// Tree implements [history.Graph]: a change log shows no files, so that a squash
// is proved by the signature of the head and not by its record.
func (g staticGraph) Tree(string) (fs.FS, error) { return noFiles{}, nil }

type noFiles struct{}

func (noFiles) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// showStatic makes a packed file in the folder of the copy the one that is
// shown, if it is the index that the head tells of. It says how many packages it
// has.
func (c gitCopy) showStatic(name string, opened *openCopy, head *staticHead, opts UpdateOptions) (packages int, err error) {
	path := filepath.Join(c.folder(), name)
	record, packages, err := c.examineStatic(path, opened, head, opts)
	if err != nil {
		return 0, errors.Join(fmt.Errorf("at its new commit %s: %w", shortID(head.Commit), err), os.Remove(path))
	}
	record.File = name
	return packages, c.present(record)
}

func (c gitCopy) examineStatic(path string, opened *openCopy, head *staticHead, opts UpdateOptions) (record gitRecord, packages int, err error) {
	file, err := indexcache.Open(path)
	if err != nil {
		return record, 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if file.Commit() != head.Commit || file.Tree() != head.newest().Tree() {
		return record, 0, &Error{Class: ErrIntegrity, Message: fmt.Sprintf("the packed file is of commit %s", file.Commit())}
	}
	files := file.FS()
	if err := (indexTree{files}).checkIndex(); err != nil {
		return record, 0, err
	}
	if opened == nil { // nothing was known that could be held against it
		if err := c.verifyStatic(files, head, opts); err != nil {
			return record, 0, err
		}
	}
	record = gitRecord{
		URL: c.url, Ref: staticRef, Commit: head.Commit, When: head.newest().When(), Updated: c.access.Now().UTC(), Static: head.record(),
		Proved: head.proved,
	}
	return record, file.Packages(), c.freshStatic(files, record, opts)
}

// staticRef stands in a record for the branch that a static export does not name.
const staticRef = "HEAD"
