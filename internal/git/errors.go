package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// The kinds of failure. Test with [errors.Is]; the error itself says what was
// being done and to what.
var (
	// ErrNotFound: the repository, revision, reference or remote branch does
	// not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict: a reference no longer has the expected value, or the remote
	// refused an update that is not a fast-forward.
	ErrConflict = errors.New("the reference has moved")
	// ErrLocked: another process kept the reference locked for too long. The
	// error is a [*LockedError].
	ErrLocked = errors.New("the reference is locked")
	// ErrExists: there is something already where a repository should be made.
	ErrExists = errors.New("already exists and is not empty")
	// ErrNetwork: the remote could not be reached or broke off.
	ErrNetwork = errors.New("network failure")
	// ErrAuth: the remote wants other credentials.
	ErrAuth = errors.New("not permitted")
	// ErrURL: the address of a remote is malformed or of a refused kind.
	ErrURL = errors.New("refused repository address")
	// ErrUnsupported: the repository uses a format this package cannot read.
	ErrUnsupported = errors.New("unsupported repository format")
)

// Error is a failed operation: what was done, on what, why, and the remedy
// where there is one.
type Error struct {
	Op, Name string
	Kind     error // one of the Err values of this package, or nil
	Err      error // what was met, may be nil
	Remedy   string
}

func (e *Error) Error() string {
	parts := []string{e.Op}
	if e.Name != "" {
		parts[0] += " " + e.Name
	}
	if e.Kind != nil && (e.Err == nil || !strings.Contains(e.Err.Error(), e.Kind.Error())) {
		parts = append(parts, e.Kind.Error())
	}
	if e.Err != nil {
		parts = append(parts, strings.TrimSpace(e.Err.Error())) // servers end what they say with a line break
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	var all []error
	if e.Kind != nil {
		all = append(all, e.Kind)
	}
	if e.Err != nil {
		all = append(all, e.Err)
	}
	return all
}

// Hint is the remedy, or "".
func (e *Error) Hint() string { return e.Remedy }

// LockedError reports a reference that stayed locked. It is [ErrLocked].
type LockedError struct {
	Ref, Path string
	Age       time.Duration // of the lock file, 0 when unknown
}

func (e *LockedError) Error() string {
	msg := fmt.Sprintf("update %s: %v by %s", e.Ref, ErrLocked, e.Path)
	if e.Age > 0 {
		msg += fmt.Sprintf(", %s old", e.Age.Round(time.Second))
	}
	return msg
}

// Is makes the error match ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// Hint says how a lock that was left behind is removed.
func (e *LockedError) Hint() string {
	return "if no git or clyde is writing to this repository, a stopped one left the lock behind: remove " + e.Path
}

// UnsafeError reports a tree or object from outside that is not read: a name
// that could leave the tree or hide in it, or a size beyond the limits. It is
// [io/fs.ErrInvalid].
type UnsafeError struct {
	Path   string // where in the tree, "" when it is an object as such
	Rule   string // tree/name, tree/order, tree/mode, tree/depth, tree/width, object/size, object/malformed
	Detail string
}

func (e *UnsafeError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("unsafe tree: %s (%s)", e.Detail, e.Rule)
	}
	return fmt.Sprintf("unsafe tree: %q: %s (%s)", e.Path, e.Detail, e.Rule)
}

// Is makes the error match io/fs.ErrInvalid, so that a reader of trees that
// knows nothing of git can tell it from a failing disk.
func (e *UnsafeError) Is(target error) bool { return target == fs.ErrInvalid }

// remoteError sorts a failure of the transport into the kinds of this package.
func remoteError(op, address string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	e := &Error{Op: op, Name: Redact(address), Err: redactError(address, err)}
	var dns *net.DNSError
	var netErr net.Error
	var urlErr *url.Error
	switch {
	case errors.Is(err, transport.ErrRepositoryNotFound):
		e.Kind = ErrNotFound
		e.Remedy = "check the address; a private repository also looks like this to whoever may not read it"
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed),
		strings.Contains(err.Error(), "ssh: unable to authenticate"):
		e.Kind = ErrAuth
		e.Remedy = "for ssh add your key to the agent (ssh-add); for https log in with a token that may do this ('clyde auth login HOST'), or give it in CLYDE_INDEX_TOKEN where it is for an index"
	case errors.Is(err, plumbing.ErrReferenceNotFound):
		e.Kind = ErrNotFound
	case errors.As(err, &dns), errors.As(err, &netErr), errors.As(err, &urlErr):
		e.Kind = ErrNetwork
	case !isLocal(address):
		e.Kind = ErrNetwork
	}
	return e
}
