package main

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Exit codes. docs/exit-codes.md lists them for users.
const (
	exitOK        = 0
	exitFailed    = 1
	exitUsage     = 2
	exitNotFound  = 3
	exitRefused   = 4 // by policy, or not permitted
	exitIntegrity = 5 // checksum, signature, history
	exitConflict  = 6 // different bytes for a published version, lock drift
	exitNetwork   = 7
	exitCancelled = 8
	exitFindings  = 9 // check, audit, review, and problems in a file a person wrote
)

// codedError gives an error its exit code and, where there is one, a remedy.
type codedError struct {
	code int
	hint string
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// Hint is the remedy, or "".
func (e *codedError) Hint() string { return e.hint }

// withCode makes err end the run with code.
func withCode(code int, err error) error {
	return &codedError{code: code, err: err}
}

// withHint makes err end the run with code and shows hint under it.
func withHint(code int, err error, hint string) error {
	return &codedError{code: code, err: err, hint: hint}
}

// usagef reports a wrong command line.
func usagef(format string, args ...any) error {
	return withCode(exitUsage, fmt.Errorf(format, args...))
}

// exitCode is the one place where an error becomes an exit code.
func exitCode(err error) int {
	var coded *codedError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, context.Canceled):
		return exitCancelled
	}
	return exitFailed
}

// reportError writes err the way every command does: each problem with its
// place, the remedy under it, and a last line that starts with "clyde:".
func reportError(w io.Writer, err error) {
	fmt.Fprintf(w, "clyde: %v\n", err)
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		fmt.Fprintf(w, "  hint: %s\n", hinted.Hint())
	}
}
