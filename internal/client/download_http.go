package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Repetitions: a request that a server could not answer is sent again
// maxRetries times, after a pause that doubles or that the server asks for
// (Retry-After), but never a longer one than maxRetryWait. A transfer that
// breaks off is started again up to maxTransfers times in all.
const (
	maxRetries     = 3
	maxTransfers   = 3
	firstRetryWait = 250 * time.Millisecond
	maxRetryWait   = 30 * time.Second
)

// errStalled is the cause when a server sends nothing for too long.
var errStalled = errors.New("the server sent nothing for too long")

// get downloads over HTTP.
func (d *Downloader) get(ctx context.Context, a Archive, u *url.URL, f *os.File, report Transfer) error {
	var err error
	for range maxTransfers {
		var n int64
		n, err = d.getOnce(ctx, a, u, f, report)
		var broken *brokenTransferError
		if !errors.As(err, &broken) || ctx.Err() != nil {
			break
		}
		report.Advance(-n)
		if err := errors.Join(f.Truncate(0), seekStart(f)); err != nil {
			return err
		}
	}
	if ctxErr := ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	return err
}

func seekStart(f *os.File) error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// brokenTransferError is an answer that ended before its time.
type brokenTransferError struct{ error }

func (e *brokenTransferError) Unwrap() error { return e.error }

// getOnce sends the request and receives one answer. It reports how many bytes
// of it came.
func (d *Downloader) getOnce(ctx context.Context, a Archive, u *url.URL, f *os.File, report Transfer) (n int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := newWatchdog(d.Timeout, func() { cancel(errStalled) })
	defer watch.stop()

	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0, networkError(a, u, err)
	}
	// A server that marks the archive as compressed content must not make the
	// transport unpack it: the digest is of the archive itself.
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := d.retrying(watch).Do(req)
	if err != nil {
		return 0, networkError(a, u, stallOr(ctx, err))
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return 0, statusError(a, u, resp)
	}
	if a.Size > 0 && resp.ContentLength > a.Size {
		return 0, a.tooLong(display(u), a.Size, fmt.Sprintf("%d bytes", resp.ContentLength))
	}
	body := &countingReader{r: resp.Body, read: watch.feed}
	err = receive(ctx, a, display(u), body, f, report)
	if err != nil && body.failed != nil {
		err = &brokenTransferError{networkError(a, u, stallOr(ctx, body.failed))}
	}
	return body.n, err
}

// retrying is the client with repetitions.
func (d *Downloader) retrying(watch *watchdog) *retryablehttp.Client {
	first := d.retryWait
	if first == 0 {
		first = firstRetryWait
	}
	return newRetrying(d.HTTP, first, watch)
}

// newRetrying is a client with repetitions, the first after that time. Statuses
// come back as answers once the repetitions are used up.
func newRetrying(client *http.Client, first time.Duration, watch *watchdog) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient:   client,
		RetryWaitMin: first,
		RetryWaitMax: maxRetryWait,
		RetryMax:     maxRetries,
		CheckRetry:   retryablehttp.DefaultRetryPolicy,
		Backoff: func(least, most time.Duration, attempt int, resp *http.Response) time.Duration {
			wait := min(retryablehttp.DefaultBackoff(least, most, attempt, resp), most)
			watch.pause(wait)
			return wait
		},
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// stallOr is the reason why ctx was given up, or err.
func stallOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errStalled) {
		return cause
	}
	return err
}

// networkError leaves out the URL that net/http puts into its errors: after a
// redirect it may hold a signature.
func networkError(a Archive, u *url.URL, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &Error{
		Class: ErrNetwork, Message: fmt.Sprintf("%s: cannot download %s", a.Name, display(u)), Err: err,
		Remedy: "check the connection and run the command again",
	}
}

func statusError(a Archive, u *url.URL, resp *http.Response) error {
	e := &Error{Class: ErrNetwork, Message: fmt.Sprintf("%s: %s answers %s", a.Name, display(u), resp.Status)}
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		e.Class = ErrNotFound
		e.Remedy = "the index lists this archive but its host has lost it; tell the registry"
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Class = ErrRefused
		e.Remedy = "the host of the archive wants a login or does not let you in"
	default:
		e.Remedy = "try again later"
	}
	return e
}

// watchdog calls a function when it was not fed for too long.
type watchdog struct {
	limit time.Duration
	timer *time.Timer // nil when there is no limit
}

func newWatchdog(limit time.Duration, bark func()) *watchdog {
	w := &watchdog{limit: limit}
	if limit > 0 {
		w.timer = time.AfterFunc(limit, bark)
	}
	return w
}

func (w *watchdog) feed() { w.pause(0) }

// pause allows for a wait that is intended.
func (w *watchdog) pause(wait time.Duration) {
	if w.timer != nil {
		w.timer.Reset(w.limit + wait)
	}
}

func (w *watchdog) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// countingReader counts bytes and keeps the failure of the reading side apart
// from that of the writing side.
type countingReader struct {
	r      io.Reader
	read   func()
	n      int64
	failed error
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.read()
	if err != nil && err != io.EOF {
		c.failed = err
	}
	return n, err
}
