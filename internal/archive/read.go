package archive

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Rules of reading, beside those of paths and selections.
const (
	RuleFormat       = "archive/format"
	RuleTruncated    = "archive/truncated"
	RuleTrailing     = "archive/trailing-data"
	RuleTopFolder    = "archive/top-folder"
	RulePathAbsolute = "archive/path-absolute"
	RulePathParent   = "archive/path-parent"
	RulePathEmpty    = "archive/path-empty"
	RuleSparse       = "archive/sparse-file"
)

// reader reads the members of an archive within limits. It applies the rules
// that can be judged from the stream; what becomes of a member is up to the
// caller.
type reader struct {
	limits   Limits
	source   *sourceReader
	packed   *bufio.Reader // of source; gzip takes no byte too many from it
	plain    io.Reader     // of packed, decompressed
	foreign  bool          // by the rules of ExtractForeign
	stream   *streamReader
	members  *tar.Reader
	top      string
	count    int
	unpacked int64
	newest   time.Time // of the files read so far
	left     []Refusal // links of a foreign archive that were left out
}

// member is a header that has passed the rules of one member.
type member struct {
	path   string // below the top folder; "." is the folder itself
	header *tar.Header
}

// newReader starts to read an archive. The caller closes nothing.
func newReader(ctx context.Context, r io.Reader, limits Limits) (*reader, error) {
	source := &sourceReader{ctx: ctx, r: r, hash: sha256.New()}
	packed := bufio.NewReaderSize(source, blockSize)
	compressed, err := gzip.NewReader(packed)
	if err != nil {
		return nil, source.explain(err)
	}
	compressed.Multistream(false)
	return startReader(&reader{limits: limits.orDefault(), source: source, packed: packed, plain: compressed}), nil
}

func startReader(a *reader) *reader {
	a.stream = &streamReader{reader: a}
	a.members = tar.NewReader(a.stream)
	return a
}

// next returns the next member, or io.EOF after the last one of a sound
// archive.
func (a *reader) next() (member, error) {
	for {
		header, err := a.members.Next()
		if errors.Is(err, io.EOF) {
			return member{}, a.finish()
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return member{}, a.source.explain(err)
		}
		if a.count++; a.count > a.limits.Files {
			return member{}, &UnsafeError{Rule: RuleFiles, Detail: fmt.Sprintf("more than %d members", a.limits.Files)}
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue // git archive writes one, with the commit
		}
		if a.foreign && path.Clean(header.Name) == "." {
			continue // the root itself
		}
		return a.judge(header)
	}
}

// judge checks a member's path, type and size.
func (a *reader) judge(header *tar.Header) (member, error) {
	clean, err := cleanPath(header.Name)
	if err != nil {
		return member{}, err
	}
	top, rest, below := strings.Cut(clean, "/")
	if a.foreign {
		top, rest, below = "", clean, true
	}
	if !below {
		if header.Typeflag != tar.TypeDir {
			return member{}, &UnsafeError{Path: clean, Rule: RuleTopFolder, Detail: "the file is not in the archive's one folder"}
		}
		rest = "."
	}
	if a.top == "" {
		a.top = top
	}
	if top != a.top {
		return member{}, &UnsafeError{Path: clean, Rule: RuleTopFolder, Detail: fmt.Sprintf("outside of the archive's first folder, %s", display(a.top))}
	}
	if faults := checkPortable(clean, Limits{PathLength: a.limits.PathLength + len(top) + 1}); len(faults) > 0 {
		return member{}, &UnsafeError{Path: clean, Rule: faults[0].Rule, Detail: faults[0].Detail}
	}
	m := member{path: rest, header: header}
	return m, a.judgeContent(m)
}

func (a *reader) judgeContent(m member) error {
	header := m.header
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return &UnsafeError{Path: m.path, Rule: RuleSparse, Detail: "sparse files are not accepted"}
		}
	}
	switch header.Typeflag {
	case tar.TypeReg:
		if header.ModTime.After(a.newest) {
			a.newest = header.ModTime
		}
		return a.account(m.path, header.Size)
	case tar.TypeDir, tar.TypeSymlink, tar.TypeLink:
		return nil
	case tar.TypeGNUSparse:
		return &UnsafeError{Path: m.path, Rule: RuleSparse, Detail: "sparse files are not accepted"}
	}
	return &UnsafeError{Path: m.path, Rule: RuleSpecial, Detail: "is a " + kind(header.FileInfo().Mode()) + ", not a file"}
}

// account counts a file that is about to be written against the limits.
func (a *reader) account(path string, size int64) error {
	if size > a.limits.FileSize {
		return &UnsafeError{Path: path, Rule: RuleFileSize, Detail: fmt.Sprintf("has %d bytes, more than %d", size, a.limits.FileSize)}
	}
	if size > a.limits.Size-a.unpacked {
		return &UnsafeError{Rule: RuleSize, Detail: fmt.Sprintf("more than %d bytes unpacked", a.limits.Size)}
	}
	a.unpacked += size
	return nil
}

// cleanPath returns a member's name without "." and empty parts, and refuses
// names that mean something other than a path below the current folder.
func cleanPath(name string) (string, error) {
	if strings.HasPrefix(name, "/") || len(name) >= 2 && name[1] == ':' && isAlphanumeric(name[0]) {
		return "", &UnsafeError{Path: name, Rule: RulePathAbsolute, Detail: "the path is absolute"}
	}
	if strings.Contains(name, `\`) {
		return "", &UnsafeError{Path: name, Rule: RulePathWindows, Detail: "the path has a backslash, which Windows takes for a separator"}
	}
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			return "", &UnsafeError{Path: name, Rule: RulePathParent, Detail: `the path has ".."`}
		default:
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return "", &UnsafeError{Path: name, Rule: RulePathEmpty, Detail: "the path is empty"}
	}
	return strings.Join(parts, "/"), nil
}

// finish makes sure that nothing but padding follows the last member, and that
// the archive ends where its compressed data ends.
func (a *reader) finish() error {
	if a.foreign {
		return a.finishForeign()
	}
	if a.stream.zeros < 2*tarBlock {
		return &UnsafeError{Rule: RuleTruncated, Detail: "the archive has no end marker"}
	}
	if _, err := io.Copy(zerosOnly{}, a.stream); err != nil {
		return a.source.explain(err)
	}
	switch _, err := a.packed.ReadByte(); {
	case err == nil:
		return &UnsafeError{Rule: RuleTrailing, Detail: "there is data after the compressed stream"}
	case !errors.Is(err, io.EOF):
		return err
	}
	if a.count == 0 {
		return &UnsafeError{Rule: RuleEmpty, Detail: "the archive has no members"}
	}
	return io.EOF
}

// summary returns the facts of an archive that was read to its end.
func (a *reader) summary(files int) Summary {
	return Summary{Files: files, Unpacked: a.unpacked, Size: a.source.n, SHA256: hex.EncodeToString(a.source.hash.Sum(nil))}
}

// sourceReader reads the packed bytes until the context is done, counts and
// hashes them, and remembers an error of the source so that it is not taken for
// a fault of the archive.
type sourceReader struct {
	ctx  context.Context
	r    io.Reader
	hash hash.Hash // nil where nobody asks for the digest
	n    int64
	err  error
}

func (s *sourceReader) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	if s.hash != nil {
		s.hash.Write(p[:n])
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// explain turns an error of decompressing or parsing into an *UnsafeError,
// unless the source itself failed.
func (s *sourceReader) explain(err error) error {
	var unsafe *UnsafeError
	switch {
	case s.err != nil:
		return s.err
	case errors.As(err, &unsafe):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &UnsafeError{Rule: RuleTruncated, Detail: "the archive is cut short"}
	}
	return &UnsafeError{Rule: RuleFormat, Detail: "not a sound tar.gz archive: " + err.Error()}
}

const tarBlock = 512

// streamReader reads the decompressed stream. It stops at a ratio or size that
// only a bomb has, and knows how many zero bytes it ended with.
type streamReader struct {
	reader *reader
	n      int64
	zeros  int64
}

func (s *streamReader) Read(p []byte) (int, error) {
	n, err := s.reader.plain.Read(p)
	s.n += int64(n)
	if tail := trailingZeros(p[:n]); tail == n {
		s.zeros += int64(n)
	} else {
		s.zeros = int64(tail)
	}
	if bomb := s.check(); bomb != nil {
		return n, bomb
	}
	return n, err
}

func (s *streamReader) check() error {
	limits := s.reader.limits
	// Headers and padding of the most members that are allowed come on top.
	if most := limits.Size + int64(limits.Files)*4*tarBlock + ratioFloor; s.n > most {
		return &UnsafeError{Rule: RuleSize, Detail: fmt.Sprintf("more than %d bytes unpacked", most)}
	}
	if packed := s.reader.source.n; s.n > ratioFloor && s.n/int64(limits.Ratio) > packed {
		return &UnsafeError{Rule: RuleRatio, Detail: fmt.Sprintf("more than %d bytes from each byte", limits.Ratio)}
	}
	return nil
}

// zerosOnly takes in the padding behind the end marker and refuses data.
type zerosOnly struct{}

func (zerosOnly) Write(p []byte) (int, error) {
	if n := trailingZeros(p); n < len(p) {
		return 0, &UnsafeError{Rule: RuleTrailing, Detail: "there is data after the end marker"}
	}
	return len(p), nil
}

func trailingZeros(p []byte) int {
	n := 0
	for n < len(p) && p[len(p)-1-n] == 0 {
		n++
	}
	return n
}

// ReadMember returns the content of one file of an archive; name is its path
// below the top folder, such as ".clyde/package.yaml". It reads no further than
// that file. The error is fs.ErrNotExist when the archive has no such file, and
// an *UnsafeError when the file has more than limit bytes or the archive up to
// it is not sound.
func ReadMember(r io.Reader, name string, limit int64) ([]byte, error) {
	limits := DefaultLimits()
	a, err := newReader(context.Background(), r, limits)
	if err != nil {
		return nil, err
	}
	for {
		m, err := a.next()
		if errors.Is(err, io.EOF) {
			return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
		}
		if err != nil {
			return nil, err
		}
		if m.path != name || m.header.Typeflag != tar.TypeReg {
			continue
		}
		if m.header.Size > limit {
			return nil, &UnsafeError{Path: name, Rule: RuleFileSize, Detail: fmt.Sprintf("has %d bytes, more than %d", m.header.Size, limit)}
		}
		data, err := io.ReadAll(a.members)
		if err != nil {
			return nil, a.source.explain(err)
		}
		return data, nil
	}
}
