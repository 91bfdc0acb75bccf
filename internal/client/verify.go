package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"gopkg.in/yaml.v3"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/review"
)

// Outcomes of a verification, as a lock records them.
const (
	OutcomeVerified   = "verified"   // the signature is good
	OutcomeUnattested = "unattested" // there is no signature, and there should be one
	OutcomeRejected   = "rejected"   // the signature is not acceptable
)

// Authority is what an index says about signatures as a whole.
type Authority struct {
	Registry string      // its name, which signatures are for
	Mode     attest.Mode // of its policy, "" when that does not say

	profile func() (*attest.Profile, error) // of its trust folder, or the public-good one
}

// Profile returns what signatures are verified against.
func (a *Authority) Profile() (*attest.Profile, error) { return a.profile() }

// Verify verifies the signature of a version that one of the signers has to have
// made.
func (a *Authority) Verify(bundle []byte, e *index.Entry, signers []attest.Identity) (*attest.Verified, error) {
	profile, err := a.profile()
	if err != nil {
		return nil, err
	}
	return profile.Verify(bundle, attest.Expected{Entry: e, Registry: a.Registry, Identities: signers})
}

// ReadAuthority reads the authority of the index in a tree.
func ReadAuthority(files fs.FS) (*Authority, error) {
	t := indexTree{files}
	config, err := t.config()
	if err != nil {
		return nil, err
	}
	a := &Authority{Registry: config.Clyde.Name}
	if a.Mode, err = t.verifyMode(); err != nil {
		return nil, err
	}
	a.profile, err = t.profile()
	return a, err
}

// clientPolicy is the part of an index's policy that is about clients. The rest
// is the business of reviewers, and may be newer than this program.
type clientPolicy struct {
	Verify    string `yaml:"verify"`
	Freshness string `yaml:"freshness"`
}

func (t indexTree) policy() (p clientPolicy, err error) {
	text, err := t.read(index.PolicyPath)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	if err := yaml.Unmarshal(text, &p); err != nil {
		return p, &Error{Class: ErrIntegrity, Message: index.PolicyPath + " of the registry", Err: err}
	}
	return p, nil
}

// verifyMode is what the policy demands of signatures. A demand that is not
// understood is taken for the strongest.
func (t indexTree) verifyMode() (attest.Mode, error) {
	policy, err := t.policy()
	if err != nil {
		return "", err
	}
	if policy.Verify != "" && !slices.Contains(attest.Modes(), policy.Verify) {
		return attest.Require, nil
	}
	return attest.Mode(policy.Verify), nil
}

const trustFolder = "trust"

// profile reads the registry's own trust. Without one it is the public-good one,
// which takes long to prepare: that is done when there is a signature to verify.
func (t indexTree) profile() (func() (*attest.Profile, error), error) {
	folder, err := fs.Sub(t.files, trustFolder)
	if err != nil {
		return nil, err
	}
	profile, err := attest.FromTrust("the registry's own trust", folder)
	switch {
	case errors.Is(err, attest.ErrNoTrust):
		return sync.OnceValues(attest.PublicGood), nil
	case err != nil:
		return nil, &Error{Class: ErrIntegrity, Message: trustFolder + " of the registry", Err: err}
	}
	return func() (*attest.Profile, error) { return profile, nil }, nil
}

// ReadSigners reads who may sign versions of a package; nobody when it has no
// owners file.
func ReadSigners(files fs.FS, name string) ([]attest.Identity, error) {
	file, err := index.OwnersPath(name)
	if err != nil {
		return nil, err
	}
	text, err := indexTree{files}.read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	owners, err := review.ParseOwners(file, text)
	if err != nil {
		// What is not understood may be a condition on who signs.
		return nil, &Error{Class: ErrIntegrity, Message: "the owners of " + name + " cannot be read", Err: errors.New(strings.TrimSpace(err.Error()))}
	}
	return owners.Identities(), nil
}

// ReadLines reads the lines of a package in a tree.
func ReadLines(files fs.FS, name string) (index.File, error) { return indexTree{files}.versions(name) }

// Rejection is a package whose signature is not acceptable.
type Rejection struct {
	Name, Version, Registry string
	Err                     error
}

// RejectedError reports packages whose signatures are not acceptable. It is
// [ErrIntegrity].
type RejectedError struct{ Rejections []Rejection }

func (e *RejectedError) Error() string {
	var lines []string
	for _, r := range e.Rejections {
		lines = append(lines, fmt.Sprintf("%s %s of registry %s: %v", r.Name, r.Version, r.Registry, r.Err))
	}
	return strings.Join(lines, "\n")
}

// Hint says how to learn more.
func (e *RejectedError) Hint() string {
	r := e.Rejections[0]
	return fmt.Sprintf("'clyde verify %s@%s' shows every check; nothing was installed", r.Name, r.Version)
}

// Is puts the error in the class [ErrIntegrity].
func (e *RejectedError) Is(target error) bool { return target == ErrIntegrity }

// Unwrap gives the reasons.
func (e *RejectedError) Unwrap() []error {
	var all []error
	for _, r := range e.Rejections {
		all = append(all, r.Err)
	}
	return all
}

// verification verifies the packages of a lock.
type verification struct {
	in      *Installer
	sources map[string]*signingSource // by the registry's name in the lock

	mu         sync.Mutex
	rejections []Rejection
	warnings   []string
}

// signingSource is a registry of a lock.
type signingSource struct {
	registry Registry // nil when it cannot be asked
	why      error    // then
	commit   string
	mode     attest.Mode
	*Authority
}

// verify proves that the lock was made from the histories of its registries,
// verifies those packages of it that are meant and returns the lock
// with the outcomes written down. What is not acceptable is a *RejectedError, or
// a warning where that is all that was asked for.
func (in *Installer) verify(ctx context.Context, lock *lockfile.Lock, meant func(name string) bool) (*lockfile.Lock, []string, error) {
	unproved, err := in.proveLock(ctx, lock, true)
	if err != nil {
		return nil, nil, err
	}
	v := &verification{in: in, sources: map[string]*signingSource{}, warnings: unproved}
	for _, r := range lock.Registries {
		s, err := v.source(ctx, r)
		if err != nil {
			return nil, nil, err
		}
		v.sources[r.Name] = s
	}
	verified := *lock
	verified.Packages = slices.Clone(lock.Packages)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, in.Config.Jobs))
	for i := range verified.Packages {
		l := &verified.Packages[i]
		if !meant(l.Name) {
			continue
		}
		group.Go(func() (err error) {
			l.Verification, err = v.verify(ctx, *l)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	if len(v.rejections) > 0 {
		slices.SortFunc(v.rejections, func(a, b Rejection) int { return strings.Compare(a.Name, b.Name) })
		return nil, nil, &RejectedError{v.rejections}
	}
	slices.Sort(v.warnings)
	return &verified, v.warnings, nil
}

// source opens the registry of a lock as it was when it was locked, or as it is
// now where that state is not here any more.
func (v *verification) source(ctx context.Context, r lockfile.Registry) (*signingSource, error) {
	registry, err := v.in.Registries.ByURL(r.URL)
	if err != nil {
		return &signingSource{why: err, mode: attest.Strongest(attest.Mode(r.Verify))}, nil //nolint:nilerr // it is the answer
	}
	s := &signingSource{registry: registry, commit: r.Commit}
	err = registry.View(ctx, r.Commit, func(files fs.FS) (err error) {
		s.Authority, err = ReadAuthority(files)
		return err
	})
	if errors.Is(err, ErrNetwork) || errors.Is(err, ErrNotFound) {
		return &signingSource{why: err, mode: attest.Strongest(registry.Config().Verify, attest.Mode(r.Verify))}, nil
	}
	if err != nil {
		return nil, err
	}
	s.mode = attest.Strongest(registry.Config().Verify, s.Mode)
	return s, nil
}

// verify verifies one package. The error is one of the machine or network.
func (v *verification) verify(ctx context.Context, l lockfile.Package) (*lockfile.Verification, error) {
	s := v.sources[l.Registry]
	switch {
	case s.mode == attest.Off:
		return nil, nil
	case s.registry == nil:
		return l.Verification, v.unasked(l, s)
	}
	if versions, e, err := v.shown(ctx, l, s); err != nil || e != nil && e.Att == nil {
		if err != nil {
			return nil, err
		}
		return v.verifyLine(ctx, l, s, versions, e, nil)
	}
	var file index.File
	var signers []attest.Identity
	err := s.registry.View(ctx, s.commit, func(files fs.FS) (err error) {
		if file, err = ReadLines(files, l.Name); err == nil {
			signers, err = ReadSigners(files, l.Name)
		}
		return err
	})
	if err != nil && !isNoPackage(err) {
		return nil, err
	}
	i := slices.IndexFunc(file.Entries, func(e *index.Entry) bool { return e.Vers == l.Version })
	if i < 0 {
		return v.reject(l, s, OutcomeRejected, fmt.Errorf("%w: the registry has no such version", attest.ErrRejected)), nil
	}
	return v.verifyLine(ctx, l, s, index.ReleasesOf(file.Entries).List, file.Entries[i], signers)
}

// shown are the versions of a package as the registry shows them, if that is the
// state that was locked, and the line of the one that was; nil if not. Nobody's
// signature is needed to say that a version has none.
func (v *verification) shown(ctx context.Context, l lockfile.Package, s *signingSource) ([]index.Release, *index.Entry, error) {
	status, err := s.registry.Status(ctx)
	if err != nil || status.Commit != s.commit {
		return nil, nil, err
	}
	releases, err := v.in.source.releases(ctx, s.registry, l.Name)
	if isNoPackage(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(releases.List, func(r index.Release) bool { return r.Vers == l.Version })
	if i < 0 {
		return nil, nil, nil
	}
	e, err := releases.Entry(i)
	return releases.List, e, err
}

// unasked deals with a registry that cannot be asked who may sign. The lock
// says which bytes are meant, and that they were verified when it was made;
// where every version must be signed that is not enough.
func (v *verification) unasked(l lockfile.Package, s *signingSource) error {
	if s.mode == attest.Require {
		return fmt.Errorf("cannot verify %s %s: %w", l.Name, l.Version, s.why)
	}
	if l.Verification != nil {
		v.warn(fmt.Sprintf("%s %s was not verified again: %v", l.Name, l.Version, s.why))
	}
	return nil
}

func (v *verification) verifyLine(ctx context.Context, l lockfile.Package, s *signingSource, versions []index.Release, e *index.Entry, signers []attest.Identity) (*lockfile.Verification, error) {
	if err := sameBytes(l, e); err != nil {
		return v.reject(l, s, OutcomeRejected, err), nil
	}
	if e.Att == nil {
		err := attest.CheckAttested(versions, e, s.mode)
		if err == nil && l.Verification != nil && l.Verification.Bundle != "" {
			err = fmt.Errorf("%w: the lock has a signature for this version", attest.ErrDowngrade)
		}
		if err == nil {
			return nil, nil
		}
		return v.reject(l, s, OutcomeUnattested, err), nil
	}
	bundle, err := v.in.downloader().Attestation(ctx, v.in.store(), e)
	if err != nil {
		if s.mode == attest.Warn && ctx.Err() == nil {
			return v.reject(l, s, OutcomeRejected, err), nil
		}
		return nil, err
	}
	found, err := s.Verify(bundle, e, signers)
	if err != nil {
		rejected := v.reject(l, s, OutcomeRejected, err)
		rejected.Bundle = e.Att.SHA256
		return rejected, nil
	}
	return &lockfile.Verification{Outcome: OutcomeVerified, Bundle: e.Att.SHA256, Profile: found.Profile, By: found.Signer()}, nil
}

// sameBytes reports whether a lock means the archives that the line has.
func sameBytes(l lockfile.Package, e *index.Entry) error {
	differs := func(what, locked, listed string) error {
		return fmt.Errorf("%w: the lock has sha256:%s for %s, the registry sha256:%s", attest.ErrRejected, locked, what, listed)
	}
	if l.Cksum != e.Cksum {
		return differs("the archive", l.Cksum, e.Cksum)
	}
	for _, b := range l.Builds {
		for _, listed := range e.Builds {
			if listed.Platform == b.Platform && listed.Cksum == b.Cksum {
				b.Platform = ""
			}
		}
		if b.Platform != "" {
			return differs("the build for "+b.Platform, b.Cksum, "(another, or none)")
		}
	}
	return nil
}

// reject notes that a package is not acceptable, or warns of it.
func (v *verification) reject(l lockfile.Package, s *signingSource, outcome string, err error) *lockfile.Verification {
	if s.mode == attest.Warn {
		v.warn(fmt.Sprintf("%s %s: %v", l.Name, l.Version, err))
	} else {
		v.mu.Lock()
		v.rejections = append(v.rejections, Rejection{Name: l.Name, Version: l.Version, Registry: l.Registry, Err: err})
		v.mu.Unlock()
	}
	return &lockfile.Verification{Outcome: outcome}
}

func (v *verification) warn(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.warnings = append(v.warnings, text)
}

// verifyMode is what is demanded of the signatures of a registry now.
func verifyMode(ctx context.Context, r Registry) (attest.Mode, error) {
	var mode attest.Mode
	err := r.View(ctx, "", func(files fs.FS) (err error) {
		mode, err = indexTree{files}.verifyMode()
		return err
	})
	return attest.Strongest(r.Config().Verify, mode), err
}
