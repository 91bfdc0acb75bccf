// Package volume asks the system about the place of a file: how much room there
// is, and whether this process may write there. It changes nothing. A path need
// not exist; then the nearest folder above it that does is asked about.
package volume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Free is the number of bytes that this process may still write at a path.
func Free(path string) (int64, error) {
	there, err := nearest(path)
	if err != nil {
		return 0, err
	}
	return free(there)
}

// Writable reports whether this process may write to a file or make entries in
// a folder: nil, or the error that it would meet.
func Writable(path string) error {
	there, err := nearest(path)
	if err != nil {
		return err
	}
	return writable(there)
}

// nearest is path, or the nearest folder above it that exists.
func nearest(path string) (string, error) {
	for {
		_, err := os.Stat(path)
		parent := filepath.Dir(path)
		if !errors.Is(err, fs.ErrNotExist) || parent == path {
			return path, err
		}
		path = parent
	}
}
