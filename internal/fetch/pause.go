package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Attempts and the pauses between them.
const (
	maxTries      = 5
	firstPause    = 500 * time.Millisecond
	maxPause      = 30 * time.Second
	maxRetryAfter = time.Minute
	progressBytes = 1 << 20
	noticedPause  = 2 * time.Second // a person wonders what happens
)

// pauseAfter says how long to wait after a failed attempt, the row-th in a row,
// and whether to try again at all.
func (c *Client) pauseAfter(err error, row int) (time.Duration, bool) {
	if row >= maxTries || !mayPass(err) {
		return 0, false
	}
	var status *statusError
	if errors.As(err, &status) && status.after >= 0 {
		return status.after, status.after <= maxRetryAfter
	}
	pause := min(firstPause<<(row-1), maxPause)
	return pause - time.Duration(c.opts.Random()*float64(pause/2)), true
}

// mayPass reports whether a fault may be gone at the next attempt.
func mayPass(err error) bool {
	var (
		status      *statusError
		refused     *redirectError
		certificate *tls.CertificateVerificationError
		name        *net.DNSError
		final       *finalError
		own         hinted
	)
	switch {
	case errors.As(err, &own):
		return false // the connection was not even opened
	case errors.As(err, &status):
		return status.mayPass()
	case errors.As(err, &refused), errors.As(err, &certificate), errors.As(err, &final), errors.Is(err, http.ErrSchemeMismatch):
		return false
	case errors.As(err, &name):
		return !name.IsNotFound
	}
	return true
}

// pause waits before the next attempt.
func (c *Client) pause(ctx context.Context, host string, d time.Duration, reason error) error {
	var status *statusError
	if errors.As(reason, &status) && status.after >= 0 {
		c.leaveAlone(host, d, status)
		return nil // waitFor waits
	}
	if d >= noticedPause {
		c.tell(fmt.Sprintf("%s: %v; trying again in %v", host, plain(reason), d.Round(time.Second)))
	}
	return c.opts.Wait(ctx, d)
}

// leaveAlone notes that a host asked to wait.
func (c *Client) leaveAlone(host string, d time.Duration, status *statusError) {
	c.mu.Lock()
	until := c.opts.Now().Add(d)
	news := until.After(c.busy[host])
	if news {
		c.busy[host] = until
	}
	c.mu.Unlock()
	if news && d >= noticedPause {
		c.tell(fmt.Sprintf("%s answers %s and asks to wait %v", host, status.status, d.Round(time.Second)))
	}
}

// waitFor waits as long as a host asked for.
func (c *Client) waitFor(ctx context.Context, host string) error {
	c.mu.Lock()
	left := c.busy[host].Sub(c.opts.Now())
	c.mu.Unlock()
	if left <= 0 {
		return ctx.Err()
	}
	return c.opts.Wait(ctx, left+time.Duration(c.opts.Random()*float64(firstPause)))
}

func (c *Client) tell(message string) {
	if c.opts.Tell != nil {
		c.opts.Tell(message)
	}
}

// statusError is an answer that is not the file.
type statusError struct {
	code    int
	status  string
	after   time.Duration // that the server asks to wait, -1 when it does not
	advice  string        // what to do about it, "" when nobody knows better
	limited bool          // a number of requests is used up
}

func (e *statusError) Error() string { return "the server answers " + e.status }

func (e *statusError) mayPass() bool {
	switch e.code {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return e.code >= 500
}

// refused is the fault of an answer that is not the file. GitHub, Gitea and
// others say by headers of their own that a number of requests is used up, and
// until when; some with the status 403, though nobody is denied anything.
func (c *Client) refused(resp *http.Response) *statusError {
	e := &statusError{code: resp.StatusCode, status: resp.Status, after: c.retryAfter(resp.Header)}
	forbidden := e.code == http.StatusForbidden
	e.limited = (forbidden || e.code == http.StatusTooManyRequests) && resp.Header.Get("X-RateLimit-Remaining") == "0"
	switch {
	case e.limited:
		e.spent(resp.Header, c.opts.Now())
	case (forbidden || e.code == http.StatusUnauthorized) && c.opts.Advice != nil:
		e.advice = c.opts.Advice(resp)
	}
	return e
}

// spent reads how many requests are used up, and until when.
func (e *statusError) spent(h http.Header, now time.Time) {
	e.code = http.StatusTooManyRequests
	if n, err := strconv.ParseUint(h.Get("X-RateLimit-Limit"), 10, 31); err == nil {
		e.status += fmt.Sprintf(": the %d requests that it allows are used up", n)
	}
	if at, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil && e.after < 0 {
		e.after = max(0, time.Unix(at, 0).Sub(now))
	}
}

// retryAfter reads Retry-After: seconds or a date.
func (c *Client) retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(c.opts.Now()))
	}
	return -1
}
