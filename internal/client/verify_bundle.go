package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
)

// Attestation returns the signature bundle of a line, from the store or else
// from its URL; then the store keeps it. Its digest is the line's.
func (d *Downloader) Attestation(ctx context.Context, store *Store, e *index.Entry) ([]byte, error) {
	return d.bundle(ctx, store, "signature of "+e.Name+" "+e.Vers, e.Att)
}

// Provenance returns the bundle that says how a version was built, as
// [Downloader.Attestation] does.
func (d *Downloader) Provenance(ctx context.Context, store *Store, e *index.Entry) ([]byte, error) {
	return d.bundle(ctx, store, "provenance of "+e.Name+" "+e.Vers, e.Att.Provenance)
}

func (d *Downloader) bundle(ctx context.Context, store *Store, what string, att *index.Attestation) ([]byte, error) {
	if data, err := store.Attestation(att.SHA256); err == nil {
		return data, nil
	}
	data, err := d.small(ctx, Archive{Name: what, URL: att.URL, SHA256: att.SHA256, Limit: attest.MaxBundleSize})
	if err != nil {
		return nil, err
	}
	return data, store.KeepAttestation(att.SHA256, data)
}

// attestation is where the bundle with a digest is kept.
func (s *Store) attestation(digest string) string {
	return filepath.Join(s.dir, "attestations", digest+".sigstore.json")
}

// Attestation reads a bundle that the store keeps, by the SHA-256 of its text.
// The error is [os.ErrNotExist] when it does not, or no longer whole.
func (s *Store) Attestation(digest string) ([]byte, error) {
	if !isDigest(digest) {
		return nil, fmt.Errorf("%q is not a SHA-256 of 64 lower-case hex digits", digest)
	}
	data, err := readBounded(s.attestation(digest), attest.MaxBundleSize)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != digest {
		return nil, fmt.Errorf("bundle %s: %w", digest, os.ErrNotExist)
	}
	return data, nil
}

// KeepAttestation stores a bundle whose digest was found to be the given one.
func (s *Store) KeepAttestation(digest string, data []byte) error {
	file := s.attestation(digest)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return writeFile(file, data)
}

// small downloads what fits into memory, within its Limit.
func (d *Downloader) small(ctx context.Context, a Archive) (data []byte, err error) {
	err = d.fetchTo(ctx, a, "", func(f *os.File) error {
		data, err = io.ReadAll(io.LimitReader(f, a.limit()))
		return err
	})
	return data, err
}

// Probe downloads an archive, compares its digest, and keeps nothing.
func (d *Downloader) Probe(ctx context.Context, a Archive) error {
	return d.Look(ctx, a, func(*os.File) error { return nil })
}

// Look downloads an archive, compares its digest, shows it and keeps nothing.
func (d *Downloader) Look(ctx context.Context, a Archive, use func(*os.File) error) error {
	return d.fetchTo(ctx, a, "", use)
}

// fetchTo downloads to a temporary file in a folder, "" being the system's, and
// shows it, at its start, to use.
func (d *Downloader) fetchTo(ctx context.Context, a Archive, dir string, use func(*os.File) error) (err error) {
	u, err := archiveURL(a)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".clyde-*.tmp")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), removeAll(f.Name())) }()
	in := newIncoming(a, f)
	if err := d.transfer(ctx, u, in); err != nil {
		return err
	}
	if err := in.rewind(); err != nil {
		return err
	}
	return use(f)
}
