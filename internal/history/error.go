package history

import (
	"errors"
	"fmt"
	"time"
)

// The classes of histories that are refused (errors.Is).
var (
	ErrRewritten  = errors.New("the history was rewritten")
	ErrRolledBack = errors.New("the history went back")
	ErrForked     = errors.New("the history was forked")
	ErrFrozen     = errors.New("the index stands still")
	ErrUnknown    = errors.New("the commit is not of the registry")
)

// Error reports a history that is not accepted, with what was seen.
type Error struct {
	Class  error     // ErrRewritten, ErrRolledBack, ErrForked, ErrFrozen or ErrUnknown
	Known  string    // the commit that was known; "" for ErrFrozen
	Head   string    // the head that was seen
	Common string    // ErrForked: the last commit that both have
	Last   time.Time // ErrFrozen: the last sign of life
	Detail string
	Remedy string

	// Partial says that not all of the head's history was at hand, as in a
	// shallow copy: it may have the known commit after all.
	Partial bool
}

// Error says what was seen.
func (e *Error) Error() string { return e.Class.Error() + ": " + e.Detail }

// Unwrap gives the class.
func (e *Error) Unwrap() error { return e.Class }

// Hint says what to do.
func (e *Error) Hint() string { return e.Remedy }

// Check is the stable ID of what failed: "history/rewritten",
// "history/rolled-back", "history/forked", "history/frozen" or "history/unknown".
func (e *Error) Check() string {
	for _, c := range classes() {
		if errors.Is(e.Class, c.class) {
			return c.check
		}
	}
	return ""
}

// Checks lists the IDs of all histories that are refused.
func Checks() []string {
	var all []string
	for _, c := range classes() {
		all = append(all, c.check)
	}
	return all
}

type namedClass struct {
	class error
	check string
}

func classes() []namedClass {
	return []namedClass{
		{ErrRewritten, "history/rewritten"},
		{ErrRolledBack, "history/rolled-back"},
		{ErrForked, "history/forked"},
		{ErrFrozen, "history/frozen"},
		{ErrUnknown, "history/unknown"},
	}
}

const askMaintainers = "nothing was changed; ask the registry's maintainers over another way than this registry what happened"

// Unknown reports a commit that somebody names, such as a lock, and that the
// registry does not have, as an [*Error] of [ErrUnknown].
func Unknown(named, head string) *Error {
	return &Error{
		Class: ErrUnknown, Known: named, Head: head,
		Detail: fmt.Sprintf("commit %s is locked, and the registry, whose head is %s, does not have it", short(named), short(head)),
		Remedy: "nothing was changed; a mirror may be behind, or the commit was never shown to anybody else: ask who made the lock, and the registry's maintainers",
	}
}

// knownAs says why a commit is held against a head.
func knownAs(locked bool) string {
	if locked {
		return "locked"
	}
	return "known"
}

func (f *follower) rewritten(why string) *Error {
	return &Error{
		Class: ErrRewritten, Known: f.known, Head: f.next,
		Detail: fmt.Sprintf("commit %s is %s, and the head %s does not continue from there%s", short(f.known), knownAs(f.opts.Locked), short(f.next), why),
		Remedy: askMaintainers,
	}
}

func (f *follower) rolledBack(head, why string) *Error {
	return &Error{
		Class: ErrRolledBack, Known: f.known, Head: head,
		Detail: fmt.Sprintf("commit %s is %s, and the head is now the older %s%s", short(f.known), knownAs(f.opts.Locked), short(head), why),
		Remedy: "nothing was changed; a mirror may be behind: try again later, and if it stays, ask the registry's maintainers",
	}
}

func (f *follower) forked(common string) *Error {
	return &Error{
		Class: ErrForked, Known: f.known, Head: f.next, Common: common,
		Detail: fmt.Sprintf("commit %s is %s, and the head %s went another way after %s", short(f.known), knownAs(f.opts.Locked), short(f.next), short(common)),
		Remedy: askMaintainers,
	}
}

// short is a commit ID as people quote it.
func short(id string) string { return id[:min(len(id), 12)] }
