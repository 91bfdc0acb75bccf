package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/fetch"
)

// maxRequests is how many files of a registry are asked for at a time.
const maxRequests = 32

// errAbsent reports a file that a server does not have.
var errAbsent = errors.New("the server does not have it")

// fileHost is a web server with the files of an index.
type fileHost struct {
	url  *url.URL // of the folder
	http *http.Client
	asks *fetch.Client
}

// newFileHost makes a host of the folder at address. Connections are kept and
// shared; HTTP/2 is spoken where the server does.
func newFileHost(address *url.URL, a Access, timeout time.Duration) *fileHost {
	own := http.Client{}
	if a.HTTP != nil {
		own = *a.HTTP
	}
	own.Transport = manyConnections(own.Transport, timeout)
	asks := fetch.New(fetch.Options{HTTP: &own, Stall: timeout, Advice: credential.Advice, Wait: a.Wait, Tell: func(message string) { a.note("%s", message) }})
	return &fileHost{url: address, http: &own, asks: asks}
}

// manyConnections is a transport that keeps connections for all requests that
// run at a time.
func manyConnections(base http.RoundTripper, timeout time.Duration) http.RoundTripper {
	switch t := base.(type) {
	case nil:
		return &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: maxRequests, IdleConnTimeout: timeout, TLSHandshakeTimeout: timeout,
		}
	case *http.Transport:
		t = t.Clone()
		t.MaxIdleConnsPerHost = maxRequests
		return t
	case *credential.Transport:
		return &credential.Transport{Base: manyConnections(t.Base, timeout), Finder: t.Finder}
	}
	return base
}

func (h *fileHost) close() { h.http.CloseIdleConnections() }

// validators are what a server said about the state of a file; they are told
// back to it when the file is asked for again.
type validators = fetch.Version

// answer is what a server said to the request for a file.
type answer struct {
	validators
	same bool // the file is as it was
	data []byte
}

// get asks for a file of at most limit bytes, unless it still is what have says.
// The error is errAbsent when the server does not have it.
func (h *fileHost) get(ctx context.Context, name string, have validators, limit int64) (answer, error) {
	data, a, err := h.asks.Bytes(ctx, fetch.Request{URL: h.at(name), Known: have, Limit: limit})
	return answer{validators: a.Version, same: a.Same, data: data}, h.explain(err)
}

// receive asks for a file whose bytes are known by their digest.
func (h *fileHost) receive(ctx context.Context, name string, size int64, to fetch.Sink) error {
	_, err := h.asks.Get(ctx, fetch.Request{URL: h.at(name), Raw: true, Size: size, Limit: size}, to)
	return h.explain(err)
}

// at is the URL of a file in the folder; a whole URL stays as it is.
func (h *fileHost) at(name string) *url.URL {
	if strings.Contains(name, "://") {
		if u, err := url.Parse(name); err == nil {
			return u
		}
	}
	return h.url.JoinPath(name)
}

func (h *fileHost) address(name string) string { return h.at(name).String() }

func (h *fileHost) explain(err error) error {
	if errors.Is(err, fetch.ErrAbsent) {
		return errAbsent
	}
	return networkError("", err)
}
