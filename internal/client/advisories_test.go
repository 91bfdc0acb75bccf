package client

import (
	"archive/zip"
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestAdvisoriesOverHTTP: a database is fetched once, asked for again only if it
// changed, and the copy counts where the network does not answer.
func TestAdvisoriesOverHTTP(t *testing.T) {
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	for name, text := range map[string]string{"OSV-1.json": `{"id":"OSV-1"}`, "OSV-2.json": `{"id":"OSV-2"}`, "README": `no report`} {
		w, err := archive.Create(name)
		must(t, err)
		_, err = w.Write([]byte(text))
		must(t, err)
	}
	must(t, archive.Close())
	status, sent, unchanged := http.StatusOK, 0, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case status != http.StatusOK:
			w.WriteHeader(status)
		case r.Header.Get("If-None-Match") == `"one"` && r.Header.Get("If-Modified-Since") == "Fri, 02 Jan 2026 03:04:05 GMT":
			unchanged++
			w.WriteHeader(http.StatusNotModified)
		default:
			sent++
			w.Header().Set("ETag", `"one"`)
			w.Header().Set("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
			_, _ = w.Write(b.Bytes())
		}
	}))
	defer server.Close()
	d := &Downloader{HTTP: server.Client(), Timeout: time.Minute, Report: &recorder{}, Wait: noWait}
	cache, first := t.TempDir(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	look := func(now time.Time, source string) (*Advisories, error) {
		return d.Advisories(t.Context(), source, cache, now)
	}
	source := server.URL + "/all.zip"

	d.Offline = true
	if _, err := look(first, source); !errors.Is(err, ErrNetwork) {
		t.Errorf("offline without a copy: %v", err)
	}
	d.Offline = false
	for i := range 3 {
		now := first.Add(time.Duration(i) * time.Hour)
		db, err := look(now, source)
		if err != nil || len(db.Records) != 2 || len(db.Unreadable) != 0 || !db.AsOf.Equal(now) {
			t.Fatalf("%+v %v", db, err)
		}
	}
	if sent != 1 || unchanged != 2 {
		t.Errorf("sent %d times, unchanged %d times", sent, unchanged)
	}
	last := first.Add(2 * time.Hour)
	status = http.StatusServiceUnavailable
	if db, err := look(first.Add(9*time.Hour), source); err != nil || !db.AsOf.Equal(last) || len(db.Records) != 2 {
		t.Errorf("a host that does not answer: %+v %v", db, err)
	}
	status = http.StatusNotFound
	if _, err := look(last, source); !errors.Is(err, ErrNotFound) {
		t.Errorf("a host that has lost it: %v", err)
	}
	d.Offline = true
	if db, err := look(first.Add(9*time.Hour), source); err != nil || !db.AsOf.Equal(last) {
		t.Errorf("offline: %+v %v", db, err)
	}
	if _, err := look(first, "https://user:secret@example.org/all.zip"); !errors.Is(err, ErrRefused) {
		t.Errorf("credentials: %v", err)
	}
}
