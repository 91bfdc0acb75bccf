package client

import (
	"errors"
	"fmt"
	"strings"

	"github.com/clydepm/clyde/internal/resolve"
)

// The classes of errors; test with errors.Is.
var (
	ErrNotFound  = errors.New("not found")                   // no such registry, package or version
	ErrRefused   = errors.New("refused")                     // ambiguous, not permitted, against policy
	ErrIntegrity = errors.New("integrity failure")           // history or bytes are not what was recorded
	ErrConflict  = errors.New("conflict")                    // lock drift, a name already taken
	ErrNetwork   = errors.New("network failure")             // not reachable, or offline was asked for
	ErrUsage     = errors.New("not a valid command or kind") // the request itself is wrong
)

// NoPackageError reports that a registry answered and does not have a package.
// It is [ErrNotFound]; a registry that is not found itself is not this error,
// for nobody knows what that one has.
type NoPackageError struct {
	Name  string
	Asked []string // the addresses that were asked in turn, where there are several
}

func (e *NoPackageError) Error() string {
	text := fmt.Sprintf("no package %q", e.Name)
	if len(e.Asked) > 1 {
		text += ": " + e.whoHasNone()
	}
	return text
}

// whoHasNone says what those answered that were asked.
func (e *NoPackageError) whoHasNone() string {
	if len(e.Asked) == 1 {
		return e.Asked[0] + " does not have it"
	}
	return strings.Join(e.Asked, " does not have it, ") + " does not have it"
}

// Is makes the error match ErrNotFound, and the resolver's.
func (e *NoPackageError) Is(target error) bool {
	return target == ErrNotFound || target == resolve.ErrNotFound
}

// UnknownRegistryError reports a registry named by its URL that is not
// configured. It is [ErrNotFound].
type UnknownRegistryError struct {
	URL string
}

func (e *UnknownRegistryError) Error() string { return "no configured registry has the URL " + e.URL }

// Hint says how to configure it.
func (e *UnknownRegistryError) Hint() string {
	return "if you trust it, add it with 'clyde registry add " + e.URL + "'"
}

// Is makes the error match ErrNotFound, and the resolver's.
func (e *UnknownRegistryError) Is(target error) bool {
	return target == ErrNotFound || target == resolve.ErrNotFound
}

// isNoPackage reports whether err is a [NoPackageError].
func isNoPackage(err error) bool {
	var none *NoPackageError
	return errors.As(err, &none)
}

// registryError says which registry an error is about.
type registryError struct {
	name string
	err  error
}

func (e *registryError) Error() string { return "registry " + e.name + ": " + e.err.Error() }
func (e *registryError) Unwrap() error { return e.err }

// nameRegistry makes *err say which registry it is about. That a registry has
// no such package is left as it is, for callers ask several.
func nameRegistry(err *error, name string) {
	if *err != nil && !isNoPackage(*err) {
		*err = &registryError{name, *err}
	}
}

// Error is a failure with its class and a remedy.
type Error struct {
	Class   error  // one of the Err values of this package
	Message string // what is wrong, where; "" when the cause says it
	Remedy  string // what to do instead, may be empty
	Err     error  // the cause, may be nil
}

// Error is the message, followed by the cause.
func (e *Error) Error() string {
	switch {
	case e.Err == nil:
		return e.Message
	case e.Message == "":
		return e.Err.Error()
	}
	return e.Message + ": " + e.Err.Error()
}

// Hint is the remedy, or "".
func (e *Error) Hint() string { return e.Remedy }

// Unwrap gives the class and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Class}
	}
	return []error{e.Class, e.Err}
}
