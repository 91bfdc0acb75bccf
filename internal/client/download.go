package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/fetch"
	"github.com/clydepm/clyde/internal/journal"
)

// maxArchive bounds the bytes of an archive, whatever the index records. It is
// the most that a GitHub release holds for one file.
const maxArchive int64 = 2 << 30

// Archive names the bytes that are to be in the store.
type Archive struct {
	Name   string // for people: "fmt 9.1.0"
	URL    string // http, https or file
	SHA256 string // 64 lower-case hex digits
	Size   int64  // 0 when the index does not say
	Limit  int64  // most bytes that it may have when Size is 0; 0 is maxArchive
}

// limit is how many bytes are taken.
func (a Archive) limit() int64 {
	limit := cmp.Or(a.Size, a.Limit, maxArchive)
	return min(limit, maxArchive)
}

// Reporter hears of what takes long. Its methods may be called by several
// goroutines at once.
type Reporter interface {
	// Note tells what the run is waiting for.
	Note(message string)
	// Expect tells of transfers that are to come, and of their size in all, which
	// is 0 when it is not known.
	Expect(transfers int, size int64)
	// Download tells of a transfer that starts; size is 0 when not known.
	Download(name string, size int64) Transfer
}

// Transfer is one download under way.
type Transfer interface {
	// At tells where the transfer begins, or begins again: at 0, or after the
	// bytes that are here already.
	At(n int64)
	Advance(n int64) // n more bytes are here
	Done(err error)
}

// Downloader brings archives into a store.
type Downloader struct {
	HTTP    *http.Client
	Offline bool          // open no connection; file:// URLs still work
	Jobs    int           // archives at a time
	Timeout time.Duration // longest wait for the next bytes of a server
	Vendor  string        // the vendored folder that everything is taken from, "" for none
	Mirrors Mirrors       // where archives are fetched from instead of their URLs
	Report  Reporter
	Wait    func(ctx context.Context, d time.Duration) error // between attempts, nil really waits

	once sync.Once
	asks *fetch.Client
	log  *journal.Run // has each archive that is fetched and unpacked; nil for none
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
// failure ends the others. What another process brings meanwhile is waited for.
// It reports how many were fetched here.
func (d *Downloader) Ensure(ctx context.Context, store *Store, archives []Archive, sound func(digest string) error) (fetched int, err error) {
	missing := missingFrom(archives, sound)
	if len(missing) == 0 {
		store.clearLeft()
		return 0, nil
	}
	intake, err := store.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, intake.Close()) }()
	var count atomic.Int64
	err = d.each(ctx, missing, func(ctx context.Context, a Archive) error {
		here, err := d.fetch(ctx, intake, a, sound)
		if here {
			count.Add(1)
		}
		return err
	})
	return int(count.Load()), err
}

// each handles several archives at a time; the first failure ends the others.
func (d *Downloader) each(ctx context.Context, archives []Archive, do func(context.Context, Archive) error) error {
	d.Report.Expect(len(archives), sizeOfAll(archives))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, d.Jobs))
	for _, a := range archives {
		group.Go(func() error { return do(ctx, a) })
	}
	return group.Wait()
}

// sizeOfAll is the size of archives, 0 when it is not known of all.
func sizeOfAll(archives []Archive) (size int64) {
	for _, a := range archives {
		if a.Size == 0 {
			return 0
		}
		size += a.Size
	}
	return size
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

// fetch downloads, verifies and only then extracts one archive, and reports
// whether it had to.
func (d *Downloader) fetch(ctx context.Context, intake *Intake, a Archive, sound func(string) error) (fetched bool, err error) {
	u, err := archiveURL(a)
	if err != nil {
		return false, err
	}
	part, err := intake.store.partial(ctx, a, u, d.Report)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, part.Close()) }()
	if sound(a.SHA256) == nil {
		return false, nil // somebody else was at it
	}
	step := d.log.Step(stepFetch, a.Name)
	if err := step.Done(d.transfer(ctx, u, part.incoming), "sha256:"+a.SHA256); err != nil {
		return false, err
	}
	if err := part.rewind(); err != nil {
		return false, err
	}
	step = d.log.Step(stepExtract, a.Name)
	err = step.Done(intake.Add(ctx, a.SHA256, part.f), "")
	part.done = err == nil
	var hostile *archive.UnsafeError
	if errors.As(err, &hostile) {
		part.done = true
		return false, &Error{
			Class: ErrRefused, Message: fmt.Sprintf("%s from %s", a.Name, fetch.Display(u)), Err: err,
			Remedy: "the archive is what the index records, but it must not be unpacked; tell the registry",
		}
	}
	return err == nil, err
}

// transfer brings the bytes of an archive, and compares their digest.
func (d *Downloader) transfer(ctx context.Context, u *url.URL, in *incoming) (err error) {
	a := in.a
	if d.Vendor != "" {
		name, ok := vendoredFile(d.Vendor, a.SHA256)
		if !ok {
			return &Error{
				Class: ErrNotFound, Message: fmt.Sprintf("%s is not in the vendored folder %s", a.Name, d.Vendor),
				Remedy: "bring the folder up to date with 'clyde vendor'",
			}
		}
		u = &url.URL{Scheme: "file", Path: filepath.ToSlash(name)}
	} else if u, err = d.Mirrors.substitute(u); err != nil {
		return err
	}
	if u.Scheme != "file" && d.Offline {
		return &Error{
			Class: ErrNetwork, Message: fmt.Sprintf("%s is not in the store and --offline was asked for", a.Name),
			Remedy: "run once without --offline; after that the store has it",
		}
	}
	in.from, in.report = fetch.Display(u), d.Report.Download(a.Name, a.Size)
	defer func() { in.report.Done(err) }()
	if u.Scheme == "file" {
		return in.readFile(ctx, u)
	}
	return d.get(ctx, u, in)
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
			Class: ErrRefused, Message: fmt.Sprintf("%s: the archive's URL %s holds credentials", a.Name, fetch.Display(u)),
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
		Class: ErrRefused, Message: fmt.Sprintf("%s: the archive's URL %s is not one that clyde fetches", a.Name, fetch.Display(u)),
		Remedy: "the registry must publish an absolute https, http or file URL",
	}
}
