package attesttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/rekor/pkg/util"
	"github.com/sigstore/sigstore/pkg/signature"
	"golang.org/x/mod/sumdb/note"
)

// Log is a transparency log. It has one other entry before each that it makes,
// so that proofs of inclusion prove something.
type Log struct {
	host string
	v2   bool
	key  crypto.Signer
}

func newLogV1(t testing.TB) *Log {
	t.Helper()
	return &Log{host: "rekor.example.org", key: newKey(t)}
}

func newLogV2(t testing.TB) *Log {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	return &Log{host: "log2026.example.org", v2: true, key: key}
}

// signed is what is logged.
type signed struct {
	payloadType string
	payload     []byte
	signature   []byte
	pem         []byte // certificate or public key
	der         []byte
	certificate bool
}

func (l *Log) entry(t testing.TB, s signed, now time.Time) *protorekor.TransparencyLogEntry {
	t.Helper()
	if l.v2 {
		return l.entryV2(t, s)
	}
	return l.entryV1(t, s, now)
}

// proof shows that the body is the second of two entries.
func (l *Log) proof(body []byte) *protorekor.InclusionProof {
	leaf := sha256.Sum256(append([]byte{0}, body...))
	other := sha256.Sum256([]byte("\x00another entry"))
	top := sha256.Sum256(append(append([]byte{1}, other[:]...), leaf[:]...))
	return &protorekor.InclusionProof{LogIndex: 1, TreeSize: 2, RootHash: top[:], Hashes: [][]byte{other[:]}}
}

// entryV1 is a dsse entry with a promise, as Rekor v1 makes it.
func (l *Log) entryV1(t testing.TB, s signed, now time.Time) *protorekor.TransparencyLogEntry {
	t.Helper()
	signatureText := base64.StdEncoding.EncodeToString(s.signature)
	envelope := canonical(t, dsse.Envelope{
		PayloadType: s.payloadType, Payload: base64.StdEncoding.EncodeToString(s.payload),
		Signatures: []dsse.Signature{{Sig: signatureText}},
	})
	body := canonical(t, map[string]any{
		"apiVersion": "0.0.1", "kind": "dsse",
		"spec": map[string]any{
			"envelopeHash": sha256Value(envelope), "payloadHash": sha256Value(s.payload),
			"signatures": []any{map[string]any{"signature": signatureText, "verifier": base64.StdEncoding.EncodeToString(s.pem)}},
		},
	})
	signer, err := signature.LoadECDSASignerVerifier(l.key.(*ecdsa.PrivateKey), crypto.SHA256)
	check(t, err)
	proof := l.proof(body)
	checkpoint, err := util.CreateAndSignCheckpoint(t.Context(), l.host, 1193050959916656506, 2, proof.RootHash, signer)
	check(t, err)
	proof.Checkpoint = &protorekor.Checkpoint{Envelope: string(checkpoint)}

	id := keyID(t, l.key.Public())
	promised := sha256.Sum256(canonical(t, map[string]any{
		"body": base64.StdEncoding.EncodeToString(body), "integratedTime": now.Unix(), "logIndex": 1, "logID": hex.EncodeToString(id),
	}))
	promise, err := l.key.Sign(rand.Reader, promised[:], crypto.SHA256)
	check(t, err)
	return &protorekor.TransparencyLogEntry{
		LogIndex: 1, LogId: &protocommon.LogId{KeyId: id},
		KindVersion:    &protorekor.KindVersion{Kind: "dsse", Version: "0.0.1"},
		IntegratedTime: now.Unix(), InclusionPromise: &protorekor.InclusionPromise{SignedEntryTimestamp: promise},
		InclusionProof: proof, CanonicalizedBody: body,
	}
}

// entryV2 is a hashedrekord entry, as Rekor v2 makes it. It has no time.
func (l *Log) entryV2(t testing.TB, s signed) *protorekor.TransparencyLogEntry {
	t.Helper()
	digest := sha256.Sum256(dsse.PAE(s.payloadType, s.payload))
	raw := map[string]any{"rawBytes": base64.StdEncoding.EncodeToString(s.der)}
	verifier := map[string]any{"keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": raw}
	if s.certificate {
		verifier = map[string]any{"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": raw}
	}
	body := canonical(t, map[string]any{
		"apiVersion": "0.0.2", "kind": "hashedrekord",
		"spec": map[string]any{"hashedRekordV002": map[string]any{
			"data":      map[string]any{"algorithm": "SHA2_256", "digest": base64.StdEncoding.EncodeToString(digest[:])},
			"signature": map[string]any{"content": base64.StdEncoding.EncodeToString(s.signature), "verifier": verifier},
		}},
	})
	loaded, err := signature.LoadSigner(l.key, crypto.SHA512)
	check(t, err)
	signer, err := rekornote.NewNoteSigner(t.Context(), l.host, loaded)
	check(t, err)
	proof := l.proof(body)
	text := fmt.Sprintf("%s\n2\n%s\n", l.host, base64.StdEncoding.EncodeToString(proof.RootHash))
	checkpoint, err := note.Sign(&note.Note{Text: text}, signer)
	check(t, err)
	proof.Checkpoint = &protorekor.Checkpoint{Envelope: string(checkpoint)}
	return &protorekor.TransparencyLogEntry{
		LogIndex: 1, LogId: &protocommon.LogId{KeyId: keyID(t, l.key.Public())},
		KindVersion:    &protorekor.KindVersion{Kind: "hashedrekord", Version: "0.0.2"},
		InclusionProof: proof, CanonicalizedBody: body,
	}
}

func sha256Value(data []byte) map[string]any {
	sum := sha256.Sum256(data)
	return map[string]any{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}
}

// canonical is RFC 8785's form of a value.
func canonical(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	check(t, err)
	text, err = jsoncanonicalizer.Transform(text)
	check(t, err)
	return text
}
