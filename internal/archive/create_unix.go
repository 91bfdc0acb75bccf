//go:build unix

package archive

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// creator makes files in one folder after another. An os.Root makes a file that
// could be waited for, which takes four more calls of the system for each.
type creator struct {
	folder *os.Root // of the file that was made last
	handle *os.File
	fd     int
}

// create makes a new file, whose name has no slash, in a folder.
func (c *creator) create(folder *os.Root, name string, mode fs.FileMode) (*os.File, error) {
	if c.folder != folder {
		if err := c.close(); err != nil {
			return nil, err
		}
		handle, err := folder.Open(".")
		if err != nil {
			return nil, err
		}
		c.folder, c.handle, c.fd = folder, handle, int(handle.Fd()) //nolint:gosec // a descriptor
	}
	for {
		// O_EXCL: where a link is, nothing is made.
		fd, err := unix.Openat(c.fd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, uint32(mode.Perm()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "openat", Path: name, Err: err}
		}
		return os.NewFile(uintptr(fd), name), nil //nolint:gosec // not negative
	}
}

// close gives back what is held open.
func (c *creator) close() error {
	if c.handle == nil {
		return nil
	}
	err := c.handle.Close()
	c.folder, c.handle = nil, nil
	return err
}
