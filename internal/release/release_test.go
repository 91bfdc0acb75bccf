package release_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/internal/release"
)

const repository = "octo/hello"

// newClient makes a forge with a repository, and a client that may write to it.
func newClient(t *testing.T) (*registrytest.Forge, *release.Client) {
	t.Helper()
	f := registrytest.NewForge(t)
	f.AddUser("octo")
	f.AddRepository(repository, map[string]string{"README.md": "hello\n"})
	return f, clientFor(t, f, f.AddToken(registrytest.Token{Login: "octo", App: true}))
}

func clientFor(t *testing.T, f *registrytest.Forge, token string) *release.Client {
	t.Helper()
	c, err := release.NewClient(release.Options{
		API: f.API(), Web: f.URL, Repository: repository, Token: token,
		Wait: func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func find(t *testing.T, c *release.Client, tag string) *release.Release {
	t.Helper()
	r, err := c.Find(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// writes counts the calls that change something.
func writes(f *registrytest.Forge) (n int) {
	for _, c := range f.Calls() {
		if c.Method != http.MethodGet {
			n++
		}
	}
	return n
}

func TestPutIsDoneOnce(t *testing.T) {
	f, c := newClient(t)
	f.AddRelease(repository, "scope/hello-v1", false, false)
	r := find(t, c, "scope/hello-v1")
	for i, want := range []int{1, 0} {
		if err := r.PutBytes(t.Context(), "a+b.tar.gz", []byte("one")); err != nil || writes(f) != want {
			t.Fatalf("put %d: %v", i, err)
		}
	}
	if err := find(t, c, "scope/hello-v1").PutBytes(t.Context(), "a+b.tar.gz", []byte("two")); err != nil || writes(f) != 2 {
		t.Fatalf("other bytes: %v", err)
	}
	if got := string(f.Assets(repository, "scope/hello-v1")["a.b.tar.gz"]); got != "two" {
		t.Errorf("the asset is %q", got)
	}
	if got, want := r.URL("a+b.tar.gz", ""), f.URL+"/octo/hello/releases/download/scope/hello-v1/a.b.tar.gz"; got != want {
		t.Errorf("the URL is %s, want %s", got, want)
	}
}

func TestPutChecksTheFile(t *testing.T) {
	f, c := newClient(t)
	f.AddRelease(repository, "v1", false, false)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := find(t, c, "v1")
	sum := sha256.Sum256([]byte("data"))
	if err := r.Put(t.Context(), name, "x", hex.EncodeToString(sum[:])); err != nil {
		t.Error(err)
	}
	if err := r.Put(t.Context(), name, "y", strings.Repeat("0", 64)); err == nil || len(f.Assets(repository, "v1")) != 1 {
		t.Errorf("a file of another digest: %v", err)
	}
	if data, err := r.Read(t.Context(), "x"); string(data) != "data" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	if data, err := r.Read(t.Context(), "nothing"); data != nil || err != nil {
		t.Errorf("%q, %v", data, err)
	}
}

// TestABrokenUpload is made anew.
func TestABrokenUpload(t *testing.T) {
	f, c := newClient(t)
	f.AddRelease(repository, "v1", false, false)
	f.AddAsset(repository, "v1", "x", []byte("ha"), true)
	r := find(t, c, "v1")
	if data, err := r.Read(t.Context(), "x"); data != nil || err != nil {
		t.Errorf("half of an asset is read: %q, %v", data, err)
	}
	if err := r.PutBytes(t.Context(), "x", []byte("half")); err != nil {
		t.Fatal(err)
	}
	if got := string(f.Assets(repository, "v1")["x"]); got != "half" {
		t.Errorf("the asset is %q", got)
	}
}

// TestACutConnection breaks every request of an upload in every way, once.
func TestACutConnection(t *testing.T) {
	for name, fault := range map[string]registrytest.Fault{
		"before":       {Drop: true},
		"after":        {DropAfter: true},
		"within":       {Cut: true},
		"out of order": {Status: http.StatusBadGateway, Body: "{}"},
	} {
		for at := range 3 {
			f, c := newClient(t)
			f.AddRelease(repository, "v1", false, false)
			f.AddAsset(repository, "v1", "x", []byte("old"), false)
			r := find(t, c, "v1")
			f.Calls()
			seen := 0
			f.Break(func(int, *http.Request) registrytest.Fault {
				seen++
				if seen == at+1 {
					return fault
				}
				return registrytest.Fault{}
			})
			if err := r.PutBytes(t.Context(), "x", []byte("new")); err != nil {
				t.Errorf("%s, request %d: %v", name, at, err)
			}
			if got := string(f.Assets(repository, "v1")["x"]); got != "new" || len(f.Assets(repository, "v1")) != 1 {
				t.Errorf("%s, request %d: the assets are %q", name, at, f.Assets(repository, "v1"))
			}
		}
	}
}

func TestAnImmutableRelease(t *testing.T) {
	f, c := newClient(t)
	f.AddRelease(repository, "v1", true, true)
	draft := find(t, c, "v1")
	if err := draft.PutBytes(t.Context(), "x", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := draft.Publish(t.Context()); err != nil || draft.Draft {
		t.Fatalf("still a draft, or %v", err)
	}
	f.Calls()
	if err := draft.Publish(t.Context()); err != nil || len(f.Calls()) != 0 {
		t.Errorf("publishing again: %v", err)
	}
	r := find(t, c, "v1")
	if err := r.PutBytes(t.Context(), "x", []byte("one")); err != nil {
		t.Errorf("what is there already: %v", err)
	}
	var immutable *release.ImmutableError
	if err := r.PutBytes(t.Context(), "y", []byte("two")); !errors.As(err, &immutable) || !errors.Is(err, forge.ErrRefused) || immutable.Hint() == "" {
		t.Errorf("a new asset: %v", err)
	}
	r.Immutable = false // an older GitHub does not say so before
	if err := r.PutBytes(t.Context(), "y", []byte("two")); !errors.As(err, &immutable) {
		t.Errorf("a new asset, when only the answer tells: %v", err)
	}
}

func TestFind(t *testing.T) {
	f, c := newClient(t)
	if _, err := c.Find(t.Context(), "v1"); !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("no release: %v", err)
	}
	for range 120 {
		f.AddRelease(repository, "old", true, false)
	}
	f.AddRelease(repository, "v1", true, false)
	if r := find(t, c, "v1"); !r.Draft {
		t.Error("the draft on the second page is not found")
	}
	stranger := clientFor(t, f, f.AddToken(registrytest.Token{Login: "stranger"}))
	if _, err := stranger.Find(t.Context(), "v1"); !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("a draft for a stranger: %v", err)
	}
}

func TestTag(t *testing.T) {
	f, c := newClient(t)
	git := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", f.Path(repository), "-c", "user.name=Test", "-c", "user.email=test@example.org"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	head := git("rev-parse", "main")
	git("tag", "light", "main")
	git("tag", "-a", "-m", "About", "scope/annotated", "main")
	for tag, object := range map[string]string{"light": "", "scope/annotated": git("rev-parse", "scope/annotated")} {
		commit, got, err := c.Tag(t.Context(), tag)
		if commit != head || got != object || err != nil {
			t.Errorf("%s: %q, %q, %v", tag, commit, got, err)
		}
	}
	if commit, object, err := c.Tag(t.Context(), "none"); commit+object != "" || err != nil {
		t.Errorf("no tag: %q, %q, %v", commit, object, err)
	}
}

func TestTheTokenIsNotSentInTheClear(t *testing.T) {
	for _, api := range []string{"http://forge.example.org/api/v3", "ftp://127.0.0.1", "api"} {
		if _, err := release.NewClient(release.Options{API: api}); !errors.Is(err, forge.ErrRefused) {
			t.Errorf("%s: %v", api, err)
		}
	}
}
