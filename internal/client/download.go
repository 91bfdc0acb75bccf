package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/clydepm/clyde/internal/archive"
)

// maxArchive bounds the bytes of an archive, whatever the index records. It is
// the most that a GitHub release holds for one file.
const maxArchive = 2 << 30

// Archive names the bytes that are to be in the store.
type Archive struct {
	Name   string // for people: "fmt 9.1.0"
	URL    string // http, https or file
	SHA256 string // 64 lower-case hex digits
	Size   int64  // 0 when the index does not say
}

// Reporter hears of what takes long. Its methods may be called by several
// goroutines at once.
type Reporter interface {
	// Note tells what the run is waiting for.
	Note(message string)
	// Download tells of a transfer that starts; size is 0 when not known.
	Download(name string, size int64) Transfer
}

// Transfer is one download under way.
type Transfer interface {
	Advance(n int64) // n more bytes are here; negative when it starts again
	Done(err error)
}

// Downloader brings archives into a store.
type Downloader struct {
	HTTP    *http.Client
	Offline bool          // open no connection; file:// URLs still work
	Jobs    int           // archives at a time
	Timeout time.Duration // longest wait for the next bytes of a server
	Vendor  string        // the vendored folder that everything is taken from, "" for none
	Report  Reporter

	retryWait time.Duration // before the first repetition
}

// IntegrityError reports bytes that are not the recorded ones.
type IntegrityError struct {
	Name, URL string
	Want, Got string // digests, or numbers of bytes
}

func (e *IntegrityError) Error() string {
	return fmt.Sprintf("%s from %s is not what the index records: want %s, got %s", e.Name, e.URL, e.Want, e.Got)
}

// Is puts the error in the class [ErrIntegrity].
func (e *IntegrityError) Is(target error) bool { return target == ErrIntegrity }

// Hint says what may have happened.
func (e *IntegrityError) Hint() string {
	return "nothing was kept; the file was replaced after publishing or damaged on the way. Tell the registry if it stays so"
}

// Ensure brings every archive into the store that sound, which is its Check or
// Verify, finds missing or damaged there. Downloads run in parallel; the first
// failure ends the others. It reports how many had to be fetched.
func (d *Downloader) Ensure(ctx context.Context, store *Store, archives []Archive, sound func(digest string) error) (fetched int, err error) {
	missing := missingFrom(archives, sound)
	if len(missing) == 0 {
		return 0, nil
	}
	intake, err := store.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, intake.Close()) }()
	return len(missing), d.each(ctx, missing, func(ctx context.Context, a Archive) error { return d.fetch(ctx, intake, a) })
}

// each handles several archives at a time; the first failure ends the others.
func (d *Downloader) each(ctx context.Context, archives []Archive, do func(context.Context, Archive) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, d.Jobs))
	for _, a := range archives {
		group.Go(func() error { return do(ctx, a) })
	}
	return group.Wait()
}

func missingFrom(archives []Archive, sound func(string) error) []Archive {
	var missing []Archive
	seen := make(map[string]bool, len(archives))
	for _, a := range archives {
		if !seen[a.SHA256] && sound(a.SHA256) != nil {
			missing = append(missing, a)
		}
		seen[a.SHA256] = true
	}
	return missing
}

// fetch downloads, verifies and only then extracts one archive.
func (d *Downloader) fetch(ctx context.Context, intake *Intake, a Archive) (err error) {
	u, err := archiveURL(a)
	if err != nil {
		return err
	}
	f, err := intake.TempFile()
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if err := d.transfer(ctx, a, u, f); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	err = intake.Add(ctx, a.SHA256, f)
	var hostile *archive.UnsafeError
	if errors.As(err, &hostile) {
		return &Error{
			Class: ErrRefused, Message: fmt.Sprintf("%s from %s", a.Name, display(u)), Err: err,
			Remedy: "the archive is what the index records, but it must not be unpacked; tell the registry",
		}
	}
	return err
}

func (d *Downloader) transfer(ctx context.Context, a Archive, u *url.URL, f *os.File) (err error) {
	if d.Vendor != "" {
		name, ok := vendoredFile(d.Vendor, a.SHA256)
		if !ok {
			return &Error{
				Class: ErrNotFound, Message: fmt.Sprintf("%s is not in the vendored folder %s", a.Name, d.Vendor),
				Remedy: "bring the folder up to date with 'clyde vendor'",
			}
		}
		u = &url.URL{Scheme: "file", Path: filepath.ToSlash(name)}
	}
	if u.Scheme != "file" && d.Offline {
		return &Error{
			Class: ErrNetwork, Message: fmt.Sprintf("%s is not in the store and --offline was asked for", a.Name),
			Remedy: "run once without --offline; after that the store has it",
		}
	}
	report := d.Report.Download(a.Name, a.Size)
	defer func() { report.Done(err) }()
	if u.Scheme == "file" {
		err = d.readFile(ctx, a, u, f, report)
	} else {
		err = d.get(ctx, a, u, f, report)
	}
	return err
}

// archiveURL takes the address of an archive apart and refuses what must not
// be asked: other schemes, and credentials, which would end up in locks.
func archiveURL(a Archive) (*url.URL, error) {
	u, err := url.Parse(a.URL)
	if err != nil {
		return nil, &Error{Class: ErrRefused, Message: a.Name + ": the archive's address is not a URL"}
	}
	if u.User != nil {
		return nil, &Error{
			Class: ErrRefused, Message: fmt.Sprintf("%s: the archive's URL %s holds credentials", a.Name, display(u)),
			Remedy: "the registry must publish a URL without user and password",
		}
	}
	switch {
	case u.Scheme == "file" && (u.Host == "" || u.Host == "localhost"):
		return u, nil
	case (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "":
		return u, nil
	}
	return nil, &Error{
		Class: ErrRefused, Message: fmt.Sprintf("%s: the archive's URL %s is not one that clyde fetches", a.Name, display(u)),
		Remedy: "the registry must publish an absolute https, http or file URL",
	}
}

// display is a URL without what may be secret in it: credentials, and the
// query, where services put signatures.
func display(u *url.URL) string {
	shown := *u
	shown.User, shown.Fragment = nil, ""
	if shown.RawQuery != "" {
		shown.RawQuery = "..."
	}
	return shown.String()
}

// readFile copies the archive behind a file:// URL. It must be a regular file:
// a pipe or a device could block or never end.
func (d *Downloader) readFile(ctx context.Context, a Archive, u *url.URL, f *os.File, report Transfer) (err error) {
	name := filepath.FromSlash(fileURLPath(u.Path))
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &Error{Class: ErrNotFound, Message: fmt.Sprintf("%s: there is no file %s", a.Name, name)}
	case err != nil:
		return fmt.Errorf("%s: %w", a.Name, err)
	case !info.Mode().IsRegular():
		return &Error{Class: ErrRefused, Message: fmt.Sprintf("%s: %s is not a regular file", a.Name, name)}
	}
	r, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("%s: %w", a.Name, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return receive(ctx, a, display(u), r, f, report)
}

// tooLong reports bytes beyond the limit; they are not read, so there is no
// digest of them.
func (a Archive) tooLong(from string, limit int64, got string) error {
	return &IntegrityError{Name: a.Name, URL: from, Want: fmt.Sprintf("at most %d bytes with sha256:%s", limit, a.SHA256), Got: got}
}

// receive copies r to f within the bounds of the archive and compares the
// digest.
func receive(ctx context.Context, a Archive, from string, r io.Reader, f *os.File, report Transfer) error {
	limit := int64(maxArchive)
	if a.Size > 0 && a.Size < limit {
		limit = a.Size
	}
	sum := sha256.New()
	progress := writerFunc(func(p []byte) { report.Advance(int64(len(p))) })
	n, err := io.Copy(io.MultiWriter(f, sum, progress), io.LimitReader(contextReader{ctx, r}, limit+1))
	if err != nil {
		return err
	}
	if n > limit {
		return a.tooLong(from, limit, "more")
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != a.SHA256 {
		return &IntegrityError{Name: a.Name, URL: from, Want: "sha256:" + a.SHA256, Got: "sha256:" + got}
	}
	return nil
}

type writerFunc func(p []byte)

func (w writerFunc) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
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
