package gitea

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/forge"
)

// Options say which index is meant and who speaks.
type Options struct {
	Server     string // of the pages: https://git.example.org
	Repository string // "owner/name"
	Token      string
	HTTP       http.RoundTripper
	Wait       func(ctx context.Context, d time.Duration) error // nil waits
	Trace      func(line string)                                // told of every call; may be nil
}

// client speaks to the API.
type client struct {
	server    string
	transport *forge.Transport
	http      *http.Client
}

func newClient(opts Options) (*client, error) {
	u, err := url.Parse(opts.Server)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !forge.Loopback(u.Hostname())) {
		return nil, &forge.Error{Kind: forge.ErrRefused, Op: "the host of the index", Detail: "its address is not https://HOST", Remedy: "write the URL of the index's page"}
	}
	t := &forge.Transport{Base: opts.HTTP, Hosts: []string{u.Host}, Token: opts.Token, Wait: opts.Wait, Trace: opts.Trace}
	if opts.Token != "" {
		t.Authorization = "token " + opts.Token
	}
	return &client{server: strings.TrimSuffix(opts.Server, "/"), transport: t, http: &http.Client{Transport: t}}, nil
}

// statusError is an answer of the API that is no success.
type statusError struct {
	Code    int
	Message string
}

func (e *statusError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("the host answers %d %s", e.Code, http.StatusText(e.Code))
	}
	return fmt.Sprintf("the host answers %d: %s", e.Code, e.Message)
}

// status is the HTTP status of a failure, 0 when there was no answer.
func status(err error) int {
	var s *statusError
	if errors.As(err, &s) {
		return s.Code
	}
	return 0
}

// unclear reports whether a failure leaves open if the request was carried out.
func unclear(err error) bool {
	var limited *forge.RateLimitError
	if err == nil || errors.As(err, &limited) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	code := status(err)
	return code == 0 || code >= 500
}

// call makes one request. Into may be nil, or a *[]byte for the raw answer.
func (c *client) call(ctx context.Context, method, path string, body, into any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.server+"/api/v1/"+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	answer, _, err := c.do(req)
	if err != nil {
		return err
	}
	switch target := into.(type) {
	case nil:
		return nil
	case *[]byte:
		*target = answer
		return nil
	}
	return json.Unmarshal(answer, into)
}

// do makes a request and returns the body and header of a success.
func (c *client) do(req *http.Request) ([]byte, http.Header, error) {
	req.Header.Set("User-Agent", "clyde")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(resp.Body); err != nil { // the transport bounds it
		return nil, nil, err
	}
	if resp.StatusCode >= 300 {
		failed := &statusError{Code: resp.StatusCode}
		var said struct{ Message string }
		if json.Unmarshal(answer.Bytes(), &said) == nil {
			failed.Message = said.Message
		}
		return nil, nil, failed
	}
	return answer.Bytes(), resp.Header, nil
}

// explain turns a failure into one of the kinds of package forge.
func explain(op string, err error) error {
	if errors.As(err, new(*forge.RateLimitError)) {
		return err
	}
	return forge.Explain(op, err, status(err), forge.Remedies{
		Unauthorized: "set CLYDE_INDEX_TOKEN or GITEA_TOKEN to a token that is valid, or log in with 'clyde auth login HOST'",
		Forbidden:    "give the token the scopes write:repository and write:issue",
		NotFound:     "check OWNER/REPO; what a token may not see looks like this too",
		Again:        "run the same again; what is done already is not done twice",
	})
}
