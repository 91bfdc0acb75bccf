package git

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serve puts the repositories below root on HTTP with git's own server. An
// empty password lets everyone in.
func serve(t *testing.T, root, password string) string {
	t.Helper()
	backend := &cgi.Handler{
		Path:   filepath.Join(gitRun(t, root, "--exec-path"), "git-http-backend"),
		Stderr: io.Discard,
		Env:    []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=ann"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, given, _ := req.BasicAuth(); given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestCloneAndFetch(t *testing.T) {
	for name, address := range map[string]func(t *testing.T, dir string) string{
		"path": func(_ *testing.T, dir string) string { return dir },
		"file": func(_ *testing.T, dir string) string { return "file://" + filepath.ToSlash(dir) },
		"http": func(t *testing.T, dir string) string {
			return serve(t, filepath.Dir(dir), "") + "/" + filepath.Base(dir)
		},
	} {
		for _, depth := range []int{0, 1} {
			t.Run(name, func(t *testing.T) {
				remote := newBare(t, map[string]string{"a": "1\n", "d/old": "old content\n"})
				first, _ := remote.Resolve("main")
				second := commit(t, remote, first, map[string]string{"a": "2\n", "d/old": "new content\n"})
				testFetch(t, remote, second, FetchOptions{URL: address(t, remote.Dir()), Depth: depth})
			})
		}
	}
}

func testFetch(t *testing.T, remote *Repo, second Hash, opts FetchOptions) {
	ctx := t.Context()
	local, err := Clone(ctx, filepath.Join(t.TempDir(), "cache", "clone.git"), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	if head, err := local.Resolve("HEAD"); err != nil || head != second {
		t.Fatalf("HEAD is %s, %v", head, err)
	}
	if count := gitRun(t, local.Dir(), "rev-list", "--count", "HEAD"); opts.Depth == 1 && count != "1" || opts.Depth == 0 && count != "2" {
		t.Errorf("%s commits were cloned with depth %d", count, opts.Depth)
	}
	if f, err := local.Fetch(ctx, opts); err != nil || f.Old != second || f.New != second {
		t.Errorf("nothing new: %+v, %v", f, err)
	}
	// The third commit brings back a file that only the history before a
	// shallow clone's boundary has.
	third := commit(t, remote, second, map[string]string{"d/old": "old content\n"})
	f, err := local.Fetch(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	if f.Ref != "refs/heads/main" || f.Old != second || f.New != third {
		t.Errorf("fetched %+v", f)
	}
	if now, _ := local.ReadRef(f.Ref); now != second {
		t.Error("a fetch moved the reference")
	}
	if ok, err := local.IsAncestor(f.Old, f.New); err != nil || !ok {
		t.Errorf("IsAncestor: %v, %v", ok, err)
	}
	if ok, err := local.IsAncestor(f.New, f.Old); err != nil || ok {
		t.Errorf("IsAncestor the other way round: %v, %v", ok, err)
	}
	if err := local.CompareAndSwap(f.Ref, f.Old, f.New); err != nil {
		t.Fatal(err)
	}
	tree, err := local.Tree(third)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := fs.ReadFile(tree, "d/old"); err != nil || string(data) != "old content\n" {
		t.Errorf("d/old: %q, %v", data, err)
	}
	fsck(t, local)

	// A rewritten history is brought and reported, and moves nothing.
	gitRun(t, remote.Dir(), "update-ref", "refs/heads/main", second+"~1")
	other := commit(t, remote, gitRun(t, remote.Dir(), "rev-parse", "main"), map[string]string{"b": "other\n"})
	f, err = local.Fetch(ctx, opts)
	if err != nil || f.Old != third || f.New != other {
		t.Fatalf("rewritten: %+v, %v", f, err)
	}
	if ok, err := local.IsAncestor(f.Old, f.New); err != nil || ok {
		t.Errorf("a rewritten history counts as a fast-forward: %v, %v", ok, err)
	}
}

// An update of a shallow clone must cost what changed, not the whole index.
func TestFetchSendsOnlyWhatIsNew(t *testing.T) {
	files := map[string]string{}
	for _, a := range "abcdefgh" {
		for _, b := range "abcdefgh" {
			files["x/"+string(a)+"/"+string(b)] = strings.Repeat(string(a)+"\n", 100) + string(b)
		}
	}
	remote := newBare(t, files)
	opts := FetchOptions{URL: remote.Dir(), Depth: 1}
	local, err := Clone(t.Context(), filepath.Join(t.TempDir(), "c"), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	head, _ := remote.Resolve("main")
	commit(t, remote, head, map[string]string{"x/a/a": "changed"})
	if _, err := local.Fetch(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	packs, _ := filepath.Glob(filepath.Join(local.Dir(), "objects/pack/*.pack"))
	smallest := int64(1 << 40)
	for _, p := range packs {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		smallest = min(smallest, info.Size())
	}
	if len(packs) != 2 || smallest > 2000 {
		t.Errorf("%d packs, the smaller has %d bytes", len(packs), smallest)
	}
}

func TestPush(t *testing.T) {
	for name, address := range map[string]func(t *testing.T, dir string) string{
		"path": func(_ *testing.T, dir string) string { return dir },
		"http": func(t *testing.T, dir string) string {
			return serve(t, filepath.Dir(dir), "") + "/" + filepath.Base(dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			remote, err := InitBare(filepath.Join(t.TempDir(), "remote.git"), "main")
			if err != nil {
				t.Fatal(err)
			}
			defer remote.Close()
			gitRun(t, remote.Dir(), "config", "http.receivepack", "true")
			url := address(t, remote.Dir())
			local := newBare(t, map[string]string{"a": "1", "b/c": "2"})
			first, _ := local.Resolve("main")
			ctx := t.Context()

			if got, err := ListRemote(ctx, url); err != nil || len(got.Refs) != 0 {
				t.Errorf("an empty remote has %+v, %v", got, err)
			}
			if err := local.Push(ctx, url, "refs/heads/main", "", first); err != nil {
				t.Fatal(err)
			}
			if got := gitRun(t, remote.Dir(), "rev-parse", "main"); got != first {
				t.Errorf("main is %s", got)
			}
			if err := local.Push(ctx, url, "refs/heads/main", "", first); err != nil {
				t.Errorf("a second push of the same: %v", err)
			}
			second := commit(t, local, first, map[string]string{"a": "2"})
			if err := local.Push(ctx, url, "refs/heads/main", "", second); !errors.Is(err, ErrConflict) {
				t.Errorf("a push to a remote that is not empty: %v", err)
			}
			if err := local.Push(ctx, url, "refs/heads/main", first, second); err != nil {
				t.Error(err)
			}
			if err := local.Push(ctx, url, "refs/heads/main", second, first); !errors.Is(err, ErrConflict) {
				t.Errorf("a push back: %v", err)
			}
			got, err := ListRemote(ctx, url)
			if id, ok := got.Find("refs/heads/main"); err != nil || !ok || id != second || got.Head != "refs/heads/main" {
				t.Errorf("ListRemote: %+v, %v", got, err)
			}
			hook := filepath.Join(remote.Dir(), "hooks", "pre-receive")
			if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(hook, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			third := commit(t, local, second, map[string]string{"a": "3"})
			if err := local.Push(ctx, url, "refs/heads/main", second, third); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), "hook") {
				t.Errorf("a push that a hook declines: %v", err)
			}
			fsck(t, remote)
		})
	}
}

func TestRemoteErrors(t *testing.T) {
	ctx := t.Context()
	repo := newBare(t, map[string]string{"a": "1"})
	empty, err := InitBare(filepath.Join(t.TempDir(), "empty.git"), "main")
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	guarded := serve(t, filepath.Dir(repo.Dir()), "secret") + "/" + filepath.Base(repo.Dir())
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for name, test := range map[string]struct {
		ctx  context.Context
		opts FetchOptions
		want error
	}{
		"no such folder":  {ctx, FetchOptions{URL: filepath.Join(t.TempDir(), "nope")}, ErrNotFound},
		"no such branch":  {ctx, FetchOptions{URL: repo.Dir(), Branch: "nope"}, ErrNotFound},
		"branch name":     {ctx, FetchOptions{URL: repo.Dir(), Branch: "a..b"}, ErrNotFound},
		"empty":           {ctx, FetchOptions{URL: empty.Dir()}, ErrNotFound},
		"http not found":  {ctx, FetchOptions{URL: serve(t, t.TempDir(), "") + "/nope.git"}, ErrNotFound},
		"nobody there":    {ctx, FetchOptions{URL: "http://127.0.0.1:1/x.git"}, ErrNetwork},
		"no credentials":  {ctx, FetchOptions{URL: guarded}, ErrAuth},
		"refused address": {ctx, FetchOptions{URL: "ext::sh -c true"}, ErrURL},
		"cancelled":       {cancelled, FetchOptions{URL: guarded}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "clone")
			r, err := Clone(test.ctx, path, test.opts)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if r != nil {
				r.Close()
			}
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	withPassword := strings.Replace(guarded, "://", "://ann:wrong-secret@", 1)
	if _, err := ListRemote(ctx, withPassword); !errors.Is(err, ErrAuth) || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("wrong password: %v", err)
	}
	if _, err := ListRemote(ctx, strings.Replace(guarded, "://", "://ann:secret@", 1)); err != nil {
		t.Errorf("right password: %v", err)
	}
}

// A server that never answers is left when the context ends.
func TestFetchStops(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := ListRemote(ctx, server.URL+"/x.git"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestCheckURL(t *testing.T) {
	for _, good := range []string{
		"index.git", "./index.git", "/srv/index.git", "../a:b/c", "file:///srv/index.git", "file:///srv/a%20b#c?d", "https://example.org/a/b.git",
		"https://example.org:8443/a", "https://user:pass@example.org/a", "ssh://git@example.org/a.git", "ssh://git@example.org:22/a",
		"git@example.org:a/b.git", "example.org:a", "http://localhost:8080/a", "http://127.0.0.1/a", "http://[::1]:80/a", "git@[::1]:a",
	} {
		if err := CheckURL(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "ext::sh -c id", "fd::3", "git://example.org/a", "http://example.org/a", "ftp://example.org/a", "javascript://x/a",
		"ssh://-oProxyCommand=id/a", "ssh://-user@example.org/a", "-oProxyCommand=id:a", "git@-host:a", "git@host:-a",
		"https://example.org", "https://example.org/", "https:///a", "https://example.org:0/a", "https://example.org:99999/a",
		"https://example.org/a?x=1", "https://example.org/a#x", "file://host/a", "file:///a%zz", "file:///a%00", "file://", "https://exa mple.org/a", "a\nb", "https://example.org/\x00",
		strings.Repeat("a", 5000), "user@host:", "@host:a",
	} {
		if err := CheckURL(bad); !errors.Is(err, ErrURL) {
			t.Errorf("%q: %v, want ErrURL", bad, err)
		}
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"https://ann:pw@example.org/a": "https://ann:***@example.org/a",
		"https://token@example.org/a":  "https://***@example.org/a",
		"ssh://git@example.org/a":      "ssh://git@example.org/a",
		"https://example.org/a@b":      "https://example.org/a@b",
		"/srv/index.git":               "/srv/index.git",
	} {
		if got := Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}
