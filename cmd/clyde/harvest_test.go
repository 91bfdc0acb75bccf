package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/registrytest"
)

// keeping is an index at a forge, and the clyde of those who keep it or publish
// to it.
type keeping struct {
	*job
	token string // of the index's own workflow
}

// as runs the program with some variables and nothing else, and returns what it
// printed.
func (k *keeping) as(want int, dir string, env map[string]string, args ...string) string {
	k.Helper()
	var out strings.Builder
	all := map[string]string{"HOME": filepath.Join(dir, "home"), "GITHUB_API_URL": k.forge.API(), "GITHUB_SERVER_URL": k.forge.URL, "GITHUB_GRAPHQL_URL": k.forge.URL + "/api/graphql"}
	for name, value := range env {
		all[name] = value
	}
	code := run(k.Context(), Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Dir: dir, HTTP: &http.Client{},
		Getenv: func(name string) string { return all[name] }, Now: func() time.Time { return scriptTime },
	}, args)
	if code != want {
		k.Fatalf("clyde %s: exit %d, want %d\n%s", strings.Join(args, " "), code, want, out.String())
	}
	return out.String()
}

func newKeeping(t *testing.T, files map[string]string) *keeping {
	t.Helper()
	k := &keeping{job: newJob(t, helloManifest, "v1.2.3")}
	k.release(false, false)
	all := map[string]string{index.ConfigPath: string((&index.Config{Clyde: index.ClydeConfig{Format: 1, Name: "test"}}).Format())}
	for path, text := range files {
		all[path] = text
	}
	k.forge.AddRepository("keepers/index", all)
	k.token = k.forge.AddToken(registrytest.Token{Login: "keepers", App: true})
	return k
}

// TestRegister prepares a registration without any token, and opens it with one.
func TestRegister(t *testing.T) {
	k := newKeeping(t, nil)
	dir := k.step.Env["GITHUB_WORKSPACE"]
	workflows := filepath.Join(dir, ".github", "workflows")
	if err := os.MkdirAll(workflows, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(workflows, "release.yml"), []byte(twoLines), 0o644); err != nil {
		t.Fatal(err)
	}
	manifest := helloManifest + "repository: " + k.forge.URL + "/octo/hello\n"
	if err := os.WriteFile(filepath.Join(dir, ".clyde", "package.yaml"), []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	said := k.as(exitOK, dir, nil, "init", "--register", "keepers/index")
	for _, words := range []string{
		"sources/he/ll/hello.yaml", "repository: " + k.forge.URL + "/octo/hello", "workflow: .github/workflows/release.yml", `tags: ["v{version}"]`,
		k.forge.URL + "/keepers/index/new/HEAD?filename=sources%2Fhe%2Fll%2Fhello.yaml&value=publishers",
	} {
		if !strings.Contains(said, words) {
			t.Errorf("it does not say %q:\n%s", words, said)
		}
	}
	if len(k.forge.Pulls("keepers/index")) != 0 {
		t.Error("a pull request without a token")
	}
	// The address of the forge of tests is no https, which a registration must have.
	said = k.as(exitRefused, dir, map[string]string{"CLYDE_INDEX_TOKEN": k.token}, "init", "--register", "keepers/index")
	if !strings.Contains(said, "sources/valid") {
		t.Error(said)
	}
	if err := os.WriteFile(filepath.Join(dir, ".clyde", "package.yaml"), []byte(helloManifest+"repository: https://example.org/hello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if said = k.as(exitUsage, dir, nil, "init", "--register", "keepers/index"); !strings.Contains(said, "not one at") {
		t.Error(said)
	}
}

// TestHarvestCommand asks nobody when the index names nobody, and nobody more than
// it may.
func TestHarvestCommand(t *testing.T) {
	k := newKeeping(t, nil)
	k.run(exitOK)
	k.wantOutputs(map[string]string{"state": "uploaded"})
	dir := t.TempDir()
	env := map[string]string{"CLYDE_INDEX_TOKEN": k.token}
	if said := k.as(exitOK, dir, env, "harvest", "--index", "keepers/index"); !strings.Contains(said, "the index names no repository, with 0 requests") {
		t.Error(said)
	}
	k.forge.AddFile("keepers/index", "owners/he/ll/hello.yaml", "publishers:\n  - repository: https://github.com/nobody/hello\n")
	said := k.as(exitOK, dir, env, "--json", "harvest", "--index", "keepers/index", "--requests", "0")
	if !strings.Contains(said, `"outcome": "left"`) {
		t.Error(said)
	}
	k.as(exitUsage, dir, env, "harvest")
	k.as(exitNetwork, dir, env, "--offline", "harvest", "--index", "keepers/index")
}

// TestHarvestGiteaCommand collects what is on a release at the Gitea that has the
// index.
func TestHarvestGiteaCommand(t *testing.T) {
	k := newKeeping(t, nil)
	k.run(exitOK)
	k.forge.AddFile("keepers/index", "owners/he/ll/hello.yaml", "publishers:\n  - repository: "+strings.Replace(k.forge.URL, "http:", "https:", 1)+"/octo/hello\n")
	dir := t.TempDir()
	env := map[string]string{"CLYDE_INDEX_TOKEN": k.token, "GITHUB_SERVER_URL": "https://github.com"}
	// Repositories in owners files have https, which the forge of tests has not.
	said := k.as(exitNetwork, dir, env, "harvest", "--host", "gitea", "--index", k.forge.URL+"/keepers/index")
	if !strings.Contains(said, "only releases at GitHub, Gitea and Forgejo are harvested") {
		t.Error(said)
	}
}
