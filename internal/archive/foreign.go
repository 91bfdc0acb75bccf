package archive

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// maxWindow bounds the memory that a stream of zstd can ask for.
const maxWindow = 128 << 20

// ExtractForeign unpacks a tar archive that another packer made into dst, within
// the limits and by the rules of [Extract] but for these: it may be compressed as
// [Decompress] knows it; its members need not be in one folder, and no folder is
// taken off; it may end in padding; and links that lead to a folder or to no file
// of the archive are left out and returned. An absolute link is meant from the root
// of the archive.
func ExtractForeign(ctx context.Context, r io.Reader, dst *os.Root, limits Limits) ([]Refusal, error) {
	source := &sourceReader{ctx: ctx, r: r, hash: sha256.New()}
	packed := bufio.NewReaderSize(source, blockSize)
	plain, done, err := Decompress(packed)
	if err != nil {
		return nil, source.explain(err)
	}
	defer done()
	a := startReader(&reader{limits: limits.orDefault(), source: source, packed: packed, plain: plain, foreign: true})
	t := newTree(ctx, dst)
	_, err = place(a, t)
	if err := errors.Join(err, t.close()); err != nil {
		return nil, err
	}
	return a.left, nil
}

// Decompress returns what is in a stream that is compressed by gzip, xz, zstd or
// bzip2, as its first bytes tell, or the stream itself when they tell of none. It
// does not bound what comes out. The caller calls done.
func Decompress(r io.Reader) (plain io.Reader, done func(), err error) {
	packed := bufio.NewReader(r)
	start, err := packed.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	done = func() {}
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		plain, err = gzip.NewReader(packed)
	case bytes.HasPrefix(start, []byte("\xfd7zXZ\x00")):
		plain, err = xz.NewReader(packed) // what it allocates for a large window is touched as far as it unpacks
	case bytes.HasPrefix(start, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		decoder, failed := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if failed != nil {
			return nil, nil, failed
		}
		plain, done = decoder, decoder.Close
	case bytes.HasPrefix(start, []byte("BZh")):
		plain = bzip2.NewReader(packed)
	default:
		plain = packed
	}
	return plain, done, err
}

// leaveOut notes a link of a foreign archive that cannot be a file, and returns
// any other error.
func (x *extraction) leaveOut(err error) error {
	var unsafe *UnsafeError
	if !x.foreign || !errors.As(err, &unsafe) {
		return err
	}
	switch unsafe.Rule {
	case RuleLinkOutside, RuleLinkDirectory, RuleLinkDangling:
		x.left = append(x.left, Refusal{Path: unsafe.Path, Rule: unsafe.Rule, Detail: unsafe.Detail})
		return nil
	}
	return err
}

// finishForeign reads the padding to its end, so that a fault in it shows.
func (a *reader) finishForeign() error {
	if _, err := io.Copy(io.Discard, a.stream); err != nil {
		return a.source.explain(err)
	}
	if a.count == 0 {
		return &UnsafeError{Rule: RuleEmpty, Detail: "the archive has no members"}
	}
	return io.EOF
}
