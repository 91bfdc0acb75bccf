package attest_test

import (
	"errors"
	"testing"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/attest/attesttest"
)

// FuzzVerify checks that nothing but the whole is accepted: a bundle that
// verifies says what was expected, whatever was done to its text, and a
// rejected one names a check.
func FuzzVerify(f *testing.F) {
	a := attesttest.New(f)
	profile := profileOf(f, a)
	r := request(f)
	f.Add(a.Sign(f, r))
	for _, part := range []func(a *attesttest.Authority){
		func(a *attesttest.Authority) { a.LogV1 = nil },
		func(a *attesttest.Authority) { a.LogV2 = nil },
		func(a *attesttest.Authority) { a.Timestamps = nil },
	} {
		c := a.Clone()
		part(c)
		f.Add(c.Sign(f, r))
	}
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := profile.Verify(text, expected())
		if len(v.Checks) != len(attest.Checks()) {
			t.Fatalf("%d checks", len(v.Checks))
		}
		if err == nil {
			if v.Certificate == nil || v.Certificate.SourceRepositoryDigest != commit || v.SignedAt.IsZero() {
				t.Fatalf("accepted %+v", v)
			}
			return
		}
		if !errors.Is(err, attest.ErrRejected) {
			t.Fatalf("%v is not ErrRejected", err)
		}
	})
}
