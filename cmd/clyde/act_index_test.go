package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/actiontest"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/internal/sigstoretest"
)

// standIns are in place of the actions that the workflows of an index use, which
// no network brings here: the program is on the runner already, and files go
// from job to job by a folder.
func standIns(bin, files string) map[string]map[string]string {
	step := func(inputs, run string) string {
		return "name: stand-in\ndescription: stand-in\ninputs:\n" + inputs + "runs:\n  using: composite\n  steps:\n    - shell: bash\n      run: " + run + "\n"
	}
	const anything = "  name: {description: x, default: ''}\n  path: {description: x, default: ''}\n  key: {description: x, default: ''}\n" +
		"  restore-keys: {description: x, default: ''}\n  go-version: {description: x, default: ''}\n  cache: {description: x, default: ''}\n" +
		"  if-no-files-found: {description: x, default: ''}\n  retention-days: {description: x, default: ''}\n"
	return map[string]map[string]string{
		"actions/setup-go":          {"action.yml": step(anything, `echo "`+bin+`" >>"$GITHUB_PATH"`)},
		"actions/upload-artifact":   {"action.yml": step(anything, `cp verdicts.jsonl "`+files+`/"`)},
		"actions/download-artifact": {"action.yml": step(anything, `cp "`+files+`/verdicts.jsonl" .`)},
		"actions/cache": {
			"restore/action.yml": step(anything, `cp "`+files+`/harvest.json" . || true`),
			"save/action.yml":    step(anything, `cp harvest.json "`+files+`/"`),
		},
	}
}

var pinned = regexp.MustCompile(`(actions/[a-z-]+)((?:/[a-z]+)?)@[0-9a-f]{40} # v[\d.]+`)

// indexRun is an index at the forge as "clyde index init --github" starts it,
// whose workflows a real runner carries out.
type indexRun struct {
	*workflowRun
	checkout string
}

func (w *workflowRun) newIndex(more map[string]string) *indexRun {
	w.Helper()
	bin, files := filepath.Join(w.TempDir(), "bin"), w.TempDir()
	if err := os.MkdirAll(bin, 0o755); err != nil {
		w.Fatal(err)
	}
	// The program was built for the action; "go install" has nothing to do.
	build := exec.CommandContext(w.Context(), "go", "build", "-o", filepath.Join(bin, "clyde"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		w.Fatalf("%v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\nexit 0\n"), 0o755); err != nil {
		w.Fatal(err)
	}
	commits := map[string]string{}
	for name, content := range standIns(bin, files) {
		w.forge.AddRepository(name, content)
		commits[name] = strings.TrimSpace(w.git("-C", w.forge.Path(name), "rev-parse", "main"))
	}
	shipped, err := registry.InitOptions{Name: "test", DLBase: "https://packages.example.org/a", GitHub: true}.Files()
	if err != nil {
		w.Fatal(err)
	}
	all := map[string]string{}
	for path, data := range shipped {
		all[path] = pinned.ReplaceAllStringFunc(string(data), func(s string) string {
			m := pinned.FindStringSubmatch(s)
			return m[1] + m[2] + "@" + commits[m[1]]
		})
	}
	maps.Copy(all, more)
	w.forge.AddRepository("keepers/index", all)
	x := &indexRun{workflowRun: w, checkout: filepath.Join(w.TempDir(), "index")}
	w.git("clone", "-q", w.forge.Path("keepers/index"), x.checkout)
	return x
}

// carryOut runs one workflow of the index, with the token that a host gives it,
// and returns the log.
func (x *indexRun) carryOut(workflow, event string, payload map[string]any) string {
	x.Helper()
	file := filepath.Join(x.TempDir(), "event.json")
	data, err := json.Marshal(payload)
	if err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		x.Fatal(err)
	}
	token := x.forge.AddToken(registrytest.Token{Login: "keepers", App: true})
	args := []string{
		event, "--eventpath", file, "--workflows", ".github/workflows/" + workflow, "--no-cache-server", "--log-prefix-job-id",
		"--platform", "ubuntu-24.04=-self-hosted", "--action-cache-path", filepath.Join(x.home, "actions"), "--secret", "GITHUB_TOKEN",
	}
	for name, value := range x.env {
		if strings.HasPrefix(name, "ACTIONS_") || strings.HasPrefix(name, "GITHUB_REF") || strings.HasPrefix(name, "GITHUB_REPOSITORY") {
			continue // of the publisher's job
		}
		args = append(args, "--env", name+"="+value)
	}
	ref := "refs/heads/main"
	if group, ok := payload["merge_group"].(map[string]string); ok {
		ref = group["head_ref"]
	}
	args = append(args, "--env", "GITHUB_REPOSITORY=keepers/index", "--env", "GITHUB_REPOSITORY_OWNER=keepers", "--env", "GITHUB_REF="+ref)
	cmd := exec.CommandContext(x.Context(), x.act, args...)
	cmd.Dir = x.checkout
	cmd.Env = append(os.Environ(), "HOME="+x.home, "XDG_CACHE_HOME="+filepath.Join(x.home, "cache"), "XDG_CONFIG_HOME="+filepath.Join(x.home, "config"),
		"GITHUB_TOKEN="+token, "SSL_CERT_FILE="+x.env["SSL_CERT_FILE"])
	out, err := cmd.CombinedOutput()
	if err != nil {
		verdicts, _ := os.ReadFile(filepath.Join(x.checkout, "verdicts.jsonl"))
		x.Fatalf("act %s: %v\n%s\n%s", workflow, err, out, verdicts)
	}
	if strings.Contains(string(out), token) {
		x.Error("the log shows the token")
	}
	return string(out)
}

// TestActIndex has an index keep itself: the workflow of a publisher, who has no
// secret but the token of the own repository, leaves a signed line on the release;
// harvest proposes it, validate judges it, also as a merge queue would have it,
// merge merges it, and it is installed with its signature verified. Nobody does
// anything after the registration.
func TestActIndex(t *testing.T) {
	w := newWorkflowRun(t, strings.Replace(twoLines, "          token: ", "          index: keepers/index\n          token: ", 1))
	web := w.serveTLS()
	stack := sigstoretest.StartFor(t, web)
	w.identify(stack)
	w.forge.Identify(actiontest.Repository, 1001, 2002, web)
	x := w.newIndex(map[string]string{
		"policy.yaml":     "verify: require\nnames: {similar: [], look-alikes: false}\n",
		"trust/root.json": string(stack.TrustedRoot()),
		"sources/he/ll/hello.yaml": fmt.Sprintf("publishers:\n  - repository: %s/octo/hello\n    repository-id: 1001\n    owner-id: 2002\n"+
			"    issuer: https://token.actions.githubusercontent.com\n    workflow: .github/workflows/release.yml\n", web),
	})
	w.start(map[string]string{"GITHUB_TOKEN": w.step.Env["INPUT_TOKEN"]})

	log := x.carryOut("harvest.yml", "schedule", map[string]any{})
	pulls := w.forge.Pulls("keepers/index")
	if len(pulls) != 1 {
		t.Fatalf("%d pull requests\n%s", len(pulls), log)
	}
	x.carryOut("validate.yml", "pull_request_target", map[string]any{
		"pull_request": map[string]any{"number": 1, "base": map[string]any{"ref": "main"}, "head": map[string]any{"ref": pulls[0].Branch}},
	})
	ref, base, head := w.forge.Enqueue("keepers/index", 1, "")
	log = x.carryOut("validate.yml", "merge_group", map[string]any{
		"action": "checks_requested", "merge_group": map[string]string{"head_ref": ref, "head_sha": head, "base_ref": "refs/heads/main", "base_sha": base},
	})
	if !strings.Contains(log, "hello    merge") {
		t.Errorf("the commit of the queue is not judged\n%s", log)
	}
	if w.forge.File("keepers/index", "he/ll/hello") != "" {
		t.Error("judging merges")
	}
	log = x.carryOut("merge.yml", "workflow_dispatch", map[string]any{})
	if state := w.forge.Pulls("keepers/index")[0].State; state != "merged" {
		t.Fatalf("the pull request is %s\n%s", state, log)
	}
	w.install()
}
