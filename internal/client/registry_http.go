package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// maxRequests is how many files of a registry are asked for at a time.
const maxRequests = 32

// errAbsent reports a file that a server does not have.
var errAbsent = errors.New("the server does not have it")

// fileHost is a web server with the files of an index.
type fileHost struct {
	url     *url.URL // of the folder
	client  *http.Client
	timeout time.Duration
}

// newFileHost makes a host of the folder at address. Connections are kept and
// shared; HTTP/2 is spoken where the server does.
func newFileHost(address *url.URL, client *http.Client, timeout time.Duration) *fileHost {
	own := http.Client{}
	if client != nil {
		own = *client
	}
	switch t := own.Transport.(type) {
	case nil:
		own.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: maxRequests, IdleConnTimeout: timeout, TLSHandshakeTimeout: timeout,
		}
	case *http.Transport:
		t = t.Clone()
		t.MaxIdleConnsPerHost = maxRequests
		own.Transport = t
	}
	own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		switch {
		case len(via) >= maxRedirects:
			return errors.New("too many redirects")
		case via[0].URL.Scheme == "https" && req.URL.Scheme != "https":
			return fmt.Errorf("a redirect to %s, which is not encrypted", req.URL.Host)
		}
		return nil
	}
	return &fileHost{url: address, client: &own, timeout: timeout}
}

const maxRedirects = 10

func (h *fileHost) close() { h.client.CloseIdleConnections() }

// validators are what a server said about the state of a file; they are told
// back to it when the file is asked for again.
type validators struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
}

// answer is what a server said to the request for a file.
type answer struct {
	validators
	same bool // the file is as it was
	data []byte
}

// get asks for a file of at most limit bytes, unless it still is what have says.
// The error is errAbsent when the server does not have it.
func (h *fileHost) get(ctx context.Context, name string, have validators, limit int64) (answer, error) {
	var a answer
	err := h.ask(ctx, name, have, func(resp *http.Response, body io.Reader) (err error) {
		a.validators = validators{ETag: resp.Header.Get("Etag"), Modified: resp.Header.Get("Last-Modified")}
		if resp.StatusCode == http.StatusNotModified {
			a.same, a.validators = true, have
			return nil
		}
		a.data, err = io.ReadAll(io.LimitReader(body, limit+1))
		if err == nil && int64(len(a.data)) > limit {
			err = &Error{Class: ErrIntegrity, Message: fmt.Sprintf("%s has more than %d bytes", h.address(name), limit)}
		}
		return err
	})
	return a, err
}

func (h *fileHost) address(name string) string { return h.url.JoinPath(name).String() }

// ask sends a request, again where that may help, and hands the answer over when
// it is a good one.
func (h *fileHost) ask(ctx context.Context, name string, have validators, take func(*http.Response, io.Reader) error) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := newWatchdog(h.timeout, func() { cancel(errStalled) })
	defer watch.stop()
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, h.address(name), nil)
	if err != nil {
		return h.failed(ctx, name, err)
	}
	if have.ETag != "" {
		req.Header.Set("If-None-Match", have.ETag)
	}
	if have.Modified != "" {
		req.Header.Set("If-Modified-Since", have.Modified)
	}
	resp, err := newRetrying(h.client, firstRetryWait, watch).Do(req)
	if err != nil {
		return h.failed(ctx, name, err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	switch resp.StatusCode {
	case http.StatusOK, http.StatusNotModified:
	case http.StatusNotFound, http.StatusGone, http.StatusUnavailableForLegalReasons:
		return errAbsent
	default:
		return h.refused(name, resp)
	}
	body := &countingReader{r: resp.Body, read: watch.feed}
	err = take(resp, body)
	if body.failed != nil {
		err = h.failed(ctx, name, body.failed)
	}
	return err
}

// failed is an error of the network, without what net/http says of URLs.
func (h *fileHost) failed(ctx context.Context, name string, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	err = stallOr(ctx, err)
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &Error{Class: ErrNetwork, Message: h.address(name), Err: err, Remedy: "check the address and the connection, and run the command again"}
}

func (h *fileHost) refused(name string, resp *http.Response) error {
	e := &Error{Class: ErrNetwork, Message: fmt.Sprintf("%s answers %s", h.address(name), resp.Status), Remedy: "try again later"}
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		e.Class, e.Remedy = ErrRefused, "the server wants a login or does not let you in"
	}
	return e
}
