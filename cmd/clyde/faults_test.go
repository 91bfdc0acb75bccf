package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/faultnet"
	"github.com/clydepm/clyde/internal/registrytest"
)

// webFolder is everything that a project needs of the network, as files:
// archives/, static/ (an export of clyde), plain/ (Cargo's form of an index), and
// osv/db.json.
func webFolder(t *testing.T) string {
	t.Helper()
	p := newProgram(t, t.TempDir())
	p.clyde("", "index", "init", "index.git", "--name", "web")
	for _, name := range []string{"fmt", "zlib", "curl"} {
		p.write(name+"/.clyde/package.yaml", fmt.Sprintf("name: %s\nversion: 1.0.0\nlicense: MIT\n", name))
		p.write(name+"/include/"+name+".h", strings.Repeat("// a header that is long enough to be cut\n", 2000)+name)
		p.clyde(name, "publish", "--via", "local", "--index", filepath.Join(p.dir, "index.git"),
			"--store", filepath.Join(p.dir, "www", "archives"), "--dl-base", "http://BASE/archives")
	}
	p.clyde("", "index", "export", "static", "--index", "index.git", "www/static")
	p.clyde("", "index", "export", "static", "--index", "index.git", "www/plain")
	for _, name := range []string{"changes.jsonl", "names.jsonl"} {
		for _, ending := range []string{"", ".gz", ".zst"} {
			if err := os.RemoveAll(filepath.Join(p.dir, "www", "plain", name+ending)); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.write("www/osv/db.json", `[{"id": "CLYDE-2026-1", "modified": "2026-01-01T00:00:00Z", "affected": []}]`)
	return filepath.Join(p.dir, "www")
}

// webHandler serves a folder with strong entity tags. What is in the index as
// http://BASE is not known before the server runs.
func webHandler(dir string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := filepath.Join(dir, filepath.FromSlash(filepath.Clean("/"+r.URL.Path)))
		data, err := os.ReadFile(name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Etag", fmt.Sprintf(`"%x"`, len(data)))
		http.ServeContent(w, r, "file", time.Time{}, bytes.NewReader(data))
	})
}

// faultyWeb is a client of a server that goes wrong.
type faultyWeb struct {
	*program
	*faultnet.Server
	what  string // goes wrong
	slept atomic.Int64
}

func newFaultyWeb(t *testing.T, what, dir string) *faultyWeb {
	t.Helper()
	w := &faultyWeb{program: newProgram(t, t.TempDir()), Server: faultnet.New(t, webHandler(dir)), what: what}
	return w
}

// wrong reports a failure; it may be called in any goroutine.
func (w *faultyWeb) wrong(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf("%s: %s", w.what, fmt.Sprintf(format, args...))
}

func (w *faultyWeb) do(args ...string) (string, int) {
	w.t.Helper()
	var out bytes.Buffer
	code := run(w.t.Context(), Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Dir: filepath.Join(w.dir, "project"),
		// The archives have the address of a server that was not there yet.
		HTTP:   &http.Client{Transport: toBase{strings.TrimPrefix(w.URL, "http://")}},
		Getenv: func(name string) string { return w.env[name] }, Now: registrytest.Clock,
		Wait: func(ctx context.Context, d time.Duration) error {
			w.slept.Add(int64(d))
			return ctx.Err()
		},
	}, args)
	return out.String(), code
}

// toBase sends what is for the host BASE to another.
type toBase struct{ host string }

func (b toBase) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "BASE" {
		r = r.Clone(r.Context())
		r.URL.Host = b.host
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (w *faultyWeb) must(args ...string) {
	w.t.Helper()
	if out, code := w.do(args...); code != exitOK {
		w.wrong("clyde %v: exit %d\n%s", args, code, out)
	}
}

// faultyOperation is a command that asks the network.
type faultyOperation struct {
	registry string // folder of the registry
	ready    bool   // the registry is fetched, and the project has a lock
	args     []string
	breaks   string // paths that go wrong
	known    bool   // what comes is known by its digest
}

func faultyOperations() map[string]faultyOperation {
	return map[string]faultyOperation{
		"install":       {"static", true, []string{"install"}, "/archives", true},
		"fetch":         {"static", true, []string{"fetch"}, "/archives", true},
		"vendor":        {"static", true, []string{"vendor"}, "/archives", true},
		"update":        {"static", false, []string{"registry", "update"}, "/static/packed", true},
		"update log":    {"static", false, []string{"registry", "update"}, "/static/changes", false},
		"update sparse": {"plain", false, []string{"registry", "update"}, "/plain/config.json", false},
		"audit":         {"static", true, []string{"audit", "--db", "URL/osv/db.json"}, "/osv", false},
	}
}

// faultCase is a fault and what has to be said of it.
type faultCase struct {
	fault faultnet.Fault
	code  int      // for what is known by its digest
	says  []string // of these one
	once  bool     // it is of no use to ask again
	known bool     // only a digest, or a recorded size, shows it
	slow  bool     // until the client loses patience
}

func faultCases() map[string]faultCase {
	cut := []string{"broke off", "EOF", "reset"}
	return map[string]faultCase{
		"cut at once":     {fault: faultnet.Cut(0), code: exitNetwork, says: cut},
		"reset":           {fault: faultnet.Reset(0), code: exitNetwork, says: cut},
		"hung up":         {fault: faultnet.HangUp, code: exitNetwork, says: cut},
		"silence":         {fault: faultnet.Silence, code: exitNetwork, says: []string{"sent nothing for too long (1s)"}, slow: true},
		"stall":           {fault: faultnet.Stall(3), code: exitNetwork, says: []string{"sent nothing for too long (1s)"}, slow: true},
		"trickle":         {fault: faultnet.Trickle(300 * time.Millisecond), code: exitNetwork, says: []string{"sent nothing for too long (1s)"}, slow: true},
		"longer":          {fault: faultnet.Length(5), code: exitIntegrity, says: []string{"bytes", "broke off"}},
		"truncated":       {fault: faultnet.Truncate(7), code: exitIntegrity, says: []string{"7 bytes", "the server has 7"}, once: true, known: true},
		"ended early":     {fault: faultnet.EndEarly(0), code: exitNetwork, says: []string{"ended after 0 of"}, known: true},
		"endless":         {fault: faultnet.Endless, code: exitIntegrity, says: []string{"more", "bytes"}, once: true, known: true},
		"other bytes":     {fault: faultnet.OtherBytes, code: exitIntegrity, says: []string{"is not what"}, once: true, known: true},
		"a portal":        {fault: faultnet.Page, code: exitIntegrity, says: []string{"is not what"}, once: true, known: true},
		"other encoding":  {fault: faultnet.Encoded("br"), code: exitIntegrity, says: []string{"is not what"}, once: true, known: true},
		"garbage":         {fault: faultnet.Garbage, code: exitNetwork, says: []string{"malformed HTTP"}},
		"busy":            {fault: faultnet.Status(503, nil), code: exitNetwork, says: []string{"503 Service Unavailable"}},
		"broken":          {fault: faultnet.Status(500, nil), code: exitNetwork, says: []string{"500 Internal Server Error"}},
		"too many":        {fault: faultnet.Status(429, map[string]string{"Retry-After": "5"}), code: exitNetwork, says: []string{"429 Too Many Requests"}},
		"come tomorrow":   {fault: faultnet.Status(429, map[string]string{"Retry-After": "86400"}), code: exitNetwork, says: []string{"asks to wait 24h0m0s"}, once: true},
		"teapot":          {fault: faultnet.Status(418, nil), code: exitNetwork, says: []string{"418"}, once: true},
		"circle":          {fault: faultnet.RedirectLoop, code: exitNetwork, says: []string{"the redirects go in a circle: "}, once: true},
		"other protocol":  {fault: faultnet.Redirect(302, "ftp://example.org/"), code: exitNetwork, says: []string{`"ftp"`}, once: true},
		"nobody is there": {fault: faultnet.Redirect(302, "http://127.0.0.1:1/"), code: exitNetwork, says: []string{"refused"}},
	}
}

// TestNetworkFaults drives everything that asks the network through every fault.
func TestNetworkFaults(t *testing.T) {
	dir := webFolder(t)
	var slow sync.WaitGroup // silent servers take time and no work: all go at once
	for name, operation := range faultyOperations() {
		for fault, test := range faultCases() {
			if test.known && !operation.known {
				continue
			}
			w := newFaultyWeb(t, name+", "+fault, dir)
			if !test.slow {
				w.try(operation, test)
				continue
			}
			slow.Go(func() { w.try(operation, test) })
		}
	}
	slow.Wait()
}

// try runs an operation while everything goes wrong, and then again.
func (w *faultyWeb) try(o faultyOperation, test faultCase) {
	w.prepare(o)
	w.faulted(o, test)
	w.Mend()
	w.must(o.command(w.URL)...)
	w.whole()
	if asked := w.Requests(o.breaks); len(asked) == 0 {
		w.wrong("afterwards nothing was asked of %s", o.breaks)
	}
}

func (o faultyOperation) command(url string) []string {
	args := slices.Clone(o.args)
	for i := range args {
		args[i] = strings.Replace(args[i], "URL", url, 1)
	}
	return args
}

// prepare brings the client to where the operation begins.
func (w *faultyWeb) prepare(o faultyOperation) {
	w.t.Helper()
	w.write("project/.clyde/package.yaml", "dependencies:\n  fmt: \"1\"\n  zlib: \"1\"\n  curl: \"1\"\n")
	w.write("xdg/config/clyde/config.yaml", fmt.Sprintf("registries:\n  - {name: web, url: %q}\n", "sparse+"+w.URL+"/"+o.registry+"/"))
	if o.ready {
		w.must("install", "--lock-only")
	}
	w.Mend()
	w.slept.Store(0)
}

// faulted runs the operation while everything that it asks for goes wrong.
func (w *faultyWeb) faulted(o faultyOperation, test faultCase) {
	w.t.Helper()
	w.Break(o.breaks, -1, test.fault)
	if test.slow {
		w.env["CLYDE_TIMEOUT"] = "1s"
		defer delete(w.env, "CLYDE_TIMEOUT")
	}
	out, code := w.do(o.command(w.URL)...)
	want := []int{test.code}
	if !o.known {
		want = []int{exitNetwork, exitIntegrity}
	}
	if !slices.Contains(want, code) {
		w.wrong("exit %d, want %v\n%s", code, want, out)
	}
	says := func(s string) bool { return strings.Contains(out, s) }
	if !slices.ContainsFunc(test.says, says) {
		w.wrong("does not say any of %q:\n%s", test.says, out)
	}
	if !says(o.breaks) || !says("hint: ") {
		w.wrong("does not say what was asked for, or what to do:\n%s", out)
	}
	retried := !test.once && test.code == exitNetwork
	if retried && !says("(tried 5 times)") {
		w.wrong("does not say how often it was tried:\n%s", out)
	}
	paths := map[string]int{}
	for _, r := range w.Requests(o.breaks) {
		paths[r.URL.Path]++
	}
	for path, n := range paths {
		// One more is net/http's own, where a connection that was kept is gone.
		if n > 6 || test.once && n > 1 {
			w.wrong("%s was asked for %d times", path, n)
		}
	}
	if slept := time.Duration(w.slept.Load()); slept > 3*time.Minute || retried && slept == 0 {
		w.wrong("waited %v", slept)
	}
	w.whole()
}

// whole requires that the store has whole entries alone, that nothing else is
// taken for an archive, and that nothing temporary was left.
func (w *faultyWeb) whole() {
	w.t.Helper()
	dir := filepath.Join(w.dir, "xdg", "data", "clyde", "store")
	store := client.OpenStore(dir)
	for _, name := range w.glob(dir, "sha256", "*", "*") {
		if err := store.Verify(filepath.Base(filepath.Dir(name)) + filepath.Base(name)); err != nil {
			w.wrong("%v", err)
		}
	}
	for _, name := range w.glob(dir, "tmp", "*") {
		w.wrong("left behind: %s", name)
	}
	vendored := filepath.Join(w.dir, "project", "vendor")
	err := filepath.WalkDir(vendored, func(name string, d fs.DirEntry, err error) error {
		if name == vendored && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") {
			w.wrong("left behind: %s", name)
		}
		data, err := os.ReadFile(name)
		if digest, ok := strings.CutSuffix(d.Name(), ".tar.gz"); ok && fmt.Sprintf("%x", sha256.Sum256(data)) != digest {
			w.wrong("not whole: %s", name)
		}
		return err
	})
	if err != nil {
		w.wrong("%v", err)
	}
}

func (w *faultyWeb) glob(elem ...string) []string {
	names, err := filepath.Glob(filepath.Join(elem...))
	if err != nil {
		w.wrong("%v", err)
	}
	return names
}
