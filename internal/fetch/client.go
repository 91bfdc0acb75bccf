package fetch

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/clydepm/clyde/internal/pause"
)

// Options are what a [Client] needs of the outside world.
type Options struct {
	HTTP  *http.Client         // sends the requests; its CheckRedirect is asked too
	Stall time.Duration        // longest time without bytes; 0 waits for ever
	Tell  func(message string) // hears of pauses that a person would notice; may be nil

	// Advice says what to do about an answer that does not let us in; may be nil.
	Advice func(*http.Response) string

	// Of these nil is what the name says.
	Now    func() time.Time
	Wait   func(ctx context.Context, d time.Duration) error
	Random func() float64 // in [0,1)
}

// Client asks web servers. It is safe for use by several goroutines.
type Client struct {
	opts Options
	http http.Client

	mu   sync.Mutex
	busy map[string]time.Time // hosts that asked to be left alone, until when
}

// New returns a client.
func New(opts Options) *Client {
	c := &Client{opts: opts, busy: map[string]time.Time{}}
	if c.opts.Now == nil {
		c.opts.Now = time.Now //nolint:forbidigo // the real clock where none is given
	}
	if c.opts.Wait == nil {
		c.opts.Wait = pause.For
	}
	if c.opts.Random == nil {
		c.opts.Random = rand.Float64
	}
	if opts.HTTP != nil {
		c.http = *opts.HTTP
	}
	c.http.CheckRedirect = checkRedirect(c.http.CheckRedirect)
	return c
}

// Request is a question for a file.
type Request struct {
	URL    *url.URL
	Header http.Header // more headers to send, may be nil
	Limit  int64       // most bytes that the file may have
	Size   int64       // bytes that the file has, 0 when not known

	// Known asks for the file only if it is not that version any more.
	Known Version

	// Raw asks for the file as it is stored. Only then can a transfer go on.
	Raw bool
	// From is how many bytes of the version FromVersion are here already.
	From        int64
	FromVersion Version
}

// Version is what a server says about the state of a file, to be told back to
// it.
type Version struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
}

// strong is the validator that a range of the file may be asked for by.
func (v Version) strong() string {
	if len(v.ETag) >= 2 && v.ETag[0] == '"' {
		return v.ETag
	}
	return v.Modified
}

// Sink takes a file.
type Sink interface {
	// Begin comes before the bytes of every answer: they go to offset, which is
	// 0 or how many bytes the sink has. Total is how many there will be, -1 when
	// not known.
	Begin(offset, total int64, version Version) error
	Write(p []byte) (int, error)
}

// Answer is what a server said.
type Answer struct {
	Version
	Same bool // the file is the known version; the sink got nothing
}

// Get asks for a file. The error is ctx's when it is done, one of the sink as it
// is, and an [Error] otherwise.
func (c *Client) Get(ctx context.Context, req Request, to Sink) (Answer, error) {
	t := &transfer{client: c, req: req, to: to, at: req.From, version: req.FromVersion}
	for {
		if err := c.waitFor(ctx, req.URL.Host); err != nil {
			return Answer{}, err
		}
		before := t.at
		answer, err := t.attempt(ctx)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return Answer{}, ctx.Err()
		}
		var own *sinkError
		if errors.As(err, &own) {
			return Answer{}, own.error
		}
		t.tries++
		if t.row++; t.at-before >= progressBytes {
			t.row = 1
		}
		wait, again := c.pauseAfter(err, t.row)
		if !again {
			return Answer{}, t.failure(err)
		}
		if err := c.pause(ctx, req.URL.Host, wait, err); err != nil {
			return Answer{}, err
		}
	}
}
