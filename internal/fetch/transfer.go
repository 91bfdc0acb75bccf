package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// transfer is the way of one file, over as many attempts as it takes.
type transfer struct {
	client  *Client
	req     Request
	to      Sink
	at      int64   // bytes that the sink has
	version Version // of those
	tries   int
	row     int // tries since something came
}

func (t *transfer) failure(err error) error {
	e := &Error{URL: Display(t.req.URL), Tries: t.tries, Err: plain(err)}
	var status *statusError
	if errors.As(err, &status) {
		e.Status = status.code
	}
	return e
}

// attempt asks once.
func (t *transfer) attempt(ctx context.Context) (answer Answer, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := newWatchdog(t.client.opts.Stall, func() { cancel(ErrStalled) })
	defer watch.stop()
	defer func() {
		if err != nil && errors.Is(context.Cause(ctx), ErrStalled) {
			err = fmt.Errorf("%w (%v)", ErrStalled, t.client.opts.Stall)
		}
	}()
	req, err := t.request(ctx)
	if err != nil {
		return Answer{}, &finalError{err}
	}
	resp, err := t.client.http.Do(req)
	if err != nil {
		return Answer{}, err
	}
	// What is left of an answer is not read: closing may cost the connection, and
	// that is less than a server that goes on and on.
	defer resp.Body.Close()
	watch.feed()
	return t.take(resp, watch)
}

func (t *transfer) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.req.URL.String(), nil)
	if err != nil {
		return nil, err
	}
	for name, values := range t.req.Header {
		req.Header[name] = values
	}
	if t.req.Raw {
		req.Header.Set("Accept-Encoding", "identity")
	}
	if t.resumes() {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", t.at))
		req.Header.Set("If-Range", t.version.strong())
		return req, nil
	}
	if t.req.Known.ETag != "" {
		req.Header.Set("If-None-Match", t.req.Known.ETag)
	}
	if t.req.Known.Modified != "" {
		req.Header.Set("If-Modified-Since", t.req.Known.Modified)
	}
	return req, nil
}

// resumes reports whether what is here may be gone on from.
func (t *transfer) resumes() bool {
	return t.req.Raw && t.at > 0 && t.version.strong() != ""
}

// take judges an answer and hands its bytes over.
func (t *transfer) take(resp *http.Response, watch *watchdog) (Answer, error) {
	version := Version{ETag: resp.Header.Get("Etag"), Modified: resp.Header.Get("Last-Modified")}
	offset := int64(0)
	switch {
	case resp.StatusCode == http.StatusOK:
	case resp.StatusCode == http.StatusNotModified && !t.resumes() && t.req.Known != Version{}:
		return Answer{Version: t.req.Known, Same: true}, nil
	case resp.StatusCode == http.StatusPartialContent && t.resumes() && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", t.at)):
		offset = t.at
		version = t.version
	case t.resumes() && (resp.StatusCode == http.StatusPartialContent || resp.StatusCode == http.StatusRequestedRangeNotSatisfiable):
		t.at, t.version = 0, Version{} // the next attempt asks for the whole
		return Answer{}, fmt.Errorf("the server answers %s to the question for the rest of the file", resp.Status)
	default:
		return Answer{}, t.client.refused(resp)
	}
	total, err := t.judgeLength(resp, offset)
	if err != nil {
		return Answer{}, err
	}
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" && !t.req.Raw {
		return Answer{}, &finalError{fmt.Errorf("the server sends it with the encoding %q, which was not asked for", encoding)}
	}
	if err := t.to.Begin(offset, total, version); err != nil {
		return Answer{}, &sinkError{err}
	}
	t.at, t.version = offset, version
	if resp.Uncompressed {
		t.version = Version{} // of other bytes
	}
	return Answer{Version: version}, t.copy(resp.Body, watch)
}

// judgeLength compares the length that a server announces with what is known. It
// is -1 when it announces none.
func (t *transfer) judgeLength(resp *http.Response, offset int64) (total int64, err error) {
	if resp.ContentLength < 0 {
		return -1, nil
	}
	total = offset + resp.ContentLength
	switch {
	case t.req.Size > 0 && total != t.req.Size:
		return total, &finalError{&SizeError{Want: t.req.Size, Got: total}}
	case total > t.req.Limit:
		return total, &finalError{&SizeError{Want: t.req.Limit, Got: total, More: true}}
	}
	return total, nil
}

// SizeError reports a file that does not have its bytes.
type SizeError struct {
	Want int64 // how many it has, or may have at most
	Got  int64 // how many it would be, 0 when that is not known
	More bool  // Want is the most it may have
}

func (e *SizeError) Error() string {
	got := "more"
	if e.Got > 0 {
		got = fmt.Sprintf("%d", e.Got)
	}
	if e.More {
		return fmt.Sprintf("at most %d bytes were expected, and the server has %s", e.Want, got)
	}
	return fmt.Sprintf("%d bytes were expected, and the server has %s", e.Want, got)
}

// Is puts the error in the class [ErrSize].
func (e *SizeError) Is(target error) bool { return target == ErrSize }

// bufferSize is how many bytes go from the connection to the sink at a time.
const bufferSize = 128 << 10

// copy hands the bytes of an answer over, within the limit.
func (t *transfer) copy(body io.Reader, watch *watchdog) error {
	limit := t.req.Limit
	if t.req.Size > 0 {
		limit = t.req.Size
	}
	buffer := make([]byte, min(bufferSize, limit+1))
	for {
		n, err := body.Read(buffer[:min(int64(len(buffer)), limit-t.at+1)])
		watch.came(n)
		if t.at+int64(n) > limit {
			return &finalError{&SizeError{Want: limit, More: t.req.Size == 0}}
		}
		if _, err := t.to.Write(buffer[:n]); err != nil {
			return &sinkError{err}
		}
		t.at += int64(n)
		switch {
		case errors.Is(err, io.EOF):
			return t.complete()
		case err != nil:
			return fmt.Errorf("the answer broke off after %d bytes: %w", t.at, err)
		}
	}
}

// complete notices an answer without a length that ended too soon.
func (t *transfer) complete() error {
	if t.req.Size > 0 && t.at < t.req.Size {
		return fmt.Errorf("the answer ended after %d of %d bytes", t.at, t.req.Size)
	}
	return nil
}
