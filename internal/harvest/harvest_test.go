package harvest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/gitea"
	"github.com/clydepm/clyde/internal/github"
	"github.com/clydepm/clyde/internal/harvest"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/internal/release"
	"github.com/clydepm/clyde/publish"
)

const keepersIndex = "keepers/index"

func clock() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func noWait(context.Context, time.Duration) error { return nil }

// world is an index and publishers at one forge.
type world struct {
	testing.TB
	*registrytest.Forge
	state *harvest.State
	left  int
	gitea bool                          // the publishers are at Gitea
	opens func(repository string) error // fails to open one; may be nil
}

func newWorld(t *testing.T, files map[string]string) *world {
	t.Helper()
	w := &world{TB: t, Forge: registrytest.NewForge(t), state: harvest.ParseState(nil), left: 1000}
	all := map[string]string{
		index.ConfigPath: string((&index.Config{Clyde: index.ClydeConfig{Format: 1, Name: "test"}}).Format()),
		index.PolicyPath: "names: {similar: [], look-alikes: false}\n",
	}
	for path, text := range files {
		all[path] = text
	}
	w.AddRepository(keepersIndex, all)
	return w
}

func registration(name string) string {
	return fmt.Sprintf("publishers:\n  - repository: https://github.com/octo/%s\n    repository-id: 7\n    owner-id: 8\n", name)
}

func line(name, version string) string {
	e := &index.Entry{
		Name: name, Vers: version, Cksum: strings.Repeat("ab", 32), Size: 100, License: "MIT",
		Pubtime: "2026-01-01T00:00:00Z", DL: "https://github.com/octo/" + name + "/releases/download/v" + version + "/" + name + "-" + version + ".tar.gz",
		Source: &index.Source{Repository: "https://github.com/octo/" + name, RepositoryID: 7, OwnerID: 8, Ref: "refs/tags/v" + version, Commit: strings.Repeat("1", 40)},
	}
	return string(e.AppendLine(nil)) + "\n"
}

// release makes a release of octo/NAME that carries a line.
func (w *world) release(repository, version, text string) {
	w.Helper()
	w.AddRelease("octo/"+repository, "v"+version, false, false)
	w.AddAsset("octo/"+repository, "v"+version, repository+"-"+version+forge.EntrySuffix, []byte(text), false)
}

func (w *world) harvest() []harvest.Result {
	w.Helper()
	results, err := w.run(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return results
}

func (w *world) run(ctx context.Context) ([]harvest.Result, error) {
	w.Helper()
	token := w.AddToken(registrytest.Token{Value: "ghs_harvest", Login: "keepers", App: true})
	client, err := github.NewClient(github.Options{API: w.API(), GraphQL: w.URL + "/api/graphql", Web: w.URL, Token: token, Wait: noWait})
	if err != nil {
		w.Fatal(err)
	}
	x, err := client.Index(keepersIndex)
	if err != nil {
		w.Fatal(err)
	}
	budget := &harvest.Budget{Left: w.left}
	h := harvest.Harvest{
		Open: func(repository string) (harvest.Releases, error) {
			if w.opens != nil {
				if err := w.opens(repository); err != nil {
					return nil, err
				}
			}
			if w.gitea {
				c, err := gitea.NewOrigin(gitea.Options{Server: w.URL, Repository: strings.TrimPrefix(repository, "https://github.com/"), Wait: noWait})
				return budget.Limit(c), err
			}
			c, err := release.NewClient(release.Options{API: w.API(), Web: w.URL, Repository: strings.TrimPrefix(repository, "https://github.com/"), Token: token, Wait: noWait})
			return budget.Limit(c), err
		},
		Index: func(ctx context.Context) (fs.FS, error) {
			head, err := x.Head(ctx)
			return head.Tree, err
		},
		Target: publish.Target{Forge: x, Now: clock},
		State:  w.state,
		Save: func(s *harvest.State) error {
			data, err := s.Format()
			w.state = harvest.ParseState(data)
			return err
		},
	}
	return h.Run(ctx)
}

func show(results []harvest.Result) string {
	var all []string
	for _, r := range results {
		name := r.Package
		if r.Version != "" {
			name += " " + r.Version
		}
		if name == "" {
			name = strings.TrimPrefix(r.Repository, "https://github.com/octo/")
		}
		all = append(all, name+": "+string(r.Outcome))
	}
	return strings.Join(all, ", ")
}

func want(t *testing.T, results []harvest.Result, text string) {
	t.Helper()
	if got := show(results); got != text {
		t.Errorf("%s, want %s: %+v", got, text, results)
	}
}

// TestHarvest registers a package, and collects its versions. Only the index's
// own token is there.
func TestHarvest(t *testing.T) {
	w := newWorld(t, map[string]string{"sources/he/ll/hello.yaml": registration("hello")})
	w.AddRepository("octo/hello", map[string]string{"README.md": "x"})
	w.release("hello", "1.0.0", line("hello", "1.0.0"))
	want(t, w.harvest(), "hello 1.0.0: proposed")
	pulls := w.Pulls(keepersIndex)
	if len(pulls) != 1 || !w.Merge(keepersIndex, 1) {
		t.Fatalf("%+v", pulls)
	}
	if got := w.File(keepersIndex, "owners/he/ll/hello.yaml"); got != registration("hello") {
		t.Errorf("the owners are\n%s", got)
	}
	if got := w.File(keepersIndex, "he/ll/hello"); got != line("hello", "1.0.0") {
		t.Errorf("the line is\n%s", got)
	}
	// Nothing is new: one request, and an answer without a body.
	w.Calls()
	want(t, w.harvest(), "hello: unchanged")
	asked := 0
	for _, c := range w.Calls() {
		if strings.Contains(c.Path, "/octo/") {
			asked++
			if c.Status != 304 {
				t.Errorf("%s: %d", c.Path, c.Status)
			}
		}
	}
	if asked != 1 {
		t.Errorf("%d requests", asked)
	}
	// The package has owners now, and its registration says nothing any more.
	w.release("hello", "1.1.0", line("hello", "1.1.0"))
	want(t, w.harvest(), "hello 1.1.0: proposed")
	// Without its state a run finds what it did.
	w.state = harvest.ParseState([]byte("nonsense"))
	want(t, w.harvest(), "hello 1.1.0: proposed")
	if n := len(w.Pulls(keepersIndex)); n != 2 {
		t.Errorf("%d pull requests", n)
	}
}

// TestHarvestRefuses takes nothing from a repository that the index does not name
// for it, and goes on with the others.
func TestHarvestRefuses(t *testing.T) {
	w := newWorld(t, map[string]string{
		"sources/he/ll/hello.yaml": registration("hello"), "sources/wo/rl/world.yaml": registration("world"),
		"sources/ev/il/evil.yaml": registration("evil"), "sources/go/ne/gone.yaml": registration("gone"),
		"sources/ba/d0/bad0.yaml": "publishers: [\n",
	})
	for _, name := range []string{"hello", "world", "evil"} {
		w.AddRepository("octo/"+name, map[string]string{"README.md": "x"})
	}
	w.release("evil", "1.0.0", line("world", "1.0.0")) // another's package
	w.release("evil", "1.0.1", "{nonsense\n")
	w.release("evil", "1.0.2", strings.Replace(line("evil", "1.0.2"), `"deps":[]`, `"deps": []`, 1))
	w.release("evil", "1.0.3", strings.Replace(line("evil", "1.0.3"), `"repository_id":7`, `"repository_id":9`, 1))
	w.release("hello", "1.0.0", line("hello", "1.0.0"))
	w.release("world", "1.0.0", line("world", "1.0.0"))
	results := w.harvest()
	for _, r := range results {
		if r.Outcome == harvest.Proposed && r.Package != "hello" && r.Package != "world" {
			t.Errorf("%+v", r)
		}
	}
	got := strings.Split(show(results), ", ")
	slices.Sort(got)
	if text := strings.Join(got, ", "); text != "bad0: failed, evil 1.0.2: refused, evil 1.0.3: refused, evil: refused, gone: failed, hello 1.0.0: proposed, world 1.0.0: proposed, world 1.0.0: refused" {
		t.Errorf("%s: %+v", text, results)
	}
}

// TestHarvestAgain tries again what may come out otherwise.
func TestHarvestAgain(t *testing.T) {
	w := newWorld(t, map[string]string{"sources/he/ll/hello.yaml": registration("hello")})
	w.AddRepository("octo/hello", map[string]string{"README.md": "x"})
	needs := strings.Replace(line("hello", "1.0.0"), `"deps":[]`, `"deps":[{"name":"world","req":"^1","features":[],"optional":false,"default_features":true,"target":null,"kind":"normal"}]`, 1)
	w.release("hello", "1.0.0", needs)
	want(t, w.harvest(), "hello 1.0.0: refused")
	w.AddFile(keepersIndex, "wo/rl/world", line("world", "1.0.0"))
	want(t, w.harvest(), "hello 1.0.0: proposed")

	// What was another's package may be registered by now.
	w.release("hello", "9.0.0", strings.ReplaceAll(line("twin", "9.0.0"), "github.com/octo/twin", "github.com/octo/hello"))
	want(t, w.harvest(), "twin 9.0.0: refused")
	want(t, w.harvest(), "hello: unchanged")
	w.AddFile(keepersIndex, "sources/tw/in/twin.yaml", registration("hello"))
	if got := w.harvest(); !strings.Contains(show(got), "twin 9.0.0: proposed") {
		t.Errorf("%+v", got)
	}
}

// TestBudget asks as often as it may and goes on where it stopped, also after a
// run that was killed.
func TestBudget(t *testing.T) {
	files := map[string]string{}
	var names []string
	for i := range 6 {
		name := fmt.Sprintf("hello%d", i)
		names = append(names, name)
		files["sources/he/ll/"+name+".yaml"] = registration(name)
	}
	w := newWorld(t, files)
	for _, name := range names {
		w.AddRepository("octo/"+name, map[string]string{"README.md": "x"})
		w.release(name, "1.0.0", line(name, "1.0.0"))
	}
	w.left = 5 // two repositories, and the list of a third
	want(t, w.harvest(), "hello0 1.0.0: proposed, hello1 1.0.0: proposed, hello2: left, hello3: left, hello4: left, hello5: left")

	killed, kill := context.WithCancel(t.Context())
	w.left, w.opens = 1000, func(repository string) error {
		if strings.HasSuffix(repository, "hello4") {
			kill()
			return killed.Err()
		}
		return nil
	}
	results, err := w.run(killed)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	want(t, results, "hello2 1.0.0: proposed, hello3 1.0.0: proposed")
	w.opens = nil
	got := w.harvest()
	if text := show(got); !strings.HasPrefix(text, "hello4 1.0.0: proposed, hello5 1.0.0: proposed, ") || strings.Count(text, "unchanged") != 4 {
		t.Error(text)
	}
	if n := len(w.Pulls(keepersIndex)); n != 6 {
		t.Errorf("%d pull requests", n)
	}
}

// TestHarvestGitea reads releases of Gitea, whose answers have no tag and change
// with every download: nothing is read again all the same.
func TestHarvestGitea(t *testing.T) {
	w := newWorld(t, map[string]string{"sources/he/ll/hello.yaml": registration("hello")})
	w.gitea = true
	w.AddRepository("octo/hello", map[string]string{"README.md": "x"})
	w.release("hello", "1.0.0", line("hello", "1.0.0"))
	w.AddRelease("octo/hello", "v1.1.0", true, false) // a draft carries nothing yet
	w.AddAsset("octo/hello", "v1.1.0", "hello-1.1.0"+forge.EntrySuffix, []byte(line("hello", "1.1.0")), false)
	want(t, w.harvest(), "hello 1.0.0: proposed")
	if !w.Merge(keepersIndex, 1) {
		t.Fatal("it cannot be merged")
	}
	w.Calls()
	want(t, w.harvest(), "hello: unchanged")
	for _, c := range w.Calls() {
		if strings.Contains(c.Path, "/octo/") && !strings.HasPrefix(c.Path, "/api/v1/repos/octo/hello/releases?") {
			t.Errorf("%s %s", c.Method, c.Path)
		}
	}
	w.release("hello", "1.2.0", line("hello", "1.2.0"))
	want(t, w.harvest(), "hello 1.2.0: proposed")
	w.AddRelease("octo/hello", "v1.3.0", false, false)
	w.AddAsset("octo/hello", "v1.3.0", "x"+forge.EntrySuffix, make([]byte, forge.MaxCarried+1), false)
	want(t, w.harvest(), "hello: failed")
}
