package credential

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Transport adds the credential of a host to the requests to it, and to no other.
// A request that has an Authorization of its own is left alone. It is safe for
// use by several goroutines.
type Transport struct {
	Base   http.RoundTripper // nil is net/http's own
	Finder *Finder

	mu    sync.Mutex
	forms map[Host]form // that a host was found to want
}

// RoundTrip sends a request, and again when the host answers that it wants a
// credential, or the same one in another form.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	host := HostOf(req.URL)
	if req.Header.Get("Authorization") != "" || host == "" || !May(req.URL) {
		return t.base().RoundTrip(req)
	}
	c, found, err := t.Finder.Ready(req.Context(), host)
	if err != nil {
		return nil, err
	}
	was := t.form(host) // another request may find out another one meanwhile
	resp, err := t.send(req, c, found, was)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !repeatable(req) {
		return resp, err
	}
	var next form
	if found {
		if next = wanted(resp, c, was); next == usual {
			return resp, nil
		}
	} else {
		if c, found, err = t.Finder.Asked(req.Context(), host); err != nil || !found {
			return withError(resp, err)
		}
		next = wanted(resp, c, usual)
	}
	if req, err = again(req); err != nil {
		return withError(resp, err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if err := resp.Body.Close(); err != nil {
		return nil, err
	}
	resp, err = t.send(req, c, true, next)
	if err == nil && resp.StatusCode != http.StatusUnauthorized {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.forms == nil {
			t.forms = map[Host]form{}
		}
		t.forms[host] = next
	}
	return resp, err
}

// CloseIdleConnections closes those of the base.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport //nolint:forbidigo // as a client without a transport does
	}
	return t.Base
}

func (t *Transport) form(h Host) form {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.forms[h]
}

// send sends a copy of the request, so that the header is nowhere else. The
// answer tells of the request as it came.
func (t *Transport) send(req *http.Request, c Credential, found bool, f form) (*http.Response, error) {
	if !found {
		return t.base().RoundTrip(req)
	}
	ctx := context.WithValue(req.Context(), sentKey{}, true)
	sent := req.Clone(ctx)
	sent.Header.Set("Authorization", c.header(f))
	resp, err := t.base().RoundTrip(sent)
	if resp != nil {
		resp.Request = req.WithContext(ctx)
	}
	return resp, err
}

// sentKey marks the context of a request that had a credential.
type sentKey struct{}

// wanted is the form in which a host asks for a credential that it refused, or
// the usual one when it asks for nothing else than it was given.
func wanted(resp *http.Response, c Credential, was form) form {
	if was != usual {
		return usual // it has been told already
	}
	given := strings.ToLower(strings.Fields(c.header(usual))[0])
	challenges := strings.ToLower(strings.Join(resp.Header.Values("Www-Authenticate"), ", "))
	offers := func(scheme string) bool {
		return challenges == scheme || strings.HasPrefix(challenges, scheme+" ") || strings.Contains(challenges, ", "+scheme)
	}
	switch {
	case offers("cargo"):
		return bare
	case offers(given):
		return usual
	case offers("basic"):
		return basic
	case offers("bearer"):
		return bearer
	case challenges == "" && given == "bearer":
		return bare // as registries of Cargo do that do not say so
	}
	return usual
}

// repeatable reports whether a request can be sent again.
func repeatable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

func again(req *http.Request) (*http.Request, error) {
	if req.GetBody == nil {
		return req, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	next := req.Clone(req.Context())
	next.Body = body
	return next, nil
}

// withError gives up an answer because of an error, if there is one.
func withError(resp *http.Response, err error) (*http.Response, error) {
	if err == nil {
		return resp, nil
	}
	return nil, errors.Join(err, resp.Body.Close())
}

// Advice says what to do about an answer 401 or 403.
func Advice(resp *http.Response) string {
	u := resp.Request.URL
	host := HostOf(u)
	sent, _ := resp.Request.Context().Value(sentKey{}).(bool)
	switch {
	case !May(u):
		return "a login is sent over https only: give the address with https"
	case !sent:
		return LoginHint(host)
	case resp.StatusCode == http.StatusForbidden:
		return fmt.Sprintf("%s knows who you are and does not permit this; 'clyde auth status' says which token it was given", host)
	}
	return fmt.Sprintf("%s does not take the token it was given: see 'clyde auth status', and log in again with 'clyde auth login %s'", host, host)
}

// LoginHint says how to log in to a host.
func LoginHint(h Host) string {
	return fmt.Sprintf("log in with 'clyde auth login %s'", h)
}
