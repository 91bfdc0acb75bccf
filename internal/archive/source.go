package archive

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxIgnoreFile bounds a .gitignore file; git itself refuses larger ones.
const maxIgnoreFile = 100 << 20

// rooted turns the parts of a slash-separated path into a name for os.Root.
func rooted(parts ...string) string {
	if len(parts) == 0 {
		return "."
	}
	return filepath.FromSlash(strings.Join(parts, "/"))
}

// nearby opens the files of a tree one after another. The folder of the last one
// stays open, for the next one is mostly in it too, and so is not looked up from
// the root for each of its files.
type nearby struct {
	root   *os.Root
	name   string
	folder *os.Root // nil before the first file
}

// enter returns the folder of a slash-separated name, which stays open until
// another one is entered.
func (n *nearby) enter(name string) (*os.Root, error) {
	if n.folder != nil && n.name == name {
		return n.folder, nil
	}
	next, err := n.root.OpenRoot(rooted(name))
	if err != nil {
		return nil, err
	}
	err = n.close()
	n.name, n.folder = name, next
	return next, err
}

// open opens a file to read it.
func (n *nearby) open(name string) (*os.File, error) {
	folder, err := n.enter(path.Dir(name))
	if err != nil {
		return nil, err
	}
	return folder.Open(path.Base(name))
}

// close gives back what is held open.
func (n *nearby) close() error {
	if n.folder == nil {
		return nil
	}
	return n.folder.Close()
}

func readLimited(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return data, err
}

// isAbsolute reports whether the target of a link is absolute on any system.
func isAbsolute(target string) bool {
	return filepath.IsAbs(target) || filepath.VolumeName(target) != "" || strings.HasPrefix(filepath.ToSlash(target), "/")
}

func splitLink(target string) []string { return strings.Split(filepath.ToSlash(target), "/") }
