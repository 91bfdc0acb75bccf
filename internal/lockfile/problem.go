package lockfile

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong with a lock.
type Problem struct {
	File         string // as the caller named it
	Line, Column int    // from 1
	Field        string // "dependencies[2].req"; "" for the whole line
	Detail       string // what is wrong
	Hint         string // what to do
}

// Error returns "file:line:column: field: detail", without the hint.
func (p Problem) Error() string {
	place := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Field != "" {
		place += p.Field + ": "
	}
	return place + p.Detail
}

// Problems is all that is wrong with a lock, in the order of its lines. As an
// error it is never empty.
type Problems []Problem

// Error returns one line per problem, without the hints.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Hint says how to come back to a lock that is right.
func (ps Problems) Hint() string {
	for _, p := range ps {
		if p.Hint != "" {
			return p.Hint
		}
	}
	return hintRestore
}

const (
	hintRestore  = "a lock is not written by hand: restore it from version control, or delete it and run `clyde install` to resolve anew"
	hintConflict = "take one side with `git checkout --ours " + Path + "` (or --theirs), then run `clyde install`: it keeps those versions and adds what the merged manifest needs"
	hintMerge    = "two sides of a merge do not fit together: " + hintConflict
)

// NewerVersionError reports a lock of a format version that is not known here.
type NewerVersionError struct {
	File    string
	Version int
}

func (e *NewerVersionError) Error() string {
	return fmt.Sprintf("%s:1:1: the lock has format version %d; this clyde reads up to %d", e.File, e.Version, MaxVersion)
}

// Hint says what to do about it.
func (e *NewerVersionError) Hint() string {
	return "use a newer release of clyde; the lock was left as it is"
}
