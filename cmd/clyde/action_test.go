package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/actiontest"
	"github.com/clydepm/clyde/internal/registrytest"
)

// job is a workflow's job in a repository with a package, at a test forge.
type job struct {
	*testing.T
	forge *registrytest.Forge
	step  *actiontest.Runner
	tag   string

	client *http.Client
}

const (
	helloArchive = "hello-1.2.3.tar.gz"
	helloEntry   = "hello-1.2.3.entry.json"
)

// newJob makes the repository octo/hello with a tag and a checkout of it. The
// job runs because of a release of that tag, which the test makes.
func newJob(t *testing.T, manifest, tag string) *job {
	t.Helper()
	return newJobWith(t, map[string]string{".clyde/package.yaml": manifest, "include/hello.h": "#define HELLO 1\n"}, tag)
}

// newJobWith makes the repository of other files.
func newJobWith(t *testing.T, files map[string]string, tag string) *job {
	t.Helper()
	j := &job{T: t, forge: registrytest.NewForge(t), tag: tag, client: &http.Client{}}
	j.forge.AddUser("octo")
	j.forge.AddRepository(actiontest.Repository, files)
	workspace := filepath.Join(t.TempDir(), "work space")
	j.git("-C", j.forge.Path(actiontest.Repository), "tag", tag, "main")
	j.git("clone", "-q", "--branch", tag, j.forge.Path(actiontest.Repository), workspace)
	j.step = actiontest.New(t, workspace)
	j.set("GITHUB_SHA", strings.TrimSpace(j.git("-C", workspace, "rev-parse", "HEAD")))
	j.set("GITHUB_API_URL", j.forge.API())
	j.set("GITHUB_GRAPHQL_URL", j.forge.URL+"/api/graphql")
	j.set("GITHUB_SERVER_URL", j.forge.URL)
	j.set("INPUT_TOKEN", j.forge.AddToken(registrytest.Token{Login: "octo", App: true}))
	j.set("XDG_CONFIG_HOME", t.TempDir())
	j.step.SetRelease(1, tag, false)
	return j
}

const helloManifest = "name: hello\nversion: 1.2.3\ndescription: Says hello | <b>loudly</b>\nlicense: MIT\n"

func (j *job) set(name, value string) { j.step.Env[name] = value }

func (j *job) git(args ...string) string {
	j.Helper()
	cmd := exec.CommandContext(j.Context(), "git", args...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_COMMITTER_NAME=Test", "GIT_COMMITTER_EMAIL=test@example.org", "GIT_AUTHOR_NAME=Test", "GIT_AUTHOR_EMAIL=test@example.org")
	out, err := cmd.CombinedOutput()
	if err != nil {
		j.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// release makes the release of the job's tag.
func (j *job) release(draft, immutable bool) {
	j.forge.AddRelease(actiontest.Repository, j.tag, draft, immutable)
}

func (j *job) assets() map[string][]byte { return j.forge.Assets(actiontest.Repository, j.tag) }

// run runs "clyde action" as a new step of the job, and checks that no token is
// in anything that it wrote but in the commands that mask them.
func (j *job) run(want int) {
	j.Helper()
	j.again()
	var stderr strings.Builder
	env := Env{
		Stdin: strings.NewReader(""), Stdout: &j.step.Stdout, Stderr: &stderr, Dir: j.step.Env["GITHUB_WORKSPACE"],
		Getenv: j.step.Getenv, Now: func() time.Time { return scriptTime }, HTTP: j.client,
	}
	got := run(j.Context(), env, []string{"action"})
	if got != want {
		j.Fatalf("exit code %d, want %d\n%s\n%s", got, want, j.step.Stdout.String(), stderr.String())
	}
	if stderr.Len() > 0 {
		j.Errorf("written to standard error, which the runner reads for commands too: %q", stderr.String())
	}
	commands, log := j.step.Commands()
	written := strings.Join(log, "\n") + j.step.Summary() + fmt.Sprint(j.step.Outputs())
	for _, c := range commands {
		if c.Name != "add-mask" {
			written += c.Text + fmt.Sprint(c.Properties)
		}
	}
	for _, name := range []string{"INPUT_TOKEN", "INPUT_INDEX_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "INPUT_SIGN_KEY", "INPUT_SIGN_KEY_PASSWORD"} {
		for secret := range strings.Lines(j.step.Env[name]) {
			secret = strings.TrimSpace(secret)
			if secret != "" && strings.Contains(written, secret) && !strings.Contains(secret, "://") && !strings.HasPrefix(secret, "-----") {
				j.Errorf("the secret of %s is written somewhere", name)
			}
		}
	}
}

// again clears what an earlier step of the job wrote.
func (j *job) again() {
	j.Helper()
	j.step.Stdout.Reset()
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"} {
		if err := os.Truncate(j.step.Env[name], 0); err != nil {
			j.Fatal(err)
		}
	}
}

func (j *job) wantOutputs(want map[string]string) map[string]string {
	j.Helper()
	got := j.step.Outputs()
	for name, value := range want {
		if got[name] != value {
			j.Errorf("the output %s is %q, want %q", name, got[name], value)
		}
	}
	return got
}

// wantError wants an annotation with all these words, and the place.
func (j *job) wantError(file, line string, words ...string) {
	j.Helper()
	for _, c := range j.step.Named("error") {
		if c.Properties["file"] != file || c.Properties["line"] != line {
			continue
		}
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(c.Text, w) }) {
			if !strings.Contains(j.step.Summary(), "Nothing was published") {
				j.Errorf("the summary is %q", j.step.Summary())
			}
			return
		}
	}
	j.Errorf("no error at %s:%s with %q in %+v", file, line, words, j.step.Named("error"))
}

// TestActionOfTwoLines gives the action a token and nothing else.
func TestActionOfTwoLines(t *testing.T) {
	j := newJob(t, helloManifest, "v1.2.3")
	j.release(false, false)
	j.run(exitOK)
	got := j.wantOutputs(map[string]string{
		"name": "hello", "version": "1.2.3", "state": "uploaded", "pull-request": "", "bundle": "",
		"archive": j.forge.URL + "/octo/hello/releases/download/v1.2.3/" + helloArchive,
	})
	assets := j.assets()
	if names := slices.Sorted(maps.Keys(assets)); !slices.Equal(names, []string{helloEntry, helloArchive}) {
		t.Fatalf("the release has %q", names)
	}
	if line := strings.TrimSuffix(string(assets[helloEntry]), "\n"); line != got["entry"] {
		t.Errorf("the release carries %s, the output is %s", line, got["entry"])
	}
	entry, err := index.ParseLine([]byte(got["entry"]))
	if err != nil {
		t.Fatal(err)
	}
	if v := index.CheckLine([]byte(got["entry"]), "hello"); len(v) > 0 {
		t.Errorf("the line is not one that an index takes: %+v", v)
	}
	if entry.Cksum != got["sha256"] || entry.Cksum != sha256Hex(assets[helloArchive]) || entry.DL != got["archive"] {
		t.Errorf("line %+v, outputs %v", entry, got)
	}
	if s := entry.Source; s == nil || s.Commit != j.step.Env["GITHUB_SHA"] || s.Ref != "refs/tags/v1.2.3" || s.RepositoryID != actiontest.RepositoryID || s.OwnerID != actiontest.OwnerID {
		t.Errorf("the source is %+v", entry.Source)
	}
	if body := j.download(got["archive"]); sha256Hex(body) != got["sha256"] {
		t.Error("the archive is not behind its URL")
	}
	warnings := j.step.Named("warning")
	if len(warnings) != 1 || !strings.Contains(warnings[0].Text, "id-token: write") {
		t.Errorf("warnings %+v", warnings)
	}
	for _, words := range []string{"is on the release", got["sha256"], got["entry"], "index-token", "Not signed"} {
		if !strings.Contains(j.step.Summary(), words) {
			t.Errorf("the summary does not say %q:\n%s", words, j.step.Summary())
		}
	}
	j.forge.Calls() // forgets them
	j.run(exitOK)   // once more, some time later
	j.wantOutputs(map[string]string{"state": "uploaded", "entry": got["entry"]})
	for _, c := range j.forge.Calls() {
		if c.Method != http.MethodGet {
			t.Errorf("running again makes the call %s %s", c.Method, c.Path)
		}
	}
}

func (j *job) download(address string) []byte {
	j.Helper()
	request, err := http.NewRequestWithContext(j.Context(), http.MethodGet, address, nil)
	if err != nil {
		j.Fatal(err)
	}
	response, err := j.client.Do(request)
	if err != nil {
		j.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		j.Fatalf("%s: %s, %v", address, response.Status, err)
	}
	return body
}

func TestActionOpensAPullRequest(t *testing.T) {
	j := newJob(t, helloManifest, "hello-v1.2.3")
	j.release(false, false)
	j.index()
	j.run(exitOK)
	got := j.wantOutputs(map[string]string{"state": "proposed"})
	pulls := j.forge.Pulls("keepers/index")
	if len(pulls) != 1 || got["pull-request"] == "" || !strings.Contains(j.step.Summary(), "proposes it to the index") {
		t.Fatalf("%d pull requests, output %q, summary\n%s", len(pulls), got["pull-request"], j.step.Summary())
	}
	j.run(exitOK)
	j.wantOutputs(map[string]string{"state": "proposed", "pull-request": got["pull-request"], "entry": got["entry"]})
	if n := len(j.forge.Pulls("keepers/index")); n != 1 {
		t.Errorf("%d pull requests after running again", n)
	}
	if !j.forge.Merge("keepers/index", pulls[0].Number) {
		t.Fatal("the pull request cannot be merged")
	}
	if text := j.forge.File("keepers/index", "he/ll/hello"); text != got["entry"]+"\n" {
		t.Errorf("the index has %q", text)
	}
	j.run(exitOK)
	j.wantOutputs(map[string]string{"state": "published", "entry": got["entry"]})
}

// index makes an index and gives the job a token for it.
func (j *job) index() {
	j.Helper()
	j.forge.AddRepository("keepers/index", map[string]string{
		index.ConfigPath: string((&index.Config{Clyde: index.ClydeConfig{Format: 1, Name: "test"}}).Format()),
	})
	j.set("INPUT_INDEX", "keepers/index")
	j.set("INPUT_INDEX_TOKEN", j.forge.AddToken(registrytest.Token{Login: "keepers"}))
}

func TestActionDryRun(t *testing.T) {
	j := newJob(t, helloManifest, "v1.2.3")
	j.index()
	j.set("INPUT_DRY_RUN", "true")
	j.run(exitOK)
	j.wantOutputs(map[string]string{"state": "planned", "version": "1.2.3"})
	j.set("GITHUB_EVENT_NAME", "pull_request")
	j.set("GITHUB_REF", "refs/pull/7/merge")
	j.run(exitOK)
	got := j.wantOutputs(map[string]string{"state": "planned"})
	if _, log := j.step.Commands(); !strings.Contains(strings.Join(log, "\n"), got["entry"]) {
		t.Error("the log does not show the line")
	}
	for _, c := range j.forge.Calls() {
		if c.Method != http.MethodGet {
			t.Errorf("a dry run makes the call %s %s", c.Method, c.Path)
		}
	}
}

func TestActionSkipsPrereleases(t *testing.T) {
	manifest := strings.Replace(helloManifest, "1.2.3", "1.2.3-rc.1", 1)
	j := newJob(t, manifest, "v1.2.3-rc.1")
	j.release(false, false)
	j.run(exitOK)
	j.wantOutputs(map[string]string{"state": "skipped", "name": "hello", "version": "1.2.3-rc.1", "archive": ""})
	if calls := j.forge.Calls(); len(j.assets()) != 0 || len(j.step.Named("notice")) != 1 || len(calls) != 0 {
		t.Errorf("a skip uploads %v and makes the calls %v", j.assets(), calls)
	}
	j.set("INPUT_PRERELEASE", "publish")
	j.run(exitOK)
	j.wantOutputs(map[string]string{"state": "uploaded"})

	j = newJob(t, helloManifest, "v1.2.3") // GitHub says that it is a prerelease
	j.step.SetRelease(1, "v1.2.3", true)
	j.run(exitOK)
	j.wantOutputs(map[string]string{"state": "skipped"})
}

func TestActionRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		manifest, tag string
		change        func(*job)
		code          int
		line          string // of the annotation, "" for none
		words         []string
	}{
		"a tag of another version": {
			tag: "v1.2.4", code: exitFindings, line: "2", words: []string{"v1.2.4", "hello 1.2.3", "v1.2.3, 1.2.3, hello-v1.2.3"},
		},
		"a tag of another package": {
			tag: "world-v1.2.3", code: exitFindings, line: "2", words: []string{"world-v1.2.3"},
		},
		"a hostile tag": {
			change: func(j *job) { j.step.SetRelease(1, "v1.0.0$(id)", false) },
			code:   exitRefused, words: []string{`"v1.0.0$(id)"`, "refused"},
		},
		"a hostile tag as input": {
			change: func(j *job) { j.set("INPUT_TAG", "v1.2.3;id") }, code: exitUsage, words: []string{`"v1.2.3;id"`},
		},
		"a faulty manifest": {
			manifest: "name: hello\nversion: 1.10\nlicence: MIT\n", code: exitFindings, line: "2", words: []string{"1.10"},
		},
		"no manifest": {
			change: func(j *job) { j.set("INPUT_MANIFEST", "other/.clyde/package.yaml") }, code: exitNotFound, words: []string{"other/.clyde/package.yaml"},
		},
		"a manifest outside": {
			change: func(j *job) { j.set("INPUT_MANIFEST", "../.clyde/package.yaml") }, code: exitUsage, words: []string{"input manifest"},
		},
		"no release": {code: exitNotFound, words: []string{"v1.2.3", "there is none"}},
		"an immutable release": {
			change: func(j *job) { j.release(false, true) }, code: exitRefused, words: []string{"immutable", "draft", "input tag"},
		},
		"a token that may not write": {
			change: func(j *job) {
				j.release(false, false)
				j.set("INPUT_TOKEN", j.forge.AddToken(registrytest.Token{Login: "stranger"}))
			},
			code: exitNotFound, words: []string{"contents: write"}, // GitHub does not tell strangers more
		},
		"a checkout of something else": {
			change: func(j *job) {
				j.release(false, false)
				j.git("-C", j.step.Env["GITHUB_WORKSPACE"], "commit", "-q", "--allow-empty", "-m", "More")
			},
			code: exitRefused, words: []string{"the checkout is of the commit", "ref: refs/tags/v1.2.3"},
		},
		"no event": {
			change: func(j *job) { j.set("GITHUB_EVENT_NAME", "push"); j.set("GITHUB_REF", "refs/heads/main") },
			code:   exitUsage, words: []string{"has no release", "input tag"},
		},
		"a bad input": {
			change: func(j *job) { j.set("INPUT_DRY_RUN", "yes") }, code: exitUsage, words: []string{"dry-run", "true or false"},
		},
		"an index-token without an index": {
			change: func(j *job) { j.set("INPUT_INDEX_TOKEN", "index-secret") }, code: exitUsage, words: []string{"no index"},
		},
		"bad artifacts": {
			change: func(j *job) { j.set("INPUT_ARTIFACTS", "linux-x86_64: ../secret") }, code: exitUsage, words: []string{"../secret"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, orDefault(test.manifest, helloManifest), orDefault(test.tag, "v1.2.3"))
			if test.change != nil {
				test.change(j)
			}
			j.run(test.code)
			file := ""
			if test.line != "" {
				file = ".clyde/package.yaml"
			}
			j.wantError(file, test.line, test.words...)
			if len(j.assets()) > 0 {
				t.Errorf("uploaded %v", slices.Sorted(maps.Keys(j.assets())))
			}
		})
	}
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// TestActionAnnotatesAllProblems: every problem of a manifest has its own place,
// below the folder of the package.
func TestActionAnnotatesAllProblems(t *testing.T) {
	j := newJob(t, helloManifest, "v1.2.3")
	folder := filepath.Join(j.step.Env["GITHUB_WORKSPACE"], "packages", "a", ".clyde")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	text := "name: hello\nversion: 1.10\nlicence: MIT\n"
	for i := range 20 {
		text += fmt.Sprintf("wrong%d: x\n", i)
	}
	if err := os.WriteFile(filepath.Join(folder, "package.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	j.set("INPUT_MANIFEST", "./packages/a/.clyde/package.yaml")
	j.run(exitFindings)
	j.wantError("packages/a/.clyde/package.yaml", "2", "1.10")
	j.wantError("packages/a/.clyde/package.yaml", "3", "license")
	errors := j.step.Named("error")
	if len(errors) != 10 || !strings.Contains(errors[9].Text, "13 more, in the log") {
		t.Errorf("%d annotations, the last %+v", len(errors), errors[len(errors)-1])
	}
}

func TestActionPublishesADraft(t *testing.T) {
	j := newJob(t, helloManifest, "v1.2.3")
	j.release(true, true)
	j.set("GITHUB_EVENT_NAME", "workflow_dispatch")
	j.set("GITHUB_REF", "refs/heads/main")
	j.set("INPUT_TAG", "v1.2.3")
	j.run(exitOK)
	j.wantOutputs(map[string]string{"state": "uploaded"})
	calls := j.forge.Calls()
	last := calls[len(calls)-1]
	if last.Method != http.MethodPatch {
		t.Errorf("the last call is %s %s, and not the one that publishes", last.Method, last.Path)
	}
	j.run(exitOK) // the release is immutable now, and has everything
	j.wantOutputs(map[string]string{"state": "uploaded"})
}

// TestActionAfterAFailureAtAnyCall ends the run during every call that changes
// something, and runs the job again.
func TestActionAfterAFailureAtAnyCall(t *testing.T) {
	count := func(j *job) (n int) {
		for _, c := range j.forge.Calls() {
			if c.Method != http.MethodGet {
				n++
			}
		}
		return n
	}
	whole := newJob(t, helloManifest, "v1.2.3")
	whole.release(true, true)
	whole.index()
	whole.run(exitOK)
	for at := range count(whole) {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			j := newJob(t, helloManifest, "v1.2.3")
			j.release(true, true)
			j.index()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			seen := 0
			j.forge.Break(func(_ int, r *http.Request) registrytest.Fault {
				if r.Method != http.MethodGet {
					if seen++; seen > at {
						cancel() // the runner is gone, and hears no answer
						return registrytest.Fault{DropAfter: true}
					}
				}
				return registrytest.Fault{}
			})
			env := Env{
				Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Dir: j.step.Env["GITHUB_WORKSPACE"],
				Getenv: j.step.Getenv, Now: func() time.Time { return scriptTime }, HTTP: &http.Client{},
			}
			if code := run(ctx, env, []string{"action"}); code == exitOK {
				t.Fatal("the run survived the end of its runner")
			}
			j.forge.Break(nil)
			j.run(exitOK)
			j.wantOutputs(map[string]string{"state": "proposed"})
			if n := len(j.forge.Pulls("keepers/index")); n != 1 {
				t.Errorf("%d pull requests", n)
			}
			if names := slices.Sorted(maps.Keys(j.assets())); !slices.Equal(names, []string{helloEntry, helloArchive}) {
				t.Errorf("the release has %q", names)
			}
		})
	}
}

// TestActionNeverReplacesWhatAnIndexMayHave: other bytes for a line that waits on
// a published release are refused.
func TestActionNeverReplacesWhatAnIndexMayHave(t *testing.T) {
	j := newJob(t, helloManifest, "v1.2.3")
	j.release(false, false)
	j.run(exitOK)
	before := j.assets()
	name := filepath.Join(j.step.Env["GITHUB_WORKSPACE"], "include", "hello.h")
	if err := os.WriteFile(name, []byte("#define HELLO 2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	j.run(exitRefused)
	j.wantError("", "", "carries", "for other bytes", "release a new version")
	if !maps.EqualFunc(before, j.assets(), func(a, b []byte) bool { return string(a) == string(b) }) {
		t.Error("the release has changed")
	}
}

// TestActionUploadsArtifacts gives a file for one platform by input.
func TestActionUploadsArtifacts(t *testing.T) {
	j := newJob(t, helloManifest, "v1.2.3")
	j.release(false, false)
	name := filepath.Join(j.step.Env["GITHUB_WORKSPACE"], "dist", "hello.so")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("binary"), 0o644); err != nil {
		t.Fatal(err)
	}
	j.set("INPUT_ARTIFACTS", "\n  linux-x86_64: dist/**\n")
	j.run(exitOK)
	entry, err := index.ParseLine([]byte(j.step.Outputs()["entry"]))
	if err != nil || len(entry.Builds) != 1 || entry.Builds[0].Platform != "linux-x86_64" {
		t.Fatalf("%+v, %v", entry, err)
	}
	if sha256Hex(j.download(entry.Builds[0].DL)) != entry.Builds[0].Cksum {
		t.Error("the build is not behind its URL")
	}
}

// TestActionOutsideOfAWorkflow says what to do instead.
func TestActionOutsideOfAWorkflow(t *testing.T) {
	var stderr strings.Builder
	env := Env{
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &stderr, Dir: t.TempDir(),
		Getenv: func(string) string { return "" }, Now: func() time.Time { return scriptTime }, HTTP: &http.Client{},
	}
	if code := run(t.Context(), env, []string{"action"}); code != exitFailed || !strings.Contains(stderr.String(), "clyde publish") {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}

func sha256Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
