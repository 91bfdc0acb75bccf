package attest_test

import (
	"testing"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/attest/attesttest"
)

func TestVerifyAccepts(t *testing.T) {
	full := attesttest.New(t)
	with := func(change func(a *attesttest.Authority)) *attesttest.Authority {
		a := full.Clone()
		change(a)
		return a
	}
	for name, a := range map[string]*attesttest.Authority{
		"both logs":                    full,
		"Rekor v1":                     with(func(a *attesttest.Authority) { a.LogV2 = nil }),
		"Rekor v1 without a timestamp": with(func(a *attesttest.Authority) { a.LogV2, a.Timestamps = nil, nil }),
		"Rekor v2":                     with(func(a *attesttest.Authority) { a.LogV1 = nil }),
		"timestamps only, no log":      with(func(a *attesttest.Authority) { a.LogV1, a.LogV2, a.CTLog = nil, nil, nil }),
	} {
		t.Run(name, func(t *testing.T) {
			profile := profileOf(t, a)
			verified, err := profile.Verify(a.Sign(t, request(t)), expected())
			if err != nil {
				t.Fatalf("%v\n%+v", err, verified.Checks)
			}
			if got := verified.Certificate.SourceRepositoryDigest; got != commit {
				t.Errorf("commit %q", got)
			}
			if !verified.SignedAt.Equal(a.Now()) {
				t.Errorf("signed at %v, expected %v", verified.SignedAt, a.Now())
			}
		})
	}
}

// TestVerifyAnyRegistry accepts a statement that leaves the registry open, in
// whatever registry the owners file names its signer.
func TestVerifyAnyRegistry(t *testing.T) {
	a := attesttest.New(t)
	statement, err := attest.NewStatement(entry(), attest.AnyRegistry)
	if err != nil {
		t.Fatal(err)
	}
	open := request(t)
	open.Statement = statement
	bundle := a.Sign(t, open)
	for _, name := range []string{registry, "elsewhere"} {
		want := expected()
		want.Registry = name
		if _, err := profileOf(t, a).Verify(bundle, want); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func profileOf(t testing.TB, a *attesttest.Authority) *attest.Profile {
	t.Helper()
	p, err := attest.FromRoot("the test's Sigstore", a.TrustedRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
