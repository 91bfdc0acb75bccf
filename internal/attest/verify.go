package attest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/clydepm/clyde/index"
)

// MaxBundleSize bounds a bundle, in bytes.
const MaxBundleSize = 1 << 20

// Expected is what a bundle must be about. All of it comes from the index.
type Expected struct {
	Entry    *index.Entry // the line; its cksum must be that of the archive
	Registry string       // name in the index's config.json
	// Identities are those who may sign, from the owners file; one is enough.
	// With none, a key of the profile may and no certificate.
	Identities []Identity
}

// Verified is what a verification found out. It has the outcome of every check,
// also when the verification failed; everything else is only there when the
// signature itself is valid.
type Verified struct {
	Checks      []Check // all of [Checks]
	Profile     string
	SignedAt    time.Time            // the earliest observed time, zero when the profile needs none
	Certificate *certificate.Summary // nil when a key signed
	KeyID       string               // "" when a certificate was used
}

// Signer says for people who signed: the workflow, or the ID of the key.
func (v *Verified) Signer() string {
	if v.Certificate != nil {
		return v.Certificate.SubjectAlternativeName
	}
	if v.KeyID != "" {
		return "key " + v.KeyID
	}
	return ""
}

// Verify checks that the bundle is a signature for exactly what is expected by
// whom it is expected from. It opens no connection. The error is a
// *[RejectedError]; Verified is never nil.
func (p *Profile) Verify(data []byte, want Expected) (*Verified, error) {
	r := &recorder{}
	v := &Verified{Profile: p.name}
	if b := readBundle(r, data); b != nil {
		who := p.verifySignature(r, v, b)
		verifyStatement(r, b, want)
		verifyIdentities(r, who, want)
	}
	v.Checks = r.complete(Checks())
	return v, r.err()
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

// payloadOf returns the text that a bundle signs.
func payloadOf(b *bundle.Bundle) ([]byte, error) {
	envelope, err := b.Envelope()
	if err != nil {
		return nil, err
	}
	return envelope.RawEnvelope().DecodeB64Payload()
}

// readStatement returns the signed statement of a bundle.
func readStatement(b *bundle.Bundle) (*statement, error) {
	payload, err := payloadOf(b)
	if err != nil {
		return nil, err
	}
	s, err := parseStatement(payload)
	if err == nil && s.Type != StatementType {
		err = fmt.Errorf("statement type %q is not %q", s.Type, StatementType)
	}
	return s, err
}

// verifyStatement compares the signed statement with the line, field by field.
func verifyStatement(r *recorder, b *bundle.Bundle, want Expected) {
	got, err := readStatement(b)
	if !r.check(CheckStatement, err) {
		return
	}
	r.equal(CheckPredicateType, "the predicate type", got.PredicateType, PredicateType)
	verifySubject(r, got.Subject, want.Entry)
	predicate := predicateOf(want.Entry, want.Registry)
	r.equal(CheckPURL, "the package URL", got.Predicate.PURL, predicate.PURL)
	r.equal(CheckName, "the name", got.Predicate.Name, predicate.Name)
	r.equal(CheckVersion, "the version", got.Predicate.Version, predicate.Version)
	verifyRegistry(r, got.Predicate.Registry, want)
	r.equal(CheckEntryDigest, "the digest of the index line", got.Predicate.EntryDigest, predicate.EntryDigest)
}

// verifyRegistry compares the registry that a statement is for with the one
// that shows the line. One for any registry holds where a publisher is named, as
// the line is then bound to that publisher, and that publisher takes it.
func verifyRegistry(r *recorder, got string, want Expected) {
	takes := func(id Identity) bool { return !id.ExactRegistry }
	switch {
	case want.Registry == AnyRegistry:
		r.check(CheckRegistry, fmt.Errorf("the registry calls itself %q, which stands for any", AnyRegistry))
	case got != AnyRegistry:
		r.equal(CheckRegistry, "the registry", got, want.Registry)
	case len(want.Identities) == 0:
		r.check(CheckRegistry, errors.New("it is for any registry, and this one names no publisher of the package"))
	case !slices.ContainsFunc(want.Identities, takes):
		r.check(CheckRegistry, fmt.Errorf("it is for any registry, but the owners file asks for one for %q", want.Registry))
	default:
		r.check(CheckRegistry, nil)
	}
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
