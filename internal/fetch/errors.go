package fetch

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// What an [Error] may be, beside a fault of the network; test with errors.Is.
var (
	ErrAbsent  = errors.New("the server does not have it")   // 404, 410 and 451
	ErrDenied  = errors.New("the server does not let us in") // 401, 403 and 407
	ErrSize    = errors.New("not the number of bytes")       // more than the limit, or not the size
	ErrStalled = errors.New("the server sent nothing for too long")
)

// Error says why a file did not come.
type Error struct {
	URL    string // as Display shows it
	Tries  int    // how often it was asked for
	Status int    // of the last answer, 0 when there was none
	Err    error  // what happened at last
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %v", e.URL, e.Err)
	if e.Tries > 1 {
		text += fmt.Sprintf(" (tried %d times)", e.Tries)
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is puts answers in the classes of this package.
func (e *Error) Is(target error) bool {
	switch e.Status {
	case http.StatusNotFound, http.StatusGone, http.StatusUnavailableForLegalReasons:
		return target == ErrAbsent
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return target == ErrDenied
	}
	return false
}

// Hint says what to do.
func (e *Error) Hint() string {
	var (
		status      *statusError
		refused     *redirectError
		certificate *tls.CertificateVerificationError
		name        *net.DNSError
		own         hinted
	)
	switch {
	case errors.As(e.Err, &own):
		return own.Hint()
	case errors.As(e.Err, &status) && status.advice != "":
		return status.advice
	case errors.Is(e, ErrAbsent):
		return "check the address"
	case errors.Is(e, ErrDenied):
		return "the server wants a login or does not let you in"
	case errors.As(e.Err, &status) && status.limited && status.after > maxRetryAfter:
		return fmt.Sprintf("run the command again in %v, or log in to the host, which mostly allows more to those it knows", status.after.Round(time.Second))
	case errors.As(e.Err, &status) && status.after > maxRetryAfter:
		return fmt.Sprintf("the server asks to wait %v: run the command again after that", status.after.Round(time.Second))
	case errors.As(e.Err, &status) && status.mayPass():
		return "the server is busy or broken: try again later"
	case errors.As(e.Err, &status):
		return "check the address; the server may not be what it should"
	case errors.As(e.Err, &refused):
		return "the server sends to the wrong place: tell who runs it"
	case errors.As(e.Err, &certificate):
		return "check the clock of this machine; name an authority of your own in SSL_CERT_FILE"
	case errors.Is(e.Err, http.ErrSchemeMismatch):
		return "the server does not speak https there: check the address"
	case errors.As(e.Err, &name):
		return "check the address, and the connection to the network"
	case errors.Is(e.Err, ErrStalled):
		return "run the command again; on a slow line, allow for more with the setting timeout"
	}
	return "check the connection and run the command again"
}

// hinted is an error of whoever sends the requests, who knows better: of what has
// to be there before a request can be sent.
type hinted interface {
	error
	Hint() string
}

// finalError is a fault that another attempt would not mend.
type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }

// sinkError is an error of the sink, which is none of the network.
type sinkError struct{ error }
