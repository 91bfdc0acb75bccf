package archive

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/clydepm/clyde/internal/deflate"
)

// blockSize is the size in which the compressor is fed.
const blockSize = 64 << 10

// Pack writes the archive of the files, which Select chose below root, to w. It
// reports an error when a file changed since it was selected, and a
// *RefusedError when the archive would be refused as a bomb.
func Pack(w io.Writer, root *os.Root, files []File, opts PackOptions) (Summary, error) {
	folder := Folder(opts.Name, opts.Version)
	if opts.Name == "" || opts.Version == "" || !utf8.ValidString(folder) || strings.ContainsAny(folder, "/\\\x00") {
		return Summary{}, fmt.Errorf("no archive can be named %q", folder)
	}
	counted := &countingWriter{w: w, hash: sha256.New()}
	compressed := deflate.NewWriter(counted)
	buffered := bufio.NewWriterSize(compressed, blockSize)
	members := tar.NewWriter(buffered)
	sources := &nearby{root: root}
	defer sources.close()
	buffer := make([]byte, blockSize)
	var sum Summary
	for _, f := range files {
		if err := packFile(members, sources, folder, f, buffer); err != nil {
			return Summary{}, err
		}
		sum.Files++
		sum.Unpacked += f.Size
	}
	if err := errors.Join(members.Close(), buffered.Flush(), compressed.Close()); err != nil {
		return Summary{}, err
	}
	sum.Size = counted.n
	sum.SHA256 = hex.EncodeToString(counted.hash.Sum(nil))
	return sum, checkRatio(sum, opts.Limits.orDefault())
}

func packFile(members *tar.Writer, sources *nearby, folder string, file File, buffer []byte) error {
	f, err := sources.open(file.Source)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() != file.Size {
		return fmt.Errorf("%s changed while it was packed", display(file.Path))
	}
	if err := members.WriteHeader(header(folder, file)); err != nil {
		return err
	}
	// Only Read and Write: the writer and the file know ways of their own to copy,
	// with a buffer for each file.
	n, err := io.CopyBuffer(struct{ io.Writer }{members}, struct{ io.Reader }{f}, buffer)
	if errors.Is(err, tar.ErrWriteTooLong) || err == nil && n != file.Size {
		return fmt.Errorf("%s changed while it was packed", display(file.Path))
	}
	return err
}

// header returns the normal form of a member's header. The writer chooses
// USTAR where the path fits and PAX otherwise.
func header(folder string, file File) *tar.Header {
	mode := int64(0o644)
	if file.Executable {
		mode = 0o755
	}
	return &tar.Header{
		Typeflag: tar.TypeReg,
		Name:     path.Join(folder, file.Path),
		Size:     file.Size,
		Mode:     mode,
		ModTime:  ModTime(),
	}
}

func checkRatio(sum Summary, limits Limits) error {
	if sum.Unpacked <= ratioFloor || sum.Unpacked/int64(limits.Ratio) <= sum.Size {
		return nil
	}
	return &RefusedError{Refusals: []Refusal{{
		Rule:   RuleRatio,
		Detail: fmt.Sprintf("%d bytes shrink to %d, which extractors take for a bomb", sum.Unpacked, sum.Size),
		Hint:   "exclude the files that repeat themselves",
	}}}
}

// countingWriter counts and hashes what passes through.
type countingWriter struct {
	w    io.Writer
	n    int64
	hash hash.Hash
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.hash.Write(p[:n])
	return n, err
}
