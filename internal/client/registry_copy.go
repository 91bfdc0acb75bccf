package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/history"
	"github.com/clydepm/clyde/internal/indexcache"
)

// transferFactor is how much longer than one answer a whole transfer may take.
const transferFactor = 20

// gitCopy is the copy of a git registry in the cache:
//
//	<base>/<commit>-<number>.index   packed file of a commit; see [indexcache]
//	<base>.json                      the record: which of them is shown and since when
//	<base>.lock                      held by whoever changes any of these
type gitCopy struct {
	name, url, branch string
	base              string
	static            *fileHost // of a static export; nil when the registry is a git repository
	offline           bool
	timeout           time.Duration
	access            Access
}

// gitRecord is what is remembered about a copy. It outlives a damaged packed
// file, so that a new copy is held against the commit known before.
type gitRecord struct {
	URL     string    `json:"url"`
	Ref     string    `json:"ref"`
	Commit  string    `json:"commit"` // the last head that was verified
	Updated time.Time `json:"updated"`
	When    time.Time `json:"when"`             // of the commit, as it says itself
	File    string    `json:"file"`             // its packed file, in the folder of the copy
	Proved  []string  `json:"proved,omitempty"` // commits that it is known to descend from

	Static *staticRecord `json:"static,omitempty"` // of a static export
	Signed *signedRecord `json:"signed,omitempty"` // of a git repository whose keepers sign its head
}

func (c gitCopy) folder() string     { return c.base }
func (c gitCopy) recordFile() string { return c.base + ".json" }
func (c gitCopy) lockFile() string   { return c.base + ".lock" }

// former are the places of copies that earlier releases made.
func (c gitCopy) former() []string { return []string{c.base + ".git", c.base + ".search"} }

func (c gitCopy) readRecord() (gitRecord, error) {
	var r gitRecord
	data, err := os.ReadFile(c.recordFile())
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("%s: %w", c.recordFile(), err)
	}
	if r.Commit == "" || r.Ref == "" {
		return r, fmt.Errorf("%s: names no commit", c.recordFile())
	}
	return r, nil
}

func (c gitCopy) writeRecord(r gitRecord) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(c.recordFile(), append(data, '\n'))
}

// load opens the copy as the record says. Any error means that there is no
// copy that can be used.
func (c gitCopy) load() (*openCopy, error) {
	record, err := c.readRecord()
	if err != nil {
		return nil, err
	}
	opened, err := c.openFile(record)
	if errors.Is(err, os.ErrNotExist) {
		// An update may have replaced the file since the record was read.
		if record, err = c.readRecord(); err == nil {
			opened, err = c.openFile(record)
		}
	}
	return opened, err
}

func (c gitCopy) openFile(record gitRecord) (*openCopy, error) {
	if record.File == "" || !filepath.IsLocal(record.File) {
		return nil, fmt.Errorf("%s names no file", c.recordFile())
	}
	file, err := indexcache.Open(filepath.Join(c.folder(), record.File))
	if err != nil {
		return nil, err
	}
	if file.Commit() != record.Commit {
		return nil, errors.Join(fmt.Errorf("%s is not of commit %s", record.File, record.Commit), file.Close())
	}
	return &openCopy{file: file, record: record}, nil
}

// make fetches the first copy, or again one that is damaged or gone, unless
// another process did so meanwhile.
func (c gitCopy) make(ctx context.Context) (*openCopy, error) {
	if c.offline {
		return nil, c.offlineError("it was never fetched, or its copy is gone")
	}
	unlock, err := lockFile(ctx, c.lockFile())
	if err != nil {
		return nil, err
	}
	defer unlock()
	if opened, err := c.load(); err == nil {
		return opened, nil
	}
	if _, err := c.begin(ctx, UpdateOptions{}); err != nil {
		return nil, err
	}
	return c.load()
}

func (c gitCopy) offlineError(why string) error {
	return &Error{
		Class: ErrNetwork, Message: "needed but not here: " + why,
		Remedy: "run 'clyde registry update " + c.name + "' without --offline",
	}
}

// update moves the copy to the newest commit of the registry.
func (c gitCopy) update(ctx context.Context, opts UpdateOptions) (_ Change, err error) {
	if c.offline {
		return Change{}, &Error{
			Class: ErrNetwork, Message: "cannot be updated offline", Remedy: "run the command without --offline",
		}
	}
	unlock, err := lockFile(ctx, c.lockFile())
	if err != nil {
		return Change{}, err
	}
	defer unlock()
	opened, err := c.load()
	if err != nil {
		return c.begin(ctx, opts)
	}
	defer func() { err = errors.Join(err, opened.file.Close()) }()
	if c.static != nil {
		return c.updateStatic(ctx, opened, opts)
	}
	f, err := c.dial(ctx)
	if err != nil {
		return Change{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if f.head.ID == opened.record.Commit {
		return Change{Old: f.head.ID, New: f.head.ID}, c.same(ctx, f, opened, opts)
	}
	return c.advance(ctx, f, opened, opts)
}

// same notes that the head is the one that is known, if it is not known for too
// long.
func (c gitCopy) same(ctx context.Context, f *fetcher, opened *openCopy, opts UpdateOptions) (err error) {
	record := opened.record
	if record.Signed, err = c.checkSigned(ctx, f, record, opened.file.FS(), nil, opts); err != nil {
		return err
	}
	err = c.checkFresh(opened.file.FS(), record.Commit, record.lastSign())
	if err := c.judgeHistory(err, record.Commit, opts); err != nil {
		return err
	}
	record.Updated = c.access.Now().UTC()
	return c.writeRecord(record)
}

// advance fetches what is new and, if it continues the known history, shows it.
func (c gitCopy) advance(ctx context.Context, f *fetcher, opened *openCopy, opts UpdateOptions) (Change, error) {
	state, err := opened.file.State()
	if err != nil {
		return c.anew(ctx, f, opened.record, opts) // damaged
	}
	f.remember(opened.record)
	next, err := f.since(ctx, state)
	switch {
	case errors.Is(err, git.ErrUnknownCommit), errors.Is(err, indexcache.ErrDamaged):
		return c.anew(ctx, f, opened.record, opts)
	case err != nil:
		return Change{}, err
	}
	defer func() { _ = next.pack.Close() }() // a temporary file
	var step history.Step
	if !next.descends {
		if step, err = c.followHistory(ctx, f, opened.record.Commit, opts); err != nil {
			return Change{}, err
		}
	}
	next.known, next.trusted = opened.record, opened.file.FS()
	if next.descends || step.Kind != "" {
		next.proved = opened.record.beyond(next.passed)
	}
	w, err := indexcache.Update(state, c.folder(), next.commit, next.places)
	if errors.Is(err, indexcache.ErrDamaged) {
		return c.anew(ctx, f, opened.record, opts)
	}
	if err != nil {
		return Change{}, err
	}
	change := Change{Old: opened.record.Commit, New: f.head.ID, Packages: w.Changed(), Squashes: step.Squashes}
	return change, c.show(ctx, f, next, w, opts)
}

// begin fetches a copy from nothing. The caller holds the file lock.
func (c gitCopy) begin(ctx context.Context, opts UpdateOptions) (_ Change, err error) {
	c.access.note("fetching registry %s from %s", c.name, c.url)
	known, err := c.readRecord()
	if err != nil {
		known = gitRecord{}
	}
	if c.static != nil {
		return c.beginStatic(ctx, known, opts)
	}
	f, err := c.dial(ctx)
	if err != nil {
		return Change{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return c.anew(ctx, f, known, opts)
}

// anew makes a copy without what an earlier one has. When a record tells of an
// earlier one, the new head must descend from its commit; the history needed to
// see that is fetched only when the head is another one.
func (c gitCopy) anew(ctx context.Context, f *fetcher, known gitRecord, opts UpdateOptions) (Change, error) {
	if err := os.MkdirAll(c.folder(), 0o755); err != nil {
		return Change{}, err
	}
	if err := indexcache.Sweep(c.folder()); err != nil {
		return Change{}, err
	}
	step, err := c.followHistory(ctx, f, known.Commit, opts)
	if err != nil {
		return Change{}, err
	}
	next, err := f.all(ctx)
	if err != nil {
		return Change{}, err
	}
	defer func() { _ = next.pack.Close() }() // a temporary file
	next.known = known
	if step.Kind != "" {
		next.proved = known.beyond(nil)
	}
	w, err := indexcache.NewWriter(c.folder(), next.commit, next.places)
	if err != nil {
		return Change{}, err
	}
	change := Change{Old: known.Commit, New: f.head.ID, Packages: w.Changed(), Squashes: step.Squashes}
	return change, c.show(ctx, f, next, w, opts)
}

// show writes a packed file out of a pack and makes it the one that is shown,
// if it is an index at all, and one that does not stand still. What was shown
// before is removed; whoever has it open goes on reading it.
func (c gitCopy) show(ctx context.Context, f *fetcher, next *fetched, w *indexcache.Writer, opts UpdateOptions) error {
	head := f.head
	name := c.fileName(head.ID)
	path := filepath.Join(c.folder(), name)
	next.places = nil // the writer has its own
	if err := addFiles(w, next.pack); err != nil {
		return errors.Join(err, w.Abort())
	}
	if err := w.Finish(path); err != nil {
		return err
	}
	record := gitRecord{
		URL: c.url, Ref: head.Name, Commit: head.ID, When: next.when, Updated: c.access.Now().UTC(), File: name, Proved: next.proved,
	}
	if err := c.checkFile(ctx, path, f, next, &record, opts); err != nil {
		return errors.Join(fmt.Errorf("at its new commit %s: %w", shortID(head.ID), err), os.Remove(path))
	}
	return c.present(record)
}

// fileName is a new name for the packed file of a commit.
func (c gitCopy) fileName(commit string) string {
	return fmt.Sprintf("%s-%d.index", shortID(commit), c.access.Now().UnixNano())
}

// present makes the packed file of a record the one that is shown.
func (c gitCopy) present(record gitRecord) error {
	if err := c.writeRecord(record); err != nil {
		return err
	}
	// Not being able to remove what is old is no failure: on Windows somebody
	// may have it open, and the next update tries again.
	_ = c.removeOthers(record.File)
	_ = removeAll(c.former()...)
	return nil
}

// checkFile reads enough of a new commit to see that it may be shown, and puts
// what was signed about it into the record.
func (c gitCopy) checkFile(ctx context.Context, path string, f *fetcher, next *fetched, record *gitRecord, opts UpdateOptions) (err error) {
	file, err := indexcache.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := (indexTree{file.FS()}).checkIndex(); err != nil {
		return err
	}
	if record.Signed, err = c.checkSigned(ctx, f, next.known, file.FS(), next, opts); err != nil {
		return err
	}
	return c.judgeHistory(c.checkFresh(file.FS(), file.Commit(), record.lastSign()), file.Commit(), opts)
}

// removeOthers removes all packed files but one.
func (c gitCopy) removeOthers(keep string) error {
	names, err := filepath.Glob(filepath.Join(c.folder(), "*.index"))
	if err != nil {
		return err
	}
	return removeAll(slices.DeleteFunc(names, func(name string) bool { return filepath.Base(name) == keep })...)
}

// discard throws a damaged packed file away and keeps the record.
func (c gitCopy) discard(ctx context.Context, name string) error {
	unlock, err := lockFile(ctx, c.lockFile())
	if err != nil {
		return err
	}
	defer unlock()
	return os.RemoveAll(filepath.Join(c.folder(), name))
}

// remove deletes all that is known about the registry.
func (c gitCopy) remove(ctx context.Context) error {
	unlock, err := lockFile(ctx, c.lockFile())
	if err != nil {
		return err
	}
	defer unlock()
	return removeAll(append(c.former(), c.folder(), c.recordFile())...)
}
