package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/faultnet"
	"github.com/clydepm/clyde/internal/fetch"
)

// world is a client whose time is the test's, and a server with one file.
type world struct {
	*faultnet.Server
	file   []byte
	etag   string
	client *fetch.Client

	mu     sync.Mutex
	now    time.Time
	slept  time.Duration
	pauses int
	told   []string
}

// stall is what the tests of a server that sends nothing wait for. No other test
// has a limit that a busy machine could reach.
const stall = 500 * time.Millisecond

func newWorld(t *testing.T) *world { return newWorldWith(t, time.Hour) }

// newFaultyWorld is the world of a test of that name in a table.
func newFaultyWorld(t *testing.T, name string) *world {
	switch name {
	case "stall", "silence", "trickle":
		t.Parallel() // they wait
		return newWorldWith(t, stall)
	}
	return newWorld(t)
}

func newWorldWith(t *testing.T, stall time.Duration) *world {
	w := &world{file: make([]byte, 200<<10), etag: `"one"`, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	source := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same bytes each time
	for i := range w.file {
		w.file[i] = byte(source.Uint32())
	}
	w.Server = faultnet.New(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/file" {
			http.NotFound(rw, r)
			return
		}
		file, etag := w.content()
		rw.Header().Set("Etag", etag)
		http.ServeContent(rw, r, "file", time.Time{}, bytes.NewReader(file))
	}))
	w.client = fetch.New(fetch.Options{Stall: stall, Now: w.clock, Wait: w.sleep, Random: func() float64 { return 0 }, Tell: w.tell})
	return w
}

// content is what the server has now, and its version.
func (w *world) content() (file []byte, etag string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.file, w.etag
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) sleep(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now, w.slept, w.pauses = w.now.Add(d), w.slept+d, w.pauses+1
	return ctx.Err()
}

func (w *world) tell(message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, message)
}

func (w *world) request(path string) fetch.Request {
	u, err := url.Parse(w.URL + path)
	if err != nil {
		panic(err)
	}
	return fetch.Request{URL: u, Limit: 1 << 20, Raw: true, Size: int64(len(w.file))}
}

func TestGetGetsOverWhatPasses(t *testing.T) {
	for name, test := range map[string]struct {
		times    int
		fault    faultnet.Fault
		requests int
		ranges   string // of the last request
	}{
		"nothing":     {0, nil, 1, ""},
		"cut":         {2, faultnet.Cut(1000), 3, "bytes=2000-"},
		"cut at once": {4, faultnet.Cut(0), 5, ""},
		"reset":       {1, faultnet.Reset(0), 2, ""},
		"stall":       {1, faultnet.Stall(1000), 2, "bytes=1000-"},
		"silence":     {1, faultnet.Silence, 2, ""},
		"trickle":     {1, faultnet.Trickle(2 * stall), 2, "bytes=1-"},
		"hung up":     {4, faultnet.HangUp, 5, ""},
		"end early":   {1, faultnet.EndEarly(5000), 2, "bytes=5000-"},
		"length":      {1, faultnet.Length(0), 1, ""},
		"busy":        {4, faultnet.Status(http.StatusServiceUnavailable, nil), 5, ""},
		"garbage":     {4, faultnet.Garbage, 5, ""},
		"time-out":    {1, faultnet.Status(http.StatusRequestTimeout, nil), 2, ""},
		"bad gateway": {1, faultnet.Status(http.StatusBadGateway, nil), 2, ""},
		"too many":    {1, faultnet.Status(http.StatusTooManyRequests, map[string]string{"Retry-After": "20"}), 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFaultyWorld(t, name)
			w.Break("/file", test.times, test.fault)
			data, answer, err := w.client.Bytes(t.Context(), w.request("/file"))
			if err != nil || !bytes.Equal(data, w.file) {
				t.Fatalf("%d bytes, %v", len(data), err)
			}
			if answer.ETag != w.etag {
				t.Errorf("version %+v", answer.Version)
			}
			asked := w.Requests("/")
			if len(asked) != test.requests || asked[len(asked)-1].Header.Get("Range") != test.ranges {
				t.Errorf("%d requests, the last for %q; want %d, %q", len(asked), asked[len(asked)-1].Header.Get("Range"), test.requests, test.ranges)
			}
		})
	}
}

func TestGetGivesUp(t *testing.T) {
	busy := faultnet.Status(http.StatusServiceUnavailable, nil)
	for name, test := range map[string]struct {
		fault    faultnet.Fault
		requests int
		is       error
		says     string
		hint     string
	}{
		"not there":       {faultnet.Status(http.StatusNotFound, nil), 1, fetch.ErrAbsent, "/file: the server answers 404 Not Found", "check the address"},
		"gone":            {faultnet.Status(http.StatusGone, nil), 1, fetch.ErrAbsent, "410", "check the address"},
		"no login":        {faultnet.Status(http.StatusUnauthorized, nil), 1, fetch.ErrDenied, "401", "login"},
		"teapot":          {faultnet.Status(http.StatusTeapot, nil), 1, nil, "418", "check the address"},
		"not implemented": {faultnet.Status(http.StatusNotImplemented, nil), 1, nil, "501", "check the address"},
		"busy":            {busy, 5, nil, "503 Service Unavailable (tried 5 times)", "try again later"},
		"come tomorrow":   {faultnet.Status(http.StatusTooManyRequests, map[string]string{"Retry-After": "86400"}), 1, nil, "429", "asks to wait 24h0m0s"},
		"at a date":       {faultnet.Status(http.StatusTooManyRequests, map[string]string{"Retry-After": "Fri, 02 Jan 2026 03:14:05 GMT"}), 1, nil, "429", "asks to wait 10m0s"},
		"cut at once":     {faultnet.Cut(0), 5, nil, "broke off after 0 bytes: unexpected EOF (tried 5 times)", "check the connection"},
		"silence":         {faultnet.Silence, 5, fetch.ErrStalled, "nothing for too long (500ms) (tried 5 times)", "timeout"},
		"stall":           {faultnet.Stall(0), 5, fetch.ErrStalled, "nothing for too long", "timeout"},
		"reset":           {faultnet.Reset(0), 5, nil, "(tried 5 times)", "check the connection"},
		"hung up":         {faultnet.HangUp, 5, nil, "EOF (tried 5 times)", "check the connection"},
		"garbage":         {faultnet.Garbage, 5, nil, "malformed HTTP", "check the connection"},
		"too long":        {faultnet.Length(10), 1, fetch.ErrSize, "204800 bytes were expected, and the server has 204810", ""},
		"too short":       {faultnet.Truncate(10), 1, fetch.ErrSize, "204800 bytes were expected, and the server has 10", ""},
		"endless":         {faultnet.Endless, 1, fetch.ErrSize, "204800 bytes were expected, and the server has more", ""},
		"circle":          {faultnet.RedirectLoop, 2, nil, "the redirects go in a circle: http://", "wrong place"},
		"another scheme":  {faultnet.Redirect(http.StatusFound, "ftp://example.org/x"), 1, nil, `"ftp"`, "wrong place"},
		"nowhere":         {faultnet.Redirect(http.StatusFound, ""), 1, nil, "302", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFaultyWorld(t, name)
			w.Break("/", -1, test.fault)
			_, _, err := w.client.Bytes(t.Context(), w.request("/file"))
			var failed *fetch.Error
			if !errors.As(err, &failed) || test.is != nil && !errors.Is(err, test.is) {
				t.Fatalf("%v, want %v", err, test.is)
			}
			if !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), w.URL) || !strings.Contains(failed.Hint(), test.hint) {
				t.Errorf("%v\nhint: %s\nwant %q and %q", err, failed.Hint(), test.says, test.hint)
			}
			if n := len(w.Requests("/")); n != test.requests {
				t.Errorf("%d requests, want %d", n, test.requests)
			}
		})
	}
}

func TestPausesGrow(t *testing.T) {
	w := newWorld(t)
	w.Break("/", -1, faultnet.HangUp)
	_, _, err := w.client.Bytes(t.Context(), w.request("/file"))
	if want := (500 + 1000 + 2000 + 4000) * time.Millisecond; err == nil || w.slept != want || w.pauses != 4 {
		t.Errorf("%v; slept %v in %d pauses, want %v", err, w.slept, w.pauses, want)
	}
	if len(w.told) != 2 || !strings.Contains(w.told[0], "EOF; trying again in 2s") {
		t.Errorf("told: %q", w.told)
	}
}

func TestPausesDiffer(t *testing.T) {
	w := newWorld(t)
	w.client = fetch.New(fetch.Options{Wait: w.sleep, Random: func() float64 { return 0.5 }})
	w.Break("/", -1, faultnet.HangUp)
	_, _, err := w.client.Bytes(t.Context(), w.request("/file"))
	if want := 7500 * time.Millisecond * 3 / 4; err == nil || w.slept != want {
		t.Errorf("%v; slept %v, want %v", err, w.slept, want)
	}
}

func TestAHostIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.Break("/", 1, faultnet.Status(http.StatusTooManyRequests, map[string]string{"Retry-After": "30"}))
	if _, _, err := w.client.Bytes(t.Context(), w.request("/file")); err != nil || w.slept != 30*time.Second {
		t.Errorf("%v; slept %v", err, w.slept)
	}
	if len(w.told) != 1 || !strings.Contains(w.told[0], "answers 429 Too Many Requests and asks to wait 30s") {
		t.Errorf("told: %q", w.told)
	}
	w.Break("/", 1, faultnet.Status(http.StatusServiceUnavailable, map[string]string{"Retry-After": "Fri, 02 Jan 2026 03:04:45 GMT"}))
	if _, _, err := w.client.Bytes(t.Context(), w.request("/file")); err != nil || w.slept != 40*time.Second {
		t.Errorf("of a date: %v; slept %v", err, w.slept)
	}
}

// TestABadLineCannotStopALargeFile shows that attempts which get on do not count.
func TestABadLineCannotStopALargeFile(t *testing.T) {
	w := newWorld(t)
	w.file = bytes.Repeat(w.file, 60)
	w.Break("/", -1, faultnet.Cut(3<<19))
	req := w.request("/file")
	req.Limit = req.Size
	data, _, err := w.client.Bytes(t.Context(), req)
	if err != nil || !bytes.Equal(data, w.file) || len(w.Requests("/")) != 8 {
		t.Errorf("%d bytes after %d requests, %v", len(data), len(w.Requests("/")), err)
	}
}

func TestAnotherVersionStartsAgain(t *testing.T) {
	w := newWorld(t)
	w.Break("/", 1, func(x *faultnet.Exchange) {
		faultnet.Cut(1000)(x)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.file, w.etag = append(bytes.Clone(w.file[1:]), 'x'), `"two"`
	})
	data, answer, err := w.client.Bytes(t.Context(), w.request("/file"))
	file, _ := w.content()
	if err != nil || !bytes.Equal(data, file) || answer.ETag != `"two"` {
		t.Errorf("%d bytes of %s, %v", len(data), answer.ETag, err)
	}
}

func TestWithoutAVersionNothingGoesOn(t *testing.T) {
	for _, etag := range []string{"", `W/"weak"`} {
		w := newWorld(t)
		w.etag = etag
		w.Break("/", 1, faultnet.Cut(1000))
		data, _, err := w.client.Bytes(t.Context(), w.request("/file"))
		if err != nil || !bytes.Equal(data, w.file) || w.Requests("/")[1].Header.Get("Range") != "" {
			t.Errorf("%q: %d bytes, %v", etag, len(data), err)
		}
	}
}

func TestAWrongRangeIsNotTaken(t *testing.T) {
	w := newWorld(t)
	w.Break("/", 1, faultnet.Cut(1000))
	w.Break("/", 1, faultnet.OtherRange)
	data, _, err := w.client.Bytes(t.Context(), w.request("/file"))
	if err != nil || !bytes.Equal(data, w.file) || len(w.Requests("/")) != 3 {
		t.Errorf("%d bytes after %d requests, %v", len(data), len(w.Requests("/")), err)
	}
}

func TestKnownVersion(t *testing.T) {
	w := newWorld(t)
	req := w.request("/file")
	req.Known = fetch.Version{ETag: w.etag}
	if data, answer, err := w.client.Bytes(t.Context(), req); err != nil || !answer.Same || len(data) != 0 || answer.ETag != w.etag {
		t.Errorf("%d bytes, %+v, %v", len(data), answer, err)
	}
	w.etag = `"two"`
	if data, answer, err := w.client.Bytes(t.Context(), req); err != nil || answer.Same || !bytes.Equal(data, w.file) {
		t.Errorf("%d bytes, %+v, %v", len(data), answer, err)
	}
}

func TestEncodings(t *testing.T) {
	w := newWorld(t)
	req := w.request("/file")
	req.Raw, req.Size = false, 0
	w.Break("/", 1, faultnet.Encoded("gzip"))
	if data, _, err := w.client.Bytes(t.Context(), req); err != nil || !bytes.Equal(data, w.file) {
		t.Errorf("gzip, which is understood: %d bytes, %v", len(data), err)
	}
	w.Break("/", 1, faultnet.Encoded("br"))
	if _, _, err := w.client.Bytes(t.Context(), req); err == nil || !strings.Contains(err.Error(), `the encoding "br", which was not asked for`) {
		t.Errorf("another: %v", err)
	}
}

// TestABombIsCut sends a small answer that is a large file.
func TestABombIsCut(t *testing.T) {
	w := newWorld(t)
	w.file = make([]byte, 8<<20)
	req := w.request("/file")
	req.Raw, req.Size = false, 0
	w.Break("/", -1, faultnet.Encoded("gzip"))
	if _, _, err := w.client.Bytes(t.Context(), req); !errors.Is(err, fetch.ErrSize) {
		t.Errorf("%v, want %v", err, fetch.ErrSize)
	}
}

func TestUntrustedCertificate(t *testing.T) {
	server := faultnet.NewTLS(t, http.NotFoundHandler())
	u, err := url.Parse(server.URL + "/x?token=SECRET")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = fetch.New(fetch.Options{}).Bytes(t.Context(), fetch.Request{URL: u, Limit: 1})
	var failed *fetch.Error
	if !errors.As(err, &failed) || failed.Tries != 1 || !strings.Contains(err.Error(), "certificate") || !strings.Contains(failed.Hint(), "SSL_CERT_FILE") {
		t.Errorf("%v", err)
	}
	if strings.Contains(err.Error(), "SECRET") {
		t.Errorf("%v: tells a secret", err)
	}
}

func TestNoWayBackFromHTTPS(t *testing.T) {
	plain := newWorld(t)
	server := faultnet.NewTLS(t, http.RedirectHandler(plain.URL+"/file?signature=SECRET", http.StatusFound))
	trusting := &http.Client{Transport: insecure()}
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = fetch.New(fetch.Options{HTTP: trusting}).Bytes(t.Context(), fetch.Request{URL: u, Limit: 1})
	if err == nil || !strings.Contains(err.Error(), "a redirect away from https is not followed: "+server.URL+" leads to "+plain.URL) || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("%v", err)
	}
	if n := len(plain.Requests("/")); n != 0 {
		t.Errorf("%d requests came without encryption", n)
	}
}

func TestCancelled(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.Break("/", -1, func(x *faultnet.Exchange) {
		cancel()
		faultnet.Silence(x)
	})
	if _, _, err := w.client.Bytes(ctx, w.request("/file")); !errors.Is(err, context.Canceled) || len(w.Requests("/")) != 1 {
		t.Errorf("%v after %d requests", err, len(w.Requests("/")))
	}
}

// full is a sink that has no room.
type full struct{ err error }

func (f full) Begin(int64, int64, fetch.Version) error { return nil }
func (f full) Write([]byte) (int, error)               { return 0, f.err }

func TestAFullDiskIsNoFaultOfTheNetwork(t *testing.T) {
	w := newWorld(t)
	disk := errors.New("no space left on device")
	if _, err := w.client.Get(t.Context(), w.request("/file"), full{disk}); err != disk || len(w.Requests("/")) != 1 { //nolint:errorlint // as it is
		t.Errorf("%v after %d requests", err, len(w.Requests("/")))
	}
}
