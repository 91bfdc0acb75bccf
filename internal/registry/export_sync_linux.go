package registry

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncFileSystem brings the file system that a folder is on to disk.
func syncFileSystem(dir string) (err error) {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return os.NewSyscallError("syncfs", err)
	}
	return nil
}
