// Package listing reads the entries of an open folder in portions, for file
// systems that know all of them when the folder is opened: trees of git, here or
// at a host, and what is laid over one. It keeps the order that it is given,
// gives each entry once, and lets no caller change what the next one reads.
package listing

import (
	"io"
	"io/fs"
)

// Entries are those of an open folder that were not read yet. Embedded in a
// file, they make it an [fs.ReadDirFile].
type Entries []fs.DirEntry

// ReadDir returns the next n entries, or all that are left if n <= 0, as
// [fs.ReadDirFile] has it: the error is io.EOF when n > 0 and none are left.
func (e *Entries) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(*e)
	} else if len(*e) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(*e))
	next := (*e)[:n:n]
	*e = (*e)[n:]
	return next, nil
}
