package attest

import (
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// authority is a certificate authority of a trusted root whose own certificates
// were verified against its root once, when the profile was made. What is left
// for each signature is the leaf: the chains above it cost more time than all
// else together, and are the same every time.
//
// It accepts exactly what the authority that it stands for accepts: a chain
// holds when each of its certificates is valid at the time in question and may
// have as many below it as it has.
type authority struct {
	*root.FulcioCertificateAuthority
	anchors *x509.CertPool // the root, and the intermediates that it vouches for
	above   map[*x509.Certificate][]*x509.Certificate
}

// newAuthority returns ca, prepared where it can be. One whose certificates
// constrain names is left as it is: the constraints are for leaves.
func newAuthority(ca root.CertificateAuthority) root.CertificateAuthority {
	fulcio, ok := ca.(*root.FulcioCertificateAuthority)
	if !ok || fulcio.Root == nil || slices.ContainsFunc(append(slices.Clone(fulcio.Intermediates), fulcio.Root), constrainsNames) {
		return ca
	}
	a := &authority{fulcio, x509.NewCertPool(), map[*x509.Certificate][]*x509.Certificate{fulcio.Root: nil}}
	a.anchors.AddCert(fulcio.Root)
	roots, others := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(fulcio.Root)
	for _, c := range fulcio.Intermediates {
		others.AddCert(c)
	}
	for _, c := range fulcio.Intermediates {
		chains, err := c.Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: others, CurrentTime: latestStart(append(slices.Clone(fulcio.Intermediates), fulcio.Root)),
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		})
		if err != nil || len(chains) != 1 {
			return ca // what is unusual is verified anew each time
		}
		a.above[c] = chains[0][1:]
		a.anchors.AddCert(c)
	}
	return a
}

func constrainsNames(c *x509.Certificate) bool {
	return c.PermittedDNSDomainsCritical ||
		len(c.PermittedDNSDomains)+len(c.ExcludedDNSDomains)+len(c.PermittedIPRanges)+len(c.ExcludedIPRanges)+
			len(c.PermittedEmailAddresses)+len(c.ExcludedEmailAddresses)+len(c.PermittedURIDomains)+len(c.ExcludedURIDomains) > 0
}

// latestStart is the first time at which all of the certificates have begun.
func latestStart(certificates []*x509.Certificate) time.Time {
	var latest time.Time
	for _, c := range certificates {
		if c.NotBefore.After(latest) {
			latest = c.NotBefore
		}
	}
	return latest
}

// Verify returns the chains from a leaf to the root that hold at a time.
func (a *authority) Verify(leaf *x509.Certificate, at time.Time) ([][]*x509.Certificate, error) {
	if !a.issuedAt(at) {
		return nil, errors.New("the authority issued nothing at that time")
	}
	short, err := leaf.Verify(x509.VerifyOptions{Roots: a.anchors, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}})
	if err != nil {
		return nil, err
	}
	var chains [][]*x509.Certificate
	for _, chain := range short {
		if chain = a.complete(chain); holds(chain, at) {
			chains = append(chains, chain)
		}
	}
	if len(chains) == 0 {
		return nil, errors.New("no chain to the root is valid at that time")
	}
	return chains, nil
}

// issuedAt reports whether a time is in the period of the authority.
func (a *authority) issuedAt(at time.Time) bool {
	return (a.ValidityPeriodStart.IsZero() || !at.Before(a.ValidityPeriodStart)) && (a.ValidityPeriodEnd.IsZero() || !at.After(a.ValidityPeriodEnd))
}

// complete appends what is above the anchor in which a chain ends.
func (a *authority) complete(chain []*x509.Certificate) []*x509.Certificate {
	last := chain[len(chain)-1]
	for anchor, above := range a.above {
		if anchor.Equal(last) {
			return slices.Concat(chain, above)
		}
	}
	return nil
}

// holds reports whether each certificate of a chain is valid at a time, and may
// be as far from the leaf as it is. The rest does not change with the time.
func holds(chain []*x509.Certificate, at time.Time) bool {
	for i, c := range chain {
		if at.Before(c.NotBefore) || at.After(c.NotAfter) {
			return false
		}
		if i > 0 && c.BasicConstraintsValid && c.MaxPathLen >= 0 && i-1 > c.MaxPathLen {
			return false
		}
	}
	return len(chain) > 0
}

// oneLeaf remembers the chains of the leaf that was verified last. A signature
// has two observed times, of the log and of the timestamp, and one leaf.
type oneLeaf struct {
	root.CertificateAuthority
	leaf   *x509.Certificate
	chains [][]*x509.Certificate
}

// Verify returns the chains from a leaf to the root that hold at a time.
func (o *oneLeaf) Verify(leaf *x509.Certificate, at time.Time) ([][]*x509.Certificate, error) {
	if o.leaf != nil && o.leaf.Equal(leaf) && len(o.chains) == 1 && holds(o.chains[0], at) {
		if a, ok := o.CertificateAuthority.(*authority); ok && a.issuedAt(at) {
			return o.chains, nil
		}
	}
	chains, err := o.CertificateAuthority.Verify(leaf, at)
	if err == nil {
		o.leaf, o.chains = leaf, chains
	}
	return chains, err
}

// prepared is a trusted root with its authorities prepared.
type prepared struct {
	root.TrustedMaterial
	authorities []root.CertificateAuthority
}

func prepare(material root.TrustedMaterial) prepared {
	p := prepared{TrustedMaterial: material}
	for _, ca := range material.FulcioCertificateAuthorities() {
		p.authorities = append(p.authorities, newAuthority(ca))
	}
	return p
}

// FulcioCertificateAuthorities returns the authorities.
func (p prepared) FulcioCertificateAuthorities() []root.CertificateAuthority { return p.authorities }

// forOneLeaf is the same root for the verification of a single signature. It
// must not be shared by goroutines.
func (p prepared) forOneLeaf() prepared {
	one := prepared{TrustedMaterial: p.TrustedMaterial}
	for _, ca := range p.authorities {
		one.authorities = append(one.authorities, &oneLeaf{CertificateAuthority: ca})
	}
	return one
}
