package git

import (
	"bufio"
	"compress/zlib"
	"crypto/sha1" //nolint:gosec // the checksum of git's pack format
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
)

// manyObjects is how many objects of one commit go into a pack instead of loose
// files, each of which costs a sync.
const manyObjects = 100

// newObject is an object that is to be written.
type newObject struct {
	id      Hash
	kind    plumbing.ObjectType
	content []byte
}

// writeObjects stores objects durably.
func (r *Repo) writeObjects(objects []newObject) error {
	if len(objects) < manyObjects {
		for _, o := range objects {
			if _, err := r.writeObject(o.kind, o.content); err != nil {
				return err
			}
		}
		return nil
	}
	var fresh []newObject
	seen := map[Hash]bool{}
	for _, o := range objects {
		if len(o.content) > maxObjectSize {
			return &UnsafeError{Rule: "object/size", Detail: fmt.Sprintf("%d bytes, more than %d", len(o.content), maxObjectSize)}
		}
		if !seen[o.id] && !r.hasPacked(o.id) {
			fresh = append(fresh, o)
		}
		seen[o.id] = true
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := r.writePack(fresh); err != nil {
		return fmt.Errorf("write a pack of %d objects: %w", len(fresh), err)
	}
	return nil
}

// writePack stores objects in one new pack, whole and not as deltas; "git gc"
// makes it smaller when it likes.
func (r *Repo) writePack(objects []newObject) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, err := r.storage.PackfileWriter()
	if err != nil {
		return err
	}
	sum, err := encodePack(w, objects)
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	dir := filepath.Join(r.commonDir, "objects", "pack")
	for _, ext := range []string{".pack", ".idx"} {
		if err := syncFile(filepath.Join(dir, "pack-"+sum+ext)); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// encodePack writes git's pack format, version 2, and gives its checksum.
func encodePack(w io.Writer, objects []newObject) (string, error) {
	hash := sha1.New() //nolint:gosec // see the import
	buffered := bufio.NewWriterSize(io.MultiWriter(w, hash), 1<<16)
	header := binary.BigEndian.AppendUint32([]byte("PACK"), 2)
	header = binary.BigEndian.AppendUint32(header, uint32(len(objects)))
	if _, err := buffered.Write(header); err != nil {
		return "", err
	}
	z := zlib.NewWriter(buffered)
	for _, o := range objects {
		_, headerErr := buffered.Write(packHeader(o))
		z.Reset(buffered)
		_, err := z.Write(o.content)
		if err := errors.Join(headerErr, err, z.Close()); err != nil {
			return "", err
		}
	}
	if err := buffered.Flush(); err != nil {
		return "", err
	}
	sum := hash.Sum(nil)
	_, err := w.Write(sum)
	return hex.EncodeToString(sum), err
}

// packHeader is the type and the size of an object: three bits and four, then
// seven bits in each further byte.
func packHeader(o newObject) []byte {
	size := uint64(len(o.content))
	b := []byte{byte(o.kind)<<4 | byte(size&0x0f)}
	for size >>= 4; size > 0; size >>= 7 {
		b[len(b)-1] |= 0x80
		b = append(b, byte(size&0x7f))
	}
	return b
}

func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
