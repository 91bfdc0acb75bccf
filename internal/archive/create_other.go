//go:build !unix

package archive

import (
	"io/fs"
	"os"
)

// creator makes files.
type creator struct{}

// create makes a new file, whose name has no slash, in a folder.
func (*creator) create(folder *os.Root, name string, mode fs.FileMode) (*os.File, error) {
	return folder.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
}

// close gives back what is held open, which is nothing.
func (*creator) close() error { return nil }
