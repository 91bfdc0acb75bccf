package sigstoretest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/clydepm/clyde/internal/attest"
)

const (
	issuerHost    = "token.actions.githubusercontent.com"
	keyID         = "clyde-tests"
	tokenLifetime = 5 * time.Minute // as GitHub's
	// Audience is whom a token for Fulcio is meant for.
	Audience = "sigstore"
)

// issuer mints identity tokens. It has three doors: the public one of an OpenID
// provider, which only the holder of its root finds; a proxy that leads to
// that door; and the one where workflows ask for their tokens.
type issuer struct {
	key    *rsa.PrivateKey
	public *httptest.Server
	proxy  *httptest.Server
	tokens *httptest.Server
	ca     *authority

	mu   sync.Mutex
	runs map[string]Claims // by the run's request token
}

func startIssuer() (*issuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	ca, err := newWebServer(issuerHost)
	if err != nil {
		return nil, err
	}
	i := &issuer{key: key, ca: ca, runs: map[string]Claims{}}

	provider := http.NewServeMux()
	provider.HandleFunc("GET /.well-known/openid-configuration", serveDiscovery)
	provider.HandleFunc("GET /.well-known/jwks", i.serveKeys)
	i.public = httptest.NewUnstartedServer(provider)
	i.public.TLS = &tls.Config{
		Certificates: []tls.Certificate{{Certificate: ca.raw(), PrivateKey: ca.key}},
		MinVersion:   tls.VersionTLS12,
	}
	i.public.StartTLS()
	i.proxy = httptest.NewServer(http.HandlerFunc(i.serveProxy))
	i.tokens = httptest.NewServer(http.HandlerFunc(i.serveToken))
	return i, nil
}

func (i *issuer) close() {
	for _, s := range []*httptest.Server{i.tokens, i.proxy, i.public} {
		s.CloseClientConnections()
		s.Close()
	}
}

// serveDiscovery is OpenID Connect Discovery 1.0, as far as Fulcio needs it.
func serveDiscovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{
		"issuer":                                attest.GitHubIssuer,
		"jwks_uri":                              attest.GitHubIssuer + "/.well-known/jwks",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public", "pairwise"},
		"id_token_signing_alg_values_supported": []string{string(jose.RS256)},
	})
}

func (i *issuer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: i.key.Public(), KeyID: keyID, Algorithm: string(jose.RS256), Use: "sig",
	}}})
}

// serveProxy leads connections to the issuer's name here, and no other.
func (i *issuer) serveProxy(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || r.Host != issuerHost+":443" {
		http.Error(w, "this proxy knows "+issuerHost+" only", http.StatusForbidden)
		return
	}
	inner, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", i.public.Listener.Addr().String())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer inner.Close()
	outer, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer outer.Close()
	if _, err := io.WriteString(outer, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(inner, buffered) // ends when either side goes away
		_ = inner.Close()
	}()
	_, _ = io.Copy(outer, inner)
	_ = outer.Close()
	<-done
}

// serveToken answers a workflow that asks for its token. Source: docs.github.com,
// "OpenID Connect reference", methods for requesting the OIDC token.
func (i *issuer) serveToken(w http.ResponseWriter, r *http.Request) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	i.mu.Lock()
	claims, known := i.runs[secret]
	i.mu.Unlock()
	if !known || !strings.EqualFold(scheme, "bearer") {
		http.Error(w, `{"message":"Unauthorized"}`, http.StatusUnauthorized)
		return
	}
	audience := r.URL.Query().Get("audience")
	if audience == "" {
		audience = "https://github.com/" + claims.RepositoryOwner
	}
	token, err := i.mint(claims, audience, time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, map[string]any{"count": len(token), "value": token})
}

// register makes a run known and returns the token with which it asks for
// identity tokens.
func (i *issuer) register(claims Claims) (requestURL, requestToken string) {
	requestToken = "request-" + rand.Text()
	i.mu.Lock()
	i.runs[requestToken] = claims
	i.mu.Unlock()
	return i.tokens.URL + "/_apis/token?api-version=2.0", requestToken
}

// mint signs a token that is issued at the given time.
func (i *issuer) mint(claims Claims, audience string, at time.Time) (string, error) {
	if claims.Repository == "" || claims.JobWorkflowRef == "" {
		return "", errors.New("claims of no workflow")
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: i.key, KeyID: keyID}},
		(&jose.SignerOptions{}).WithType("JWT"),
	)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Claims(jwt.Claims{
		ID:        rand.Text(),
		Issuer:    attest.GitHubIssuer,
		Audience:  jwt.Audience{audience},
		IssuedAt:  jwt.NewNumericDate(at),
		NotBefore: jwt.NewNumericDate(at.Add(-10 * time.Minute)),
		Expiry:    jwt.NewNumericDate(at.Add(tokenLifetime)),
	}).Serialize()
}
