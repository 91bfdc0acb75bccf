package history

import (
	"fmt"
	"time"
)

// maxAhead is how far a clock may go ahead of this machine's.
const maxAhead = 24 * time.Hour

// CheckFresh reports an index that stands still, as an [*Error] of
// [ErrFrozen]: its last sign of life, which is the time of its newest commit or
// of a signed snapshot of it, is older than the limit that the index sets. A
// limit of zero is none. A time that lies ahead says nothing about today, and
// is taken for no sign of life.
func CheckFresh(head string, last, now time.Time, limit time.Duration) error {
	age := now.Sub(last)
	if limit <= 0 || age <= limit && age >= -maxAhead {
		return nil
	}
	e := &Error{
		Class: ErrFrozen, Head: head, Last: last.UTC(),
		Detail: fmt.Sprintf("the last sign of life at commit %s is of %s, %s ago, and its policy allows %s",
			short(head), last.UTC().Format(time.RFC3339), days(age), days(limit)),
		Remedy: "a mirror may be stale, or someone may be holding back what is new: look at the registry another way, and ask its maintainers",
	}
	if age < 0 {
		e.Detail = fmt.Sprintf("commit %s says it is of %s, which is still to come", short(head), last.UTC().Format(time.RFC3339))
		e.Remedy = "look at this machine's clock; if it is right, ask the registry's maintainers"
	}
	return e
}

// days writes a span in days, or in hours when it is less than two.
func days(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// Withheld reports an index that shows less than its keepers have signed, as an
// [*Error] of [ErrFrozen]. Last is the time of what they signed.
func Withheld(head string, last time.Time, detail string) *Error {
	return &Error{
		Class: ErrFrozen, Head: head, Last: last.UTC(), Detail: detail,
		Remedy: "a mirror may not have all references, or someone may be holding back what is new: look at the registry another way, and ask its maintainers",
	}
}

// SignedBefore reports a signed statement that is older than one that was seen,
// as an [*Error] of [ErrRolledBack].
func SignedBefore(head string, shown, known time.Time) *Error {
	return &Error{
		Class: ErrRolledBack, Head: head, Last: known.UTC(),
		Detail: fmt.Sprintf("the signature of the head %s is of %s, and one of %s was seen before",
			short(head), shown.UTC().Format(time.RFC3339), known.UTC().Format(time.RFC3339)),
		Remedy: "nothing was changed; a mirror may be behind: try again later, and if it stays, ask the registry's maintainers",
	}
}
