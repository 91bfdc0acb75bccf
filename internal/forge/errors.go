package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The kinds of failure. Test with errors.Is.
var (
	// ErrNotFound: there is no such repository, or the token may not see it.
	ErrNotFound = errors.New("not found")
	// ErrNotPermitted: the token is missing, wrong, or may not do this.
	ErrNotPermitted = errors.New("not permitted")
	// ErrNetwork: the host could not be reached, broke off, or is out of order.
	ErrNetwork = errors.New("network failure")
	// ErrMoved: the branch or the pull request is no longer where the caller
	// last saw it. What was to be done has not been done.
	ErrMoved = errors.New("moved meanwhile")
	// ErrRefused: the host understands the request and will never do it.
	ErrRefused = errors.New("refused by the host")
)

// Error is a failure of a known kind, with what to do about it.
type Error struct {
	Kind   error // one of the Err values of this package
	Op     string
	Detail string
	Remedy string
	Err    error // what was met, may be nil
}

func (e *Error) Error() string {
	text := e.Op
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + withoutURL(e.Err, text)
	}
	return text
}

// withoutURL is the text of an error without the address of a request, of which
// the host is left where the context does not name it.
func withoutURL(err error, context string) string {
	failed, ok := errors.AsType[*url.Error](err)
	if !ok {
		return err.Error()
	}
	cause := failed.Err.Error()
	if u, err := url.Parse(failed.URL); err == nil && !strings.Contains(context, u.Host) {
		cause = u.Host + ": " + cause
	}
	return strings.Replace(err.Error(), failed.Error(), cause, 1)
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

// Remedies are what to do about the failures that every host has.
type Remedies struct {
	Unauthorized, Forbidden, NotFound string
	Again                             string // when the host is at fault
}

// Explain gives a failure its kind, by the status code that the host answered
// with, 0 for none. What is an [Error] already, or was cancelled, stays as it is.
func Explain(op string, err error, code int, remedies Remedies) error {
	if err == nil || errors.As(err, new(*Error)) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &Error{Kind: ErrNetwork, Op: op, Err: err}
	switch {
	case code == http.StatusUnauthorized:
		e.Kind, e.Remedy = ErrNotPermitted, remedies.Unauthorized
	case code == http.StatusForbidden:
		e.Kind, e.Remedy = ErrNotPermitted, remedies.Forbidden
	case code == http.StatusNotFound:
		e.Kind, e.Remedy = ErrNotFound, remedies.NotFound
	case code >= 400 && code < 500:
		e.Kind = ErrRefused
	default:
		e.Remedy = remedies.Again
	}
	return e
}

// RateLimitError reports a limit whose end is farther away than the caller
// wants to wait. It is ErrNetwork.
type RateLimitError struct {
	Host  string
	Until time.Time
}

func (e *RateLimitError) Error() string {
	return fmt.Sprintf("%s limits the rate of requests until %s", e.Host, e.Until.UTC().Format(time.RFC3339))
}

// Hint says what to do about it.
func (e *RateLimitError) Hint() string {
	return "run the same again then; what is done already is not done twice"
}

// Is makes the error match ErrNetwork.
func (e *RateLimitError) Is(target error) bool { return target == ErrNetwork }

// CompareError reports that the branch is written but that the token may open
// no pull request. A person can, at URL. It is ErrNotPermitted.
type CompareError struct {
	URL string
	Err error
}

func (e *CompareError) Error() string {
	return fmt.Sprintf("the branch is there, but this token may open no pull request: %v", e.Err)
}

// Hint says where a person opens it.
func (e *CompareError) Hint() string { return "open it at " + e.URL }

func (e *CompareError) Unwrap() []error { return []error{ErrNotPermitted, e.Err} }
