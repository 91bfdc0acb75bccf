package client

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
)

// linkTree makes a folder appear at link. The link to a store's tree is
// absolute: the project may move, the store does not move with it.
func linkTree(folder, link string) error {
	err := os.Symlink(folder, link)
	if err != nil && runtime.GOOS == "windows" {
		return &Error{
			Class: ErrRefused, Message: "cannot make a link", Err: err,
			Remedy: "turn on developer mode in the settings of Windows, which lets you make symbolic links",
		}
	}
	return err
}

// leadsTo reports whether link is a link to folder.
func leadsTo(link, folder string) bool {
	target, err := os.Readlink(link)
	return err == nil && target == folder
}

// replaceLink gives the link next the name active, in one step. Windows cannot
// rename over a link to a folder; there the old link goes first, and
// [Project.recover] puts it back when the run ends in between.
func replaceLink(next, active string) error {
	if runtime.GOOS == "windows" {
		if err := os.Remove(active); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Rename(next, active)
}
