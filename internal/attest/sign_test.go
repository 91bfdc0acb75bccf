package attest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
)

func TestSignWithKey(t *testing.T) {
	private, _, err := attest.GenerateKey([]byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ key, password string }{
		"a wrong password": {string(private), "wrong"}, "no key": {"-----BEGIN", ""}, "nothing": {"", ""},
	} {
		if _, err := attest.WithKey([]byte(c.key), []byte(c.password), attest.Services{}, nil); !errors.Is(err, attest.ErrSign) || !errors.Is(err, attest.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	signer, err := attest.WithKey(private, []byte("correct horse"), attest.Services{}, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := signer.Sign(t.Context(), statement(t))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := attest.FromKeys("a key", signer.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	id, err := attest.KeyID(signer.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	v, err := profile.Verify(bundle, attest.Expected{Entry: entry(), Registry: registry, Identities: []attest.Identity{{Key: id}}})
	if err != nil || v.Signer() != "key "+id {
		t.Errorf("%v, signed by %q", err, v.Signer())
	}
}

func TestSignersRefused(t *testing.T) {
	token := func(context.Context) (string, error) { return "", errors.New("no identity") }
	if _, err := attest.Keyless(attest.Services{}, token, nil); !errors.Is(err, attest.ErrSign) {
		t.Errorf("without an authority: %v", err)
	}
	signer, err := attest.Keyless(attest.Services{Fulcio: "https://fulcio.example.org"}, token, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Sign(t.Context(), statement(t)); !errors.Is(err, attest.ErrSign) || !strings.Contains(err.Error(), "no identity") {
		t.Errorf("without a token: %v", err)
	}
	if _, err := attest.WithKMS(t.Context(), "nosuchkms://key", attest.Services{}, nil); !errors.Is(err, attest.ErrSign) || !strings.Contains(err.Error(), "sigstore-kms-nosuchkms") {
		t.Errorf("no such service: %v", err)
	}
}

func TestStatement(t *testing.T) {
	var got map[string]any
	if err := json.Unmarshal(statement(t), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"purl": "pkg:clyde/hello@1.2.3", "name": "hello", "version": "1.2.3", "registry": registry, "entryDigest": attest.EntryDigest(entry())}
	predicate := got["predicate"].(map[string]any)
	if len(predicate) != len(want) {
		t.Errorf("predicate %v", predicate)
	}
	for k, v := range want {
		if predicate[k] != v {
			t.Errorf("%s is %v, expected %v", k, predicate[k], v)
		}
	}
	if got := attest.PURL("Acme/Hello", "1.0.0+b"); got != "pkg:clyde/acme/hello@1.0.0%2Bb" {
		t.Error(got)
	}
	if _, err := attest.NewStatement(entry(), ""); !errors.Is(err, attest.ErrSign) {
		t.Errorf("for a registry without a name: %v", err)
	}
	if _, err := attest.NewStatement(&index.Entry{Name: "hello", Vers: "1.2.3"}, registry); !errors.Is(err, attest.ErrSign) {
		t.Errorf("without an archive: %v", err)
	}
}

// What may change later, or is not known when it is signed, is not signed.
func TestEntryDigest(t *testing.T) {
	digest := attest.EntryDigest(entry())
	for name, change := range map[string]func(e *index.Entry){
		"yanked":  func(e *index.Entry) { e.Yanked = true },
		"retired": func(e *index.Entry) { e.Retired = &index.Retired{Reason: "security"} },
		"att":     func(e *index.Entry) { e.Att = &index.Attestation{URL: "https://example.org/b", SHA256: "ab"} },
	} {
		e := entry()
		change(e)
		if attest.EntryDigest(e) != digest {
			t.Errorf("%s changes the digest", name)
		}
	}
	for name, change := range map[string]func(e *index.Entry){
		"cksum":    func(e *index.Entry) { e.Cksum = strings.Repeat("cd", 32) },
		"dl":       func(e *index.Entry) { e.DL = "https://example.org/other" },
		"builds":   func(e *index.Entry) { e.Builds = []index.Build{{Platform: "linux-x86_64"}} },
		"deps":     func(e *index.Entry) { e.Deps = []index.Dependency{{Name: "evil", Req: "^1"}} },
		"source":   func(e *index.Entry) { e.Source.Commit = strings.Repeat("b", 40) },
		"external": func(e *index.Entry) { e.External = []string{"apt:evil"} },
		"hooks":    func(e *index.Entry) { e.Hooks = []index.Hook{{Phase: "pre-install", Run: []string{"evil"}}} },
		"unknown":  func(e *index.Entry) { e.Extra = []index.Member{{Name: "more", Value: []byte("1")}} },
	} {
		e := entry()
		change(e)
		if attest.EntryDigest(e) == digest {
			t.Errorf("%s does not change the digest", name)
		}
	}
}
