// Package attesttest is a whole Sigstore in memory, for tests: a certificate
// authority that issues certificates with all of Fulcio's extensions, a
// certificate transparency log, a timestamp authority (RFC 3161), and two
// transparency logs, one like Rekor v1 and one like Rekor v2.
//
// What it signs are real bundles, and its trusted root is one that any client
// of Sigstore reads. Its parts are values: an [Authority] with one part of
// another makes bundles in which only that part is wrong.
//
// Sources: Fulcio's certificate extensions (OID 1.3.6.1.4.1.57264.1), RFC 6962,
// RFC 3161, C2SP signed notes and checkpoints, Rekor's entry types dsse v0.0.1
// and hashedrekord v0.0.2.
package attesttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// Authority is a Sigstore. A part that is nil gives no evidence, and is not in
// the trusted root.
type Authority struct {
	Certificates *CA
	CTLog        *CTLog
	Timestamps   *TSA
	LogV1        *Log
	LogV2        *Log
	Now          func() time.Time

	CertificatesIssued time.Time // when; zero means at Now
}

// New makes an authority with all parts, each with new keys.
func New(t testing.TB) *Authority {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	return &Authority{
		Certificates: newCA(t, now),
		CTLog:        &CTLog{key: newKey(t)},
		Timestamps:   newTSA(t, now),
		LogV1:        newLogV1(t),
		LogV2:        newLogV2(t),
		Now:          func() time.Time { return now },
	}
}

// Clone returns a copy whose parts can be replaced.
func (a *Authority) Clone() *Authority {
	c := *a
	return &c
}

// TrustedRoot returns the authority's trusted root as JSON.
func (a *Authority) TrustedRoot(t testing.TB) []byte {
	t.Helper()
	var authorities []root.CertificateAuthority
	var timestamps []root.TimestampingAuthority
	certificateLogs, logs := map[string]*root.TransparencyLog{}, map[string]*root.TransparencyLog{}
	start, end := a.Now().Add(-time.Hour), a.Now().Add(validity)
	if a.Certificates != nil {
		authorities = append(authorities, &root.FulcioCertificateAuthority{
			URI: "https://fulcio.example.org", Root: a.Certificates.root, Intermediates: []*x509.Certificate{a.Certificates.intermediate},
			ValidityPeriodStart: start, ValidityPeriodEnd: end,
		})
	}
	if a.Timestamps != nil {
		timestamps = append(timestamps, &root.SigstoreTimestampingAuthority{
			URI: "https://timestamp.example.org", Root: a.Timestamps.root, Leaf: a.Timestamps.leaf,
			ValidityPeriodStart: start, ValidityPeriodEnd: end,
		})
	}
	add := func(to map[string]*root.TransparencyLog, url string, key crypto.PublicKey) {
		id := keyID(t, key)
		to[hex.EncodeToString(id)] = &root.TransparencyLog{
			BaseURL: url, ID: id, HashFunc: crypto.SHA256, PublicKey: key, SignatureHashFunc: crypto.SHA256,
			ValidityPeriodStart: start, ValidityPeriodEnd: end,
		}
	}
	if a.CTLog != nil {
		add(certificateLogs, "https://ct.example.org", a.CTLog.key.Public())
	}
	for _, l := range []*Log{a.LogV1, a.LogV2} {
		if l != nil {
			add(logs, "https://"+l.host, l.key.Public())
		}
	}
	made, err := root.NewTrustedRoot(root.TrustedRootMediaType01, authorities, certificateLogs, timestamps, logs)
	check(t, err)
	text, err := made.MarshalJSON()
	check(t, err)
	return text
}

// validity is how long authorities live.
const validity = 24 * time.Hour

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return key
}

// keyID is the ID of a log: the SHA-256 of its key.
func keyID(t testing.TB, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	check(t, err)
	sum := sha256.Sum256(der)
	return sum[:]
}

// authorityTemplate is a certificate that may issue others.
func authorityTemplate(name string, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: name, Organization: []string{"example.org"}},
		NotBefore:    now.Add(-time.Hour), NotAfter: now.Add(validity),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true, IsCA: true,
	}
}

func issue(t testing.TB, template, parent *x509.Certificate, key crypto.PublicKey, by crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, by)
	check(t, err)
	made, err := x509.ParseCertificate(der)
	check(t, err)
	return made
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
