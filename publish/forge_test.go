package publish_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
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

// TestCallsOfAChange counts what changes cost at a host, in requests to its API
// and to its git, and holds docs/performance.md to it.
func TestCallsOfAChange(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("..", "docs", "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	hosts := map[string]adapter{}
	for _, a := range adapters() {
		hosts[a.name] = a
	}
	counts := map[string][]string{}
	columns := []string{"GitHub", "GitHub, a fork", "Gitea"}
	var rows []string
	for _, column := range columns {
		a, f := hosts[column], newForge(t)
		count := func(what string, c change) {
			t.Helper()
			f.Calls()
			if _, _, err := c.apply(t, a.target(t, f)); err != nil {
				t.Fatal(err)
			}
			calls := f.Calls()
			var list strings.Builder
			for _, c := range calls {
				fmt.Fprintf(&list, "\n  %s %s: %d", c.Method, c.Path, c.Status)
			}
			t.Logf("%s, %s: %d calls%s", column, what, len(calls), &list)
			if counts[what] == nil {
				rows = append(rows, what)
			}
			counts[what] = append(counts[what], fmt.Sprint(len(calls)))
		}
		merge := func(number int) {
			t.Helper()
			if !f.Merge(keepersIndex, number) {
				t.Fatal("not mergeable")
			}
		}
		all, first := changes(t), versionOf(t, "1.0.0", "")
		count("a first version", first)
		count("the same again", first)
		count("other bytes for it", versionOf(t, "1.0.0", "description: other\n"))
		count("the first bytes again", first)
		merge(1)
		count("the same when it is merged", first)
		count("another version", all[1])
		count("a yank", all[2])
		count("owners", all[6])
	}
	for _, what := range rows {
		row := "| " + what + " | " + strings.Join(counts[what], " | ") + " |"
		if !strings.Contains(string(document), row+"\n") {
			t.Errorf("docs/performance.md lacks the row\n%s", row)
		}
	}
}
