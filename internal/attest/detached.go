package attest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/signature/options"
)

// IndexKeysFolder holds, in the trust folder of an index, the public keys (PEM,
// one a file) that speak for the index itself, such as in the record of a
// squash. They sign no packages, and the keys that sign packages do not speak
// for the index.
const IndexKeysFolder = "index"

// IndexKeys are the keys that speak for an index.
type IndexKeys struct {
	keys map[string]*root.ExpiringKey
}

// ReadIndexKeys reads the keys that speak for an index from its trust folder,
// which may be absent. There may be none: then nothing can be verified.
func ReadIndexKeys(trust fs.FS) (*IndexKeys, error) {
	keys, err := readKeys(trust, IndexKeysFolder)
	return &IndexKeys{keys}, err
}

// Has reports whether the key of that ID is among them.
func (k *IndexKeys) Has(id string) bool { return k.keys[id] != nil }

// IDs are the IDs of the keys, sorted.
func (k *IndexKeys) IDs() []string { return slices.Sorted(maps.Keys(k.keys)) }

// Verify checks a signature (base64) that one of the keys made over a payload
// with [Signer.SignPayload]. The error matches [ErrRejected].
func (k *IndexKeys) Verify(id, payloadType string, payload []byte, signature string) error {
	key, ok := k.keys[id]
	if !ok {
		return fmt.Errorf("%w: key %s is not under %s", ErrRejected, id, path.Join("trust", IndexKeysFolder))
	}
	// One signature has one form: no line breaks, no bits that mean nothing.
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err == nil && base64.StdEncoding.EncodeToString(sig) != signature {
		err = base64.CorruptInputError(0)
	}
	if err != nil {
		return fmt.Errorf("%w: it is no base64", ErrRejected)
	}
	if err := key.VerifySignature(bytes.NewReader(sig), bytes.NewReader(dsse.PAE(payloadType, payload))); err != nil {
		return fmt.Errorf("%w: key %s did not make it over this", ErrRejected, id)
	}
	return nil
}

// SignPayload signs a payload together with its type, in the encoding of DSSE
// version 1, and returns the signature in base64. The signer must have a key of
// its own. The error matches [ErrSign].
func (s *Signer) SignPayload(ctx context.Context, payloadType string, payload []byte) (string, error) {
	key, ok := s.keypair.(keptKey)
	if !ok {
		return "", fmt.Errorf("%w: a key that lasts is needed", ErrSign)
	}
	sig, err := key.signer.SignMessage(bytes.NewReader(dsse.PAE(payloadType, payload)), options.WithContext(ctx))
	if err != nil {
		return "", errors.Join(ErrSign, err)
	}
	return base64.StdEncoding.EncodeToString(sig), nil
}

// KeyID is the ID of the key of a signer, see [KeyID].
func (s *Signer) KeyID() (string, error) { return KeyID(s.PublicKey()) }

// Empty reports that there are none.
func (k *IndexKeys) Empty() bool { return len(k.keys) == 0 }
