package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/internal/report"
)

// host is a forge with an index and one pull request, which publishes hello.
type host struct {
	*registrytest.Forge
	t    *testing.T
	work string
	env  map[string]string
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{Forge: registrytest.NewForge(t), t: t, work: t.TempDir()}
	h.AddIndex("keeper/index", registrytest.New(t, ""))
	h.AddRepository("ann/hello", map[string]string{"README.md": "hello\n"})
	h.AddRelease("ann/hello", "v1.0.0", true, false)
	h.env = map[string]string{
		"GITHUB_API_URL": h.API(), "GITHUB_GRAPHQL_URL": h.URL + "/api/graphql", "GITHUB_SERVER_URL": h.URL,
		"CLYDE_INDEX_TOKEN": h.AddToken(registrytest.Token{Login: "keeper"}), "GITHUB_TOKEN": h.AddToken(registrytest.Token{Login: "ann"}),
	}
	manifest := filepath.Join(h.work, ".clyde", "package.yaml")
	if err := os.MkdirAll(filepath.Dir(manifest), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, []byte("name: hello\nversion: 1.0.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h.run(exitOK, "publish", "--via", "pr", "--index", "keeper/index", "--release", "ann/hello@v1.0.0")
	return h
}

// run runs clyde, and returns what it printed.
func (h *host) run(want int, args ...string) string {
	h.t.Helper()
	var out, errs bytes.Buffer
	code := run(h.t.Context(), Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Dir: h.work, HTTP: &http.Client{},
		Getenv: func(name string) string { return h.env[name] }, Now: registrytest.Clock,
	}, args)
	if code != want {
		h.t.Fatalf("%v: exit %d, want %d\n%s%s", args, code, want, out.Bytes(), errs.Bytes())
	}
	return out.String()
}

// review judges the pull request at a kind of host. Whether it passes is not
// what is asked here.
func (h *host) review(address []string, more ...string) string {
	h.t.Helper()
	return h.run(exitOK, append(append([]string{"review", "--pull", "1", "--evidence", "never"}, address...), more...)...)
}

// There is one comment, which is edited, whatever others write under its marker.
func TestReviewTellsOnce(t *testing.T) {
	for _, kind := range []string{"github", "app", "gitea"} {
		t.Run(kind, func(t *testing.T) {
			h := newHost(t)
			address := []string{"--index", "keeper/index"}
			if kind == "gitea" {
				address = []string{"--index", h.URL + "/keeper/index", "--host", "gitea"}
			}
			if kind == "app" { // as in a workflow, whose login only GraphQL tells
				h.env["CLYDE_INDEX_TOKEN"] = h.AddToken(registrytest.Token{Login: "index-gate[bot]", App: true})
				h.Allow("keeper/index", "index-gate[bot]")
			}
			fake := report.Marker + "\n### ✅ Passes, says a stranger\n"
			h.Say("keeper/index", 1, "greeter[bot]", fake)
			h.review(address, "--comment", "--status")
			first := h.Pulls("keeper/index")[0]
			if len(first.Comments) != 2 || first.Comments[0] != fake || !strings.HasPrefix(first.Comments[1], report.Marker+"\n### 👀 Needs a person: publish `hello`") {
				t.Fatalf("the comments are %q", first.Comments)
			}
			if got, want := h.Statuses("keeper/index", first.Commit), []string{report.Context + " pending Needs a person: publish hello 1.0.0, a new package"}; !slices.Equal(got, want) {
				t.Errorf("the status is %q, want %q", got, want)
			}
			h.Calls()
			h.review(address, "--comment", "--status", "--at", "2026-02-03T04:05:06Z")
			for _, c := range h.Calls() {
				if c.Method != http.MethodGet && !strings.Contains(c.Path, "graphql") && !strings.Contains(c.Path, "git-upload-pack") {
					t.Errorf("telling the same again makes the call %s %s", c.Method, c.Path)
				}
			}
			if again := h.Pulls("keeper/index")[0]; !slices.Equal(again.Comments, first.Comments) {
				t.Errorf("the same report changes the comments to %q", again.Comments)
			}
			h.AddFile("keeper/index", "README.md", "the index moved on\n")
			h.review(address, "--comment", "--status", "--at", "2026-02-03T04:05:06Z")
			edited := h.Pulls("keeper/index")[0]
			if len(edited.Comments) != 2 || edited.Comments[0] != fake || !strings.Contains(edited.Comments[1], "--at 2026-02-03T04:05:06Z") {
				t.Errorf("another report makes the comments %q", edited.Comments)
			}
			if got := h.Statuses("keeper/index", first.Commit); len(got) != 1 {
				t.Errorf("the statuses are %q", got)
			}
		})
	}
}

// The command that a report of a pull request names gives the same bytes, also
// when the index moved on.
func TestReviewOfAPullIsReproduced(t *testing.T) {
	h := newHost(t)
	address := []string{"--index", "keeper/index"}
	first := h.review(address, "--json")
	_, command, _ := strings.Cut(first, `"reproduce": "clyde `)
	command, _, _ = strings.Cut(command, `"`)
	if again := h.run(exitOK, strings.Fields(command)...); again != first {
		t.Errorf("%s gives\n%s\nnot\n%s", command, again, first)
	}
	if err := os.WriteFile(filepath.Join(h.work, ".clyde", "package.yaml"), []byte("name: other\nversion: 1.0.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h.run(exitOK, "publish", "--via", "push", "--index", h.URL+"/keeper/index.git", "--store", "archives", "--dl-base", h.URL)
	if moved := h.review(address, "--json"); moved == first {
		t.Error("the index did not move")
	}
	if again := h.run(exitOK, strings.Fields(command)...); again != first {
		t.Errorf("when the index moved on, %s gives\n%s\nnot\n%s", command, again, first)
	}
}
