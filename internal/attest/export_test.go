package attest

import "github.com/sigstore/sigstore-go/pkg/root"

// ForOneLeaf is a trusted root as it verifies one signature.
func ForOneLeaf(material root.TrustedMaterial) root.TrustedMaterial {
	return prepare(material).forOneLeaf()
}
