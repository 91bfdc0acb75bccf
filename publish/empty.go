package publish

import (
	"io/fs"

	"github.com/clydepm/clyde/index"
)

// EmptyIndex returns the tree of an index without packages, policy or name. It
// stands for an index that is not known yet.
func EmptyIndex() fs.FS {
	return overlay{tree: nothing{}, path: index.ConfigPath, data: (&index.Config{}).Format()}
}

// nothing is a tree without files.
type nothing struct{}

func (nothing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadConfig reads the configuration of an index.
func ReadConfig(tree fs.FS) (*index.Config, error) {
	data, err := fs.ReadFile(tree, index.ConfigPath)
	if err != nil {
		return nil, err
	}
	return index.ParseConfig(data)
}
