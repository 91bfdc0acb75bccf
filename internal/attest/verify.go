package attest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/clydepm/clyde/index"
)

// MaxBundleSize bounds a bundle, in bytes.
const MaxBundleSize = 1 << 20

// Expected is what a bundle must be about. All of it comes from the index.
type Expected struct {
	Entry    *index.Entry // the line; its cksum must be that of the archive
	Registry string       // name in the index's config.json
	// Identity is who may sign by certificate. Nil accepts a key of the profile
	// only.
	Identity *Identity
}

// Verified is what a verification found out. Its checks are complete as far as
// they could be made, also when the verification failed.
type Verified struct {
	Checks      []Check
	Profile     string
	SignedAt    time.Time            // the earliest observed time, zero when the profile needs none
	Certificate *certificate.Summary // nil when a key signed
	KeyID       string               // "" when a certificate was used
}

// Verify checks that the bundle is a signature for exactly what is expected by
// whom it is expected from. It opens no connection. The error is a
// *[RejectedError]; Verified is never nil.
func (p *Profile) Verify(data []byte, want Expected) (*Verified, error) {
	r := &recorder{}
	v := &Verified{Profile: p.name}
	p.verify(r, v, data, want)
	v.Checks = r.checks
	return v, r.err()
}

func (p *Profile) verify(r *recorder, v *Verified, data []byte, want Expected) {
	b := readBundle(r, data)
	if b == nil {
		return
	}
	result := p.verifySignature(r, b)
	if result == nil {
		return
	}
	v.SignedAt = earliest(result.VerifiedTimestamps)
	verifyStatement(r, b, want)
	if result.Signature.Certificate == nil {
		v.KeyID = string(*result.Signature.PublicKeyID)
		return
	}
	v.Certificate = result.Signature.Certificate
	if want.Identity == nil {
		r.check(CheckIssuer, errors.New("a certificate signed, but nobody is recorded who may sign with one"))
		return
	}
	from := source{}
	if s := want.Entry.Source; s != nil {
		from = source{ref: s.Ref, commit: s.Commit}
	}
	want.Identity.verify(r, *v.Certificate, from)
}

// readBundle parses a bundle of the one accepted version.
func readBundle(r *recorder, data []byte) *bundle.Bundle {
	if len(data) > MaxBundleSize {
		r.check(CheckSize, fmt.Errorf("%d bytes, at most %d are accepted", len(data), MaxBundleSize))
		return nil
	}
	r.check(CheckSize, nil)
	var b bundle.Bundle
	err := b.UnmarshalJSON(data)
	if err == nil {
		err = acceptable(&b)
	}
	if !r.check(CheckFormat, err) {
		return nil
	}
	return &b
}

// acceptable reports why a bundle, though valid, is not of the kind clyde signs.
func acceptable(b *bundle.Bundle) error {
	version, err := b.Version()
	if err != nil {
		return err
	}
	if strings.TrimPrefix(version, "v") != "0.3" {
		return fmt.Errorf("bundle version %s is not 0.3", version)
	}
	envelope, err := b.Envelope()
	if err != nil {
		return fmt.Errorf("not a signed statement: %w", err)
	}
	raw := envelope.RawEnvelope()
	if raw.PayloadType != payloadType {
		return fmt.Errorf("payload type %q is not %q", raw.PayloadType, payloadType)
	}
	if len(raw.Signatures) != 1 {
		return fmt.Errorf("%d signatures instead of one", len(raw.Signatures))
	}
	return nil
}

// verifySignature checks signature, certificate or key, log and time. A bundle
// that fails is looked at again, step by step, to say which check it was.
func (p *Profile) verifySignature(r *recorder, b *bundle.Bundle) *verify.VerificationResult {
	content, err := b.VerificationContent()
	if err != nil {
		r.check(CheckFormat, err)
		return nil
	}
	verifier, policy, keyCheck := p.certificates, verify.WithoutIdentitiesUnsafe(), CheckCertificate
	if content.Certificate() == nil {
		verifier, policy, keyCheck = p.keys, verify.WithKey(), CheckKey
	}
	if verifier == nil {
		r.check(keyCheck, fmt.Errorf("%s does not accept this kind of signature", p.name))
		return nil
	}
	// The digest of the subject is compared with the line's by verifyStatement.
	result, err := verifier.Verify(b, verify.NewPolicy(verify.WithoutArtifactUnsafe(), policy))
	if err != nil {
		r.check(p.blame(verifier, b, content, keyCheck), err)
		return nil
	}
	p.recordEvidence(r, keyCheck)
	return result
}

// recordEvidence writes down which of the profile's demands were met.
func (p *Profile) recordEvidence(r *recorder, keyCheck string) {
	for _, c := range []struct {
		id       string
		demanded bool
	}{
		{CheckLog, p.demands.log},
		{CheckTimestamp, p.demands.timestamps},
		{keyCheck, true},
		{CheckSCT, p.demands.sct && keyCheck == CheckCertificate},
		{CheckSignature, true},
	} {
		if c.demanded {
			r.check(c.id, nil)
			continue
		}
		r.skip(c.id, p.name+" has no authority for it")
	}
}

// blame finds the check that a failed verification failed.
func (p *Profile) blame(v *verify.Verifier, b *bundle.Bundle, content verify.VerificationContent, keyCheck string) string {
	logged, err := v.VerifyTransparencyLogInclusion(b)
	if err != nil {
		return CheckLog
	}
	observed, err := v.VerifyObserverTimestamps(b, logged)
	if err != nil {
		return CheckTimestamp
	}
	if content.Certificate() == nil {
		if _, err := p.material.PublicKeyVerifier(content.PublicKey().Hint()); err != nil {
			return CheckKey
		}
		return CheckSignature
	}
	for _, t := range observed {
		chains, err := verify.VerifyLeafCertificate(t.Timestamp, content.Certificate(), p.material)
		if err != nil {
			return keyCheck
		}
		if p.demands.sct && verify.VerifySignedCertificateTimestamp(chains, 1, p.material) != nil {
			return CheckSCT
		}
	}
	return CheckSignature
}

func earliest(times []verify.TimestampVerificationResult) time.Time {
	var first time.Time
	for _, t := range times {
		if first.IsZero() || t.Timestamp.Before(first) {
			first = t.Timestamp
		}
	}
	return first.UTC()
}

// verifyStatement compares the signed statement with the line, field by field.
func verifyStatement(r *recorder, b *bundle.Bundle, want Expected) {
	envelope, err := b.Envelope()
	if err != nil {
		r.check(CheckStatement, err)
		return
	}
	payload, err := envelope.RawEnvelope().DecodeB64Payload()
	if err != nil {
		r.check(CheckStatement, err)
		return
	}
	got, err := parseStatement(payload)
	if err == nil && got.Type != StatementType {
		err = fmt.Errorf("statement type %q is not %q", got.Type, StatementType)
	}
	if !r.check(CheckStatement, err) {
		return
	}
	if !r.equal(CheckPredicateType, "the predicate type", got.PredicateType, PredicateType) {
		return
	}
	verifySubject(r, got.Subject, want.Entry)
	predicate := predicateOf(want.Entry, want.Registry)
	r.equal(CheckPURL, "the package URL", got.Predicate.PURL, predicate.PURL)
	r.equal(CheckName, "the name", got.Predicate.Name, predicate.Name)
	r.equal(CheckVersion, "the version", got.Predicate.Version, predicate.Version)
	r.equal(CheckRegistry, "the registry", got.Predicate.Registry, predicate.Registry)
	r.equal(CheckEntryDigest, "the digest of the index line", got.Predicate.EntryDigest, predicate.EntryDigest)
}

func verifySubject(r *recorder, subjects []subject, e *index.Entry) {
	if len(subjects) != 1 {
		r.check(CheckSubjectCount, fmt.Errorf("%d subjects instead of one", len(subjects)))
		return
	}
	r.check(CheckSubjectCount, nil)
	r.equal(CheckSubjectName, "the subject", subjects[0].Name, index.ArchiveName(e.Name, e.Vers))
	digest := subjects[0].Digest["sha256"]
	if len(subjects[0].Digest) != 1 || len(digest) != hex.EncodedLen(32) {
		r.check(CheckSubjectDigest, errors.New("the subject needs exactly one digest, sha256"))
		return
	}
	r.equal(CheckSubjectDigest, "the digest of the archive", digest, e.Cksum)
}
