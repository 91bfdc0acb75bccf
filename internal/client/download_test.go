package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/fetch"
)

// recorder is a Reporter that keeps what it hears.
type recorder struct {
	mu    sync.Mutex
	notes []string
	bytes int64
	done  int
}

func (r *recorder) Note(message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, message)
}

// told returns what was noted so far. A note about waiting comes from a timer.
func (r *recorder) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.notes)
}

func (r *recorder) Expect(int, int64) {}

func (r *recorder) Download(string, int64) Transfer { return r }

func (r *recorder) At(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes = n
}

func (r *recorder) Advance(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes += n
}

func (r *recorder) Done(error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
}

func testDownloader(client *http.Client) (*Downloader, *recorder) {
	report := &recorder{}
	return &Downloader{HTTP: client, Jobs: 4, Timeout: 10 * time.Second, Report: report, Wait: noWait}, report
}

// noWait is a pause that takes no time.
func noWait(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// noNetwork fails every request.
type noNetwork struct{ t *testing.T }

func (n noNetwork) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("a connection was opened: %s", r.URL)
	return nil, errors.New("no network")
}

func TestDownloadOverHTTP(t *testing.T) {
	data, digest := packed(t, "hello", "1.0.0", map[string]string{"include/hello.h": "int hello();\n"})
	var asked atomic.Int32
	answers := map[string]http.HandlerFunc{
		"/plain": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) },
		"/busy": func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) < 3 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			_, _ = w.Write(data)
		},
		"/cut": func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) == 1 {
				w.Header().Set("Content-Length", strconv.Itoa(len(data)))
				_, _ = w.Write(data[:len(data)/2])
				return
			}
			_, _ = w.Write(data)
		},
		"/moved": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/plain", http.StatusFound) },
		"/marked": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(data)
		},
	}
	for path, answer := range answers {
		t.Run(path, func(t *testing.T) {
			asked.Store(0)
			mux := http.NewServeMux()
			mux.HandleFunc("/plain", answers["/plain"])
			if path != "/plain" {
				mux.HandleFunc(path, answer)
			}
			server := httptest.NewServer(mux)
			defer server.Close()
			store := testStore(t)
			d, report := testDownloader(server.Client())
			a := Archive{Name: "hello 1.0.0", URL: server.URL + path, SHA256: digest, Size: int64(len(data))}
			fetched, err := d.Ensure(context.Background(), store, []Archive{a, a}, store.Check)
			if err != nil || fetched != 1 {
				t.Fatalf("fetched %d, %v", fetched, err)
			}
			if err := store.Verify(digest); err != nil {
				t.Error(err)
			}
			if report.bytes != int64(len(data)) || report.done != 1 {
				t.Errorf("reported %d bytes and %d ends, want %d and 1", report.bytes, report.done, len(data))
			}
			if fetched, err := d.Ensure(context.Background(), store, []Archive{a}, store.Check); err != nil || fetched != 0 {
				t.Errorf("the second time: fetched %d, %v", fetched, err)
			}
		})
	}
}

func TestDownloadRefuses(t *testing.T) {
	data, digest := packed(t, "hello", "1.0.0", nil)
	other, otherDigest := packed(t, "hello", "1.0.0", map[string]string{"a": "b"})
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return "file://" + path
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/other":
			_, _ = w.Write(other)
		case "/forbidden":
			w.WriteHeader(http.StatusForbidden)
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		case "/endless":
			for range 64 {
				_, _ = w.Write(make([]byte, 1<<10))
			}
		case "/signed":
			http.Redirect(w, r, "http://127.0.0.1:1/x?signature=SECRET", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	for _, test := range []struct {
		name, url string
		size      int64
		class     error
		says      []string
		silent    string
	}{
		{"another archive", server.URL + "/other", 0, ErrIntegrity, []string{digest, otherDigest, server.URL + "/other"}, ""},
		{"another file", file("other", other), 0, ErrIntegrity, []string{digest, otherDigest}, ""},
		{"more than the size", server.URL + "/endless", 1000, ErrIntegrity, []string{"1000 bytes"}, ""},
		{"larger file", file("hello", data), 10, ErrIntegrity, []string{"10 bytes"}, ""},
		{"not there", server.URL + "/gone", 0, ErrNotFound, []string{"404"}, ""},
		{"no file", "file://" + dir + "/gone", 0, ErrNotFound, []string{dir}, ""},
		{"not permitted", server.URL + "/forbidden", 0, ErrRefused, []string{"403"}, ""},
		{"server error", server.URL + "/broken", 0, ErrNetwork, []string{"500"}, ""},
		{"nobody there", "http://127.0.0.1:1/x", 0, ErrNetwork, []string{"127.0.0.1:1"}, ""},
		{"signed redirect", server.URL + "/signed?key=SECRET", 0, ErrNetwork, []string{"/signed?..."}, "SECRET"},
		{"credentials", "https://user:SECRET@example.org/x", 0, ErrRefused, []string{"holds credentials", "https://example.org/x"}, "SECRET"},
		{"a folder that is no package", "file://" + dir, 0, ErrRefused, []string{"does not make an archive"}, ""},
		{"a device", "file:///dev/zero", 0, ErrRefused, []string{"not a regular file"}, ""},
		{"a remote file", "file://example.org/x", 0, ErrRefused, []string{"file://example.org/x"}, ""},
		{"a scheme", "ftp://example.org/x", 0, ErrRefused, []string{"ftp://example.org/x"}, ""},
		{"no URL", "://", 0, ErrRefused, []string{"not a URL"}, ""},
		{"a path", "/etc/passwd", 0, ErrRefused, []string{"/etc/passwd"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := testStore(t)
			d, _ := testDownloader(server.Client())
			_, err := d.Ensure(context.Background(), store, []Archive{{Name: "hello 1.0.0", URL: test.url, SHA256: digest, Size: test.size}}, store.Check)
			if !errors.Is(err, test.class) {
				t.Fatalf("%v, want %v", err, test.class)
			}
			for _, say := range append(test.says, "hello 1.0.0") {
				if !strings.Contains(err.Error(), say) {
					t.Errorf("%v: does not say %s", err, say)
				}
			}
			if test.silent != "" && strings.Contains(err.Error(), test.silent) {
				t.Errorf("%v: tells a secret", err)
			}
			if err := store.Check(digest); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something was kept: %v", err)
			}
			assertNoTemporaries(t, store)
		})
	}
}

func TestDownloadOfflineOpensNoConnection(t *testing.T) {
	data, digest := packed(t, "hello", "1.0.0", nil)
	store := testStore(t)
	d, _ := testDownloader(&http.Client{Transport: noNetwork{t}})
	d.Offline = true
	remote := Archive{Name: "hello 1.0.0", URL: "https://example.org/hello.tar.gz", SHA256: digest}
	if _, err := d.Ensure(context.Background(), store, []Archive{remote}, store.Check); !errors.Is(err, ErrNetwork) {
		t.Errorf("%v, want %v", err, ErrNetwork)
	}
	path := filepath.Join(t.TempDir(), "hello.tar.gz")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	local := Archive{Name: "hello 1.0.0", URL: (&url.URL{Scheme: "file", Path: path}).String(), SHA256: digest}
	if _, err := d.Ensure(context.Background(), store, []Archive{local}, store.Check); err != nil {
		t.Error(err)
	}
	if _, err := d.Ensure(context.Background(), store, []Archive{remote}, store.Check); err != nil {
		t.Errorf("though the store has it: %v", err)
	}
}

func TestDownloadGivesUpOnASilentServer(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "some bytes")
		w.(http.Flusher).Flush()
		<-release
	}))
	defer server.Close()
	defer close(release)
	d, _ := testDownloader(server.Client())
	d.Timeout = 50 * time.Millisecond
	store := testStore(t)
	_, err := d.Ensure(context.Background(), store, []Archive{{Name: "hello 1.0.0", URL: server.URL, SHA256: digestOf(nil)}}, store.Check)
	if !errors.Is(err, ErrNetwork) || !errors.Is(err, fetch.ErrStalled) {
		t.Errorf("%v, want %v", err, fetch.ErrStalled)
	}
}

func TestDownloadStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	store := testStore(t)
	d, _ := testDownloader(server.Client())
	_, err := d.Ensure(ctx, store, []Archive{{Name: "hello 1.0.0", URL: server.URL, SHA256: digestOf(nil)}}, store.Check)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	assertNoTemporaries(t, store)
}
