package sigstoretest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/sigstoretest"
)

// TestTokenRequest asks for a token as a step of a workflow does, and signs
// with it.
func TestTokenRequest(t *testing.T) {
	stack := sigstoretest.Start(t)
	environment := stack.TokenRequestEnv(claims())
	secret := environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
	ask := func(audience, authorization string) (int, string) {
		t.Helper()
		url := environment["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=" + audience
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", authorization)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Value string `json:"value"`
		}
		if err := json.Unmarshal(body, &answer); response.StatusCode == http.StatusOK && err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, answer.Value
	}

	for _, authorization := range []string{"", secret, "bearer wrong", "basic " + secret} {
		if status, token := ask("sigstore", authorization); status != http.StatusUnauthorized || token != "" {
			t.Errorf("with %q: %d, token %q", authorization, status, token)
		}
	}
	status, token := ask("sigstore", "bearer "+secret)
	if status != http.StatusOK || strings.Count(token, ".") != 2 {
		t.Fatalf("%d, token %q", status, token)
	}
	bundle, err := keyless(t, stack.Services(), func() (string, error) { return token, nil })
	if err != nil {
		t.Fatal(err)
	}
	if got := failures(t, profile(t, stack.TrustedRoot()), bundle, expected(maintainer())); got != nil {
		t.Errorf("it fails %v", got)
	}
	if _, other := ask("", "bearer "+secret); other == "" {
		t.Error("no token without an audience")
	} else if bundle, err := keyless(t, stack.Services(), func() (string, error) { return other, nil }); err == nil {
		t.Errorf("a token for GitHub's own audience got a certificate: %s", bundle)
	}
}
