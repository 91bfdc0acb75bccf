package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/clydepm/clyde/internal/fetch"
)

// An archive is received in a file of this folder, which a later run, or another
// process, goes on with when this one ends too soon:
//
//	<store>/partial/SHA256.part    the bytes
//	<store>/partial/SHA256.json    of which version they are, as the server says
//	<store>/partial/SHA256.lock    held by the one process that receives it
//
// They go when the archive is in the store or its digest turns out wrong, when
// nobody came back for maxPartialAge, when there are more than maxPartials, and
// with [Store.Clean].
const (
	maxPartials   = 64
	maxPartialAge = 7 * 24 * time.Hour
)

func (s *Store) partialDir() string { return filepath.Join(s.dir, "partial") }

// partial is an archive that is being received, or was.
type partial struct {
	*incoming
	base string // path without ending
	lock *flock.Flock
	url  string // digest of the address
	done bool   // the bytes are of no use any more
}

// partialRecord says which bytes a partial file has.
type partialRecord struct {
	URL string `json:"url"` // SHA-256 of the address, which may hold a signature
	fetch.Version
}

const maxPartialRecord = 64 << 10

// patience is how long a wait may last before the person is told.
const patience = time.Second

// partial takes the right to receive an archive, and what there is of it. The
// intake must be open meanwhile; the caller must call Close.
func (s *Store) partial(ctx context.Context, a Archive, u *url.URL, report Reporter) (_ *partial, err error) {
	if !isDigest(a.SHA256) {
		return nil, fmt.Errorf("%q is not a SHA-256 of 64 lower-case hex digits", a.SHA256)
	}
	if err := os.MkdirAll(s.partialDir(), 0o755); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	p := &partial{base: filepath.Join(s.partialDir(), a.SHA256), url: digestOf([]byte(u.String()))}
	if p.lock, err = lockWaiting(ctx, p.base+".lock", func() {
		report.Note("waiting for another clyde that fetches " + a.Name)
	}); err != nil {
		return nil, fmt.Errorf("store: lock: %w", err)
	}
	f, err := os.OpenFile(p.base+".part", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: %w", err), p.lock.Unlock())
	}
	p.incoming = newIncoming(a, f)
	p.noted = p.note
	if err := p.recall(); err != nil {
		return nil, errors.Join(fmt.Errorf("store: %w", err), p.Close())
	}
	return p, nil
}

// lockWaiting takes a file lock, and calls tell when that takes long. A lock
// file that was removed meanwhile locks nobody out; then the new one is taken.
func lockWaiting(ctx context.Context, name string, tell func()) (*flock.Flock, error) {
	timer := time.AfterFunc(patience, tell)
	defer timer.Stop()
	for {
		lock := flock.New(name)
		if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
			return nil, err
		}
		held, err := lock.Stat()
		if err != nil {
			return nil, errors.Join(err, lock.Unlock())
		}
		if named, err := os.Stat(name); err == nil && os.SameFile(held, named) {
			return lock, nil
		}
		if err := lock.Unlock(); err != nil {
			return nil, err
		}
	}
}

// recall takes over what an earlier run left, if it is known of which version.
func (p *partial) recall() error {
	var record partialRecord
	data, err := readBounded(p.base+".json", maxPartialRecord)
	if err != nil || json.Unmarshal(data, &record) != nil || record.URL != p.url {
		return p.empty()
	}
	n, err := io.Copy(hashWriter{p.sum}, io.LimitReader(p.f, p.a.limit()))
	if err != nil {
		return err
	}
	p.n, p.version = n, record.Version
	if _, err := p.f.Seek(n, io.SeekStart); err != nil {
		return err
	}
	return p.f.Truncate(n)
}

// hashWriter keeps io.Copy from looking for more than Write.
type hashWriter struct{ hash.Hash }

// note keeps the version of the bytes that come now.
func (p *partial) note(version fetch.Version) error {
	data, err := json.Marshal(partialRecord{URL: p.url, Version: version})
	if err != nil {
		return err
	}
	return os.WriteFile(p.base+".json", data, 0o644)
}

// Close ends the receiving. Bytes that a later run can go on with stay.
func (p *partial) Close() error {
	err := p.f.Close()
	if p.useless() {
		err = errors.Join(err, removeAll(p.base+".part", p.base+".json"))
	}
	// Whoever waits for the lock notices that its file is gone. Where a file that
	// is open cannot be removed it stays, until the store is cleaned.
	_ = os.Remove(p.base + ".lock")
	return errors.Join(err, p.lock.Unlock())
}

// useless reports whether nobody can go on with the bytes: there are none, the
// server did not say of which version they are, or they are wrong.
func (p *partial) useless() bool {
	return p.done || p.wrong || p.n == 0 || p.version == fetch.Version{}
}

// sweepPartials removes what nobody will go on with. Nobody else may be adding to
// the store.
func (s *Store) sweepPartials(now time.Time) error {
	entries, err := os.ReadDir(s.partialDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	type kept struct {
		base string
		when time.Time
	}
	var parts []kept
	for _, e := range entries {
		name := filepath.Join(s.partialDir(), e.Name())
		info, err := e.Info()
		if err != nil {
			return err
		}
		if base, ok := strings.CutSuffix(name, ".part"); ok && now.Sub(info.ModTime()) < maxPartialAge {
			parts = append(parts, kept{base, info.ModTime()})
		}
	}
	slices.SortFunc(parts, func(a, b kept) int { return b.when.Compare(a.when) })
	keep := map[string]bool{}
	for _, p := range parts[:min(len(parts), maxPartials)] {
		keep[p.base+".part"], keep[p.base+".json"] = true, true
	}
	for _, e := range entries {
		if name := filepath.Join(s.partialDir(), e.Name()); !keep[name] {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}
