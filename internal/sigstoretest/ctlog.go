package sigstoretest

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	ct "github.com/google/certificate-transparency-go"
	cttls "github.com/google/certificate-transparency-go/tls"
)

// ctLog promises to log certificates (RFC 6962, 4.1 and 4.2) and signs the
// promise. Nobody reads the log, so nothing is kept.
type ctLog struct {
	server *httptest.Server
	key    *ecdsa.PrivateKey
	id     [sha256.Size]byte
}

func startCTLog() (*ctLog, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	l := &ctLog{key: key, id: sha256.Sum256(public)}
	mux := http.NewServeMux()
	mux.Handle("POST "+ct.AddChainPath, l.add(ct.X509LogEntryType))
	mux.Handle("POST "+ct.AddPreChainPath, l.add(ct.PrecertLogEntryType))
	l.server = httptest.NewServer(mux)
	return l, nil
}

// add answers a request to log a chain with a signed certificate timestamp.
func (l *ctLog) add(kind ct.LogEntryType) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Chain [][]byte `json:"chain"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := l.sign(request.Chain, kind)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		writeJSON(w, answer)
	}
}

func (l *ctLog) sign(chain [][]byte, kind ct.LogEntryType) (*ct.AddChainResponse, error) {
	var raw []ct.ASN1Cert
	for _, der := range chain {
		raw = append(raw, ct.ASN1Cert{Data: der})
	}
	now := uint64(time.Now().UnixMilli())
	leaf, err := ct.MerkleTreeLeafFromRawChain(raw, kind, now)
	if err != nil {
		return nil, fmt.Errorf("chain: %w", err)
	}
	input, err := ct.SerializeSCTSignatureInput(
		ct.SignedCertificateTimestamp{SCTVersion: ct.V1, Timestamp: now},
		ct.LogEntry{Leaf: *leaf},
	)
	if err != nil {
		return nil, err
	}
	signed, err := cttls.CreateSignature(*l.key, cttls.SHA256, input)
	if err != nil {
		return nil, err
	}
	signature, err := cttls.Marshal(signed)
	if err != nil {
		return nil, err
	}
	return &ct.AddChainResponse{SCTVersion: ct.V1, ID: l.id[:], Timestamp: now, Signature: signature}, nil
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the other side went away
}
