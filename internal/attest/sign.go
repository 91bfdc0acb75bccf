package attest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms"
	"github.com/sigstore/sigstore/pkg/signature/kms/hashivault"
)

// ErrSign is the class of everything that goes wrong while signing.
var ErrSign = errors.New("cannot sign")

const (
	serviceTimeout = 30 * time.Second
	serviceRetries = 3
)

// Services says where a signature gets its evidence. An empty URL leaves that
// evidence out; the profile that verifies decides whether it may be missing.
type Services struct {
	Fulcio           string // certificate authority
	Rekor            string // transparency log
	RekorVersion     uint32 // of the log's API: 1 or 2; 0 means 1
	TimestampService string // RFC 3161, whole URL
}

// PublicGoodServices are the services of the public-good Sigstore.
func PublicGoodServices() Services {
	return Services{
		Fulcio:           "https://fulcio.sigstore.dev",
		Rekor:            "https://rekor.sigstore.dev",
		RekorVersion:     1,
		TimestampService: "https://timestamp.sigstore.dev/api/v1/timestamp",
	}
}

// Signer signs statements.
type Signer struct {
	keypair   sign.Keypair
	services  Services
	token     func(context.Context) (string, error) // nil when a key signs
	transport http.RoundTripper
}

// Keyless returns a signer with a new key whose certificate is issued for an
// identity token. The token is asked for at each signature and is never kept.
func Keyless(services Services, token func(context.Context) (string, error), transport http.RoundTripper) (*Signer, error) {
	if services.Fulcio == "" {
		return nil, fmt.Errorf("%w: keyless signing needs a certificate authority", ErrSign)
	}
	keypair, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSign, err)
	}
	return &Signer{keypair: keypair, services: services, token: token, transport: transport}, nil
}

// WithKey returns a signer for a long-lived ECDSA P-256 key in PEM. The password
// decrypts an encrypted one and may be nil. The error matches [ErrSign] and
// [ErrKey].
func WithKey(data, password []byte, services Services, transport http.RoundTripper) (*Signer, error) {
	private, err := cryptoutils.UnmarshalPEMToPrivateKey(data, cryptoutils.StaticPasswordFunc(password))
	if err != nil {
		return nil, fmt.Errorf("%w: %w: %w", ErrSign, ErrKey, err)
	}
	key, err := signature.LoadSigner(private, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: %w", ErrSign, ErrKey, err)
	}
	return withSigner(key, services, transport)
}

// WithKMS returns a signer for an ECDSA P-256 key that a key management service
// keeps. Services are those of [KMSProviders], and any for which a program
// sigstore-kms-NAME is on PATH, by NAME://KEY. How to reach one is in the
// variables that it documents, such as VAULT_ADDR and VAULT_TOKEN.
func WithKMS(ctx context.Context, uri string, services Services, transport http.RoundTripper) (*Signer, error) {
	key, err := kms.Get(ctx, uri, crypto.SHA256)
	var missing *kms.ProviderNotFoundError
	if errors.As(err, &missing) {
		name, _, _ := strings.Cut(uri, "://")
		return nil, fmt.Errorf("%w: key %s: %q is none of %s, and there is no program sigstore-kms-%s", ErrSign, uri, name, strings.Join(KMSProviders(), ", "), name)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: key %s: %w", ErrSign, uri, err)
	}
	s, err := withSigner(key, services, transport)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, uri)
	}
	return s, nil
}

// KMSProviders lists the key management services that are built in, by the
// scheme of their URIs.
func KMSProviders() []string {
	return []string{strings.TrimSuffix(hashivault.ReferenceScheme, "://"), strings.TrimSuffix(hashivault.AlternativeScheme, "://")}
}

func withSigner(key signature.Signer, services Services, transport http.RoundTripper) (*Signer, error) {
	public, err := key.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("%w: %w: %w", ErrSign, ErrKey, err)
	}
	if ec, ok := public.(*ecdsa.PublicKey); !ok || ec.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%w: %w: it is not ECDSA P-256", ErrSign, ErrKey)
	}
	id, err := KeyID(public)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: %w", ErrSign, ErrKey, err)
	}
	services.Fulcio = ""
	return &Signer{keypair: keptKey{key, public, id}, services: services, transport: transport}, nil
}

// PublicKey returns the key whose private half signs, for a signer with a key
// of its own.
func (s *Signer) PublicKey() crypto.PublicKey { return s.keypair.GetPublicKey() }

// Sign returns the bundle for a statement, as JSON. The error matches [ErrSign].
func (s *Signer) Sign(ctx context.Context, statement []byte) ([]byte, error) {
	options := sign.BundleOptions{Context: ctx}
	if s.token != nil {
		token, err := s.token(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w: identity token: %w", ErrSign, err)
		}
		options.CertificateProvider = sign.NewFulcio(&sign.FulcioOptions{
			BaseURL: s.services.Fulcio, Timeout: serviceTimeout, Retries: serviceRetries, Transport: s.transport,
		})
		options.CertificateProviderOptions = &sign.CertificateProviderOptions{IDToken: token}
	}
	if s.services.TimestampService != "" {
		options.TimestampAuthorities = []*sign.TimestampAuthority{sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{
			URL: s.services.TimestampService, Timeout: serviceTimeout, Retries: serviceRetries, Transport: s.transport,
		})}
	}
	if s.services.Rekor != "" {
		options.TransparencyLogs = []sign.Transparency{sign.NewRekor(&sign.RekorOptions{
			BaseURL: s.services.Rekor, Timeout: serviceTimeout, Retries: serviceRetries, Version: max(s.services.RekorVersion, 1),
		})}
	}
	made, err := sign.Bundle(&sign.DSSEData{Data: statement, PayloadType: payloadType}, s.keypair, options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSign, err)
	}
	b, err := bundle.NewBundle(made)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSign, err)
	}
	data, err := b.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSign, err)
	}
	return data, nil
}

// keptKey is a long-lived key in the terms of sigstore-go.
type keptKey struct {
	signer signature.Signer
	public crypto.PublicKey
	id     string
}

func (keptKey) GetHashAlgorithm() protocommon.HashAlgorithm {
	return protocommon.HashAlgorithm_SHA2_256
}

func (keptKey) GetSigningAlgorithm() protocommon.PublicKeyDetails {
	return protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256
}

func (k keptKey) GetHint() []byte                { return []byte(k.id) }
func (keptKey) GetKeyAlgorithm() string          { return "ECDSA" }
func (k keptKey) GetPublicKey() crypto.PublicKey { return k.public }

func (k keptKey) GetPublicKeyPem() (string, error) {
	pem, err := cryptoutils.MarshalPublicKeyToPEM(k.public)
	return string(pem), err
}

// SignData returns the signature of data and the digest it was made over.
func (k keptKey) SignData(_ context.Context, data []byte) (sig, digest []byte, err error) {
	sum := sha256.Sum256(data)
	sig, err = k.signer.SignMessage(bytes.NewReader(data))
	return sig, sum[:], err
}

var _ sign.Keypair = keptKey{}
