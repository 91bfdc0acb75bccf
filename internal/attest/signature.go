package attest

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// claimed is whom a bundle names as its signer. It is what a certificate says,
// which means nothing unless the checks of the signature pass.
type claimed struct {
	certificate *certificate.Summary // nil for a key
	key         string
	signedAt    time.Time // zero when no time was observed
}

// verifySignature checks signature, certificate or key, log and time, and says
// who signed. Whoever that is enters v only if all of it holds.
func (p *Profile) verifySignature(r *recorder, v *Verified, b *bundle.Bundle) *claimed {
	content, err := b.VerificationContent()
	if err != nil {
		r.check(CheckCertificate, err)
		return nil
	}
	policy, who := verify.WithoutIdentitiesUnsafe(), &claimed{}
	if leaf := content.Certificate(); leaf != nil {
		summary, err := certificate.SummarizeCertificate(leaf)
		if err != nil {
			r.check(CheckCertificate, err)
			return nil
		}
		who.certificate = &summary
	} else {
		policy = verify.WithKey()
		who.key = content.PublicKey().Hint()
	}
	verifier, err := p.verifier(who.certificate != nil)
	if err != nil {
		r.check(who.authority(), err)
		return who
	}
	if verifier == nil {
		r.check(who.authority(), fmt.Errorf("%s does not accept this kind of signature", p.name))
		return who
	}
	// The digest of the subject is compared with the line's by verifyStatement.
	result, err := verifier.Verify(b, verify.NewPolicy(verify.WithoutArtifactUnsafe(), policy))
	if err != nil {
		p.diagnose(r, verifier, b, content, who, err)
		return who
	}
	p.recordEvidence(r, who)
	who.signedAt = earliest(result.VerifiedTimestamps)
	v.SignedAt, v.Certificate, v.KeyID = who.signedAt, who.certificate, who.key
	return who
}

// authority is the check of what vouches for the signing key.
func (c *claimed) authority() string {
	if c.certificate != nil {
		return CheckCertificate
	}
	return CheckKey
}

// recordEvidence writes down that the profile's demands were met.
func (p *Profile) recordEvidence(r *recorder, who *claimed) {
	p.demand(r, p.demands.log, CheckLog, nil)
	p.demand(r, p.demands.timestamps, CheckTimestamp, nil)
	p.recordAuthority(r, who, nil)
	p.demand(r, p.demands.sct && who.certificate != nil, CheckSCT, nil)
	r.check(CheckSignature, nil)
}

func (p *Profile) demand(r *recorder, demanded bool, id string, problem error) {
	if demanded {
		r.check(id, problem)
		return
	}
	r.skip(id, "not demanded by "+p.name)
}

func (p *Profile) recordAuthority(r *recorder, who *claimed, problem error) {
	for _, id := range []string{CheckCertificate, CheckKey} {
		if id == who.authority() {
			r.check(id, problem)
		}
	}
}

// diagnose looks at a bundle that failed again, part by part, to say which
// checks it fails. A part that rests on one that failed is skipped. When every
// part holds by itself the failure is the signature's: nothing passes here that
// failed as a whole.
func (p *Profile) diagnose(r *recorder, v *verify.Verifier, b *bundle.Bundle, content verify.VerificationContent, who *claimed, whole error) {
	before := len(r.failed())
	logged, logErr := v.VerifyTransparencyLogInclusion(b)
	p.demand(r, p.demands.log, CheckLog, logErr)
	observed, timeErr := v.VerifyObserverTimestamps(b, logged)
	p.demand(r, p.demands.timestamps, CheckTimestamp, timeErr)
	if leaf := content.Certificate(); leaf != nil {
		p.diagnoseCertificate(r, leaf, observed)
	} else if _, err := p.material.PublicKeyVerifier(who.key); err != nil {
		r.check(CheckKey, fmt.Errorf("key %s is not trusted by %s", who.key, p.name))
		r.skip(CheckSignature, "the key is not known")
		return
	} else {
		r.check(CheckKey, nil)
	}
	problem := p.signatureProblem(b, content)
	if _, err := readStatement(b); err == nil && problem == nil && len(r.failed()) == before {
		problem = whole
	}
	r.check(CheckSignature, problem)
}

func (p *Profile) diagnoseCertificate(r *recorder, leaf *x509.Certificate, observed []verify.TimestampVerificationResult) {
	if len(observed) == 0 {
		r.skip(CheckCertificate, "the time of the signature is not known")
		r.skip(CheckSCT, "the certificate could not be verified")
		return
	}
	var chains [][]*x509.Certificate
	var err error
	for _, t := range observed {
		if chains, err = verify.VerifyLeafCertificate(t.Timestamp, leaf, p.material); err != nil {
			r.check(CheckCertificate, fmt.Errorf("no authority of %s vouches for it at %s", p.name, t.Timestamp.UTC().Format(time.RFC3339)))
			r.skip(CheckSCT, "the certificate could not be verified")
			return
		}
	}
	r.check(CheckCertificate, nil)
	if !p.demands.sct {
		p.demand(r, false, CheckSCT, nil)
		return
	}
	r.check(CheckSCT, verify.VerifySignedCertificateTimestamp(chains, 1, p.material))
}

// signatureProblem verifies the signature of the statement by the key that the
// bundle names, whoever that is.
func (p *Profile) signatureProblem(b *bundle.Bundle, content verify.VerificationContent) error {
	signed, err := b.SignatureContent()
	if err != nil {
		return err
	}
	return verify.VerifySignature(signed, content, p.material)
}

// verifyIdentities checks that one of those who may sign did. Of several, the
// one that comes nearest is reported.
func verifyIdentities(r *recorder, who *claimed, want Expected) {
	if who == nil {
		return
	}
	isKey := who.certificate == nil
	of := slices.DeleteFunc(slices.Clone(want.Identities), func(id Identity) bool { return (id.Key != "") != isKey })
	switch {
	case len(of) == 0 && !isKey:
		r.check(CheckKind, errors.New("a certificate signed, but the index names no workflow that may"))
	case len(of) == 0 && len(want.Identities) > 0:
		r.check(CheckKind, errors.New("a key signed, but the owners file names workflows only"))
	case len(of) == 0:
		r.check(CheckKind, nil)
		r.skip(CheckSignerKey, "the owners file names no key, so each key of the registry may sign")
	default:
		r.check(CheckKind, nil)
		r.checks = append(r.checks, nearest(who, of, want).checks...)
	}
}

// nearest verifies each identity and returns the outcome with the fewest
// failures.
func nearest(who *claimed, identities []Identity, want Expected) *recorder {
	var best *recorder
	for _, id := range identities {
		r := &recorder{}
		if who.certificate == nil {
			r.equal(CheckSignerKey, "the key", who.key, id.Key)
		} else {
			id.verify(r, *who.certificate, want.Entry)
		}
		id.verifyPeriod(r, who.signedAt)
		if best == nil || len(r.failed()) < len(best.failed()) {
			best = r
		}
	}
	return best
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
