package attest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/attest"
)

// transit is the transit engine of a Vault as far as signing needs it. It refuses
// what a real one refuses: another token, another path, another form.
type transit struct {
	*testing.T
	key    *ecdsa.PrivateKey
	signed int
}

const vaultToken = "s.canary"

func (v *transit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("X-Vault-Token") != vaultToken:
		refuse(w, http.StatusForbidden, "permission denied")
	case r.Method == http.MethodGet && r.URL.Path == "/v1/transit/keys/release":
		public, err := attest.FormatPublicKey(&v.key.PublicKey)
		if err != nil {
			v.Error(err)
		}
		answer(w, map[string]any{
			"type": "ecdsa-p256", "latest_version": 1,
			"keys": map[string]any{"1": map[string]any{"name": "P-256", "public_key": string(public)}},
		})
	case r.Method == http.MethodPut && r.URL.Path == "/v1/transit/sign/release/sha2-256":
		v.sign(w, r)
	default:
		refuse(w, http.StatusNotFound, "unsupported path "+r.URL.Path)
	}
}

func (v *transit) sign(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Input     string `json:"input"`
		Prehashed bool   `json:"prehashed"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || !asked.Prehashed {
		refuse(w, http.StatusBadRequest, "not a digest")
		return
	}
	digest, err := base64.StdEncoding.DecodeString(asked.Input)
	if err != nil || len(digest) != sha256.Size {
		refuse(w, http.StatusBadRequest, "not a SHA-256")
		return
	}
	signature, err := v.key.Sign(rand.Reader, digest, crypto.SHA256)
	if err != nil {
		v.Error(err)
	}
	v.signed++
	answer(w, map[string]any{"key_version": 1, "signature": "vault:v1:" + base64.StdEncoding.EncodeToString(signature)})
}

func answer(w http.ResponseWriter, data any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"data": data}) //nolint:errcheck // the client tells
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[%q]}`, why)
}

// TestSignWithKMS signs with a key that never leaves its service.
func TestSignWithKMS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	vault := &transit{T: t, key: key}
	server := httptest.NewServer(vault)
	t.Cleanup(server.Close)
	t.Setenv("VAULT_ADDR", server.URL)
	t.Setenv("VAULT_TOKEN", vaultToken)
	for _, uri := range []string{"hashivault://release", "openbao://release"} {
		signer, err := attest.WithKMS(t.Context(), uri, attest.Services{}, http.DefaultTransport)
		if err != nil {
			t.Fatal(err)
		}
		bundle, err := signer.Sign(t.Context(), statement(t))
		if err != nil {
			t.Fatal(err)
		}
		profile, err := attest.FromKeys("a key", &key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		id, err := attest.KeyID(&key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := profile.Verify(bundle, attest.Expected{Entry: entry(), Registry: registry, Identities: []attest.Identity{{Key: id}}}); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	if vault.signed != 2 {
		t.Errorf("the service signed %d times", vault.signed)
	}

	refused := func(uri, want string) {
		t.Helper()
		_, err := attest.WithKMS(t.Context(), uri, attest.Services{}, nil)
		if !errors.Is(err, attest.ErrSign) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), vaultToken) {
			t.Errorf("%s: %v", uri, err)
		}
	}
	refused("hashivault://another", "could not read data")
	refused("hashivault://", "should be in the format")
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	vault.key = other
	refused("hashivault://release", "it is not ECDSA P-256")
	t.Setenv("VAULT_TOKEN", "s.wrong")
	refused("hashivault://release", "permission denied")
}
