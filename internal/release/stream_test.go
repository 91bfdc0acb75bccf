package release_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/release"
)

// uploads is a GitHub with one release. It reads what is uploaded, keeps none of
// it, and fails as often as it is told to.
type uploads struct {
	*testing.T
	fail int
	got  int64
}

func (u *uploads) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(status int, body any) (*http.Response, error) {
		data, err := json.Marshal(body)
		if err != nil {
			u.Fatal(err)
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(data)), Request: r}, nil
	}
	empty := map[string]any{"id": 1, "tag_name": "v1", "upload_url": "https://api.example.org/upload{?name,label}"}
	if r.Method == http.MethodGet {
		return answer(http.StatusOK, empty)
	}
	n, err := io.Copy(io.Discard, r.Body)
	u.got += n
	if err != nil || n != r.ContentLength {
		u.Errorf("%d bytes of %d: %v", n, r.ContentLength, err)
	}
	if u.fail--; u.fail >= 0 {
		return answer(http.StatusBadGateway, map[string]string{"message": "try again"})
	}
	return answer(http.StatusCreated, map[string]any{"id": 2, "name": r.URL.Query().Get("name"), "state": "uploaded", "size": n})
}

// TestPutStreams uploads a file that is larger than the memory it may take, more
// than once as the host fails.
func TestPutStreams(t *testing.T) {
	const size = forge.MaxResponse + 1
	name := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, size); err != nil {
		t.Fatal(err)
	}
	host := &uploads{T: t, fail: 1}
	client, err := release.NewClient(release.Options{API: "https://api.example.org", Web: "https://example.org", Repository: repository, HTTP: host})
	if err != nil {
		t.Fatal(err)
	}
	r, err := client.Find(t.Context(), "v1")
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = r.Put(t.Context(), name, "archive", strings.Repeat("0", 64))
	if err == nil || host.got > 0 {
		t.Errorf("other bytes than those that were packed: %v, %d bytes uploaded", err, host.got)
	}
	_, digest, _ := strings.Cut(err.Error(), "has the SHA-256 ")
	if err := r.Put(t.Context(), name, "archive", digest[:64]); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if host.got != 2*size {
		t.Errorf("%d bytes uploaded", host.got)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > size/8 {
		t.Errorf("it took %d bytes of memory for %d", used, size)
	}
}
