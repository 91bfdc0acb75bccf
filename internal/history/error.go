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
)

// Error reports a history that is not accepted, with what was seen.
type Error struct {
	Class  error     // ErrRewritten, ErrRolledBack, ErrForked or ErrFrozen
	Known  string    // the commit that was known; "" for ErrFrozen
	Head   string    // the head that was seen
	Common string    // ErrForked: the last commit that both have
	Last   time.Time // ErrFrozen: the last sign of life
	Detail string
	Remedy string
}

// Error says what was seen.
func (e *Error) Error() string { return e.Class.Error() + ": " + e.Detail }

// Unwrap gives the class.
func (e *Error) Unwrap() error { return e.Class }

// Hint says what to do.
func (e *Error) Hint() string { return e.Remedy }

// Check is the stable ID of what failed: "history/rewritten",
// "history/rolled-back", "history/forked" or "history/frozen".
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
	}
}

const askMaintainers = "nothing was changed; ask the registry's maintainers over another way than this registry what happened"

func rewritten(known, head, why string) *Error {
	return &Error{
		Class: ErrRewritten, Known: known, Head: head,
		Detail: fmt.Sprintf("commit %s is known, and the head %s does not continue from there%s", short(known), short(head), why),
		Remedy: askMaintainers,
	}
}

func rolledBack(known, head, why string) *Error {
	return &Error{
		Class: ErrRolledBack, Known: known, Head: head,
		Detail: fmt.Sprintf("commit %s is known, and the head is now the older %s%s", short(known), short(head), why),
		Remedy: "nothing was changed; a mirror may be behind: try again later, and if it stays, ask the registry's maintainers",
	}
}

func forked(known, head, common string) *Error {
	return &Error{
		Class: ErrForked, Known: known, Head: head, Common: common,
		Detail: fmt.Sprintf("commit %s is known, and the head %s went another way after %s", short(known), short(head), short(common)),
		Remedy: askMaintainers,
	}
}

// short is a commit ID as people quote it.
func short(id string) string { return id[:min(len(id), 12)] }
