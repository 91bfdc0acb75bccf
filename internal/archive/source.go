package archive

import (
	"fmt"
	"io"
	"os"
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
