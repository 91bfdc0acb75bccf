package arch

import (
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/clydepm/clyde/internal/registry"
)

// untrusted are the members of an event that hold what strangers wrote freely:
// all but numbers and IDs of commits.
var untrusted = regexp.MustCompile(`github\.(event\.[\w.]+|head_ref)`)

func isTrusted(member string) bool {
	switch member {
	case "github.event.pull_request.number", "github.event.merge_group.base_sha", "github.event.merge_group.head_sha":
		return true
	}
	return false
}

// lintShipped says what is wrong with a workflow that an index is started with.
// It may be started by what strangers propose, since it keeps to more rules than
// our own: nothing that was proposed is checked out, and what they wrote reaches
// no script.
func lintShipped(text string) []string {
	var w workflow
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		return []string{err.Error()}
	}
	problems := lintHardening(text, w)
	problem := func(p string) { problems = append(problems, p) }
	fromStrangers := strings.Contains(flat(&w.On), "pull_request") || strings.Contains(flat(&w.On), "workflow_run") || strings.Contains(flat(&w.On), "merge_group")
	for name, job := range w.Jobs {
		writes := strings.Contains(flat(&job.Permissions), "write")
		if writes && strings.Contains(flat(&w.On), "pull_request") {
			problem(name + ": a job that a pull request starts may write")
		}
		values := []string{}
		for _, v := range job.Env {
			values = append(values, v)
		}
		for _, s := range job.Steps {
			if fromStrangers && strings.HasPrefix(s.Uses, "actions/checkout@") {
				problem(name + ": a checkout where strangers start the workflow")
			}
			if strings.Contains(s.With["ref"], "head") || strings.Contains(s.With["ref"], "refs/pull") {
				problem(name + ": a checkout of what was proposed")
			}
			if writes && (strings.Contains(s.Run, "git fetch") || strings.Contains(s.Run, "refs/pull") || strings.Contains(s.Run, " fetch ")) {
				problem(name + ": a job that may write fetches what was proposed")
			}
			if strings.Contains(s.Run, "clyde review --queue") && writes {
				problem(name + ": the job that judges may write")
			}
			if strings.Contains(s.Run, "clyde review --merge") {
				split := strings.Contains(s.Run, "--verdicts") && job.Needs.Kind != 0
				if fromStrangers && !split {
					problem(name + ": judging and merging are one job, which strangers start")
				}
			}
			for _, v := range s.With {
				values = append(values, v)
			}
			for _, v := range s.Env {
				values = append(values, v)
			}
		}
		for _, v := range values {
			for _, member := range untrusted.FindAllString(v, -1) {
				if !isTrusted(member) {
					problem(name + ": " + member + " is what a stranger wrote")
				}
			}
		}
	}
	return problems
}

// lintGitea says what a workflow asks of Gitea or Forgejo that they have not: other
// events, and rights of a token that differ from job to job. Where one token
// does all, what judges and merges must be a schedule's or a keeper's to start.
func lintGitea(text string) []string {
	var w struct{ On map[string]yaml.Node }
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		return []string{err.Error()}
	}
	var problems []string
	for event := range w.On {
		switch event {
		case "push", "schedule", "workflow_dispatch", "pull_request_target":
		default:
			problems = append(problems, "Gitea has no event "+event)
		}
	}
	if strings.Contains(text, "--merge") && strings.Contains(text, "upload-artifact") {
		problems = append(problems, "two jobs with the same token look as if they parted rights")
	}
	for _, github := range []string{"actions/cache", "GITHUB_TOKEN"} {
		if strings.Contains(text, github) {
			problems = append(problems, github+" is GitHub's")
		}
	}
	return problems
}

// TestShippedWorkflows holds what "clyde index init" writes to the rules.
func TestShippedWorkflows(t *testing.T) {
	files, err := registry.InitOptions{Name: "test", DLBase: "https://example.org/a", GitHub: true, Gitea: true}.Files()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for name, data := range files {
		if !strings.Contains(name, "/workflows/") {
			continue
		}
		seen++
		for _, p := range lintShipped(string(data)) {
			t.Errorf("%s: %s", name, p)
		}
		if strings.HasPrefix(name, ".gitea/") {
			for _, p := range lintGitea(string(data)) {
				t.Errorf("%s: %s", name, p)
			}
		}
	}
	if seen != 13 {
		t.Errorf("%d workflows", seen)
	}
}

// TestLintShippedFinds shows each rule a workflow that breaks only that one.
func TestLintShippedFinds(t *testing.T) {
	const good = `
on: {pull_request_target: {types: [opened]}}
permissions: {}
concurrency: {group: x}
jobs:
  judge:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions: {contents: read}
    steps:
      - uses: actions/setup-go@d35c59abb061a4a6fb18e82ac0862c26744d6ab5 # v5.5.0
        with:
          cache: "false"
      - run: clyde review --queue --pull "$NUMBER"
        env:
          NUMBER: ${{ github.event.pull_request.number }}
`
	if p := lintShipped(good); len(p) != 0 {
		t.Fatal(p)
	}
	for _, change := range [][2]string{
		{"permissions: {}\n", ""},
		{"permissions: {}\n", "permissions: write-all\n"},
		{"permissions: {contents: read}", "env: {}"},
		{"permissions: {contents: read}", "permissions: {contents: write}"},
		{"concurrency: {group: x}\n", ""},
		{"timeout-minutes: 5", "env: {}"},
		{"@d35c59abb061a4a6fb18e82ac0862c26744d6ab5 # v5.5.0", "@v5"},
		{" # v5.5.0", ""},
		{"actions/setup-go@d35c59abb061a4a6fb18e82ac0862c26744d6ab5 # v5.5.0\n        with:\n          cache: \"false\"", "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2\n        with:\n          persist-credentials: \"false\""},
		{`"$NUMBER"`, `"${{ github.event.pull_request.number }}"`},
		{"github.event.pull_request.number", "github.event.pull_request.title"},
		{"github.event.pull_request.number", "github.head_ref"},
		{"clyde review --queue --pull", "clyde review --merge --verdicts v --pull"},
		{"runs-on: ubuntu-24.04", "runs-on: ubuntu-24.04\n    env: {TITLE: \"${{ github.event.pull_request.head.ref }}\"}"},
		{"cache: \"false\"", "ref: ${{ github.sha }}-head"},
		{"{pull_request_target: {types: [opened]}}", "{workflow_dispatch: {}}\nx: 1\n# permissions: {contents: read}"},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Fatalf("%q is not in the workflow", change[0])
		}
		if strings.Contains(change[1], "workflow_dispatch") {
			text = strings.Replace(text, "    permissions: {contents: read}", "    permissions: {contents: write}", 1)
		}
		if p := lintShipped(text); len(p) == 0 {
			t.Errorf("nothing is wrong with %q in place of %q", change[1], change[0])
		}
	}
}

// TestLintGiteaFinds shows each rule a workflow that breaks it.
func TestLintGiteaFinds(t *testing.T) {
	const good = "on: {schedule: [{cron: \"1 * * * *\"}]}\njobs: {}\n"
	if p := lintGitea(good); len(p) != 0 {
		t.Fatal(p)
	}
	for _, bad := range []string{
		strings.Replace(good, "schedule", "merge_group", 1),
		strings.Replace(good, "schedule", "workflow_run", 1),
		good + "# clyde review --merge, actions/upload-artifact\n",
		good + "# actions/cache\n",
		good + "# GITHUB_TOKEN\n",
	} {
		if p := lintGitea(bad); len(p) == 0 {
			t.Errorf("nothing is wrong with %q", bad)
		}
	}
}
