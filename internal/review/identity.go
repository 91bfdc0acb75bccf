package review

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
)

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// trees are the base and the head, as far as they are there.
func (j *judge) trees() []fs.FS {
	if j.in.Base == nil {
		return []fs.FS{j.in.Head}
	}
	return []fs.FS{j.in.Base, j.in.Head}
}

// authorities are those that the base trusts, nil when these cannot be read.
func (j *judge) authorities() *attest.Profile {
	if j.profile != nil || j.noProfile {
		return j.profile
	}
	profile, err := j.readAuthorities()
	if err != nil {
		j.noProfile = true
		j.add("policy/base", trustFolder, "repair the folder first, in a change of the policy", "%s", firstLine(err))
		return nil
	}
	j.profile = profile
	return profile
}

func (j *judge) readAuthorities() (*attest.Profile, error) {
	if j.in.Base == nil {
		return attest.PublicGood()
	}
	folder, err := fs.Sub(j.in.Base, trustFolder)
	if err != nil {
		return nil, err
	}
	profile, err := attest.FromTrust("the registry's own trust", folder)
	if errors.Is(err, attest.ErrNoTrust) {
		return attest.PublicGood()
	}
	return profile, err
}

func failedCheck(c attest.Check) bool { return c.Status == attest.Fail }

// signature verifies the signature of a version against those who may sign, by
// the owners file in force. Each check is a rule of its own.
func (x *examination) signature() error {
	if x.Entry.Att == nil || x.ev.Bundle == nil {
		return nil
	}
	profile := x.authorities()
	if profile == nil {
		return nil // which is said
	}
	want := attest.Expected{Entry: x.Entry, Registry: x.config().Clyde.Name}
	if x.owners != nil {
		want.Identities = x.owners.Identities()
	}
	var err error
	x.verified, err = profile.Verify(x.ev.Bundle, want)
	if err != nil && !errors.Is(err, attest.ErrRejected) {
		return err
	}
	for _, c := range x.verified.Checks {
		switch c.Status {
		case attest.Fail:
			x.add(c.ID, x.at(x.Entry, "att"), "", "%s", c.Detail)
		case attest.Skip:
			x.skipped[c.ID] = c.Detail
		}
	}
	x.signers = append(x.signers, x.signer(err == nil))
	return x.provenance(profile, want)
}

// provenance verifies where and how the archive was built, when the line says
// that there is something about it.
func (x *examination) provenance(profile *attest.Profile, want attest.Expected) error {
	const skipped = "no provenance was seen"
	if x.ev.Provenance == nil {
		for _, id := range []string{"provenance/signature", attest.CheckBuilder, attest.CheckSource} {
			x.skipped[id] = skipped
		}
		return nil
	}
	found, _, err := profile.VerifyProvenance(x.ev.Provenance, want)
	if err != nil && !errors.Is(err, attest.ErrRejected) {
		return err
	}
	for _, c := range found.Checks {
		switch {
		case c.Status == attest.Skip && strings.HasPrefix(c.ID, "provenance/"):
			x.skipped[c.ID] = c.Detail
		case c.Status != attest.Fail:
		case strings.HasPrefix(c.ID, "provenance/"):
			x.add(c.ID, x.at(x.Entry, "att.provenance"), "", "%s", c.Detail)
		default:
			x.add("provenance/signature", x.at(x.Entry, "att.provenance"), "", "%s: %s", c.ID, c.Detail)
		}
	}
	return nil
}

// signer is the proved signer beside the recorded one.
func (x *examination) signer(good bool) Signer {
	v := x.verified
	s := Signer{Version: x.Entry.Vers, Verified: good, Identity: v.Signer(), Profile: v.Profile}
	if !v.SignedAt.IsZero() {
		s.SignedAt = v.SignedAt.UTC().Format(index.TimeLayout)
	}
	if c := v.Certificate; c != nil {
		s.Repository, s.RepositoryID, s.OwnerID, s.Commit = c.SourceRepositoryURI, c.SourceRepositoryIdentifier, c.SourceRepositoryOwnerIdentifier, c.SourceRepositoryDigest
	}
	if x.owners == nil {
		return s
	}
	for _, p := range x.owners.Publishers {
		if p.Key != "" && s.Identity == "key "+p.Key || p.Key == "" && s.Repository != "" && sameRepository(p.Repository, s.Repository) {
			s.Recorded = p.String()
			break
		}
	}
	return s
}

// recorded checks the owners file that comes with a new package: it has to pin
// what the evidence shows, since every later version is held to it.
func (x *examination) recorded() {
	if !x.delta.First {
		return
	}
	file, err := index.OwnersPath(x.Entry.Name)
	if err != nil {
		return
	}
	if r := x.ev.Repository; r != nil && r.Fork {
		x.add("identity/fork", x.at(x.Entry, "source.repository"), "", "%s is a fork of another repository", r.URL)
	}
	if x.owners == nil || len(x.owners.Publishers) == 0 {
		x.add("identity/pinned", file, "bring an owners file with the first version, or register the package first", "nothing is recorded about who may publish further versions")
		return
	}
	if x.ev.Repository == nil || x.Entry.Source == nil {
		return
	}
	for i, p := range x.owners.Publishers {
		same := sameRepository(p.Repository, x.ev.Repository.URL) || p.RepositoryID != 0 && p.RepositoryID == x.ev.Repository.RepositoryID
		if p.Key == "" && same {
			x.recordedBy(fmt.Sprintf("%s: publishers[%d].", file, i), p)
			return
		}
	}
	// A key signs for any repository.
	if !slices.ContainsFunc(x.owners.Publishers, func(p Publisher) bool { return p.Key != "" }) {
		x.add("identity/recorded", file, "name the repository that the release comes from", "none of the publishers is %s", x.ev.Repository.URL)
	}
}

func (x *examination) recordedBy(at string, p Publisher) {
	r := x.ev.Repository
	if !sameRepository(p.Repository, r.URL) {
		x.add("identity/recorded", at+"repository", "write "+r.URL, "%q, and the release comes from %s", p.Repository, r.URL)
	}
	if r.RepositoryID != 0 && p.RepositoryID != r.RepositoryID {
		x.add("identity/recorded", at+"repository-id", fmt.Sprintf("write %d", r.RepositoryID), "%d, and the repository is %d", p.RepositoryID, r.RepositoryID)
	}
	if r.OwnerID != 0 && p.OwnerID != r.OwnerID {
		x.add("identity/recorded", at+"owner-id", fmt.Sprintf("write %d", r.OwnerID), "%d, and the owner is %d", p.OwnerID, r.OwnerID)
	}
	// Of a registered package this was asked when it was registered.
	if !x.registered && x.verified != nil && x.verified.Certificate != nil {
		x.pinned(at, p)
	}
}

// pinned asks for all by which a workflow can be told from others.
func (j *judge) pinned(at string, p Publisher) {
	if p.Workflow == "" {
		j.add("identity/pinned", at+"workflow", "record it", "any workflow of the repository could sign")
	}
	if len(p.Tags) == 0 {
		j.add("identity/pinned", at+"tags", "record them", "any tag that clyde takes by default could be signed")
	}
}
