package main

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/registrytest"
)

const (
	indexCanary   = "ghp_INDEXcanary0123456789"
	releaseCanary = "ghp_RELEASEcanary0123456789"
)

// TestTokensAppearNowhere publishes with two tokens, through everything that can
// go right and wrong, and looks for them in all that was written.
func TestTokensAppearNowhere(t *testing.T) {
	f := registrytest.NewForge(t)
	f.AddIndex("keeper/index", registrytest.New(t, ""))
	f.AddRepository("ann/hello", map[string]string{"README.md": "hello\n"})
	f.AddRelease("ann/hello", "v1.0.0", true, false)
	f.AddToken(registrytest.Token{Value: indexCanary, Login: "keeper"})
	f.AddToken(registrytest.Token{Value: releaseCanary, Login: "ann"})
	work := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(work, "tmp"))
	for _, dir := range []string{"tmp", "home", "hello/.clyde"} {
		if err := os.MkdirAll(filepath.Join(work, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(work, "hello", ".clyde", "package.yaml"), []byte("name: hello\nversion: 1.0.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"HOME": filepath.Join(work, "home"), "GITHUB_API_URL": f.API(), "GITHUB_SERVER_URL": f.URL,
		"CLYDE_INDEX_TOKEN": indexCanary, "GITHUB_TOKEN": releaseCanary, "GITEA_TOKEN": indexCanary,
	}
	_, public, err := attest.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(work, "hello", "release.key.pub"), public, 0o644); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	clyde := func(want int, args ...string) {
		t.Helper()
		var out bytes.Buffer
		code := run(t.Context(), Env{
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Dir: filepath.Join(work, "hello"), HTTP: &http.Client{},
			Getenv: func(name string) string { return env[name] }, Now: registrytest.Clock,
		}, append([]string{"-v"}, args...))
		if code != want {
			t.Errorf("clyde %v: exit %d, want %d\n%s", args, code, want, out.Bytes())
		}
		said.Write(out.Bytes())
	}
	publish := func(want int, args ...string) {
		t.Helper()
		clyde(want, append([]string{"publish"}, args...)...)
	}
	release := []string{"--via", "pr", "--index", "keeper/index", "--release", "ann/hello@v1.0.0"}
	publish(exitOK, append(release, "--dry-run")...)
	if !strings.Contains(said.String(), "title     Publish hello 1.0.0") || len(f.Pulls("keeper/index")) != 0 {
		t.Errorf("the dry run does not show the pull request, or makes it:\n%s", said.Bytes())
	}
	publish(exitOK, release...)
	publish(exitOK, append(release, "--json")...)
	if len(f.Pulls("keeper/index")) != 1 || len(f.Assets("ann/hello", "v1.0.0")) != 1 {
		t.Error("there is no pull request, or no archive with the release")
	}
	publish(exitOK, "--via", "pr", "--host", "gitea", "--index", f.URL+"/keeper/index", "--store", "../archives", "--dl-base", f.URL)
	publish(exitOK, "--via", "push", "--index", f.URL+"/keeper/index.git", "--store", "../archives", "--dl-base", f.URL)
	for _, index := range [][]string{
		{"--via", "pr", "--index", "keeper/index"},
		{"--via", "pr", "--host", "gitea", "--index", f.URL + "/keeper/index"},
		{"--via", "push", "--index", f.URL + "/keeper/index.git"},
	} {
		for _, change := range [][]string{
			{"yank", "hello@1.0.0"},
			{"retire", "hello", "--reason", "other"},
			{"owner", "add", "hello", "ann", "--repository", "https://github.com/ann/hello", "--repository-id", "1", "--owner-id", "2"},
			{"owner", "add", "hello", "bob"},
			{"key", "trust", "release.key.pub"},
		} {
			clyde(exitOK, slices.Concat(change, index, []string{"--dry-run"})...)
			clyde(exitOK, slices.Concat(change, index)...)
		}
		clyde(exitOK, slices.Concat([]string{"owner", "show", "hello"}, index)...)
	}
	identified := []string{"owner", "transfer", "hello", "--repository", "ann/hello", "--via", "pr", "--index", f.URL + "/keeper/index", "--host", "gitea"}
	env["GITHUB_SERVER_URL"] = "https://github.com" // whose numbers for ann/hello are looked up
	clyde(exitOK, identified...)
	if !strings.Contains(said.String(), "/pull/") || !strings.Contains(f.Pulls("keeper/index")[len(f.Pulls("keeper/index"))-1].Body, "+    repository-id: ") {
		t.Error("the numbers of the new repository are not in the pull request")
	}
	env["GITHUB_SERVER_URL"] = f.URL
	publish(exitNotFound, "--via", "pr", "--index", "keeper/nowhere", "--release", "ann/hello@v1.0.0")
	publish(exitUsage, "--via", "pr", "--index", strings.Replace(f.URL, "://", "://x:y@", 1)+"/keeper/index", "--release", "ann/hello@v1.0.0")
	f.Break(func(_ int, r *http.Request) registrytest.Fault {
		// A host that repeats what it was sent.
		return registrytest.Fault{Status: http.StatusForbidden, Body: `{"message":"bad ` + r.Header.Get("Authorization") + `"}`}
	})
	publish(exitRefused, release...)
	f.Break(nil)

	clean := func(where string, data []byte) {
		t.Helper()
		for _, canary := range []string{indexCanary, releaseCanary, "canary0123456789"} {
			if bytes.Contains(data, []byte(canary)) {
				t.Errorf("%s has a token", where)
			}
		}
	}
	clean("what was printed", said.Bytes())
	for _, c := range f.Calls() {
		clean("the address of "+c.Method, []byte(c.Path))
	}
	for _, p := range f.Pulls("keeper/index") {
		clean("a pull request", []byte(p.Title+p.Body+p.Branch))
	}
	for _, root := range []string{work, f.Path("keeper/index")} {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(name)
			clean(name, data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
