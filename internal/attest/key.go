package attest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// ErrKey is the class of files that hold no usable key (errors.Is).
var ErrKey = errors.New("not a usable key")

// GenerateKey makes an ECDSA P-256 key and returns both halves in PEM. The
// private one is encrypted with the password, unless that is empty.
func GenerateKey(password []byte) (private, public []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if public, err = cryptoutils.MarshalPublicKeyToPEM(key.Public()); err != nil {
		return nil, nil, err
	}
	if len(password) == 0 {
		private, err = cryptoutils.MarshalPrivateKeyToPEM(key)
		return private, public, err
	}
	der, err := cryptoutils.MarshalPrivateKeyToEncryptedDER(key, cryptoutils.StaticPasswordFunc(password))
	if err != nil {
		return nil, nil, err
	}
	return cryptoutils.PEMEncode(cryptoutils.EncryptedSigstorePrivateKeyPEMType, der), public, nil
}

// IsEncrypted reports whether a PEM file holds a key that needs a password.
func IsEncrypted(data []byte) bool {
	block, _ := pem.Decode(data)
	return block != nil && strings.HasPrefix(block.Type, "ENCRYPTED ")
}

// ParsePublicKey returns the public half of a key in PEM, which may be private
// and encrypted. The error matches [ErrKey].
func ParsePublicKey(data, password []byte) (*ecdsa.PublicKey, error) {
	key, err := parsePublicKey(data, password)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	ec, ok := key.(*ecdsa.PublicKey)
	if !ok || ec.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%w: it is not ECDSA P-256", ErrKey)
	}
	return ec, nil
}

func parsePublicKey(data, password []byte) (crypto.PublicKey, error) {
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return nil, errors.New("it is not PEM")
	case len(strings.TrimSpace(string(rest))) > 0:
		return nil, errors.New("something follows the key")
	case block.Type == string(cryptoutils.PublicKeyPEMType):
		return cryptoutils.UnmarshalPEMToPublicKey(data)
	}
	private, err := cryptoutils.UnmarshalPEMToPrivateKey(data, cryptoutils.StaticPasswordFunc(password))
	if err != nil {
		return nil, err
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%T signs nothing", private)
	}
	return signer.Public(), nil
}

// FormatPublicKey returns a public key in PEM.
func FormatPublicKey(key *ecdsa.PublicKey) ([]byte, error) {
	return cryptoutils.MarshalPublicKeyToPEM(key)
}
