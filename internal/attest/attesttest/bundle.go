package attesttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	"google.golang.org/protobuf/encoding/protojson"
)

// StatementType is the media type of an in-toto statement.
const StatementType = "application/vnd.in-toto+json"

// Request is what is to be signed.
type Request struct {
	Statement   []byte
	PayloadType string            // "" means StatementType
	Claims      Claims            // of the certificate
	Key         *ecdsa.PrivateKey // signs in place of a certificate; nil for a certificate
	KeyID       string            // that the bundle names for Key
	Forge       bool              // sign other bytes than the statement
}

// Sign returns a bundle with all evidence that the authority has.
func (a *Authority) Sign(t testing.TB, r Request) []byte {
	t.Helper()
	return JSON(t, a.Bundle(t, r))
}

// JSON is the text of a bundle.
func JSON(t testing.TB, b *protobundle.Bundle) []byte {
	t.Helper()
	text, err := protojson.Marshal(b)
	check(t, err)
	return text
}

// Bundle is what Sign writes down.
func (a *Authority) Bundle(t testing.TB, r Request) *protobundle.Bundle {
	t.Helper()
	s := signed{payloadType: StatementType, payload: r.Statement}
	if r.PayloadType != "" {
		s.payloadType = r.PayloadType
	}
	material := &protobundle.VerificationMaterial{}
	key := r.Key
	if key != nil {
		material.Content = &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{Hint: r.KeyID}}
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		check(t, err)
		s.der, s.pem = der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	} else {
		key = newKey(t)
		issued := a.Now()
		if !a.CertificatesIssued.IsZero() {
			issued = a.CertificatesIssued
		}
		leaf := a.Certificates.certificate(t, a.CTLog, key.Public(), r.Claims, issued)
		material.Content = &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: leaf.Raw}}
		s.der, s.pem, s.certificate = leaf.Raw, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}), true
	}
	message := dsse.PAE(s.payloadType, s.payload)
	if r.Forge {
		message = append(message, '.')
	}
	digest := sha256.Sum256(message)
	var err error
	s.signature, err = key.Sign(rand.Reader, digest[:], crypto.SHA256)
	check(t, err)
	a.evidence(t, material, s)
	return &protobundle.Bundle{
		MediaType:            "application/vnd.dev.sigstore.bundle.v0.3+json",
		VerificationMaterial: material,
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload: s.payload, PayloadType: s.payloadType, Signatures: []*protodsse.Signature{{Sig: s.signature}},
		}},
	}
}

func (a *Authority) evidence(t testing.TB, to *protobundle.VerificationMaterial, s signed) {
	t.Helper()
	if a.Timestamps != nil {
		to.TimestampVerificationData = &protobundle.TimestampVerificationData{
			Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: a.Timestamps.sign(t, s.signature, a.Now())}},
		}
	}
	for _, l := range []*Log{a.LogV1, a.LogV2} {
		if l != nil {
			to.TlogEntries = append(to.TlogEntries, l.entry(t, s, a.Now()))
		}
	}
}
