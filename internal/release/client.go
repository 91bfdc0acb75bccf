package release

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/forge"
)

// Bounds of what is asked for.
const (
	perPage   = 100
	mostPages = 10 // of releases that are looked through for a draft
)

// Options say which repository has the releases, and who asks.
type Options struct {
	API        string // as in GITHUB_API_URL
	Web        string // as in GITHUB_SERVER_URL
	Repository string // owner/name, checked
	Token      string
	HTTP       http.RoundTripper
	Wait       func(ctx context.Context, d time.Duration) error // nil waits
}

// Client speaks about the releases of one repository.
type Client struct {
	opts Options
	http *http.Client
}

// NewClient returns a client. The error is forge.ErrRefused for an address that
// would send the token over the network in the clear.
func NewClient(opts Options) (*Client, error) {
	u, err := url.Parse(opts.API)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !forge.Loopback(u.Hostname())) {
		return nil, &forge.Error{Kind: forge.ErrRefused, Op: "the address of GitHub's API", Detail: fmt.Sprintf("%q is not https", opts.API)}
	}
	hosts := []string{u.Host}
	if u.Host == "api.github.com" {
		hosts = append(hosts, "uploads.github.com")
	}
	t := &forge.Transport{Base: opts.HTTP, Hosts: hosts, Token: opts.Token, Wait: opts.Wait}
	if opts.Token != "" {
		t.Authorization = "Bearer " + opts.Token
	}
	return &Client{opts: opts, http: &http.Client{Transport: t}}, nil
}

// statusError is an answer that is no success.
type statusError struct {
	code    int
	message string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%d %s: %s", e.code, http.StatusText(e.code), e.message)
}

// status is the HTTP status of a failure, 0 when there was no answer.
func status(err error) int {
	var s *statusError
	if errors.As(err, &s) {
		return s.code
	}
	return 0
}

// call makes one request and reads its JSON answer. Path is from the repository,
// or a whole URL.
func (c *Client) call(ctx context.Context, method, path string, body, answer any) error {
	var sent io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(data)
	}
	data, err := c.exchange(ctx, method, path, "application/json", "application/vnd.github+json", sent)
	if err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(data, answer)
}

// exchange makes one request and returns the body of a success.
func (c *Client) exchange(ctx context.Context, method, path, contentType, accept string, body io.Reader) ([]byte, error) {
	address := path
	if !strings.Contains(path, "://") {
		address = c.opts.API + "/repos/" + c.opts.Repository + path
	}
	request, err := newRequest(ctx, method, address, accept, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", contentType)
	}
	data, _, err := c.do(request)
	return data, err
}

// do makes a request and returns the body and header of a success.
func (c *Client) do(request *http.Request) ([]byte, http.Header, error) {
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body) // the transport bounds it
	if err != nil {
		return nil, nil, err
	}
	if response.StatusCode >= 300 {
		return nil, nil, &statusError{response.StatusCode, messageOf(data)}
	}
	return data, response.Header, nil
}

func newRequest(ctx context.Context, method, address, accept string, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", accept)
	request.Header.Set("User-Agent", "clyde")
	request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	return request, nil
}

// messageOf reads GitHub's explanation of a failure.
func messageOf(data []byte) string {
	var said struct {
		Message string `json:"message"`
		Errors  []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(data, &said) != nil {
		return "no explanation"
	}
	text := said.Message
	for _, e := range said.Errors {
		text += "; " + strings.TrimSpace(e.Code+" "+e.Message)
	}
	return text
}

// explain turns a failure into one of the kinds of package forge.
func explain(op string, err error) error {
	if errors.As(err, new(*ImmutableError)) {
		return err
	}
	return forge.Explain(op, err, status(err), forge.Remedies{
		Unauthorized: "the token is not valid; give ${{ github.token }}",
		Forbidden:    "let the job write to releases:\n  permissions:\n    contents: write\n    id-token: write",
		NotFound:     "what a token may not see or write to looks like this too: let the job write to releases, with 'contents: write' under its permissions",
		Again:        "run the job again; what is done already is not done twice",
	})
}

// Tag looks a tag up: the commit that it names and, when it is an annotated tag,
// the tag object. Both are "" when there is no such tag, as for a draft.
func (c *Client) Tag(ctx context.Context, tag string) (commit, object string, err error) {
	type target struct {
		Object struct{ SHA, Type string }
	}
	op := "look up the tag " + tag
	var found target
	err = c.call(ctx, http.MethodGet, "/git/ref/tags/"+escapePath(tag), nil, &found)
	if status(err) == http.StatusNotFound {
		return "", "", nil
	}
	if err != nil {
		return "", "", explain(op, err)
	}
	if found.Object.Type != "tag" {
		return found.Object.SHA, "", nil
	}
	object = found.Object.SHA
	if err := c.call(ctx, http.MethodGet, "/git/tags/"+url.PathEscape(object), nil, &found); err != nil {
		return "", "", explain(op, err)
	}
	if found.Object.Type != "commit" {
		return "", "", &forge.Error{Kind: forge.ErrRefused, Op: op, Detail: "it names a " + found.Object.Type + " and no commit"}
	}
	return found.Object.SHA, object, nil
}

// Find returns the release of a tag, published or a draft. The error is
// forge.ErrNotFound when there is none.
func (c *Client) Find(ctx context.Context, tag string) (*Release, error) {
	op := fmt.Sprintf("find the release of the tag %s of %s", tag, c.opts.Repository)
	var found description
	err := c.call(ctx, http.MethodGet, "/releases/tags/"+escapePath(tag), nil, &found)
	if status(err) == http.StatusNotFound {
		found, err = c.findDraft(ctx, tag)
	}
	if err != nil {
		return nil, explain(op, err)
	}
	r := &Release{client: c}
	r.take(found)
	return r, nil
}

// findDraft looks through the releases, since a draft is found in no other way.
func (c *Client) findDraft(ctx context.Context, tag string) (description, error) {
	for page := 1; page <= mostPages; page++ {
		var releases []description
		if err := c.call(ctx, http.MethodGet, "/releases"+pageQuery(page), nil, &releases); err != nil {
			return description{}, err
		}
		for _, d := range releases {
			if d.Tag == tag {
				return d, nil
			}
		}
		if len(releases) < perPage {
			break
		}
	}
	return description{}, &forge.Error{
		Kind: forge.ErrNotFound, Op: "find the release of the tag " + tag + " of " + c.opts.Repository,
		Detail: "there is none", Remedy: "make the release first, or start the workflow with 'on: release'",
	}
}

func pageQuery(page int) string {
	return "?per_page=" + strconv.Itoa(perPage) + "&page=" + strconv.Itoa(page)
}

// escapePath escapes a tag for a path. Its slashes stay.
func escapePath(tag string) string {
	parts := strings.Split(tag, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}
