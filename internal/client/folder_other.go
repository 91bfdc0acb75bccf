//go:build !unix

package client

import (
	"os"
	"path/filepath"
)

// folder is a folder whose files are looked at.
type folder struct{ name string }

func openFolder(name string) (folder, error) { return folder{name}, nil }

func (f folder) close() {}

// look tells of a file, or of a folder, at a path below; no link is followed at its
// end.
func (f folder) look(path string) (fileFacts, error) {
	info, err := os.Lstat(filepath.Join(f.name, filepath.FromSlash(path)))
	if err != nil {
		return fileFacts{}, err
	}
	facts := fileFacts{modified: info.ModTime().UnixNano()}
	switch {
	case info.IsDir():
		facts.kind = plainFolder
	case info.Mode().IsRegular():
		facts.kind, facts.size = plainFile, info.Size()
	}
	return facts, nil
}
