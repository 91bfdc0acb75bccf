package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/clydepm/clyde/internal/forge"
)

// DefaultAPI is the API of github.com.
const DefaultAPI = "https://api.github.com"

// Options say which GitHub is spoken to and as whom.
type Options struct {
	API     string // as in GITHUB_API_URL; "" is DefaultAPI
	GraphQL string // as in GITHUB_GRAPHQL_URL; "" is derived from API
	Web     string // as in GITHUB_SERVER_URL; "" is derived from API
	Token   string // "" can read what is public
	HTTP    http.RoundTripper
	Wait    func(ctx context.Context, d time.Duration) error // nil waits
	Trace   func(line string)                                // told of every call; may be nil
}

// Client speaks to one GitHub with one token. It may be used concurrently.
type Client struct {
	api       *gh.Client
	transport *forge.Transport
	graphQL   string
	web       string
	appToken  bool // of an app: what it may do cannot be asked for
}

// NewClient returns a client. The error is forge.ErrRefused for an API address
// that would send the token over the network in the clear.
func NewClient(opts Options) (*Client, error) {
	base, err := baseURL(opts.API)
	if err != nil {
		return nil, err
	}
	t := &forge.Transport{
		Base: opts.HTTP, Hosts: []string{base.Host, uploadHost(base)},
		Token: opts.Token, Wait: opts.Wait, Trace: opts.Trace,
	}
	if opts.Token != "" {
		t.Authorization = "Bearer " + opts.Token
	}
	api := gh.NewClient(&http.Client{Transport: t})
	api.BaseURL = base
	api.UserAgent = "clyde"
	c := &Client{
		api: api, transport: t,
		graphQL: opts.GraphQL, web: strings.TrimSuffix(opts.Web, "/"),
		appToken: strings.HasPrefix(opts.Token, "ghs_"),
	}
	if c.graphQL == "" {
		c.graphQL = graphQLOf(base)
	}
	if c.web == "" {
		c.web = webOf(base)
	}
	return c, nil
}

// baseURL checks the address of the API.
func baseURL(api string) (*url.URL, error) {
	if api == "" {
		api = DefaultAPI
	}
	refuse := func(detail string) error {
		return &forge.Error{Kind: forge.ErrRefused, Op: "the address of GitHub's API", Detail: detail, Remedy: "set GITHUB_API_URL to " + DefaultAPI + " or, for GitHub Enterprise, to https://HOST/api/v3"}
	}
	u, err := url.Parse(api)
	switch {
	case err != nil || u.Host == "":
		return nil, refuse("it is no absolute URL")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, refuse("it has a user, query or fragment")
	case u.Scheme != "https" && (u.Scheme != "http" || !forge.Loopback(u.Hostname())):
		return nil, refuse("it is not https, so that the token could be read on the way")
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/"
	return u, nil
}

// uploadHost is where github.com takes assets; elsewhere it is the API's host.
func uploadHost(base *url.URL) string {
	if base.Host == "api.github.com" {
		return "uploads.github.com"
	}
	return base.Host
}

func graphQLOf(base *url.URL) string {
	u := *base
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/v3") + "/graphql"
	return u.String()
}

func webOf(base *url.URL) string {
	host := base.Host
	if host == "api.github.com" {
		host = "github.com"
	}
	return base.Scheme + "://" + host
}

// status is the HTTP status of a failure, 0 when there was no answer.
func status(err error) int {
	var response *gh.ErrorResponse
	if errors.As(err, &response) && response.Response != nil {
		return response.Response.StatusCode
	}
	return 0
}

// says reports whether GitHub's message, or one of its details, has the text.
func says(err error, text string) bool {
	var response *gh.ErrorResponse
	if !errors.As(err, &response) {
		return false
	}
	all := response.Message
	for _, e := range response.Errors {
		all += "\n" + e.Code + " " + e.Message
	}
	return strings.Contains(strings.ToLower(all), strings.ToLower(text))
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

// explain turns a failure into one of the kinds of package forge.
func explain(op string, err error) error {
	if errors.As(err, new(*forge.RateLimitError)) || errors.As(err, new(*forge.CompareError)) {
		return err
	}
	return forge.Explain(op, err, status(err), forge.Remedies{
		Unauthorized: "the token is not valid; set CLYDE_INDEX_TOKEN or GITHUB_TOKEN to one that is, or log in with 'clyde auth login HOST'",
		Forbidden:    "give the token the permission that is named, or use another",
		NotFound:     "check OWNER/REPO; what a token may not see looks like this too",
		Again:        "run the same again; what is done already is not done twice",
	})
}

// split parts "owner/name" and checks both.
func split(repository string) (owner, name string, err error) {
	owner, name, ok := strings.Cut(repository, "/")
	if !ok || !plainName(owner) || !plainName(name) {
		return "", "", &forge.Error{Kind: forge.ErrRefused, Op: fmt.Sprintf("%q", repository), Detail: "is no repository", Remedy: "write OWNER/REPO"}
	}
	return owner, strings.TrimSuffix(name, ".git"), nil
}

// plainName keeps owners and repositories from changing the path of a request.
func plainName(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	})
}
