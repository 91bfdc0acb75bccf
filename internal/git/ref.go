package git

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// defaultLockWait is how long an update waits for another process to let go of
// a reference. git holds a lock for milliseconds.
const defaultLockWait = 10 * time.Second

// checkRefName refuses what git-check-ref-format refuses, and what is no full
// name of a reference.
func checkRefName(ref string) error {
	if !strings.HasPrefix(ref, "refs/") || strings.Count(ref, "/") < 2 {
		return fmt.Errorf("%q is not a full reference name such as refs/heads/main", ref)
	}
	if len(ref) > 1024 || plumbing.ReferenceName(ref).Validate() != nil {
		return fmt.Errorf("%q is not a valid reference name", ref)
	}
	return nil
}

// ReadRef is the object that a full reference name such as "refs/heads/main"
// points to. The error is [ErrNotFound] when it does not exist.
func (r *Repo) ReadRef(ref string) (Hash, error) {
	if err := checkRefName(ref); err != nil {
		return "", &Error{Op: "read reference", Kind: ErrNotFound, Err: err}
	}
	id, err := r.readRef(ref)
	if err == nil && id == "" {
		err = ErrNotFound
	}
	if err != nil {
		return "", &Error{Op: "read", Name: ref, Err: err}
	}
	return id, nil
}

// readRef is the value of a reference, "" when it does not exist.
func (r *Repo) readRef(ref string) (Hash, error) {
	data, err := readSmall(r.refPath(ref))
	switch {
	case err == nil:
		value := strings.TrimSpace(string(data))
		if strings.HasPrefix(value, "ref:") {
			return "", fmt.Errorf("%s is symbolic: %q", ref, value)
		}
		if !validHash(value) {
			return "", fmt.Errorf("%s is broken: it holds %q", ref, value)
		}
		return value, nil
	case errors.Is(err, fs.ErrNotExist), isNotDir(err):
		return r.readPackedRef(ref)
	default:
		return "", err
	}
}

func (r *Repo) refPath(ref string) string {
	return filepath.Join(r.commonDir, filepath.FromSlash(ref))
}

// isNotDir reports that a part of a path is a file and not a folder.
func isNotDir(err error) bool {
	var pathErr *fs.PathError
	return errors.As(err, &pathErr) && strings.Contains(pathErr.Err.Error(), "not a directory")
}

func (r *Repo) readPackedRef(ref string) (Hash, error) {
	f, err := os.Open(filepath.Join(r.commonDir, "packed-refs"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		id, name, ok := strings.Cut(lines.Text(), " ")
		if ok && name == ref && validHash(id) {
			return id, nil
		}
	}
	return "", lines.Err()
}

// CompareAndSwap moves a reference from old to next. An empty old means that
// the reference must not exist yet. It reports [ErrConflict] when the
// reference has another value, and a [*LockedError] when another process holds
// the reference's lock for more than ten seconds.
func (r *Repo) CompareAndSwap(ref string, old, next Hash) error {
	if err := r.compareAndSwap(ref, old, next); err != nil {
		var locked *LockedError
		if errors.As(err, &locked) {
			return err
		}
		e := &Error{Op: "update", Name: ref, Err: err}
		if errors.Is(err, ErrConflict) {
			e.Kind = ErrConflict
		}
		return e
	}
	return nil
}

func (r *Repo) compareAndSwap(ref string, old, next Hash) error {
	if err := checkRefName(ref); err != nil {
		return err
	}
	if !validHash(next) || old != "" && !validHash(old) {
		return fmt.Errorf("%q → %q: not object IDs", old, next)
	}
	lock, err := r.lockRef(ref)
	if err != nil {
		return err
	}
	if err := r.swapLocked(lock, ref, old, next); err != nil {
		return errors.Join(err, discard(lock))
	}
	// The rename gave the lock away: a file of that name is now another's.
	return syncDir(filepath.Dir(r.refPath(ref)))
}

// swapLocked compares and swaps under the lock. Only when it succeeds the lock
// file is gone, renamed to the reference.
func (r *Repo) swapLocked(lock *os.File, ref string, old, next Hash) error {
	current, err := r.readRef(ref)
	if err != nil {
		return err
	}
	if current != old {
		return fmt.Errorf("%w: it is %s and not %s", ErrConflict, orAbsent(current), orAbsent(old))
	}
	if !r.hasObject(next) {
		return fmt.Errorf("%s: %w", next, ErrNotFound)
	}
	return commitFile(lock, []byte(next+"\n"), r.refPath(ref))
}

func orAbsent(id Hash) string {
	if id == "" {
		return "absent"
	}
	return id
}

// lockRef makes the file "<ref>.lock", waiting while another process has it.
func (r *Repo) lockRef(ref string) (*os.File, error) {
	name := r.refPath(ref) + ".lock"
	timeout := time.NewTimer(r.lockWait)
	defer timeout.Stop()
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, fs.ErrNotExist):
			// git removes folders of references when they are empty, perhaps
			// right now.
			if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
				return nil, err
			}
		case !errors.Is(err, fs.ErrExist):
			return nil, err
		}
		select {
		case <-timeout.C:
			return nil, lockedError(ref, name)
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

func lockedError(ref, name string) error {
	e := &LockedError{Ref: ref, Path: name}
	if info, err := os.Stat(name); err == nil {
		e.Age = time.Since(info.ModTime()) //nolint:forbidigo // compared with the clock of the file system
	}
	return e
}
