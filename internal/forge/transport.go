package forge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/pause"
)

// MaxResponse bounds one answer of an API, in bytes.
const MaxResponse = 64 << 20

// attempts is how often a request is made that fails for a reason which may
// pass.
const attempts = 6

// Pauses after a failure grow from the first to the last.
const (
	firstPause     = 500 * time.Millisecond
	lastPause      = 15 * time.Second
	secondaryPause = time.Minute // after a secondary limit that names no time
)

// DefaultPatience is how long a request waits for rate limits in all.
const DefaultPatience = 15 * time.Minute

// Transport is an http.RoundTripper for the API of a host; see the package
// comment. The zero value waits with DefaultPatience and adds no token.
type Transport struct {
	Base          http.RoundTripper // nil is http.DefaultTransport
	Hosts         []string          // "host:port" as in URLs, that get the token
	Authorization string            // the header's value, "" for none
	Token         string            // blotted out of responses
	Patience      time.Duration
	Wait          func(ctx context.Context, d time.Duration) error // nil waits as long
	Now           func() time.Time                                 // nil is time.Now
	Trace         func(line string)                                // told of every attempt; may be nil
}

type repeatableKey struct{}

// Repeatable marks the requests made under the context as harmless to repeat
// although they write: what they do is the same when it is done twice.
func Repeatable(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatableKey{}, true)
}

// harmless reports whether a request may be made again without looking.
func harmless(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch:
		return true
	}
	marked, _ := r.Context().Value(repeatableKey{}).(bool)
	return marked
}

// RoundTrip carries out a request. The response's body is in memory.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.GetBody != nil {
		defer req.Body.Close() // every attempt has a body of its own
	}
	limits := waiting{transport: t, left: t.Patience, pause: secondaryPause}
	if limits.left == 0 {
		limits.left = DefaultPatience
	}
	for attempt := 1; ; attempt++ {
		resp, err := t.try(req)
		if errors.Is(err, errTooLarge) {
			return nil, err
		}
		again := attempt < attempts && replayable(req)
		if err == nil {
			if limited, until := t.limited(resp, limits.pause); limited && replayable(req) {
				if err := limits.wait(req, until); err != nil {
					return nil, err
				}
				attempt-- // the host has not tried yet
				continue
			}
			if resp.StatusCode < 500 || resp.StatusCode == http.StatusNotImplemented {
				return resp, nil
			}
		}
		if !again || !harmless(req) || req.Context().Err() != nil {
			return resp, err
		}
		if err := t.Pause(req.Context(), pauseAfter(attempt, resp)); err != nil {
			return nil, err
		}
	}
}

// waiting is what is left of the patience for one request.
type waiting struct {
	transport   *Transport
	left, pause time.Duration
}

func (w *waiting) wait(req *http.Request, until time.Time) error {
	d := max(until.Sub(w.transport.now()), time.Second)
	if d > w.left {
		return &RateLimitError{Host: req.URL.Host, Until: until}
	}
	w.left -= d
	w.pause *= 2
	return w.transport.Pause(req.Context(), d)
}

func replayable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// try makes one attempt and reads the whole answer, so that a connection that
// is cut in the middle of it is noticed here.
func (t *Transport) try(req *http.Request) (*http.Response, error) {
	attempt := req.Clone(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		attempt.Body = body
	}
	if t.Authorization != "" && slices.Contains(t.Hosts, req.URL.Host) {
		attempt.Header.Set("Authorization", t.Authorization)
	}
	base := t.Base
	if base == nil {
		base = http.DefaultTransport //nolint:forbidigo // as in http.Client, whose Base this is
	}
	resp, err := base.RoundTrip(attempt)
	if err == nil {
		err = t.read(resp)
	}
	if err != nil {
		t.trace("%s %s: %v", req.Method, req.URL.Path, err)
		return nil, err
	}
	t.trace("%s %s: %d", req.Method, req.URL.Path, resp.StatusCode)
	return resp, nil
}

var errTooLarge = errors.New("the answer is larger than anything that was asked for")

func (t *Transport) read(resp *http.Response) error {
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, MaxResponse+1))
	if err != nil {
		return err
	}
	if len(data) > MaxResponse {
		return errTooLarge
	}
	if t.Token != "" {
		data = bytes.ReplaceAll(data, []byte(t.Token), []byte("***"))
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	resp.ContentLength = int64(len(data))
	return nil
}

// limited reports whether the answer is a rate limit, and when it ends. A
// request that was answered so has not been carried out.
func (t *Transport) limited(resp *http.Response, after time.Duration) (bool, time.Time) {
	spent := resp.Header.Get("X-RateLimit-Remaining") == "0"
	reset, resetErr := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64)
	// This is the one place that waits: libraries that read these headers hold
	// back requests of their own accord.
	resp.Header.Del("X-RateLimit-Remaining")
	resp.Header.Del("X-RateLimit-Reset")
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return false, time.Time{}
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		return true, t.now().Add(time.Duration(seconds) * time.Second)
	}
	if spent && resetErr == nil {
		return true, time.Unix(reset, 0).Add(time.Second)
	}
	if resp.StatusCode == http.StatusTooManyRequests || saysSecondary(resp) {
		return true, t.now().Add(after)
	}
	return false, time.Time{}
}

// saysSecondary reports whether the body is that of a secondary rate limit,
// which GitHub does not always mark by a header.
func saysSecondary(resp *http.Response) bool {
	data, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(data))
	text := strings.ToLower(string(data))
	return err == nil && (strings.Contains(text, "secondary rate limit") || strings.Contains(text, "abuse detection"))
}

// pauseAfter is how long to wait after a failure: as long as the host says, or
// a random time that grows.
func pauseAfter(attempt int, resp *http.Response) time.Duration {
	if resp != nil {
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds >= 0 {
			return min(time.Duration(seconds)*time.Second, lastPause)
		}
	}
	most := min(firstPause<<(attempt-1), lastPause)
	return most/2 + rand.N(most/2)
}

// Pause waits, by Wait where that is set.
func (t *Transport) Pause(ctx context.Context, d time.Duration) error {
	if t.Wait != nil {
		return t.Wait(ctx, d)
	}
	return pause.For(ctx, d)
}

func (t *Transport) now() time.Time {
	if t.Now != nil {
		return t.Now()
	}
	return time.Now() //nolint:forbidigo // what Now is when nobody gives one
}

func (t *Transport) trace(format string, args ...any) {
	if t.Trace != nil {
		t.Trace(fmt.Sprintf(format, args...))
	}
}

// Once makes a write that must not happen twice. When it fails in a way that
// leaves open whether it was carried out, lookup says so before it is made
// again. Unclear tells such failures; the write's other errors are given back.
func Once[T any](ctx context.Context, t *Transport, unclear func(error) bool, write func() (T, error), lookup func() (T, bool, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		made, err := write()
		if err == nil || !unclear(err) || attempt == attempts || ctx.Err() != nil {
			return made, err
		}
		if err := t.Pause(ctx, pauseAfter(attempt, nil)); err != nil {
			return made, err
		}
		found, ok, lookupErr := lookup()
		if lookupErr != nil {
			return found, errors.Join(lookupErr, err)
		}
		if ok {
			return found, nil
		}
	}
}

// Loopback reports whether a host is this machine, where nobody is on the way.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
