package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const maxRedirects = 10

// redirectError is a redirect that is not followed.
type redirectError struct {
	reason string
	chain  []*url.URL
}

func (e *redirectError) Error() string {
	shown := make([]string, 0, len(e.chain))
	for _, u := range e.chain {
		shown = append(shown, Display(u))
	}
	return e.reason + ": " + strings.Join(shown, " leads to ")
}

// checkRedirect refuses what must not be followed; next may be nil.
func checkRedirect(next func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if err := judgeRedirect(req, via); err != nil {
			return err
		}
		if next == nil {
			return nil
		}
		return next(req, via)
	}
}

func judgeRedirect(req *http.Request, via []*http.Request) error {
	chain := make([]*url.URL, 0, len(via)+1)
	for _, r := range via {
		chain = append(chain, r.URL)
	}
	chain = append(chain, req.URL)
	last := via[len(via)-1].URL
	for i, r := range via {
		if r.URL.String() == req.URL.String() {
			return &redirectError{"the redirects go in a circle", chain[i:]}
		}
	}
	switch {
	case req.URL.Scheme != "https" && req.URL.Scheme != "http":
		return &redirectError{fmt.Sprintf("a redirect to the protocol %q is not followed", req.URL.Scheme), chain}
	case last.Scheme == "https" && req.URL.Scheme != "https":
		return &redirectError{"a redirect away from https is not followed", chain}
	case len(via) > maxRedirects:
		return &redirectError{fmt.Sprintf("more than %d redirects", maxRedirects), chain}
	}
	return nil
}

// Display is a URL without what may be secret in it: credentials, and the query,
// where services put signatures.
func Display(u *url.URL) string {
	shown := *u
	shown.User, shown.Fragment = nil, ""
	if shown.RawQuery != "" {
		shown.RawQuery = "..."
	}
	return shown.String()
}

// plain is an error without the URL that net/http puts into its errors: after a
// redirect it may hold a signature.
func plain(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
