package git

import (
	"encoding/hex"
	"io/fs"
)

// TreeEntry is one entry of a tree object.
type TreeEntry struct {
	Name string
	Mode fs.FileMode // as in [Repo.Tree]
	ID   ID
}

// ParseTree reads a tree object, and refuses with an [UnsafeError] what could
// harm a reader of the tree.
func ParseTree(content []byte) ([]TreeEntry, error) {
	list, err := parseTree(content)
	if err != nil {
		return nil, err
	}
	entries := make([]TreeEntry, len(list))
	for i, e := range list {
		entries[i] = TreeEntry{Name: e.name, Mode: e.fileMode()}
		if _, err := hex.Decode(entries[i].ID[:], []byte(e.id)); err != nil {
			return nil, malformed("the ID of %q", e.name)
		}
	}
	return entries, nil
}
