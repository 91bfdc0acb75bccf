package action_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/action"
)

const idToken = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJzaWdzdG9yZSJ9.c2lnbmF0dXJl"

// serveTokens answers requests for tokens in turn; an empty answer cuts the
// connection.
func serveTokens(t *testing.T, answers ...func(http.ResponseWriter)) (r *action.Runner, asked *int, stdout func() string) {
	asked = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Authorization") != "Bearer request-secret" || q.URL.Query().Get("audience") != "sigstore&x" || q.URL.Query().Get("api-version") != "2.0" {
			t.Errorf("asked with %v %v", q.URL, q.Header)
		}
		answer := answers[min(*asked, len(answers)-1)]
		*asked++
		answer(w)
	}))
	t.Cleanup(server.Close)
	fake, r := newRunner(t)
	fake.Env["ACTIONS_ID_TOKEN_REQUEST_URL"] = server.URL + "/token?api-version=2.0"
	fake.Env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "request-secret"
	r.HTTP, r.Wait = server.Client(), func(time.Duration) {}
	return r, asked, fake.Stdout.String
}

func answer(code int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body)) // the client may have gone
	}
}

func cut(http.ResponseWriter) { panic(http.ErrAbortHandler) }

func TestIDToken(t *testing.T) {
	good := answer(200, `{"value":"`+idToken+`"}`)
	for name, test := range map[string]struct {
		answers []func(http.ResponseWriter)
		asked   int
		fails   bool
	}{
		"at once":          {[]func(http.ResponseWriter){good}, 1, false},
		"after trouble":    {[]func(http.ResponseWriter){answer(503, ""), cut, answer(429, ""), good}, 4, false},
		"trouble for good": {[]func(http.ResponseWriter){answer(500, "")}, 4, true},
		"forbidden":        {[]func(http.ResponseWriter){answer(403, "")}, 1, true},
		"no token":         {[]func(http.ResponseWriter){answer(200, `{"value":""}`)}, 1, true},
		"no JSON":          {[]func(http.ResponseWriter){answer(200, idToken)}, 1, true},
		"a command":        {[]func(http.ResponseWriter){answer(200, `{"value":"a.b.c\n::error::x"}`)}, 1, true},
		"endless":          {[]func(http.ResponseWriter){answer(200, strings.Repeat("x", 70<<10))}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			r, asked, stdout := serveTokens(t, test.answers...)
			got, err := r.IDToken(t.Context(), "sigstore&x")
			if (err != nil) != test.fails || *asked != test.asked {
				t.Errorf("%v after %d requests", err, *asked)
			}
			if !test.fails && (got != idToken || stdout() != "::add-mask::"+idToken+"\n") {
				t.Errorf("the token %q, the log %q", got, stdout())
			}
			if err != nil && (strings.Contains(err.Error(), "request-secret") || strings.Contains(err.Error(), "127.0.0.1") && strings.Contains(err.Error(), "audience")) {
				t.Errorf("the error tells secrets: %v", err)
			}
		})
	}
}

func TestIDTokenHeedsCancellation(t *testing.T) {
	r, asked, _ := serveTokens(t, answer(503, ""))
	ctx, cancel := context.WithCancel(t.Context())
	r.Wait = func(time.Duration) { cancel() }
	if _, err := r.IDToken(ctx, "sigstore&x"); err == nil || *asked != 1 {
		t.Errorf("%v after %d requests", err, *asked)
	}
}

func TestNoIDTokenSaysWhatToAdd(t *testing.T) {
	_, r := newRunner(t)
	_, err := r.IDToken(t.Context(), "sigstore")
	var hinted interface{ Hint() string }
	if !errors.Is(err, action.ErrNoIDToken) || !errors.As(err, &hinted) || !strings.Contains(hinted.Hint(), "id-token: write") {
		t.Errorf("%v", err)
	}
}
