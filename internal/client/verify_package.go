package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
)

// Examination is what is known about the signature of one version.
type Examination struct {
	*Info

	Authority *Authority
	Mode      attest.Mode      // what is demanded, by the registry or the configuration
	Signers   int              // how many may sign, as the owners file says
	Archive   string           // where the archive came from, "" when it was not looked at
	Bundle    string           // where the signature came from
	Verified  *attest.Verified // nil when there is no signature
	Installs  bool             // what is demanded admits it, signed or not
	Reason    error            // why it is not acceptable; nil when it is signed and good

	Provenance *Provenance // nil when the line names none, or the signature is not acceptable
}

// Provenance is what is known about the bundle that says how a version was
// built. Nothing depends on it.
type Provenance struct {
	Bundle   string // where it came from
	Verified *attest.Verified
	Says     *attest.Provenance // nil when it is not acceptable
	Reason   error              // why it is not
}

// Examiner examines signatures.
type Examiner struct {
	Downloader *Downloader
	Store      *Store
	// Digest is that of an archive that is at hand, or "" to fetch the one that
	// the registry lists. Given is a bundle that is at hand, or nil.
	Digest string
	Given  []byte
}

// Examine verifies one version, "" for the newest, and says all that is known.
// The error is that of something that could not be read or fetched; a signature
// that is not acceptable is the examination's Reason.
func (x *Examiner) Examine(ctx context.Context, r Registry, name, version string) (*Examination, error) {
	info, err := ReadInfo(ctx, r, name, version)
	if err != nil {
		return nil, err
	}
	e := &Examination{Info: info}
	var signers []attest.Identity
	err = r.View(ctx, info.Commit, func(files fs.FS) (err error) {
		if e.Authority, err = ReadAuthority(files); err == nil {
			signers, err = ReadSigners(files, name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	e.Signers = len(signers)
	e.Mode = attest.Strongest(r.Config().Verify, e.Authority.Mode)
	if e.Reason = x.sameArchive(info); e.Reason != nil {
		return e, nil //nolint:nilerr // it is the answer
	}
	bundle, err := x.bundle(ctx, e)
	if err != nil {
		return nil, err
	}
	if bundle == nil {
		return e, x.unattested(ctx, r, e)
	}
	e.Verified, e.Reason = e.Authority.Verify(bundle, info.Entry, signers)
	e.Installs = e.Reason == nil || e.Mode == attest.Off || e.Mode == attest.Warn
	if e.Reason == nil {
		if err := x.provenance(ctx, e, signers); err != nil {
			return nil, err
		}
	}
	if e.Reason != nil || x.Digest != "" || info.URL == "" {
		return e, nil //nolint:nilerr // it is the answer
	}
	// What is signed has to be what is there.
	e.Archive = info.URL
	err = x.Downloader.Probe(ctx, Archive{Name: info.Entry.Name + " " + info.Entry.Vers, URL: info.URL, SHA256: info.Entry.Cksum, Size: info.Entry.Size})
	var other *IntegrityError
	if errors.As(err, &other) {
		e.Reason, e.Installs, err = err, false, nil
	}
	return e, err
}

// provenance verifies the second bundle, which the first does not depend on.
func (x *Examiner) provenance(ctx context.Context, e *Examination, signers []attest.Identity) error {
	if e.Entry.Att == nil || e.Entry.Att.Provenance == nil {
		return nil
	}
	p := &Provenance{Bundle: e.Entry.Att.Provenance.URL}
	e.Provenance = p
	bundle, err := x.Downloader.Provenance(ctx, x.Store, e.Entry)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrIntegrity) {
		p.Reason = err
		return nil
	}
	if err != nil {
		return err
	}
	profile, err := e.Authority.Profile()
	if err != nil {
		return err
	}
	p.Verified, p.Says, p.Reason = profile.VerifyProvenance(bundle, attest.Expected{Entry: e.Entry, Registry: e.Authority.Registry, Identities: signers})
	return nil
}

// sameArchive compares an archive at hand with the line.
func (x *Examiner) sameArchive(info *Info) error {
	if x.Digest == "" || x.Digest == info.Entry.Cksum {
		return nil
	}
	for _, b := range info.Entry.Builds {
		if b.Cksum == x.Digest {
			return nil
		}
	}
	return fmt.Errorf("%w: the archive has sha256:%s, and the registry lists sha256:%s for %s %s",
		attest.ErrRejected, x.Digest, info.Entry.Cksum, info.Entry.Name, info.Entry.Vers)
}

func (x *Examiner) bundle(ctx context.Context, e *Examination) ([]byte, error) {
	switch {
	case x.Given != nil:
		return x.Given, nil
	case e.Entry.Att == nil:
		return nil, nil
	}
	e.Bundle = e.Entry.Att.URL
	return x.Downloader.Attestation(ctx, x.Store, e.Entry)
}

// unattested says whether a version without a signature can be installed. It
// is not acceptable here either way: nothing was verified.
func (x *Examiner) unattested(ctx context.Context, r Registry, e *Examination) error {
	file, err := r.Package(ctx, e.Entry.Name)
	if err != nil {
		return err
	}
	e.Reason = attest.CheckAttested(index.ReleasesOf(file.Entries).List, e.Entry, e.Mode)
	e.Installs = e.Reason == nil || e.Mode == attest.Warn
	if e.Reason == nil {
		e.Reason = fmt.Errorf("%w: %s %s", attest.ErrUnattested, e.Entry.Name, e.Entry.Vers)
	}
	return nil
}
