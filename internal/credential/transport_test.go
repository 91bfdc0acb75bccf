package credential

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
)

// server remembers what the header Authorization of each request was.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	heard []string
}

func serve(t *testing.T, start func(http.Handler) *httptest.Server, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.heard = append(s.heard, r.Header.Get("Authorization"))
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// told is what was heard since the last time.
func (s *server) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := strings.Join(s.heard, "|")
	s.heard = nil
	return told
}

func (s *server) host(t *testing.T) Host {
	t.Helper()
	h, err := ParseHost(s.URL)
	must(t, err)
	return h
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") }

// wants answers 401 with a challenge unless the header is the wanted one.
func wants(header, challenge string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == header {
			body, _ := io.ReadAll(r.Body)
			_, _ = w.Write(append(body, "fine"...))
			return
		}
		if challenge != "" {
			w.Header().Set("WWW-Authenticate", challenge)
		}
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// get says how a server answers, and what to do if it does not let us in.
func get(t *testing.T, c *http.Client, url string) (status int, advice string) {
	t.Helper()
	resp, err := c.Get(url)
	must(t, err)
	must(t, resp.Body.Close())
	return resp.StatusCode, Advice(resp)
}

func TestTokenGoesToItsHostOnly(t *testing.T) {
	w := newWorld(t)
	other := serve(t, httptest.NewServer, ok)
	own := serve(t, httptest.NewTLSServer, func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/elsewhere":
			http.Redirect(rw, r, other.URL, http.StatusFound)
		case "/within":
			http.Redirect(rw, r, "/", http.StatusTemporaryRedirect)
		default:
			ok(rw, r)
		}
	})
	w.vars[Variable(own.host(t))] = "CANARY"
	client := own.Client()
	base := client.Transport
	client.Transport = &Transport{Base: base, Finder: New(w.opts)}
	get(t, client, own.URL)
	if got := own.told(); got != "Bearer CANARY" {
		t.Errorf("its host heard %q", got)
	}
	get(t, client, other.URL)
	get(t, client, own.URL+"/elsewhere")
	if got := other.told(); got != "|" {
		t.Errorf("another host heard %q", got)
	}
	own.told()
	get(t, client, own.URL+"/within")
	if got := own.told(); got != "Bearer CANARY|Bearer CANARY" {
		t.Errorf("after a redirect within the host it heard %q", got)
	}
	// What a host redirects to gets what is that other host's own, and no more.
	w.vars[Variable(other.host(t))] = "OTHER"
	client.Transport = &Transport{Base: base, Finder: New(w.opts)}
	get(t, client, own.URL+"/elsewhere")
	if got := other.told(); got != "Bearer OTHER" {
		t.Errorf("the other host heard %q", got)
	}
	// A caller's own header stays.
	req, err := http.NewRequest(http.MethodGet, own.URL, nil)
	must(t, err)
	req.Header.Set("Authorization", "mine")
	own.told()
	resp, err := client.Do(req)
	must(t, err)
	must(t, resp.Body.Close())
	if got := own.told(); got != "mine" {
		t.Errorf("heard %q", got)
	}
}

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTokenIsNotSentInTheClear(t *testing.T) {
	w := newWorld(t)
	heard := ""
	transport := &Transport{Finder: New(w.opts), Base: roundTrip(func(r *http.Request) (*http.Response, error) {
		heard = r.Header.Get("Authorization")
		return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Request: r, Header: http.Header{}}, nil
	})}
	for address, sent := range map[string]bool{
		"http://example.org/": false, "http://example.org:443/": false, "http://10.0.0.1/": false, "http://localhost.example.org/": false, "http://127.0.0.1.example.org/": false,
		"http://localhost/": true, "http://127.0.0.1:8080/": true, "http://[::1]/": true, "https://example.org/": true, "https://EXAMPLE.org.:443/": true,
	} {
		u, err := url.Parse(address)
		must(t, err)
		w.vars[Variable(HostOf(u))] = "CANARY"
		w.vars[Variable("example.org")] = "CANARY"
		req, err := http.NewRequest(http.MethodGet, address, nil)
		must(t, err)
		resp, err := transport.RoundTrip(req)
		must(t, err)
		must(t, resp.Body.Close())
		if (heard == "Bearer CANARY") != sent || !sent && heard != "" {
			t.Errorf("%s heard %q", address, heard)
		}
		if req.Header.Get("Authorization") != "" || resp.Request.Header.Get("Authorization") != "" {
			t.Errorf("%s: the request has kept the header", address)
		}
		if https := strings.Contains(Advice(resp), "https only"); https == sent {
			t.Errorf("%s: %s", address, Advice(resp))
		}
	}
}

func TestFormsOfTheHeader(t *testing.T) {
	for _, test := range []struct {
		user, secret, want, challenge, heard string
		status                               int
	}{
		{"", "T", "Bearer T", "", "Bearer T", 200},
		{"kim", "T", "Basic a2ltOlQ=", "", "Basic a2ltOlQ=", 200},
		{"", "Basic a2ltOlQ=", "Basic a2ltOlQ=", "", "Basic a2ltOlQ=", 200},
		{"", "token T", "token T", "", "token T", 200},
		{"", "T", "T", `Cargo login_url="https://example.org/me"`, "Bearer T|T|T", 200},
		{"", "T", "T", "", "Bearer T|T|T", 200},
		{"", "T", "Basic eC1hY2Nlc3MtdG9rZW46VA==", `Basic realm="git"`, "Bearer T|Basic eC1hY2Nlc3MtdG9rZW46VA==|Basic eC1hY2Nlc3MtdG9rZW46VA==", 200},
		{"kim", "T", "Bearer T", "Bearer", "Basic a2ltOlQ=|Bearer T|Bearer T", 200},
		{"", "T", "Bearer U", "Bearer", "Bearer T|Bearer T", 401},
		{"", "T", "Bearer U", "Basic", "Bearer T|Basic eC1hY2Nlc3MtdG9rZW46VA==|Bearer T|Basic eC1hY2Nlc3MtdG9rZW46VA==", 401},
		{"kim", "T", "Bearer U", "", "Basic a2ltOlQ=|Basic a2ltOlQ=", 401},
	} {
		t.Run(test.want+" "+test.challenge, func(t *testing.T) {
			w := newWorld(t)
			s := serve(t, httptest.NewServer, wants(test.want, test.challenge))
			f := New(w.opts)
			must(t, f.Login(t.Context(), s.host(t), test.user, secret(t, test.secret), false))
			client := &http.Client{Transport: &Transport{Finder: f}}
			status, advice := get(t, client, s.URL)
			if status != test.status {
				t.Errorf("status %d", status)
			}
			if test.status == 401 && !strings.Contains(advice, "log in again with 'clyde auth login 127.0.0.1:") {
				t.Errorf("advice %q", advice)
			}
			if test.status != 200 || strings.Contains(test.heard, "|") {
				get(t, client, s.URL) // the second time the form is known
			}
			if got := s.told(); got != test.heard {
				t.Errorf("heard %q, want %q", got, test.heard)
			}
		})
	}
}

func TestHostThatAsksIsAnswered(t *testing.T) {
	w := newWorld(t)
	s := serve(t, httptest.NewServer, wants("Bearer found", "Bearer"))
	count := w.dir + "/count"
	w.opts.Helpers = []Helper{{Run: []string{w.helperScript("any", "echo x >>"+count+"\necho password=found\n")}}}
	open := serve(t, httptest.NewServer, ok)
	client := &http.Client{Transport: &Transport{Finder: New(w.opts)}}
	get(t, client, open.URL)
	if _, err := os.Stat(count); !errors.Is(err, os.ErrNotExist) {
		t.Error("the helper for all hosts was run for a host that did not ask")
	}
	resp, err := client.Post(s.URL, "text/plain", strings.NewReader("body "))
	must(t, err)
	body, err := io.ReadAll(resp.Body)
	must(t, errors.Join(err, resp.Body.Close()))
	if string(body) != "body fine" {
		t.Errorf("%s %q", resp.Status, body)
	}
	get(t, client, s.URL)
	if got := s.told(); got != "|Bearer found|Bearer found" {
		t.Errorf("heard %q", got)
	}
	// A body that cannot be read again is not sent again.
	s.told()
	client.Transport = &Transport{Finder: New(w.opts)}
	resp, err = client.Post(s.URL, "text/plain", io.MultiReader(strings.NewReader("once")))
	must(t, err)
	must(t, resp.Body.Close())
	if got := len(s.told()); got != 0 || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s, heard %d bytes", resp.Status, got)
	}
	w.opts.Helpers = nil
	_, advice := get(t, &http.Client{Transport: &Transport{Finder: New(w.opts)}}, s.URL)
	if want := fmt.Sprintf("log in with 'clyde auth login %s'", s.host(t)); advice != want {
		t.Errorf("advice %q, want %q", advice, want)
	}
}

// TestFormFoundMeanwhile: a request is refused after another one has found out in
// which form the host wants its token.
func TestFormFoundMeanwhile(t *testing.T) {
	w := newWorld(t)
	waits, found := make(chan struct{}), make(chan struct{})
	var first sync.Once
	s := serve(t, httptest.NewServer, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			first.Do(func() { close(waits); <-found })
		}
		wants("token", "Cargo")(rw, r)
	})
	w.vars[Variable(s.host(t))] = "token"
	client := &http.Client{Transport: &Transport{Finder: New(w.opts)}}
	slow := make(chan int)
	go func() {
		defer close(slow)
		resp, err := client.Get(s.URL + "/slow")
		if err == nil && resp.Body.Close() == nil {
			slow <- resp.StatusCode
		}
	}()
	<-waits
	if status, _ := get(t, client, s.URL); status != http.StatusOK {
		t.Errorf("the first to find out: %v", status)
	}
	close(found)
	if status := <-slow; status != http.StatusOK {
		t.Errorf("the other: %v", status)
	}
}

func TestBrokenSourceStopsTheRequest(t *testing.T) {
	w := newWorld(t)
	s := serve(t, httptest.NewServer, ok)
	w.vars[Variable(s.host(t))] = "CANARY\n"
	_, err := (&http.Client{Transport: &Transport{Finder: New(w.opts)}}).Get(s.URL) //nolint:bodyclose // there is none
	if !errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("%v", err)
	}
	if got := s.told(); got != "" || len(s.heard) != 0 {
		t.Errorf("asked anyway: %q", got)
	}
}
