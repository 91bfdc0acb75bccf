package arch

import (
	"iter"
	"path"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// workflow is what these rules read of a workflow, or of a composite action.
type workflow struct {
	On          yaml.Node  `yaml:"on"`
	Permissions yaml.Node  `yaml:"permissions"`
	Concurrency *yaml.Node `yaml:"concurrency"`
	Jobs        map[string]struct {
		Needs       yaml.Node         `yaml:"needs"`
		Permissions yaml.Node         `yaml:"permissions"`
		Timeout     int               `yaml:"timeout-minutes"`
		Concurrency *yaml.Node        `yaml:"concurrency"`
		Uses        string            `yaml:"uses"`
		Env         map[string]string `yaml:"env"`
		Steps       []step            `yaml:"steps"`
	} `yaml:"jobs"`
	Runs struct {
		Using string `yaml:"using"`
		Steps []step `yaml:"steps"`
	} `yaml:"runs"`
}

type step struct {
	Uses  string            `yaml:"uses"`
	Run   string            `yaml:"run"`
	Shell string            `yaml:"shell"`
	With  map[string]string `yaml:"with"`
	Env   map[string]string `yaml:"env"`
}

// Our published action and its reusable workflow, at their major version. What others publish
// is named by commit; .ci/mirror does the same for ours when it is published.
const (
	ownAction   = "clydepm/action-publish@v1"
	ownWorkflow = "clydepm/action-publish/.github/workflows/publish.yml@v1"
)

// lint says what is wrong with a workflow of ours.
func lint(text string) []string {
	var w workflow
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		return []string{err.Error()}
	}
	problems := lintHardening(text, w)
	for _, event := range []string{"pull_request_target", "workflow_run", "issue_comment"} {
		if strings.Contains(flat(&w.On), event) {
			problems = append(problems, "the event "+event+" runs with our rights on what strangers wrote")
		}
	}
	return problems
}

// lintHardening is what holds for every workflow, whatever starts it.
func lintHardening(text string, w workflow) []string {
	var problems []string
	problem := func(p string) { problems = append(problems, p) }
	if w.Permissions.Kind != yaml.MappingNode || len(w.Permissions.Content) != 0 {
		problem("the workflow has no 'permissions: {}'")
	}
	for name, job := range w.Jobs {
		if job.Permissions.Kind == 0 {
			problem(name + ": no permissions")
		}
		if w.Concurrency == nil && job.Concurrency == nil {
			problem(name + ": no concurrency")
		}
		if job.Timeout == 0 && job.Uses == "" {
			problem(name + ": no timeout-minutes")
		}
		if job.Uses != "" {
			problems = append(problems, lintUses(text, job.Uses)...)
		}
		problems = append(problems, lintSteps(text, job.Steps)...)
	}
	if len(w.Jobs) == 0 {
		problem("no jobs")
	}
	return problems
}

func lintSteps(text string, steps []step) []string {
	var problems []string
	for _, s := range steps {
		if s.Uses != "" {
			problems = append(problems, lintUses(text, s.Uses)...)
		}
		if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != "false" {
			problems = append(problems, s.Uses+" leaves its token in the checkout: persist-credentials: false")
		}
		if strings.Contains(s.Run, "${{") {
			problems = append(problems, "an expression within a script, where it is read as code: put it into env: "+s.Run)
		}
	}
	return problems
}

func lintUses(text, uses string) []string {
	switch {
	case uses == ownAction, uses == ownWorkflow, strings.HasPrefix(uses, "./"):
		return nil
	case !regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`).MatchString(uses):
		return []string{uses + " is not named by commit"}
	case !regexp.MustCompile(regexp.QuoteMeta(uses) + ` # v\d`).MatchString(text):
		return []string{uses + " does not say in a comment which version that is"}
	}
	return nil
}

// flat is every word of a node.
func flat(n *yaml.Node) string {
	text := n.Value
	for _, c := range n.Content {
		text += " " + flat(c)
	}
	return text
}

func TestWorkflows(t *testing.T) {
	seen := 0
	for _, name := range paths(t) {
		if path.Dir(name) != ".github/workflows" {
			continue
		}
		seen++
		text := read(t, name)
		for _, p := range lint(text) {
			t.Errorf("%s: %s", name, p)
		}
		if path.Base(name) != "ci.yml" && strings.Count(text, "cancel-in-progress: false") != strings.Count(text, "concurrency:") {
			t.Errorf("%s: a run that publishes must not be cancelled half-way", name)
		}
	}
	if seen == 0 {
		t.Error("no workflows")
	}
}

// TestAction holds action.yml to the same rules.
func TestAction(t *testing.T) {
	text := read(t, "action.yml")
	var a workflow
	if err := yaml.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	if a.Runs.Using != "composite" || len(a.Runs.Steps) == 0 {
		t.Error("action.yml is no composite action")
	}
	for _, p := range lintSteps(text, a.Runs.Steps) {
		t.Error("action.yml: " + p)
	}
	for _, s := range a.Runs.Steps {
		if s.Run != "" && s.Shell != "bash" {
			t.Errorf("action.yml: %q runs in %q, and bash is the shell that every runner has", s.Run, s.Shell)
		}
	}
}

// TestActionIsDocumented holds the tables of docs/action.md to action.yml.
func TestActionIsDocumented(t *testing.T) {
	const document = "docs/action.md"
	var a struct {
		Inputs, Outputs yaml.Node
	}
	if err := yaml.Unmarshal([]byte(read(t, "action.yml")), &a); err != nil {
		t.Fatal(err)
	}
	row := func(cells ...string) string {
		return strings.ReplaceAll("| "+strings.Join(cells, " | ")+" |\n", "|  |", "| |")
	}
	want := "<!-- inputs -->\n" + row("input", "default", "meaning") + "|---|---|---|\n"
	for name, in := range entries(t, &a.Inputs) {
		byDefault := ""
		if in["default"] != "" {
			byDefault = "`" + in["default"] + "`"
		}
		want += row("`"+name+"`", byDefault, in["description"])
	}
	if !strings.Contains(read(t, document), want) {
		t.Errorf("%s has not the table of inputs\n%s", document, want)
	}
	want = "<!-- outputs -->\n" + row("output", "meaning") + "|---|---|\n"
	for name, out := range entries(t, &a.Outputs) {
		want += row("`"+name+"`", out["description"])
	}
	if !strings.Contains(read(t, document), want) {
		t.Errorf("%s has not the table of outputs\n%s", document, want)
	}
}

// entries goes through a mapping of mappings in the order of the file.
func entries(t *testing.T, n *yaml.Node) iter.Seq2[string, map[string]string] {
	return func(yield func(string, map[string]string) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			var value map[string]string
			if err := n.Content[i+1].Decode(&value); err != nil {
				t.Fatal(err)
			}
			if !yield(n.Content[i].Value, value) {
				return
			}
		}
	}
}

// TestDocumentedWorkflows holds the workflows that documents show, and call
// whole, to the rules of our own.
func TestDocumentedWorkflows(t *testing.T) {
	seen := 0
	for _, name := range documents(t) {
		for _, b := range blocks(t, name) {
			if b.Mark != "workflow" {
				continue
			}
			seen++
			for _, p := range lint(b.Text) {
				t.Errorf("%s:%d: %s", b.File, b.Line, p)
			}
		}
	}
	if seen == 0 {
		t.Error("no document shows a workflow")
	}
}

// TestLintFinds shows each rule a workflow that breaks only that one.
func TestLintFinds(t *testing.T) {
	const good = `
on: {release: {types: [published]}}
permissions: {}
concurrency: {group: x}
jobs:
  a:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions: {contents: read}
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
      - run: echo "$TAG"
        env:
          TAG: ${{ github.ref_name }}
`
	if p := lint(good); len(p) != 0 {
		t.Fatal(p)
	}
	for _, change := range [][2]string{
		{"permissions: {}\n", ""},
		{"permissions: {}\n", "permissions: write-all\n"},
		{"permissions: {contents: read}", "env: {}"},
		{"concurrency: {group: x}\n", ""},
		{"timeout-minutes: 5", "env: {}"},
		{"@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2", "@v4"},
		{" # v4.2.2", ""},
		{"persist-credentials: false", "fetch-depth: 1"},
		{`echo "$TAG"`, `echo "${{ github.ref_name }}"`},
		{"release: {types: [published]}", "pull_request_target: {}"},
		{"jobs:", "work:"},
	} {
		if p := lint(strings.Replace(good, change[0], change[1], 1)); len(p) != 1 {
			t.Errorf("%q for %q: %q", change[1], change[0], p)
		}
	}
}
