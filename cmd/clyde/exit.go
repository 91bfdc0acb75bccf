package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/installer"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/internal/strictyaml"
	"github.com/clydepm/clyde/internal/terminal"
	"github.com/clydepm/clyde/publish"
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

// consequence says what a failure left undone.
type consequence struct {
	error
	undone string
}

func (e consequence) Unwrap() error { return e.error }

// withConsequence ends the report of err with what did not happen because of
// it, such as "nothing was published". It keeps a nil err nil.
func withConsequence(err error, undone string) error {
	if err == nil {
		return nil
	}
	return consequence{err, undone}
}

// exitCode is the one place where an error becomes an exit code.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	var coded *codedError
	if errors.As(err, &coded) {
		return coded.code
	}
	for _, class := range exitClasses() {
		if class.holds(err) {
			return class.code
		}
	}
	return exitFailed
}

// exitClass is a class of errors that end the run with the same code.
type exitClass struct {
	code  int
	holds func(error) bool
}

// exitClasses lists the classes of all rooms. The first that holds decides, so
// what wraps another class comes before it.
func exitClasses() []exitClass {
	return []exitClass{
		{exitCancelled, anyOf(context.Canceled)},
		{exitFindings, ofType[strictyaml.Problems]()},
		{exitRefused, ofType[*archive.RefusedError]()},
		{exitUsage, ofType[*registry.InitError]()},
		{exitRefused, ofType[*registry.RefusedError]()},

		{exitRefused, ofType[*installer.RefusedError]()},

		{exitIntegrity, anyOf(attest.ErrRejected, attest.ErrKey)},

		{exitUsage, anyOf(credential.ErrUsage)},
		{exitNotFound, anyOf(credential.ErrNotFound)},
		{exitRefused, anyOf(credential.ErrRefused)},

		{exitUsage, anyOf(publish.ErrUsage)},
		{exitNotFound, anyOf(publish.ErrNotFound)},
		{exitRefused, anyOf(publish.ErrRefused)},
		{exitConflict, anyOf(publish.ErrConflict)},

		{exitUsage, anyOf(git.ErrURL)},
		{exitNotFound, anyOf(git.ErrNotFound)},
		{exitRefused, anyOf(git.ErrAuth, git.ErrExists)},
		{exitConflict, anyOf(git.ErrConflict, git.ErrLocked)},
		{exitNetwork, anyOf(git.ErrNetwork)},

		{exitNotFound, anyOf(forge.ErrNotFound)},
		{exitRefused, anyOf(forge.ErrNotPermitted, forge.ErrRefused)},
		{exitNetwork, anyOf(forge.ErrNetwork)},

		{exitUsage, anyOf(client.ErrUsage)},
		{exitNotFound, anyOf(client.ErrNotFound)},
		{exitRefused, anyOf(client.ErrRefused)},
		{exitIntegrity, anyOf(client.ErrIntegrity)},
		{exitConflict, anyOf(client.ErrConflict)},
		{exitNetwork, anyOf(client.ErrNetwork)},
	}
}

func anyOf(classes ...error) func(error) bool {
	return func(err error) bool {
		return slices.ContainsFunc(classes, func(class error) bool { return errors.Is(err, class) })
	}
}

func ofType[T error]() func(error) bool {
	return func(err error) bool {
		var target T
		return errors.As(err, &target)
	}
}

// reportError writes err the way every command does: each problem with its
// place and remedy, then one last line that starts with "clyde:".
//
// An error may quote what strangers wrote, so it is escaped.
func reportError(w io.Writer, err error) {
	fmt.Fprint(w, terminal.EscapeLines(errorText(err)))
}

func errorText(err error) string {
	w := &strings.Builder{}
	summary := summaryOf(err)
	var problems strictyaml.Problems
	if errors.As(err, &problems) {
		fmt.Fprint(w, problems.Text())
		summary = countProblems(problems)
	}
	if text, short, ok := refusedText(err); ok {
		fmt.Fprint(w, text)
		summary = short
	}
	var undone consequence
	if errors.As(err, &undone) {
		first, list, _ := strings.Cut(summary, ":\n")
		summary = first + "; " + undone.undone
		if list != "" {
			summary += ":\n" + list
		}
	}
	fmt.Fprintf(w, "clyde: %s\n", summary)

	var hinted interface{ Hint() string }
	if !onlyCancelled(err) && errors.As(err, &hinted) && hinted.Hint() != "" {
		fmt.Fprintf(w, "  hint: %s\n", strings.ReplaceAll(hinted.Hint(), "\n", "\n  "))
	}
	return w.String()
}

// summaryOf is the text of an error. Of a run that a person or the system ended
// it says that; where the end came is nobody's fault, and in the journal. What
// went wrong beside it, such as taking back what was done, is told.
func summaryOf(err error) string {
	if onlyCancelled(err) {
		return "interrupted"
	}
	return strings.ReplaceAll(err.Error(), context.Canceled.Error(), "interrupted")
}

// onlyCancelled reports whether err is, at all its ends, that the run was ended.
func onlyCancelled(err error) bool {
	switch wrapped := err.(type) { //nolint:errorlint // it walks what is wrapped, end by end
	case interface{ Unwrap() error }:
		return onlyCancelled(wrapped.Unwrap())
	case interface{ Unwrap() []error }:
		return !slices.ContainsFunc(wrapped.Unwrap(), func(err error) bool { return !onlyCancelled(err) })
	}
	return errors.Is(err, context.Canceled) // or the signal that ended the run
}

// countProblems is the summary of problems whose text was already written:
// "FILE has 2 problems".
func countProblems(problems strictyaml.Problems) string {
	files := map[string]bool{}
	for _, p := range problems {
		files[p.File] = true
	}
	where := problems[0].File + " has"
	if len(files) > 1 {
		where = fmt.Sprintf("%d files have", len(files))
	}
	if len(problems) == 1 {
		return where + " 1 problem"
	}
	return fmt.Sprintf("%s %d problems", where, len(problems))
}
