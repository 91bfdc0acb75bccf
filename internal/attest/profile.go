package attest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// The trusted root of the public-good Sigstore, as its TUF repository serves
// it; see roots/README.md.
//
//go:embed roots/public-good.json
var publicGoodRoot []byte

const (
	// TrustedRootFile is the name of a Sigstore trusted root in the trust folder
	// of an index.
	TrustedRootFile = "root.json"
	// KeysFolder holds public keys in PEM, one a file, in that folder.
	KeysFolder = "keys"

	maxTrustFile = 1 << 20
	maxKeys      = 64
)

// ErrNoTrust is reported for a trust folder with neither a root nor a key.
var ErrNoTrust = errors.New("no trusted root and no key")

// Profile is one set of authorities and the evidence they must give. It parses
// them once and may be used by many goroutines.
type Profile struct {
	name     string
	material prepared
	hasKeys  bool
	demands  demands
}

// demands says which evidence a signature must carry. They follow from the
// root: what it names is required, so that nothing can be left away by whoever
// signs.
type demands struct {
	log, timestamps, sct bool
}

// Name says which profile it is, for people.
func (p *Profile) Name() string { return p.name }

// PublicGood returns the profile of the public-good Sigstore: certificate
// timestamp, log entry and an observed time are required.
func PublicGood() (*Profile, error) {
	return fromRoot("public-good Sigstore", publicGoodRoot)
}

// FromRoot returns the profile of a Sigstore trusted root (JSON), such as
// GitHub's for private repositories ("gh attestation trusted-root").
func FromRoot(name string, trustedRoot []byte) (*Profile, error) {
	return fromRoot(name, trustedRoot)
}

// FromTrust returns the profile of a registry's own authorities, from the trust
// folder of its index: root.json, keys/*.pem, or both. The error is
// [ErrNoTrust] when there is neither.
func FromTrust(name string, folder fs.FS) (*Profile, error) {
	keys, err := readKeys(folder, KeysFolder)
	if err != nil {
		return nil, err
	}
	data, err := readBounded(folder, TrustedRootFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(keys) == 0:
		return nil, fmt.Errorf("%s: %w", name, ErrNoTrust)
	case errors.Is(err, fs.ErrNotExist):
		return newProfile(name, &root.BaseTrustedMaterial{}, keys), nil
	case err != nil:
		return nil, err
	}
	parsed, err := parseRoot(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", TrustedRootFile, err)
	}
	return newProfile(name, parsed, keys), nil
}

// FromKeys returns a profile that trusts signatures by these keys alone.
func FromKeys(name string, publicKeys ...crypto.PublicKey) (*Profile, error) {
	if len(publicKeys) == 0 {
		return nil, fmt.Errorf("%s: %w", name, ErrNoTrust)
	}
	keys := map[string]*root.ExpiringKey{}
	for _, key := range publicKeys {
		if err := addKey(keys, key); err != nil {
			return nil, err
		}
	}
	return newProfile(name, &root.BaseTrustedMaterial{}, keys), nil
}

func fromRoot(name string, data []byte) (*Profile, error) {
	parsed, err := parseRoot(data)
	if err != nil {
		return nil, fmt.Errorf("trusted root of %s: %w", name, err)
	}
	return newProfile(name, parsed, nil), nil
}

// parseRoot reads a trusted root and refuses one that could not tell when a
// signature was made.
func parseRoot(data []byte) (*root.TrustedRoot, error) {
	if len(data) > maxTrustFile {
		return nil, fmt.Errorf("larger than %d bytes", maxTrustFile)
	}
	parsed, err := root.NewTrustedRootFromJSON(data)
	if err != nil {
		return nil, err
	}
	if len(parsed.FulcioCertificateAuthorities()) == 0 {
		return nil, errors.New("it names no certificate authority")
	}
	if len(parsed.RekorLogs()) == 0 && len(parsed.TimestampingAuthorities()) == 0 {
		return nil, errors.New("it names neither a transparency log nor a timestamp authority, so no signature could be dated")
	}
	return parsed, nil
}

func newProfile(name string, material root.TrustedMaterial, keys map[string]*root.ExpiringKey) *Profile {
	return &Profile{
		name:     name,
		material: prepare(withKeys{material, root.NewTrustedPublicKeyMaterialFromMapping(keys)}),
		hasKeys:  len(keys) > 0,
		demands: demands{
			log:        len(material.RekorLogs()) > 0,
			timestamps: len(material.RekorLogs()) > 0 || len(material.TimestampingAuthorities()) > 0,
			sct:        len(material.CTLogs()) > 0,
		},
	}
}

// verifier returns what verifies one signature, by a certificate or by a key;
// nil when the profile has no authority for that.
func (p *Profile) verifier(certificate bool) (*verify.Verifier, error) {
	if certificate && len(p.material.authorities) == 0 || !certificate && !p.hasKeys {
		return nil, nil
	}
	return verify.NewVerifier(p.material.forOneLeaf(), p.demands.options(certificate)...)
}

// options are the demands in the verifier's terms.
func (d demands) options(certificate bool) []verify.VerifierOption {
	var options []verify.VerifierOption
	if d.log {
		options = append(options, verify.WithTransparencyLog(1))
	}
	if d.sct && certificate {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	if d.timestamps {
		return append(options, verify.WithObserverTimestamps(1))
	}
	return append(options, verify.WithNoObserverTimestamps())
}

// withKeys answers for the keys of a profile beside its root.
type withKeys struct {
	root.TrustedMaterial
	keys *root.TrustedPublicKeyMaterial
}

func (w withKeys) PublicKeyVerifier(id string) (root.TimeConstrainedVerifier, error) {
	return w.keys.PublicKeyVerifier(id)
}

// readKeys reads the public keys in a folder of a trust folder.
func readKeys(folder fs.FS, in string) (map[string]*root.ExpiringKey, error) {
	entries, err := fs.ReadDir(folder, in)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(entries) > maxKeys {
		return nil, fmt.Errorf("%s: more than %d keys", in, maxKeys)
	}
	keys := map[string]*root.ExpiringKey{}
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".pem") {
			continue
		}
		file := path.Join(in, e.Name())
		data, err := readBounded(folder, file)
		if err != nil {
			return nil, err
		}
		key, err := cryptoutils.UnmarshalPEMToPublicKey(data)
		if err == nil {
			err = addKey(keys, key)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return keys, nil
}

// addKey takes in an ECDSA P-256 key, the one kind that is accepted.
func addKey(keys map[string]*root.ExpiringKey, key crypto.PublicKey) error {
	ec, ok := key.(*ecdsa.PublicKey)
	if !ok || ec.Curve != elliptic.P256() {
		return fmt.Errorf("%T is not an ECDSA P-256 key", key)
	}
	id, err := KeyID(key)
	if err != nil {
		return err
	}
	verifier, err := signature.LoadECDSAVerifier(ec, crypto.SHA256)
	if err != nil {
		return err
	}
	keys[id] = root.NewExpiringKey(verifier, time.Time{}, time.Time{})
	return nil
}

// KeyID names a public key: the base64 of the SHA-256 of its DER form, which a
// bundle carries as the hint.
func KeyID(key crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

func readBounded(folder fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(folder, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxTrustFile {
		return nil, fmt.Errorf("%s is not a regular file of at most %d bytes", name, maxTrustFile)
	}
	return fs.ReadFile(folder, name)
}

// Authorities lists whom a profile trusts, for people.
func (p *Profile) Authorities() []string {
	var names []string
	for _, ca := range p.material.FulcioCertificateAuthorities() {
		switch ca := ca.(type) {
		case *authority:
			names = append(names, "certificates: "+ca.URI)
		case *root.FulcioCertificateAuthority:
			names = append(names, "certificates: "+ca.URI)
		}
	}
	for _, log := range p.material.RekorLogs() {
		names = append(names, "transparency log: "+log.BaseURL)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
