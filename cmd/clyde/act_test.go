package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/actiontest"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/internal/sigstoretest"
)

// twoLines is a workflow with the two lines that publishing takes.
const twoLines = `name: release
on:
  release:
    types: [published]
permissions:
  contents: write
  id-token: write
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - uses: clydepm/action-publish@v1
        with:
          token: ${{ secrets.GITHUB_TOKEN }}
`

// full proposes to an index too, and hands the outputs on.
const full = `name: release
on:
  release:
    types: [published]
permissions: {}
concurrency:
  group: release-${{ github.ref }}
  cancel-in-progress: false
jobs:
  publish:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    permissions:
      contents: write
      id-token: write
    outputs:
      state: ${{ steps.clyde.outputs.state }}
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
      - uses: clydepm/action-publish@v1
        id: clyde
        with:
          index: keepers/index
          index-token: ${{ secrets.INDEX_TOKEN }}
      - run: printf 'STATE=%s ENTRY=%s\n' "$STATE" "$ENTRY"
        env:
          STATE: ${{ steps.clyde.outputs.state }}
          ENTRY: ${{ steps.clyde.outputs.entry }}
`

// actProgram is the runner that CLYDE_TEST_ACT names.
func actProgram(t *testing.T) string {
	t.Helper()
	program := os.Getenv("CLYDE_TEST_ACT")
	switch {
	case program != "":
	case os.Getenv("CLYDE_TEST_REQUIRE") == "1":
		t.Fatal(`CLYDE_TEST_REQUIRE=1, but CLYDE_TEST_ACT does not say where act is; ".ci/run act" builds it`)
	default:
		t.Skip("CLYDE_TEST_ACT does not say where act is")
	}
	return program
}

// workflowRun is a repository with a package and a workflow at a forge that has
// the published action too, at its tag v1, with the clyde of this checkout as
// its release.
type workflowRun struct {
	*job
	act, home string
	env       map[string]string
	client    *http.Client // that trusts serveTLS
}

func newWorkflowRun(t *testing.T, workflow string) *workflowRun {
	t.Helper()
	w := &workflowRun{act: actProgram(t), home: t.TempDir(), client: &http.Client{}}
	w.job = newJobWith(t, map[string]string{
		".clyde/package.yaml":           helloManifest,
		"include/hello.h":               "#define HELLO 1\n",
		".github/workflows/release.yml": workflow,
	}, "v1.2.3")
	w.release(false, false)
	w.env = map[string]string{
		"GITHUB_REPOSITORY": actiontest.Repository, "GITHUB_REPOSITORY_ID": "1001", "GITHUB_REPOSITORY_OWNER_ID": "2002",
		"GITHUB_REPOSITORY_OWNER": "octo", "GITHUB_REF": "refs/tags/v1.2.3", "GITHUB_RUN_ID": actiontest.RunID,
		"GITHUB_API_URL": w.forge.API(), "GITHUB_SERVER_URL": w.forge.URL, "GITHUB_GRAPHQL_URL": w.forge.URL + "/api/graphql",
		"CLYDE_MIRROR": w.forge.URL + "/clydepm/clyde/releases/download",
	}
	w.publishAction()
	return w
}

// publishAction makes clydepm/action-publish at the forge, and the release of
// clyde whose checksum it has.
func (w *workflowRun) publishAction() {
	w.Helper()
	name := fmt.Sprintf("clyde_%s_%s", runtime.GOOS, runtime.GOARCH)
	built := filepath.Join(w.TempDir(), name)
	build := exec.CommandContext(w.Context(), "go", "build", "-ldflags=-X main.released=v0.0.1", "-o", built, ".")
	if out, err := build.CombinedOutput(); err != nil {
		w.Fatalf("%v\n%s", err, out)
	}
	program, err := os.ReadFile(built)
	if err != nil {
		w.Fatal(err)
	}
	w.forge.AddRepository("clydepm/clyde", map[string]string{"README.md": "clyde\n"})
	w.forge.AddRelease("clydepm/clyde", "v0.0.1", false, false)
	w.forge.AddAsset("clydepm/clyde", "v0.0.1", name, program, false)
	files := map[string]string{
		"action/checksums.txt": fmt.Sprintf("# clyde v0.0.1, built with %s by action/build.sh\n%s  %s\n", runtime.Version(), sha256Hex(program), name),
	}
	for _, name := range []string{"action.yml", "action/install.sh", "action/build.sh"} {
		data, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
		if err != nil {
			w.Fatal(err)
		}
		files[name] = string(data)
	}
	w.forge.AddRepository("clydepm/action-publish", files)
	w.makeExecutable("clydepm/action-publish", "action/install.sh", "action/build.sh")
	w.git("-C", w.forge.Path("clydepm/action-publish"), "tag", "v1", "main")
}

// makeExecutable commits the mode that files of a repository have here.
func (w *workflowRun) makeExecutable(repository string, names ...string) {
	w.Helper()
	clone := filepath.Join(w.TempDir(), "clone")
	w.git("clone", "-q", w.forge.Path(repository), clone)
	w.git(append([]string{"-C", clone, "update-index", "--chmod=+x"}, names...)...)
	w.git("-C", clone, "commit", "-q", "-m", "Make scripts executable")
	w.git("-C", clone, "push", "-q", "origin", "HEAD:main")
}

// start runs the workflow for the release and returns the log.
func (w *workflowRun) start(secrets map[string]string) string {
	w.Helper()
	args := []string{
		"release", "--eventpath", w.step.Env["GITHUB_EVENT_PATH"], "--platform", "ubuntu-latest=-self-hosted",
		"--action-cache-path", filepath.Join(w.home, "actions"), "--no-cache-server", "--log-prefix-job-id",
	}
	environment := append(os.Environ(), "HOME="+w.home, "XDG_CACHE_HOME="+filepath.Join(w.home, "cache"), "XDG_CONFIG_HOME="+filepath.Join(w.home, "config"))
	if roots := w.env["SSL_CERT_FILE"]; roots != "" {
		environment = append(environment, "SSL_CERT_FILE="+roots)
	}
	for name, value := range w.env {
		args = append(args, "--env", name+"="+value)
	}
	for name, value := range secrets {
		args = append(args, "--secret", name) // its value comes from the environment
		environment = append(environment, name+"="+value)
	}
	cmd := exec.CommandContext(w.Context(), w.act, args...)
	cmd.Dir = w.step.Env["GITHUB_WORKSPACE"]
	cmd.Env = environment
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("act: %v\n%s", err, out)
	}
	for name, value := range secrets {
		if bytes.Contains(out, []byte(value)) {
			w.Errorf("the log shows the secret %s", name)
		}
	}
	return string(out)
}

// serveTLS has a forge answer by https too, which is what owners and
// certificates name.
func serveTLS(t *testing.T, forge string) *httptest.Server {
	t.Helper()
	target, err := url.Parse(forge)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }})
	t.Cleanup(server.Close)
	return server
}

// serveTLS has everything trust the forge's https.
func (w *workflowRun) serveTLS() string {
	w.Helper()
	server := serveTLS(w.T, w.forge.URL)
	roots := filepath.Join(w.home, "roots.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(roots, text, 0o600); err != nil {
		w.Fatal(err)
	}
	w.client = server.Client()
	w.env["GITHUB_SERVER_URL"], w.env["SSL_CERT_FILE"] = server.URL, roots
	return server.URL
}

// TestActTwoLines runs the workflow of two lines as it is written: a real
// runner, the action from its repository, the program from its release. The
// release then carries the archive, its signature, and the line with both.
func TestActTwoLines(t *testing.T) {
	w := newWorkflowRun(t, twoLines)
	stack := sigstoretest.Start(t)
	w.identify(stack)
	log := w.start(map[string]string{"GITHUB_TOKEN": w.step.Env["INPUT_TOKEN"]})
	assets := w.assets()
	const helloBundle = helloArchive + ".sigstore.json"
	if names := slices.Sorted(maps.Keys(assets)); !slices.Equal(names, []string{helloEntry, helloArchive, helloBundle}) {
		t.Fatalf("the release has %q\n%s", names, log)
	}
	entry, err := index.ParseLine(bytes.TrimSpace(assets[helloEntry]))
	if err != nil || entry.Cksum != sha256Hex(assets[helloArchive]) || entry.Att == nil || entry.Att.SHA256 != sha256Hex(assets[helloBundle]) {
		t.Errorf("%+v, %v", entry, err)
	}
}

// identify gives the job an identity, and a Sigstore that believes it.
func (w *workflowRun) identify(stack *sigstoretest.Stack) {
	w.Helper()
	maps.Copy(w.env, stack.TokenRequestEnv(sigstoretest.Release(actiontest.Repository, "v1.2.3", w.step.Env["GITHUB_SHA"])))
	services := stack.Services()
	maps.Copy(w.env, map[string]string{
		"CLYDE_FULCIO_URL": services.Fulcio, "CLYDE_REKOR_URL": services.Rekor,
		"CLYDE_REKOR_VERSION": fmt.Sprint(services.RekorVersion), "CLYDE_TSA_URL": services.TimestampService,
	})
}

// TestActFull goes all the way: a release event comes in, the version is signed
// by a real Sigstore and proposed; the merged line is installed, and the
// installer verifies who signed.
func TestActFull(t *testing.T) {
	w := newWorkflowRun(t, full)
	web := w.serveTLS()
	stack := sigstoretest.StartFor(t, web)
	w.identify(stack)
	config := index.Config{Clyde: index.ClydeConfig{Format: 1, Name: "test"}}
	w.forge.AddRepository("keepers/index", map[string]string{
		index.ConfigPath:  string(config.Format()),
		index.PolicyPath:  "verify: require\n",
		"trust/root.json": string(stack.TrustedRoot()),
		"owners/he/ll/hello.yaml": fmt.Sprintf("publishers:\n  - repository: %s/octo/hello\n    repository-id: 1001\n    owner-id: 2002\n"+
			"    issuer: https://token.actions.githubusercontent.com\n    workflow: .github/workflows/release.yml\n", web),
	})
	log := w.start(map[string]string{
		"GITHUB_TOKEN": w.step.Env["INPUT_TOKEN"],
		"INDEX_TOKEN":  w.forge.AddToken(registrytest.Token{Login: "keepers"}),
	})
	pulls := w.forge.Pulls("keepers/index")
	if len(pulls) != 1 || !strings.Contains(log, "STATE=proposed ENTRY={") {
		t.Fatalf("%d pull requests\n%s", len(pulls), log)
	}
	if !w.forge.Merge("keepers/index", pulls[0].Number) {
		t.Fatal("the pull request cannot be merged")
	}
	w.install()
}

// install installs the merged version in a new project, and checks that its
// signature was verified.
func (w *workflowRun) install() {
	w.Helper()
	project := w.TempDir()
	clyde := func(args ...string) string {
		w.Helper()
		var stdout, stderr strings.Builder
		env := Env{
			Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Dir: project, Now: time.Now, HTTP: w.client,
			Getenv: func(name string) string {
				return map[string]string{
					"HOME": w.home, "XDG_CONFIG_HOME": filepath.Join(w.home, "c"), "XDG_CACHE_HOME": filepath.Join(w.home, "k"), "XDG_DATA_HOME": filepath.Join(w.home, "d"),
				}[name]
			},
		}
		if code := run(w.Context(), env, args); code != exitOK {
			w.Fatalf("clyde %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout.String(), stderr.String())
		}
		return stdout.String() + stderr.String()
	}
	clyde("registry", "add", w.forge.URL+"/keepers/index.git")
	clyde("init", "--name", "consumer")
	clyde("add", "hello@1.2.3")
	clyde("install")
	data, err := os.ReadFile(filepath.Join(project, ".clyde", "packages", "hello", "include", "hello.h"))
	if err != nil || string(data) != "#define HELLO 1\n" {
		w.Errorf("installed %q, %v", data, err)
	}
	lock, err := os.ReadFile(filepath.Join(project, ".clyde", "lock.jsonl"))
	if err != nil || !strings.Contains(string(lock), "verified") {
		w.Errorf("the lock does not say that the signature was verified: %s, %v", lock, err)
	}
}
