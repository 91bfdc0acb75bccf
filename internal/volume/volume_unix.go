//go:build unix

package volume

import (
	"fmt"
	"io/fs"
	"math"

	"golang.org/x/sys/unix"
)

func free(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("statfs %s: %w", path, err)
	}
	// The types of the fields differ between systems.
	blocks, size := uint64(s.Bavail), uint64(s.Bsize) //nolint:unconvert,gosec // as said
	if size != 0 && blocks > math.MaxInt64/size {
		return math.MaxInt64, nil
	}
	return int64(blocks * size), nil //nolint:gosec // compared above
}

// writable asks with the effective rights, and hears of read-only file systems
// as well.
func writable(path string) error {
	if err := unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS); err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}
