package sigstoretest

import (
	"crypto"
	"crypto/ed25519"
	"encoding/hex"

	"github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/sigstore-go/pkg/root"
)

// TrustedRoot returns the trusted root (JSON) of the stack: its certificate
// authority, certificate transparency log, transparency log and timestamp
// authority. It outlives the stack.
func (s *Stack) TrustedRoot() []byte {
	s.t.Helper()
	return s.trustedRoot(s.ctLogs(), s.transparencyLogs())
}

// PrivateTrustedRoot returns the trusted root without logs, as GitHub's for
// private repositories is: a timestamp alone says when a signature was made.
func (s *Stack) PrivateTrustedRoot() []byte {
	s.t.Helper()
	return s.trustedRoot(nil, nil)
}

func (s *Stack) trustedRoot(ctLogs, logs map[string]*root.TransparencyLog) []byte {
	s.t.Helper()
	ca, tsa := s.certificates, s.timestamps
	made, err := root.NewTrustedRoot(root.TrustedRootMediaType01,
		[]root.CertificateAuthority{&root.FulcioCertificateAuthority{
			URI: s.fulcioURL, Root: ca.root(), Intermediates: ca.chain[:len(ca.chain)-1],
			ValidityPeriodStart: ca.from, ValidityPeriodEnd: ca.to,
		}},
		ctLogs,
		[]root.TimestampingAuthority{&root.SigstoreTimestampingAuthority{
			URI: s.timestampURL, Root: tsa.root(), Intermediates: tsa.chain[1 : len(tsa.chain)-1], Leaf: tsa.chain[0],
			ValidityPeriodStart: tsa.from, ValidityPeriodEnd: tsa.to,
		}},
		logs,
	)
	if err != nil {
		s.t.Fatal(err)
	}
	data, err := made.MarshalJSON()
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

func (s *Stack) ctLogs() map[string]*root.TransparencyLog {
	return map[string]*root.TransparencyLog{
		hex.EncodeToString(s.ct.id[:]): {
			BaseURL: s.ct.server.URL, ID: s.ct.id[:], PublicKey: s.ct.key.Public(),
			HashFunc: crypto.SHA256, SignatureHashFunc: crypto.SHA256,
			ValidityPeriodStart: s.certificates.from, ValidityPeriodEnd: s.certificates.to,
		},
	}
}

// transparencyLogs names the log by its key and its host, which is what it
// signs its checkpoints with (C2SP signed-note).
func (s *Stack) transparencyLogs() map[string]*root.TransparencyLog {
	s.t.Helper()
	public := s.logKey.Public().(ed25519.PublicKey)
	_, id, err := note.KeyHash(loopback, public)
	if err != nil {
		s.t.Fatal(err)
	}
	return map[string]*root.TransparencyLog{
		hex.EncodeToString(id): {
			BaseURL: s.rekorURL, ID: id, PublicKey: public,
			HashFunc: crypto.SHA256, SignatureHashFunc: crypto.SHA512,
			ValidityPeriodStart: s.certificates.from, ValidityPeriodEnd: s.certificates.to,
		},
	}
}
