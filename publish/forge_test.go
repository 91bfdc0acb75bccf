package publish_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/github"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/publish"
)

// the index of the forge in these tests, and the owner of a fork.
const (
	keepersIndex = "keeper/index"
	annsFork     = "ann/index"
)

// noWait makes waiting a matter of counting.
func noWait(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// newForge starts a forge with an empty index.
func newForge(t *testing.T) *registrytest.Forge {
	t.Helper()
	f := registrytest.NewForge(t)
	f.AddIndex(keepersIndex, registrytest.New(t, ""))
	return f
}

// gitHub speaks to the forge as to GitHub.
func gitHub(t *testing.T, f *registrytest.Forge, token string) *github.Index {
	t.Helper()
	client, err := github.NewClient(github.Options{API: f.API(), Token: token, Wait: noWait, HTTP: &http.Transport{DisableKeepAlives: true}})
	if err != nil {
		t.Fatal(err)
	}
	x, err := client.Index(keepersIndex)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// forgeOptions publish the package in dir by pull request.
func forgeOptions(t *testing.T, to publish.Forge, dir string) publish.Options {
	t.Helper()
	return publish.Options{
		Target: publish.Target{Forge: to, Now: clock}, Dir: dir,
		Store:    memoryStore{},
		Registry: func(alias string) (string, error) { return alias, nil },
	}
}

// memoryStore forgets what it is given, so that hundreds of publishes do not wait
// for a disk.
type memoryStore struct{}

func (memoryStore) URL(name, sha256 string) string {
	return "https://packages.example.org/" + sha256 + "/" + name
}

func (memoryStore) Put(_ context.Context, from, _, sha256sum string) error {
	data, err := os.ReadFile(from)
	if err == nil && fmt.Sprintf("%x", sha256.Sum256(data)) != sha256sum {
		err = fmt.Errorf("%s is not what it should be", from)
	}
	return err
}

// proposePackage plans and applies once.
func proposePackage(t *testing.T, opts publish.Options) (publish.Applied, error) {
	t.Helper()
	plan, err := publish.NewPackagePlan(t.Context(), opts)
	if err != nil {
		return publish.Applied{}, err
	}
	defer plan.Close()
	return plan.Apply(t.Context())
}

// onePull is the only pull request of the index.
func onePull(t *testing.T, f *registrytest.Forge) registrytest.PullView {
	t.Helper()
	pulls := f.Pulls(keepersIndex)
	if len(pulls) != 1 {
		t.Fatalf("%d pull requests, want one: %+v", len(pulls), pulls)
	}
	return pulls[0]
}

func merged(f *registrytest.Forge, name string) []string {
	path, err := index.Path(name)
	if err != nil {
		return []string{err.Error()}
	}
	var versions []string
	for _, e := range index.ParseFile([]byte(f.File(keepersIndex, path))).Entries {
		versions = append(versions, e.Vers)
	}
	return versions
}

// TestCallsOfAPublish counts what publishing costs.
func TestCallsOfAPublish(t *testing.T) {
	f := newForge(t)
	token := f.AddToken(registrytest.Token{Login: "keeper"})
	count := func(what string, most int, version string) {
		t.Helper()
		f.Calls()
		_, err := proposePackage(t, forgeOptions(t, gitHub(t, f, token), newPackage(t, "hello", version, "")))
		if err != nil {
			t.Fatal(err)
		}
		calls := f.Calls()
		var list strings.Builder
		for _, c := range calls {
			fmt.Fprintf(&list, "\n  %s %s: %d", c.Method, c.Path, c.Status)
		}
		t.Logf("%s: %d calls%s", what, len(calls), &list)
		if len(calls) > most {
			t.Errorf("%s: %d calls, want at most %d", what, len(calls), most)
		}
	}
	count("a first version", 11, "1.0.0")
	count("the same again", 7, "1.0.0")
	if !f.Merge(keepersIndex, 1) {
		t.Fatal("not mergeable")
	}
	count("the same when it is merged", 5, "1.0.0")
	count("another version", 12, "1.1.0")
}
