package git

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// heard is the header Authorization of every request to a server.
type heard struct {
	mu  sync.Mutex
	all []string
}

func (h *heard) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.all = append(h.all, r.Header.Get("Authorization"))
		h.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// TestUploadTellsOneHostAlone: what is for the host of the address is not for the
// one that it redirects to, though that is on the same machine.
func TestUploadTellsOneHostAlone(t *testing.T) {
	t.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	r := newRemoteRepository(t, 2)
	behind, err := url.Parse(r.serve())
	if err != nil {
		t.Fatal(err)
	}
	path := behind.Path
	behind.Path = ""
	var there, here heard
	other := httptest.NewServer(there.before(httputil.NewSingleHostReverseProxy(behind)))
	defer other.Close()
	moving := httptest.NewServer(here.before(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, other.URL+req.URL.String(), http.StatusMovedPermanently)
	})))
	defer moving.Close()
	u, err := DialUpload(t.Context(), moving.URL+path, Auth{User: "kim", Token: "CANARY"})
	if err != nil {
		t.Fatal(err)
	}
	head, err := u.Branch(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	pack := r.fetch(u, UploadRequest{Want: head.ID, Depth: 1})
	if err := errors.Join(pack.Close(), u.Close()); err != nil {
		t.Error(err)
	}
	if got := strings.Join(here.all, ""); !strings.HasPrefix(got, "Basic ") {
		t.Errorf("the host of the address heard %q", got)
	}
	if got := strings.Join(there.all, ""); got != "" || len(there.all) < 3 {
		t.Errorf("the other host heard %q in %d requests", got, len(there.all))
	}
}
