package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/history"
	"github.com/clydepm/clyde/internal/staticindex"
)

// signedRecord is what is remembered of the statement about the head that the
// keepers of a git repository have signed; see [staticindex.HeadRef].
type signedRecord struct {
	Object  string    `json:"object"` // the tag
	Commit  string    `json:"commit"`
	Time    time.Time `json:"time"`
	Expires time.Time `json:"expires"`
	Keys    []string  `json:"keys"` // IDs of the keys of the newest index that a statement was about
}

// lastSign is the last sign of life of the index: its commit, or what was signed
// later.
func (r *gitRecord) lastSign() time.Time {
	if r.Signed != nil && r.Signed.Time.After(r.When) {
		return r.Signed.Time
	}
	return r.When
}

// signedUntil is until when the statement about the head holds; zero when there
// is none.
func (r *gitRecord) signedUntil() time.Time {
	switch {
	case r.Signed != nil:
		return r.Signed.Expires
	case r.Static != nil:
		return r.Static.Expires
	}
	return time.Time{}
}

// checkSigned holds the head, whose files are those that are shown, against the
// statement that the registry's keepers have signed, with the keys of an index that
// is trusted: the one that was known, or, for the first copy, the index itself. Next
// is what was fetched of the head, nil for nothing. An index that never had a
// statement need not have one; one that had may neither leave it away nor its keys.
//
// Whoever serves a repository can put commits on top of it: a key that came since the
// last statement is none until a statement is about an index that has it.
func (c gitCopy) checkSigned(ctx context.Context, f *fetcher, known gitRecord, shown fs.FS, next *fetched, opts UpdateOptions) (*signedRecord, error) {
	if f.signed == "" && known.Signed == nil || opts.accepts(c.name, f.head.ID) {
		return nil, nil
	}
	trusted, err := next.keyed(shown)
	if err != nil {
		return nil, err
	}
	keys, err := indexKeys(trusted)
	if err != nil {
		return nil, &Error{Class: ErrIntegrity, Message: "the keys of the registry cannot be read", Err: err}
	}
	switch s := known.Signed; {
	case s == nil && keys.Empty():
		return nil, nil
	case keys.Empty(), f.signed == "":
		what := "no signature is shown"
		if keys.Empty() {
			what = "the index has no keys any more"
		}
		return nil, c.judgeHistory(history.Withheld(f.head.ID, s.Time,
			"its head was signed until "+s.Expires.Format(time.RFC3339)+", and now "+what), f.head.ID, opts)
	case s != nil && s.Object == f.signed:
		return s, c.judgeHistory(history.CheckFresh(f.head.ID, s.Time, c.access.Now(), s.Expires.Sub(s.Time)), f.head.ID, opts)
	}
	envelope, head, err := c.readSigned(ctx, f, known.Signed, trusted, next)
	if err != nil {
		return nil, c.judgeSigned(err, f.head.ID, opts)
	}
	if s := known.Signed; s != nil && head.Time.Before(s.Time) {
		return nil, c.judgeHistory(history.SignedBefore(f.head.ID, head.Time, s.Time), f.head.ID, opts)
	}
	if err := c.leadsFrom(ctx, f, head, known, next); err != nil {
		return nil, c.judgeHistory(err, f.head.ID, opts)
	}
	now := &signedRecord{Object: f.signed, Commit: head.Commit, Time: head.Time, Expires: head.Expires, Keys: []string{envelope.Key}}
	now.Keys, err = next.keysAfter(now, known.Signed, f.head.ID, keys, shown)
	return now, err
}

// keysAfter are the keys that may follow a statement: those of the head, if it is of
// that, of the index that was known, if it is of what came after that, and else those
// from before.
func (n *fetched) keysAfter(now, before *signedRecord, head string, known *attest.IndexKeys, shown fs.FS) ([]string, error) {
	switch {
	case now.Commit == head:
		keys, err := indexKeys(shown)
		if err != nil {
			return nil, err
		}
		return keys.IDs(), nil
	case n != nil && n.trusted != nil && n.covers:
		return known.IDs(), nil
	case before != nil:
		return before.Keys, nil
	}
	return now.Keys, nil
}

// keyed is the index whose keys speak for a registry: the one that was known, if
// there is one and it has any, and else the one that is shown.
func (n *fetched) keyed(shown fs.FS) (fs.FS, error) {
	if n == nil || n.trusted == nil {
		return shown, nil
	}
	keys, err := indexKeys(n.trusted)
	if err != nil || !keys.Empty() {
		return n.trusted, err
	}
	return shown, nil
}

// IsHeadProblem reports whether an update failed by what was signed about the
// registry's newest commit, or by the age of that.
func IsHeadProblem(err error) bool {
	return errors.Is(err, staticindex.ErrSignature) || errors.Is(err, history.ErrFrozen)
}

// readSigned reads the statement and verifies it with those keys of a trusted index
// that may follow the statement before, if there was one.
func (c gitCopy) readSigned(ctx context.Context, f *fetcher, before *signedRecord, trusted fs.FS, next *fetched) (*staticindex.Envelope, *staticindex.Head, error) {
	tag, err := f.tag(ctx, next)
	if err != nil {
		return nil, nil, err
	}
	envelope, head, err := staticindex.ParseTag(tag)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", staticindex.ErrSignature, err)
	}
	keys, err := indexKeys(trusted)
	if err != nil {
		return nil, nil, err
	}
	config, err := indexTree{trusted}.config()
	if err != nil {
		return nil, nil, err
	}
	if before != nil && keys.Has(envelope.Key) && !slices.Contains(before.Keys, envelope.Key) {
		return nil, nil, fmt.Errorf("%w: key %s is newer than what was signed before", staticindex.ErrSignature, envelope.Key)
	}
	return envelope, head, envelope.Verify(head, keys, config.Clyde.Name, c.access.Now())
}

// judgeSigned puts what is wrong with a statement into words of this package.
func (c gitCopy) judgeSigned(err error, head string, opts UpdateOptions) error {
	if !errors.Is(err, staticindex.ErrSignature) {
		return c.judgeHistory(err, head, opts)
	}
	return &Error{
		Class: ErrIntegrity, Message: "not updated", Err: err,
		Remedy: fmt.Sprintf("a mirror may be broken, or someone may hold back what is new: ask the registry's maintainers\n"+
			"only if they confirm this very commit: clyde registry update %s --accept-history %s=%s", c.name, c.name, head),
	}
}

// leadsFrom reports a head that does not have the commit that was signed in its
// history: something is held back.
func (c gitCopy) leadsFrom(ctx context.Context, f *fetcher, signed *staticindex.Head, known gitRecord, next *fetched) error {
	if signed.Commit == f.head.ID || known.proves(signed.Commit) || next != nil && slices.Contains(next.passed, signed.Commit) {
		return nil
	}
	err := c.inHistory(ctx, f, signed.Commit, false)
	var problem *history.Error
	if errors.As(err, &problem) {
		return history.Withheld(f.head.ID, signed.Time, fmt.Sprintf("commit %s was signed as its head, and does not lead to the head that is shown", shortID(signed.Commit)))
	}
	return err
}

// tag is the tag of the statement, out of what was fetched of the head if it is
// there.
func (f *fetcher) tag(ctx context.Context, next *fetched) (tag *git.Tag, err error) {
	if next != nil {
		if tag, err := next.pack.Tag(f.signed); !errors.Is(err, git.ErrNotFound) {
			return tag, unsafeError(err)
		}
	}
	limited, cancel := context.WithTimeout(ctx, f.copy.timeout)
	defer cancel()
	tag, err = f.remote.FetchTag(limited, f.signed, f.head.ID, f.copy.folder())
	if err != nil {
		return nil, f.copy.remoteError(waitError(ctx, f.copy.timeout, unsafeError(err)))
	}
	return tag, nil
}
