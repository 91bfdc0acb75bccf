package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/review"
)

// attempts is how often a file is asked for, when what failed may pass.
const attempts = 4

// firstPause is how long the first repetition waits; each waits twice as long
// as the one before.
const firstPause = time.Second

// unavailable is the reason why something outside could not be had, in words
// that are the same for the same reason.
type unavailable struct {
	why   string
	again bool // it may pass
}

func (e *unavailable) Error() string { return e.why }

// words are the reason for a failure of the world, "" for one of this machine.
func words(err error) string {
	var u *unavailable
	switch {
	case errors.As(err, &u):
		return u.why
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ""
	case errors.Is(err, forge.ErrNotFound):
		return "not found"
	case errors.Is(err, forge.ErrNotPermitted):
		return "not permitted"
	case errors.Is(err, forge.ErrRefused):
		return "refused by the host"
	case errors.Is(err, forge.ErrNetwork):
		return "the host cannot be reached"
	}
	return ""
}

// download fetches what is at an address to a file of the set, at most limit
// bytes and one, so that more can be told from enough. The error is an
// *unavailable, or that of this machine.
func (g *gatherer) download(ctx context.Context, address string, limit int64) (*review.File, error) {
	u, err := g.checkAddress(address)
	if err != nil {
		return nil, err
	}
	out, err := os.CreateTemp(g.set.dir, "file-*")
	if err != nil {
		return nil, err
	}
	f := &review.File{URL: address}
	err = g.patiently(ctx, func() error {
		if _, err := out.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return errors.Join(out.Truncate(0), g.transfer(ctx, u, out, f, limit))
	})
	if err := errors.Join(err, out.Close()); err != nil {
		return nil, err
	}
	name := out.Name()
	f.Open = func() (io.ReadCloser, error) { return os.Open(name) }
	return f, nil
}

// patiently repeats what failed for a reason that may pass.
func (g *gatherer) patiently(ctx context.Context, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		var u *unavailable
		if err == nil || !errors.As(err, &u) || !u.again || attempt == attempts {
			return err
		}
		if err := g.opts.Wait(ctx, firstPause<<(attempt-1)); err != nil {
			return err
		}
	}
}

// checkAddress refuses addresses that a line may not send a reviewer to.
func (g *gatherer) checkAddress(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, &unavailable{why: "its address is no URL"}
	case u.Scheme == "file" && g.opts.Files && (u.Host == "" || u.Host == "localhost"):
		return u, nil
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return nil, &unavailable{why: "its address is not on the web"}
	case u.User != nil:
		return nil, &unavailable{why: "its address has a user"}
	}
	return u, nil
}

func (g *gatherer) transfer(ctx context.Context, u *url.URL, to io.Writer, f *review.File, limit int64) error {
	body, err := g.open(ctx, u)
	if err != nil {
		return err
	}
	defer body.Close()
	sum := sha256.New()
	limit = min(limit, g.opts.Limits.File, g.left)
	n, err := io.Copy(io.MultiWriter(to, sum), &source{r: io.LimitReader(body, limit+1)})
	if err != nil {
		return err
	}
	if g.left -= n; n > limit {
		return &unavailable{why: fmt.Sprintf("more than %d bytes", limit)}
	}
	f.Size, f.SHA256 = n, hex.EncodeToString(sum.Sum(nil))
	return nil
}

// source tells a failure of the other side from one of the disk.
type source struct{ r io.Reader }

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		err = &unavailable{why: "the connection broke off", again: true}
	}
	return n, err
}

// drive is the start of a file URL's path on Windows: "/C:/".
var drive = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^/[A-Za-z]:(/|$)`) })

func (g *gatherer) open(ctx context.Context, u *url.URL) (io.ReadCloser, error) {
	if u.Scheme == "file" {
		return openFile(u.Path)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, &unavailable{why: "its address is no URL"}
	}
	req.Header.Set("User-Agent", "clyde")
	req.Header.Set("Accept-Encoding", "identity") // the bytes as they are stored
	resp, err := g.http.Do(req)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, errLocal):
		return nil, &unavailable{why: "its address is of the local network"}
	case err != nil:
		return nil, &unavailable{why: "the host cannot be reached", again: true}
	case resp.StatusCode == http.StatusOK:
		return resp.Body, nil
	}
	again := resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests
	return nil, errors.Join(&unavailable{fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)), again}, resp.Body.Close())
}

func openFile(name string) (io.ReadCloser, error) {
	if drive().MatchString(name) {
		name = name[1:]
	}
	name = filepath.FromSlash(name)
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, &unavailable{why: "not found"}
	}
	if err != nil {
		return nil, &unavailable{why: "not readable"}
	}
	return os.Open(name)
}
