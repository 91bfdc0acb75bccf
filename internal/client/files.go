package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lockRetry is how often a taken file lock is tried again.
const lockRetry = 50 * time.Millisecond

// writeFile replaces the file name by data: a temporary file beside it, synced
// and renamed, so that a reader sees the old bytes or the new and a crash
// leaves one of them. It makes missing folders. A symbolic link stays one; the
// file it points to is replaced.
func writeFile(name string, data []byte) error {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(name)+".*.tmp")
	if err != nil {
		return err
	}
	if err := errors.Join(fill(tmp, data, 0o644), tmp.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	if err := os.Rename(tmp.Name(), name); err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return syncDir(dir)
}

// fill writes a new file and brings it to disk.
func fill(f *os.File, data []byte, mode fs.FileMode) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return f.Sync()
}

// syncDir makes renames in dir durable where the system can do that.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = errors.Join(d.Sync(), d.Close())
	if err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, os.ErrPermission) && !errors.Is(err, os.ErrInvalid) {
		return err
	}
	return nil
}

// lockFile takes the file lock at name, which other processes take too, and
// waits for it until ctx is done. The caller must call unlock. The file stays:
// removing it would let two processes hold "the" lock at once.
func lockFile(ctx context.Context, name string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	lock := flock.New(name)
	ok, err := lock.TryLockContext(ctx, lockRetry)
	if err != nil {
		return nil, fmt.Errorf("waiting for the lock %s: %w", name, err)
	}
	if !ok {
		return nil, fmt.Errorf("waiting for the lock %s: %w", name, context.DeadlineExceeded)
	}
	return func() { _ = lock.Unlock() }, nil
}
