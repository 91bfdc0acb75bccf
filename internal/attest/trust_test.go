package attest_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/attest/attesttest"
)

func publicPEM(t testing.TB, key *ecdsa.PublicKey) []byte {
	t.Helper()
	text, err := attest.FormatPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestFromTrust(t *testing.T) {
	a := attesttest.New(t)
	key, id := newKey(t)
	folder := fstest.MapFS{
		"root.json":         {Data: a.TrustedRoot(t), Mode: 0o644},
		"keys/release.pem":  {Data: publicPEM(t, &key.PublicKey), Mode: 0o644},
		"keys/README.md":    {Data: []byte("about the keys"), Mode: 0o644},
		"keys/sub/more.pem": {Data: []byte("not read"), Mode: 0o644},
	}
	profile, err := attest.FromTrust("mine", folder)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := profile.Verify(a.Sign(t, request(t)), expected()); err != nil || v.Profile != "mine" {
		t.Errorf("a certificate: %v, %+v", err, v)
	}
	want := attest.Expected{Entry: entry(), Registry: registry}
	byKey := attesttest.Request{Statement: statement(t), Key: key, KeyID: id}
	if _, err := profile.Verify(a.Sign(t, byKey), want); err != nil {
		t.Errorf("a key, with all evidence: %v", err)
	}
	// Beside a root a key has to give the root's evidence.
	_, err = profile.Verify((&attesttest.Authority{}).Sign(t, byKey), want)
	var rejected *attest.RejectedError
	if !errors.As(err, &rejected) || len(rejected.Failed) != 2 || rejected.Failed[0].ID != attest.CheckLog || rejected.Failed[1].ID != attest.CheckTimestamp {
		t.Errorf("a key, with no evidence: %v", err)
	}
}

func TestTrustRefused(t *testing.T) {
	a := attesttest.New(t)
	undated := a.Clone()
	undated.LogV1, undated.LogV2, undated.Timestamps = nil, nil, nil
	nobody := a.Clone()
	nobody.Certificates = nil
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(p384.Public())
	if err != nil {
		t.Fatal(err)
	}
	weak := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	for name, c := range map[string]struct {
		folder fstest.MapFS
		want   string
	}{
		"nothing":             {fstest.MapFS{}, attest.ErrNoTrust.Error()},
		"no key in keys":      {fstest.MapFS{"keys/README": {}}, attest.ErrNoTrust.Error()},
		"no root":             {fstest.MapFS{"root.json": {Data: []byte("{}")}}, "root.json: "},
		"a root too large":    {fstest.MapFS{"root.json": {Data: bytes.Repeat([]byte(" "), 2<<20)}}, "root.json is not a regular file of at most"},
		"a root without time": {fstest.MapFS{"root.json": {Data: undated.TrustedRoot(t)}}, "no signature could be dated"},
		"a root without a CA": {fstest.MapFS{"root.json": {Data: nobody.TrustedRoot(t)}}, "no certificate authority"},
		"no key":              {fstest.MapFS{"keys/a.pem": {Data: []byte("key")}}, "keys/a.pem: "},
		"another curve":       {fstest.MapFS{"keys/a.pem": {Data: weak}}, "not an ECDSA P-256 key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := attest.FromTrust("mine", c.folder)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, expected %q", err, c.want)
			}
		})
	}
}

func TestKeyFiles(t *testing.T) {
	for _, password := range []string{"", "correct horse"} {
		private, public, err := attest.GenerateKey([]byte(password))
		if err != nil {
			t.Fatal(err)
		}
		if attest.IsEncrypted(private) != (password != "") || attest.IsEncrypted(public) {
			t.Errorf("password %q: encrypted %v", password, attest.IsEncrypted(private))
		}
		one, err := attest.ParsePublicKey(private, []byte(password))
		if err != nil {
			t.Fatal(err)
		}
		other, err := attest.ParsePublicKey(public, nil)
		if err != nil || !one.Equal(other) {
			t.Errorf("the halves differ: %v", err)
		}
		if password == "" {
			continue
		}
		if _, err := attest.ParsePublicKey(private, []byte("wrong")); !errors.Is(err, attest.ErrKey) {
			t.Errorf("a wrong password: %v", err)
		}
		if _, err := attest.ParsePublicKey(append(public, public...), nil); !errors.Is(err, attest.ErrKey) {
			t.Errorf("two keys: %v", err)
		}
	}
}
