package archive

import (
	"context"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
)

// tree is the target of an archive that is written to the disk.
type tree struct {
	nearby
	creator creator
	ctx     context.Context
	folders map[string]bool // folders made so far

	buffer []byte
	sound  map[fs.FileMode]bool // modes that the umask leaves as they are
	sum    hash.Hash            // nil when files stay writable and are not listed
	files  []Extracted
}

func newTree(ctx context.Context, root *os.Root) *tree {
	return &tree{
		nearby: nearby{root: root}, ctx: ctx, folders: map[string]bool{".": true},
		buffer: make([]byte, fileBuffer), sound: map[fs.FileMode]bool{},
	}
}

// fileBuffer is how many bytes go to a file at a time.
const fileBuffer = 256 << 10

// close gives back what the tree holds open.
func (t *tree) close() error { return errors.Join(t.creator.close(), t.nearby.close()) }

// enter opens a folder, which is made where it is missing.
func (t *tree) enter(name string) (*os.Root, error) {
	if err := t.folder(name); err != nil {
		return nil, err
	}
	return t.nearby.enter(name)
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
	folder, err := t.enter(path.Dir(name))
	if err != nil {
		return err
	}
	if t.sum != nil {
		mode &^= 0o222
	}
	f, err := t.creator.create(folder, path.Base(name), mode)
	if err != nil {
		return err
	}
	return errors.Join(t.fill(f, name, mode, content), f.Close())
}

// fill writes a new file and lists it.
func (t *tree) fill(f *os.File, name string, mode fs.FileMode, content io.Reader) error {
	to := io.Writer(f)
	if t.sum != nil {
		t.sum.Reset()
		to = io.MultiWriter(f, t.sum)
	}
	// Only Read and Write: the tar reader and the file know ways of their own to
	// copy, in smaller pieces.
	size, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{content}, t.buffer)
	if err != nil || t.sum == nil && t.sound[mode] {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if t.sound[mode] = info.Mode().Perm() == mode; !t.sound[mode] {
		if err := f.Chmod(mode); err != nil {
			return err
		}
	}
	if t.sum != nil {
		t.files = append(t.files, Extracted{
			Path: name, Executable: mode&0o100 != 0, Size: size, Modified: info.ModTime(), SHA256: hex.EncodeToString(t.sum.Sum(nil)),
		})
	}
	return nil
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
