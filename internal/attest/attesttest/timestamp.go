package attesttest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
)

// TSA is a timestamp authority.
type TSA struct {
	root, leaf *x509.Certificate
	key        *ecdsa.PrivateKey
}

func newTSA(t testing.TB, now time.Time) *TSA {
	t.Helper()
	rootKey, key := newKey(t), newKey(t)
	template := authorityTemplate("timestamp root", now)
	top := issue(t, template, template, rootKey.Public(), rootKey)
	// RFC 3161: the extended key usage is critical, and the only one.
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	check(t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "timestamps", Organization: []string{"example.org"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(validity),
		KeyUsage:        x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}},
	}
	return &TSA{root: top, leaf: issue(t, leaf, top, key.Public(), rootKey), key: key}
}

// sign is the response for a signature.
func (a *TSA) sign(t testing.TB, signature []byte, now time.Time) []byte {
	t.Helper()
	query, err := timestamp.CreateRequest(bytes.NewReader(signature), &timestamp.RequestOptions{Hash: crypto.SHA256})
	check(t, err)
	request, err := timestamp.ParseRequest(query)
	check(t, err)
	template := timestamp.Timestamp{
		HashAlgorithm: request.HashAlgorithm, HashedMessage: request.HashedMessage,
		Time: now, Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2},
	}
	response, err := template.CreateResponseWithOpts(a.leaf, a.key, crypto.SHA256)
	check(t, err)
	return response
}
