package attesttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
	ctx509 "github.com/google/certificate-transparency-go/x509"
	"github.com/google/certificate-transparency-go/x509util"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
)

// CA issues certificates as Fulcio does.
type CA struct {
	root, intermediate *x509.Certificate
	key                *ecdsa.PrivateKey // of the intermediate
}

func newCA(t testing.TB, now time.Time) *CA {
	t.Helper()
	rootKey, key := newKey(t), newKey(t)
	template := authorityTemplate("fulcio root", now)
	top := issue(t, template, template, rootKey.Public(), rootKey)
	middle := authorityTemplate("fulcio intermediate", now)
	middle.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	return &CA{root: top, intermediate: issue(t, middle, top, key.Public(), rootKey), key: key}
}

// CTLog is a certificate transparency log.
type CTLog struct{ key *ecdsa.PrivateKey }

// Claims is what a certificate says of the workflow that signs. Its subject is
// the signing workflow, BuildSignerURI, unless Subject says otherwise.
type Claims struct {
	certificate.Extensions

	Subject string
}

// certificate issues a certificate for a key, valid for ten minutes from now.
// A log, unless it is nil, has the certificate and promises it in it.
func (ca *CA) certificate(t testing.TB, log *CTLog, key crypto.PublicKey, c Claims, now time.Time) *x509.Certificate {
	t.Helper()
	subject, err := url.Parse(c.subject())
	check(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	check(t, err)
	template := &x509.Certificate{
		SerialNumber: serial,
		NotBefore:    now, NotAfter: now.Add(10 * time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		URIs:            []*url.URL{subject},
		ExtraExtensions: c.extensions(t),
	}
	made := issue(t, template, ca.intermediate, key, ca.key)
	if log == nil {
		return made
	}
	// What the log promises is the certificate without the promise.
	template.ExtraExtensions = append(template.ExtraExtensions, log.promise(t, made, ca.intermediate, now))
	return issue(t, template, ca.intermediate, key, ca.key)
}

func (c Claims) subject() string {
	if c.Subject != "" {
		return c.Subject
	}
	return c.BuildSignerURI
}

// extensions are those of Fulcio that have a value, old and new.
func (c Claims) extensions(t testing.TB) []pkix.Extension {
	t.Helper()
	var all []pkix.Extension
	for _, old := range []struct { // plain strings; real certificates still have them
		last  int
		value string
	}{
		{1, c.Issuer},
		{2, c.BuildTrigger},
		{3, c.SourceRepositoryDigest},
		{4, "release"},
		{5, strings.TrimPrefix(c.SourceRepositoryURI, "https://github.com/")},
		{6, c.SourceRepositoryRef},
	} {
		id := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, old.last}
		all = append(all, pkix.Extension{Id: id, Value: []byte(old.value)})
	}
	for _, e := range []struct {
		id    asn1.ObjectIdentifier
		value string
	}{
		{certificate.OIDIssuerV2, c.Issuer},
		{certificate.OIDBuildSignerURI, c.BuildSignerURI},
		{certificate.OIDBuildSignerDigest, c.BuildSignerDigest},
		{certificate.OIDRunnerEnvironment, c.RunnerEnvironment},
		{certificate.OIDSourceRepositoryURI, c.SourceRepositoryURI},
		{certificate.OIDSourceRepositoryDigest, c.SourceRepositoryDigest},
		{certificate.OIDSourceRepositoryRef, c.SourceRepositoryRef},
		{certificate.OIDSourceRepositoryIdentifier, c.SourceRepositoryIdentifier},
		{certificate.OIDSourceRepositoryOwnerURI, c.SourceRepositoryOwnerURI},
		{certificate.OIDSourceRepositoryOwnerIdentifier, c.SourceRepositoryOwnerIdentifier},
		{certificate.OIDBuildConfigURI, c.BuildConfigURI},
		{certificate.OIDBuildConfigDigest, c.BuildConfigDigest},
		{certificate.OIDBuildTrigger, c.BuildTrigger},
		{certificate.OIDRunInvocationURI, c.RunInvocationURI},
		{certificate.OIDSourceRepositoryVisibilityAtSigning, c.SourceRepositoryVisibilityAtSigning},
	} {
		value, err := asn1.MarshalWithParams(e.value, "utf8")
		check(t, err)
		all = append(all, pkix.Extension{Id: e.id, Value: value})
	}
	return all
}

// promise is the extension with the log's signed certificate timestamp.
func (l *CTLog) promise(t testing.TB, leaf, issuer *x509.Certificate, now time.Time) pkix.Extension {
	t.Helper()
	sct := &ct.SignedCertificateTimestamp{SCTVersion: ct.V1, Timestamp: uint64(now.UnixMilli())}
	copy(sct.LogID.KeyID[:], keyID(t, l.key.Public()))
	input, err := ct.SerializeSCTSignatureInput(*sct, ct.LogEntry{Leaf: ct.MerkleTreeLeaf{
		Version: ct.V1, LeafType: ct.TimestampedEntryLeafType,
		TimestampedEntry: &ct.TimestampedEntry{
			Timestamp: sct.Timestamp, EntryType: ct.PrecertLogEntryType,
			PrecertEntry: &ct.PreCert{IssuerKeyHash: sha256.Sum256(issuer.RawSubjectPublicKeyInfo), TBSCertificate: leaf.RawTBSCertificate},
		},
	}})
	check(t, err)
	signature, err := tls.CreateSignature(*l.key, tls.SHA256, input)
	check(t, err)
	sct.Signature = ct.DigitallySigned(signature)
	list, err := x509util.MarshalSCTsIntoSCTList([]*ct.SignedCertificateTimestamp{sct})
	check(t, err)
	data, err := tls.Marshal(*list)
	check(t, err)
	value, err := asn1.Marshal(data)
	check(t, err)
	return pkix.Extension{Id: asn1.ObjectIdentifier(ctx509.OIDExtensionCTSCT), Value: value}
}
