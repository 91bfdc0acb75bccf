package publish

import (
	"errors"
	"fmt"
	"strings"

	"github.com/clydepm/clyde/internal/review"
)

// The kinds of failure. Test with errors.Is.
var (
	// ErrNotFound: there is no index, package or version of that name.
	ErrNotFound = errors.New("not found")
	// ErrRefused: the review of the change failed, or the destination must not
	// be written to.
	ErrRefused = errors.New("refused")
	// ErrConflict: the version is published with other bytes, or the index kept
	// moving.
	ErrConflict = errors.New("conflict")
	// ErrUsage: the options make no sense.
	ErrUsage = errors.New("wrong usage")
)

// Error is a failure of a known kind, with what to do about it.
type Error struct {
	Kind   error // one of the Err values of this package
	Detail string
	Remedy string
	Err    error // what was met, may be nil
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Detail
	}
	return e.Detail + ": " + e.Err.Error()
}

// Hint is the remedy, or "".
func (e *Error) Hint() string { return e.Remedy }

// Unwrap gives the kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// ConflictError reports a version that is published already and differs. It is
// ErrConflict.
type ConflictError struct {
	Name, Version    string
	Published        string // the version as published; differs from Version in build metadata
	PublishedSHA256  string
	SHA256           string
	DifferingMembers []string // of the line, when the archives are equal
}

func (e *ConflictError) Error() string {
	digests := fmt.Sprintf("published sha256 %s, yours %s", e.PublishedSHA256, e.SHA256)
	switch {
	case e.Published != e.Version:
		return fmt.Sprintf("%s %s is the same version as %s, which is published, because build metadata makes no other (%s)", e.Name, e.Version, e.Published, digests)
	case len(e.DifferingMembers) > 0:
		return fmt.Sprintf("%s %s is published with the same archive but another line: different %s (%s)", e.Name, e.Version, strings.Join(e.DifferingMembers, ", "), digests)
	}
	return fmt.Sprintf("%s %s is published with other bytes (%s)", e.Name, e.Version, digests)
}

// Hint says what to do instead.
func (e *ConflictError) Hint() string {
	return "a published version never changes; raise version in .clyde/package.yaml"
}

// Is makes the error match ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// RefusedError reports a change that the review refused. It is ErrRefused.
type RefusedError struct{ Report *review.Report }

func (e *RefusedError) Error() string {
	var failed []string
	for _, f := range e.Report.Findings {
		if f.Status == review.Fail {
			failed = append(failed, f.Check)
		}
	}
	return "the review refuses the change: " + strings.Join(failed, ", ")
}

// Hint is that of the first finding that failed.
func (e *RefusedError) Hint() string {
	for _, f := range e.Report.Findings {
		if f.Status == review.Fail {
			return f.Hint
		}
	}
	return ""
}

// Is makes the error match ErrRefused.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }
