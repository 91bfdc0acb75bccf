package attest_test

import (
	"slices"
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

// TestVerifyAnyRegistry accepts a statement that leaves the registry open in
// each registry whose owners file names its signer, unless that asks for more.
func TestVerifyAnyRegistry(t *testing.T) {
	a := attesttest.New(t)
	statement, err := attest.NewStatement(entry(), attest.AnyRegistry)
	if err != nil {
		t.Fatal(err)
	}
	open := request(t)
	open.Statement = statement
	bundle := a.Sign(t, open)
	exact := identity()
	exact.ExactRegistry = true
	for name, c := range map[string]struct {
		registry   string
		identities []attest.Identity
		refused    bool
	}{
		"here":                               {registry: registry, identities: []attest.Identity{identity()}},
		"elsewhere":                          {registry: "elsewhere", identities: []attest.Identity{identity()}},
		"where it has to be exact":           {registry: registry, identities: []attest.Identity{exact}, refused: true},
		"in a registry that is called so":    {registry: attest.AnyRegistry, identities: []attest.Identity{identity()}, refused: true},
		"where the publisher is not written": {registry: registry, refused: true},
	} {
		want := expected()
		want.Registry, want.Identities = c.registry, c.identities
		v, err := profileOf(t, a).Verify(bundle, want)
		i := slices.IndexFunc(v.Checks, func(check attest.Check) bool { return check.ID == attest.CheckRegistry })
		if refused := v.Checks[i].Status == attest.Fail; refused != c.refused || (err != nil) != c.refused {
			t.Errorf("%s: %+v, %v", name, v.Checks[i], err)
		}
	}
	exact.ExactRegistry = true
	want := expected()
	want.Identities = []attest.Identity{exact}
	if _, err := profileOf(t, a).Verify(a.Sign(t, request(t)), want); err != nil {
		t.Errorf("a signature for exactly this registry: %v", err)
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
