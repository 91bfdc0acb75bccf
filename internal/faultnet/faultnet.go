// Package faultnet is a web server for tests that goes wrong on purpose.
//
// A [Server] listens on a real socket. What it would answer comes from an
// ordinary handler; a [Fault] spoils that on the way: it cuts, stalls, trickles,
// lies about the length, sends other bytes or another status. Faults are laid on
// the paths that begin with a prefix, for so many requests or for all of them.
// Every request is remembered, so that a test can say how often a client may
// ask.
package faultnet

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is a web server that may go wrong.
type Server struct {
	URL string // without a slash at its end

	handler http.Handler
	stop    chan struct{}

	mu       sync.Mutex
	faults   []*laid
	requests []*http.Request
}

// laid is a fault on some paths.
type laid struct {
	prefix string
	left   int // requests that it spoils yet; negative is all
	fault  Fault
}

// New starts a server that answers as handler does. It is stopped at the end of
// the test.
func New(t testing.TB, handler http.Handler) *Server {
	t.Helper()
	return start(t, handler, nil)
}

// NewTLS starts a server whose certificate nobody trusts.
func NewTLS(t testing.TB, handler http.Handler) *Server {
	t.Helper()
	certificate, err := selfSigned()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, handler, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
}

func start(t testing.TB, handler http.Handler, config *tls.Config) *Server {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{URL: "http://" + listener.Addr().String(), handler: handler, stop: make(chan struct{})}
	if config != nil {
		s.URL = "https://" + listener.Addr().String()
		listener = tls.NewListener(listener, config)
	}
	server := &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: time.Minute, ErrorLog: silent()}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		close(s.stop)
		_ = server.Close()
		running.Wait()
	})
	return s
}

// Break lays a fault on the next times requests for paths that begin with prefix,
// or on all of them when times is negative. The first one laid that fits counts.
func (s *Server) Break(prefix string, times int, fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &laid{prefix, times, fault})
}

// Mend takes all faults away and forgets the requests.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.requests = nil, nil
}

// Requests are those for paths that begin with prefix, in their order.
func (s *Server) Requests(prefix string) []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var fit []*http.Request
	for _, r := range s.requests {
		if strings.HasPrefix(r.URL.Path, prefix) {
			fit = append(fit, r)
		}
	}
	return fit
}

// next remembers a request and finds its fault.
func (s *Server) next(r *http.Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	for _, f := range s.faults {
		if f.left != 0 && strings.HasPrefix(r.URL.Path, f.prefix) {
			f.left--
			return f.fault
		}
	}
	return nil
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	fault := s.next(r)
	if fault == nil {
		s.handler.ServeHTTP(w, r)
		return
	}
	good := httptest.NewRecorder()
	s.handler.ServeHTTP(good, r)
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(fmt.Sprintf("faultnet: %v", err))
	}
	defer conn.Close()
	x := &Exchange{Request: r, Good: good.Result(), Body: good.Body.Bytes(), conn: conn, out: buffered.Writer, stop: s.stop}
	fault(x)
	_ = x.out.Flush() // the client may be gone
}

// Exchange is a question with the answer that it would get.
type Exchange struct {
	Request *http.Request
	Good    *http.Response // its body is in Body
	Body    []byte

	conn net.Conn
	out  *bufio.Writer
	stop chan struct{}
}

// head sends a status and headers. A length of -1 leaves out Content-Length.
func (x *Exchange) head(status int, header http.Header, length int64) {
	fmt.Fprintf(x.out, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	header = header.Clone()
	header.Del("Content-Length")
	if length >= 0 {
		header.Set("Content-Length", fmt.Sprint(length))
	}
	header.Set("Connection", "close")
	_ = header.Write(x.out)
	_, _ = x.out.WriteString("\r\n")
}

// goodHead sends the head of the good answer, with another length.
func (x *Exchange) goodHead(length int64) { x.head(x.Good.StatusCode, x.Good.Header, length) }

// send sends bytes at once and reports whether the client still listens.
func (x *Exchange) send(p []byte) bool {
	_, err := x.out.Write(p)
	return err == nil && x.out.Flush() == nil
}

// linger waits until the client is gone, or the test is over.
func (x *Exchange) linger() {
	gone := make(chan struct{})
	go func() {
		_, _ = x.conn.Read(make([]byte, 1))
		close(gone)
	}()
	select {
	case <-gone:
	case <-x.stop:
	}
}

// wait lets time pass, unless the test is over.
func (x *Exchange) wait(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-x.stop:
		return false
	}
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now() //nolint:forbidigo // a certificate is held against the real clock
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "nobody trusts this"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
