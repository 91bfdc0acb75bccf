package attest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/attest/attesttest"
)

// TestPublicGood verifies a signature of the public-good Sigstore, that of the
// npm package sigstore 2.0.0 as sigstore-go (Apache-2.0) has it, against the
// root that is built in.
func TestPublicGood(t *testing.T) {
	profile, err := attest.PublicGood()
	if err != nil {
		t.Fatal(err)
	}
	v, err := profile.Verify(publicGoodBundle(t), expected())
	if err == nil {
		t.Error("another project's signature is accepted")
	}
	for _, c := range v.Checks {
		if strings.HasPrefix(c.ID, "signature/") && c.Status != attest.Pass && c.ID != attest.CheckKey {
			t.Errorf("%s: %s (%s)", c.ID, c.Status, c.Detail)
		}
	}
	if v.Certificate == nil || v.Certificate.SourceRepositoryURI != "https://github.com/sigstore/sigstore-js" || v.SignedAt.Year() != 2023 {
		t.Errorf("%+v", v)
	}
}

// publicGoodBundle is a bundle of version 0.3 that the public-good Sigstore
// signed. What it was made from is older, with the certificate in its chain;
// that is not signed and is put right here.
func publicGoodBundle(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "sigstore-js-2.0.0.sigstore.json"))
	if err != nil {
		t.Fatal(err)
	}
	b := &protobundle.Bundle{}
	if err := protojson.Unmarshal(text, b); err != nil {
		t.Fatal(err)
	}
	b.MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	leaf := b.GetVerificationMaterial().GetX509CertificateChain().GetCertificates()[0]
	b.VerificationMaterial.Content = &protobundle.VerificationMaterial_Certificate{Certificate: leaf}
	return attesttest.JSON(t, b)
}
