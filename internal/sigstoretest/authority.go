package sigstoretest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"time"
)

// authority is a chain of certificates, its first holder's key, and how long
// they are valid.
type authority struct {
	key      crypto.Signer
	chain    []*x509.Certificate // leaf first, root last
	from, to time.Time
}

// lifetime is that of every certificate here, except Fulcio's own ten minutes.
const lifetime = 24 * time.Hour

// newCertificateAuthority returns a root and an intermediate authority for
// code signing, which is what Fulcio signs with.
func newCertificateAuthority() (*authority, error) {
	return newChain([]*x509.Certificate{
		authorityTemplate("fulcio root"),
		authorityTemplate("fulcio intermediate", x509.ExtKeyUsageCodeSigning),
	})
}

// newTimestampAuthority returns a root, an intermediate authority and the
// certificate whose key signs timestamps. RFC 3161, 2.3: its one extended key
// usage is critical.
func newTimestampAuthority() (*authority, error) {
	leaf := template("timestamps")
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		return nil, err
	}
	leaf.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}
	return newChain([]*x509.Certificate{
		authorityTemplate("timestamps root"),
		authorityTemplate("timestamps intermediate", x509.ExtKeyUsageTimeStamping),
		leaf,
	})
}

// newWebServer returns a root and the certificate of a server of that name.
func newWebServer(host string) (*authority, error) {
	leaf := template(host)
	leaf.DNSNames = []string{host}
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return newChain([]*x509.Certificate{authorityTemplate(host + " root"), leaf})
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{Organization: []string{"clyde tests"}, CommonName: name},
	}
}

func authorityTemplate(name string, usage ...x509.ExtKeyUsage) *x509.Certificate {
	t := template(name)
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	t.ExtKeyUsage = usage
	return t
}

// newChain makes certificates from the templates, root first, each signed by
// the one before, with keys of their own.
func newChain(templates []*x509.Certificate) (*authority, error) {
	now := time.Now()
	a := &authority{from: now.Add(-time.Hour), to: now.Add(lifetime)}
	for i, t := range templates {
		key, err := newKey()
		if err != nil {
			return nil, err
		}
		t.SerialNumber, t.NotBefore, t.NotAfter = big.NewInt(int64(i+1)), a.from, a.to
		parent, signer := t, crypto.Signer(key)
		if i > 0 {
			parent, signer = a.chain[0], a.key
		}
		der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
		if err != nil {
			return nil, err
		}
		made, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		a.key, a.chain = key, append([]*x509.Certificate{made}, a.chain...)
	}
	return a, nil
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// raw returns the chain in DER, leaf first.
func (a *authority) raw() [][]byte {
	var raw [][]byte
	for _, c := range a.chain {
		raw = append(raw, c.Raw)
	}
	return raw
}

// root is the certificate at the end of the chain.
func (a *authority) root() *x509.Certificate { return a.chain[len(a.chain)-1] }

// writeCertificates writes certificates as PEM.
func writeCertificates(file string, certificates ...*x509.Certificate) error {
	var data []byte
	for _, c := range certificates {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return os.WriteFile(file, data, 0o600)
}

// writeKey writes a private key as PEM (PKCS 8), without a password.
func writeKey(file string, key crypto.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// writeAuthority writes the chain and the key of an authority as PEM.
func writeAuthority(a *authority, chainFile, keyFile string) error {
	if err := writeCertificates(chainFile, a.chain...); err != nil {
		return err
	}
	return writeKey(keyFile, a.key)
}
