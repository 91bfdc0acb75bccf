package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// writeNewFile makes a file and brings it to disk. The file must not exist.
func writeNewFile(name string, data []byte, mode fs.FileMode) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// replaceFile gives the file name new content in one step: a reader sees the
// old bytes or the new. The temporary file lies in the folder temp, on the same
// file system, where the next run clears what an interrupted one left.
func replaceFile(temp, name string, data []byte) error {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	dir, err := os.MkdirTemp(temp, tempPrefix)
	if err != nil {
		return err
	}
	made := filepath.Join(dir, filepath.Base(name))
	err = writeNewFile(made, data, 0o600)
	if err == nil {
		err = os.Chmod(made, mode)
	}
	if err == nil {
		err = os.Rename(made, name)
	}
	return errors.Join(err, removeTree(dir), syncDir(filepath.Dir(name)))
}

// tempPrefix begins the name of every temporary file and folder in a project.
const tempPrefix = ".tmp-"

// removeTree removes a file or a folder with all that is in it, read-only
// folders included. It follows no links.
func removeTree(path string) error {
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(p, 0o755)
		}
		if runtime.GOOS == "windows" {
			return os.Chmod(p, 0o644)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(path)
}

// removeIfThere removes a file, which need not be there.
func removeIfThere(name string) error {
	err := os.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// clearFolder removes what is in a folder.
func clearFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := removeTree(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// readBounded reads a file of at most limit bytes.
func readBounded(name string, limit int64) (_ []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var data bytes.Buffer
	if info, err := f.Stat(); err == nil {
		data.Grow(int(min(info.Size(), limit)) + bytes.MinRead) // else it is read in many small pieces
	}
	if _, err := data.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, err
	}
	if int64(data.Len()) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return data.Bytes(), nil
}
