package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"github.com/clydepm/clyde/internal/fetch"
	"github.com/clydepm/clyde/internal/packagefolder"
)

// incoming is the file that an archive is received in. It is hashed as it comes.
// It implements [fetch.Sink].
type incoming struct {
	a      Archive
	f      *os.File
	sum    hash.Hash // of what is in f
	n      int64     // bytes in f
	from   string    // for people
	report Transfer
	wrong  bool // the bytes do not have the digest

	// noted is told which version of the file the bytes are of; may be nil.
	noted   func(fetch.Version) error
	version fetch.Version
}

func newIncoming(a Archive, f *os.File) *incoming {
	return &incoming{a: a, f: f, sum: sha256.New(), report: unseen{}}
}

// unseen is a transfer that nobody looks at.
type unseen struct{}

func (unseen) At(int64)      {}
func (unseen) Advance(int64) {}
func (unseen) Done(error)    {}

// Begin implements [fetch.Sink].
func (in *incoming) Begin(offset, _ int64, version fetch.Version) error {
	if offset == 0 {
		if err := in.empty(); err != nil {
			return err
		}
	}
	in.report.At(in.n)
	before := in.version
	if in.version = version; in.noted == nil || version == before {
		return nil
	}
	return in.noted(version)
}

// empty forgets what is in the file.
func (in *incoming) empty() error {
	in.sum.Reset()
	in.n, in.version, in.wrong = 0, fetch.Version{}, false
	return errors.Join(in.f.Truncate(0), in.rewind())
}

func (in *incoming) rewind() error {
	_, err := in.f.Seek(0, io.SeekStart)
	return err
}

// Write implements [fetch.Sink].
func (in *incoming) Write(p []byte) (int, error) {
	n, err := in.f.Write(p)
	in.sum.Write(p[:n])
	in.n += int64(n)
	in.report.Advance(int64(n))
	return n, err
}

// check compares the digest of what came.
func (in *incoming) check() error {
	got := hex.EncodeToString(in.sum.Sum(nil))
	if in.wrong = got != in.a.SHA256; in.wrong {
		return &IntegrityError{Name: in.a.Name, URL: in.from, Want: "sha256:" + in.a.SHA256, Got: "sha256:" + got}
	}
	return nil
}

// wrongSize reports a number of bytes that is not the recorded one. They are not
// read, so there is no digest of them.
func (in *incoming) wrongSize(got int64) error {
	in.wrong = true
	want, have := fmt.Sprintf("%d bytes", in.a.limit()), "more"
	if in.a.Size == 0 {
		want = "at most " + want
	}
	if got > 0 {
		have = fmt.Sprintf("%d bytes", got)
	}
	return &IntegrityError{Name: in.a.Name, URL: in.from, Want: want + " with sha256:" + in.a.SHA256, Got: have}
}

// readFile copies the archive behind a file:// URL. It must be a regular file:
// a pipe or a device could block or never end.
func (in *incoming) readFile(ctx context.Context, u *url.URL) (err error) {
	name := filepath.FromSlash(fileURLPath(u.Path))
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &Error{Class: ErrNotFound, Message: fmt.Sprintf("%s: there is no file %s", in.a.Name, name)}
	case err != nil:
		return fmt.Errorf("%s: %w", in.a.Name, err)
	case info.IsDir():
		return in.pack(ctx, name)
	case !info.Mode().IsRegular():
		return &Error{Class: ErrRefused, Message: fmt.Sprintf("%s: %s is not a regular file", in.a.Name, name)}
	case info.Size() > in.a.limit():
		return in.wrongSize(info.Size())
	}
	r, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("%s: %w", in.a.Name, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := in.Begin(0, info.Size(), fetch.Version{}); err != nil {
		return err
	}
	limit := in.a.limit()
	// Only Write: what is copied has to be hashed.
	n, err := io.Copy(struct{ io.Writer }{in}, io.LimitReader(contextReader{ctx, r}, limit+1))
	if err != nil {
		return err
	}
	if n > limit {
		return in.wrongSize(0)
	}
	return in.check()
}

// pack makes the archive of an unpacked package, which is the same on every
// machine.
func (in *incoming) pack(ctx context.Context, dir string) error {
	if err := in.Begin(0, 0, fetch.Version{}); err != nil {
		return err
	}
	if err := packagefolder.Pack(ctx, in, dir); err != nil {
		return &Error{Class: ErrRefused, Message: fmt.Sprintf("%s: %s does not make an archive", in.a.Name, dir), Err: err}
	}
	return in.check()
}

// contextReader stops reading when its context is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
