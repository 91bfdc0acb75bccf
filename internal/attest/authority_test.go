package attest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/clydepm/clyde/internal/attest"
)

// certified is a certificate with its key.
type certified struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

// certify makes a certificate, by itself when parent is nil.
func certify(t *testing.T, parent *certified, template x509.Certificate) *certified {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.Subject = serial, pkix.Name{CommonName: serial.String()}
	by, with := &template, key
	if parent != nil {
		by, with = parent.Certificate, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, by, key.Public(), with)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &certified{c, key}
}

// material is a trusted root with one authority.
type material struct {
	*root.BaseTrustedMaterial
	ca root.CertificateAuthority
}

func (m material) FulcioCertificateAuthorities() []root.CertificateAuthority {
	return []root.CertificateAuthority{m.ca}
}

// TestAuthority compares authorities that are prepared with those that they
// stand for, at every time at which something begins or ends.
func TestAuthority(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, 1+n, 0, 0, 0, 0, time.UTC) }
	valid := func(from, to int, c x509.Certificate) x509.Certificate {
		c.NotBefore, c.NotAfter, c.BasicConstraintsValid = day(from), day(to), true
		return c
	}
	issuer := x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign, MaxPathLen: -1}
	above := func(change func(c *x509.Certificate)) x509.Certificate {
		c := issuer
		change(&c)
		return c
	}
	signing := []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	for name, c := range map[string]struct {
		root, middle x509.Certificate
		leaf         []x509.ExtKeyUsage
		deep         bool // a second intermediate
		foreign      bool // the leaf is somebody else's
	}{
		"plain":                       {root: issuer, middle: above(func(c *x509.Certificate) { c.ExtKeyUsage = signing }), leaf: signing},
		"deep":                        {root: issuer, middle: issuer, leaf: signing, deep: true},
		"somebody else's":             {root: issuer, middle: issuer, leaf: signing, foreign: true},
		"no intermediate allowed":     {root: above(func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true }), middle: issuer, leaf: signing},
		"one intermediate allowed":    {root: above(func(c *x509.Certificate) { c.MaxPathLen = 1 }), middle: issuer, leaf: signing, deep: true},
		"leaf for something else":     {root: issuer, middle: issuer, leaf: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}},
		"middle for something else":   {root: issuer, middle: above(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), leaf: signing},
		"names constrained":           {root: issuer, middle: above(func(c *x509.Certificate) { c.PermittedURIDomains = []string{"example.org"} }), leaf: signing},
		"names constrained elsewhere": {root: above(func(c *x509.Certificate) { c.PermittedURIDomains = []string{"example.com"} }), middle: issuer, leaf: signing},
		"no authority":                {root: issuer, middle: x509.Certificate{MaxPathLen: -1}, leaf: signing},
	} {
		top := certify(t, nil, valid(0, 90, c.root))
		middle := certify(t, top, valid(10, 80, c.middle))
		intermediates, last := []*x509.Certificate{middle.Certificate}, middle
		if c.deep {
			last = certify(t, middle, valid(15, 75, issuer))
			intermediates = append(intermediates, last.Certificate)
		}
		if c.foreign {
			last = certify(t, nil, valid(0, 90, issuer))
		}
		leaf := certify(t, last, valid(30, 40, x509.Certificate{ExtKeyUsage: c.leaf, URIs: []*url.URL{{Scheme: "https", Host: "example.org", Path: "/"}}}))
		long := certify(t, last, valid(0, 90, x509.Certificate{ExtKeyUsage: c.leaf, URIs: leaf.URIs}))
		plain := &root.FulcioCertificateAuthority{
			Root: top.Certificate, Intermediates: intermediates, ValidityPeriodStart: day(20), ValidityPeriodEnd: day(70),
		}
		for _, period := range []bool{true, false} {
			if !period {
				plain = &root.FulcioCertificateAuthority{Root: plain.Root, Intermediates: plain.Intermediates}
			}
			prepared := attest.ForOneLeaf(material{ca: plain}).FulcioCertificateAuthorities()[0]
			for n := -1; n <= 91; n++ {
				for _, l := range []*certified{leaf, long, long, leaf} { // the second finds the chain of the first
					want, wanted := plain.Verify(l.Certificate, day(n))
					got, err := prepared.Verify(l.Certificate, day(n))
					if (err == nil) != (wanted == nil) || len(got) != len(want) {
						t.Fatalf("%s on day %d: %d chains, %v; expected %d, %v", name, n, len(got), err, len(want), wanted)
					}
					for i := range got {
						if len(got[i]) != len(want[i]) {
							t.Fatalf("%s on day %d: a chain of %d, expected %d", name, n, len(got[i]), len(want[i]))
						}
						for j := range got[i] {
							if !got[i][j].Equal(want[i][j]) {
								t.Fatalf("%s on day %d: certificate %d of the chain differs", name, n, j)
							}
						}
					}
				}
			}
		}
	}
}
