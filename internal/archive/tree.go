package archive

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
)

// tree is the target of an archive that is written to the disk.
type tree struct {
	ctx     context.Context
	root    *os.Root
	folders map[string]bool // folders made so far
}

// folder makes a folder and those above it, with mode 0755 in spite of the
// umask.
func (t *tree) folder(name string) error {
	if t.folders[name] {
		return nil
	}
	if err := t.folder(path.Dir(name)); err != nil {
		return err
	}
	if err := t.root.Mkdir(rooted(name), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := t.root.Chmod(rooted(name), 0o755); err != nil {
		return err
	}
	t.folders[name] = true
	return nil
}

// file makes a new file.
func (t *tree) file(name string, mode fs.FileMode, content io.Reader) error {
	if err := t.folder(path.Dir(name)); err != nil {
		return err
	}
	f, err := t.root.OpenFile(rooted(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Chmod(mode), f.Close())
}

// copied makes a copy of a file. No folder of the tree is a link, so that the
// lexical path of a file is its real one.
func (t *tree) copied(name, from string, mode fs.FileMode) error {
	source, err := t.root.Open(rooted(from))
	if err != nil {
		return err
	}
	defer source.Close()
	return t.file(name, mode, &cancelReader{t.ctx, source})
}

// cancelReader stops when the context is done.
type cancelReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
