package attest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"testing"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/attest/attesttest"
)

// BenchmarkVerify measures one bundle; the trusted root is parsed once, before.
func BenchmarkVerify(b *testing.B) {
	full := attesttest.New(b)
	key, id := newKey(b)
	keys, err := attest.FromKeys("a key", key.Public())
	if err != nil {
		b.Fatal(err)
	}
	v1, v2 := full.Clone(), full.Clone()
	v1.LogV2, v2.LogV1 = nil, nil
	for _, c := range []struct {
		name    string
		bundle  []byte
		profile *attest.Profile
		want    attest.Expected
	}{
		{"Rekor v1", v1.Sign(b, request(b)), profileOf(b, full), expected()},
		{"Rekor v2", v2.Sign(b, request(b)), profileOf(b, full), expected()},
		{"key", (&attesttest.Authority{}).Sign(b, attesttest.Request{Statement: statement(b), Key: key, KeyID: id}), keys, attest.Expected{Entry: entry(), Registry: registry}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.profile.Verify(c.bundle, c.want); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerifyPublicGood measures a real bundle, of the certificate authority
// whose keys are P-384. It is about another package: the statement is refused
// when all that costs time has been done.
func BenchmarkVerifyPublicGood(b *testing.B) {
	profile, err := attest.PublicGood()
	if err != nil {
		b.Fatal(err)
	}
	bundle := publicGoodBundle(b)
	for b.Loop() {
		if v, _ := profile.Verify(bundle, expected()); v.Certificate == nil {
			b.Fatalf("the signature is not accepted: %+v", v.Checks)
		}
	}
}

// BenchmarkArithmetic is the yardstick: one verification of a signature by a key
// of each kind, of which a bundle needs several.
func BenchmarkArithmetic(b *testing.B) {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		digest := sha256.Sum256([]byte("a"))
		signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		if err != nil {
			b.Fatal(err)
		}
		b.Run(curve.Params().Name, func(b *testing.B) {
			for b.Loop() {
				if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
					b.Fatal("not verified")
				}
			}
		})
	}
}

// BenchmarkPublicGood parses the built-in root, which a run does once.
func BenchmarkPublicGood(b *testing.B) {
	for b.Loop() {
		if _, err := attest.PublicGood(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSign signs with an encrypted key that was read once.
func BenchmarkSign(b *testing.B) {
	private, _, err := attest.GenerateKey([]byte("correct horse"))
	if err != nil {
		b.Fatal(err)
	}
	signer, err := attest.WithKey(private, []byte("correct horse"), attest.Services{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	text := statement(b)
	for b.Loop() {
		if _, err := signer.Sign(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
}
