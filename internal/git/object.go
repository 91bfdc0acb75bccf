package git

import (
	"bytes"
	"compress/zlib"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // git's object IDs are SHA-1; go-git checks what it fetches for collisions
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// Limits of what is read from a repository. They are far above what an index
// needs: the largest file of the crates.io index is below 4 MiB.
const (
	maxObjectSize = 64 << 20
	maxTreeWidth  = 1 << 17
	maxTreeDepth  = 32
)

// readObject reads one object of the given type.
func (r *Repo) readObject(id Hash, want plumbing.ObjectType) ([]byte, error) {
	if !validHash(id) {
		return nil, &Error{Op: "read object", Name: strconv.Quote(id), Kind: ErrNotFound, Err: errors.New("not an object ID")}
	}
	var data []byte
	err := r.withStorage(func() (err error) {
		data, err = r.readObjectLocked(plumbing.NewHash(id), want)
		return err
	})
	switch {
	case errors.Is(err, plumbing.ErrObjectNotFound):
		return nil, &Error{Op: "read " + want.String(), Name: id, Kind: ErrNotFound}
	case err != nil:
		var unsafe *UnsafeError
		if errors.As(err, &unsafe) {
			return nil, err
		}
		return nil, &Error{Op: "read " + want.String(), Name: id, Err: err}
	}
	return data, nil
}

// withStorage calls read under the lock of the storage, and once more when an
// object was not found: git may have repacked since the packs were listed.
func (r *Repo) withStorage(read func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := read()
	if errors.Is(err, plumbing.ErrObjectNotFound) || errors.Is(err, fs.ErrNotExist) {
		r.storage.Reindex()
		err = read()
	}
	return err
}

func (r *Repo) readObjectLocked(id plumbing.Hash, want plumbing.ObjectType) ([]byte, error) {
	// An object above the storage's threshold is not read into memory yet.
	o, err := r.storage.EncodedObject(want, id)
	if err != nil {
		return nil, err
	}
	if o.Size() > maxObjectSize {
		return nil, &UnsafeError{Rule: "object/size", Detail: fmt.Sprintf("object %s has %d bytes, more than %d", id, o.Size(), maxObjectSize)}
	}
	rd, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	// One byte more than it claims shows an object that is longer.
	data := make([]byte, o.Size()+1)
	n, err := io.ReadFull(rd, data)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	if int64(n) != o.Size() {
		return nil, &UnsafeError{Rule: "object/malformed", Detail: fmt.Sprintf("object %s claims %d bytes and has others", id, o.Size())}
	}
	return data[:n], nil
}

// hasObject reports whether the repository holds the object.
func (r *Repo) hasObject(id Hash) bool {
	return r.withStorage(func() error { return r.storage.HasEncodedObject(plumbing.NewHash(id)) }) == nil
}

// hasPacked reports whether the repository holds the object as far as its packs
// were listed. Writing an object that a newer pack has does no harm.
func (r *Repo) hasPacked(id Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.storage.HasEncodedObject(plumbing.NewHash(id)) == nil
}

// objectID is the ID that git gives to content of a type.
func objectID(kind plumbing.ObjectType, content []byte) Hash {
	h := sha1.New() //nolint:gosec // see the import
	fmt.Fprintf(h, "%s %d\x00", kind, len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// writeObject stores content as a loose object and makes it durable before it
// is found under its name, so that a reference never names a torn object.
func (r *Repo) writeObject(kind plumbing.ObjectType, content []byte) (Hash, error) {
	if len(content) > maxObjectSize {
		return "", &UnsafeError{Rule: "object/size", Detail: fmt.Sprintf("%d bytes, more than %d", len(content), maxObjectSize)}
	}
	id := objectID(kind, content)
	dir := filepath.Join(r.commonDir, "objects", id[:2])
	name := filepath.Join(dir, id[2:])
	now := time.Now() //nolint:forbidigo // the clock of the file system, by which git prunes
	if os.Chtimes(name, now, now) == nil {
		return id, nil // there already; the new time keeps it from "git prune"
	}
	if r.hasPacked(id) {
		return id, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", &Error{Op: "write object", Name: id, Err: err}
	}
	if err := writeLoose(dir, name, kind, content); err != nil {
		return "", &Error{Op: "write object", Name: id, Err: err}
	}
	return id, nil
}

func writeLoose(dir, name string, kind plumbing.ObjectType, content []byte) error {
	var buf bytes.Buffer
	z := zlib.NewWriter(&buf)
	fmt.Fprintf(z, "%s %d\x00", kind, len(content))
	_, err := z.Write(content)
	if err := errors.Join(err, z.Close()); err != nil {
		return err
	}
	// "tmp_obj_" is the prefix that "git gc" cleans up after a crash.
	temp := filepath.Join(dir, "tmp_obj_"+rand.Text())
	return replaceFile(temp, name, buf.Bytes(), 0o444)
}

// writeFile makes or replaces a file so that a crash leaves the old or the new
// content, never a part.
func writeFile(name string, data []byte) error {
	return replaceFile(name+".tmp-"+rand.Text(), name, data, 0o666)
}

// replaceFile writes data to the new file temp and renames it to name, durably.
func replaceFile(temp, name string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if err := commitFile(f, data, name); err != nil {
		return errors.Join(err, discard(f))
	}
	return syncDir(filepath.Dir(name))
}

// discard removes a temporary file that is no longer wanted.
func discard(f *os.File) error {
	if err := f.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return err
	}
	if err := os.Remove(f.Name()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// commitFile fills the new file f, syncs it and gives it its final name.
func commitFile(f *os.File, data []byte, name string) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// syncDir makes a rename in dir durable, where the system has a way to.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func validHash(s string) bool {
	if len(s) != 40 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
