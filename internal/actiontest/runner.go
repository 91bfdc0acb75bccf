// Package actiontest is a runner of GitHub Actions in miniature, for tests: it
// makes the variables and files that a step is given, and reads what the step
// wrote as the real runner does.
//
// It is strict where the real one is, and where the real one is lenient in a way
// that hides mistakes: a command that is not known, an output whose delimiter
// does not end it, or a summary that is too long fails the test.
//
// Sources: the runner's own ActionCommand.TryParseV2 and TryParse, its
// FileCommandManager, and GitHub's documentation of both.
package actiontest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Repository is what the step runs for.
const (
	Repository   = "octo/hello"
	RepositoryID = 4711
	OwnerID      = 42
	RunID        = "1001"
)

// Runner is one step of a job. Its fields and variables may be changed before
// the step runs.
type Runner struct {
	Env    map[string]string
	Stdout bytes.Buffer

	t testing.TB
}

// New makes the variables and files of a step. Workspace is the checkout.
func New(t testing.TB, workspace string) *Runner {
	t.Helper()
	dir := t.TempDir()
	r := &Runner{t: t, Env: map[string]string{
		"CI":                         "true",
		"GITHUB_ACTIONS":             "true",
		"GITHUB_EVENT_NAME":          "release",
		"GITHUB_REPOSITORY":          Repository,
		"GITHUB_REPOSITORY_ID":       fmt.Sprint(RepositoryID),
		"GITHUB_REPOSITORY_OWNER_ID": fmt.Sprint(OwnerID),
		"GITHUB_SHA":                 strings.Repeat("a", 40),
		"GITHUB_API_URL":             "https://api.github.com",
		"GITHUB_SERVER_URL":          "https://github.com",
		"GITHUB_WORKSPACE":           workspace,
		"GITHUB_RUN_ID":              RunID,
		"GITHUB_RUN_ATTEMPT":         "1",
		"GITHUB_WORKFLOW_REF":        Repository + "/.github/workflows/release.yml@refs/heads/main",
		"RUNNER_ENVIRONMENT":         "github-hosted",
	}}
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"} {
		r.Env[name] = filepath.Join(dir, strings.ToLower(name))
		r.write(r.Env[name], nil)
	}
	return r
}

// Getenv returns a variable of the step.
func (r *Runner) Getenv(name string) string { return r.Env[name] }

// SetRelease makes the event that of a published release.
func (r *Runner) SetRelease(id int64, tag string, prerelease bool) {
	r.SetEvent(map[string]any{
		"action": "published",
		"release": map[string]any{
			"id": id, "tag_name": tag, "draft": false, "prerelease": prerelease,
			"published_at": "2026-01-02T03:00:00Z",
		},
	})
	r.Env["GITHUB_REF"] = "refs/tags/" + tag
	r.Env["GITHUB_WORKFLOW_REF"] = Repository + "/.github/workflows/release.yml@refs/tags/" + tag
}

// SetEvent writes the file of the event.
func (r *Runner) SetEvent(payload any) {
	r.t.Helper()
	data, err := json.Marshal(payload)
	if err != nil {
		r.t.Fatal(err)
	}
	name := filepath.Join(r.t.TempDir(), "event.json")
	r.write(name, data)
	r.Env["GITHUB_EVENT_PATH"] = name
}

func (r *Runner) write(name string, data []byte) {
	r.t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// Command is one command that the step gave.
type Command struct {
	Name       string
	Properties map[string]string
	Text       string
}

// Commands reads standard output for commands, in their order. The log is the
// lines that are none.
func (r *Runner) Commands() (commands []Command, log []string) {
	r.t.Helper()
	stopped := ""
	for line := range strings.SplitSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(r.Stdout.String()), "\n") {
		trimmed := strings.TrimLeft(line, " \t")
		switch {
		case stopped != "" && trimmed == "::"+stopped+"::":
			stopped = ""
		case stopped != "":
			log = append(log, line)
		case strings.HasPrefix(trimmed, "::"):
			c := r.parse(trimmed)
			if c.Name == "stop-commands" {
				stopped = c.Text
			}
			commands = append(commands, c)
		case strings.Contains(line, "##["):
			r.t.Errorf("the line %q is a command of the first syntax", line)
		default:
			log = append(log, line)
		}
	}
	if stopped != "" {
		r.t.Errorf("commands stay stopped")
	}
	return commands, log
}

// parse reads "::name key=value,key=value::text".
func (r *Runner) parse(line string) Command {
	r.t.Helper()
	head, text, ok := strings.Cut(strings.TrimPrefix(line, "::"), "::")
	if !ok {
		r.t.Errorf("the line %q is no command", line)
	}
	name, properties, _ := strings.Cut(head, " ")
	known := []string{"error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "stop-commands"}
	if !slices.Contains(known, name) {
		r.t.Errorf("the line %q is a command that the action does not give", line)
	}
	c := Command{Name: name, Text: unescape(text), Properties: map[string]string{}}
	for p := range strings.SplitSeq(properties, ",") {
		if key, value, ok := strings.Cut(p, "="); ok {
			c.Properties[key] = strings.NewReplacer("%3A", ":", "%2C", ",", "%0D", "\r", "%0A", "\n", "%25", "%").Replace(value)
		}
	}
	return c
}

func unescape(s string) string {
	return strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(s)
}

// Named returns the commands of one name.
func (r *Runner) Named(name string) []Command {
	r.t.Helper()
	commands, _ := r.Commands()
	return slices.DeleteFunc(commands, func(c Command) bool { return c.Name != name })
}

// Outputs reads the outputs of the step.
func (r *Runner) Outputs() map[string]string {
	r.t.Helper()
	data, err := os.ReadFile(r.Env["GITHUB_OUTPUT"])
	if err != nil {
		r.t.Fatal(err)
	}
	outputs := map[string]string{}
	lines := strings.SplitAfter(string(data), "\n")
	for i := 0; i < len(lines) && lines[i] != ""; i++ {
		name, delimiter, ok := strings.Cut(strings.TrimSuffix(lines[i], "\n"), "<<")
		if !ok || name == "" || delimiter == "" {
			r.t.Fatalf("the line %q starts no output", lines[i])
		}
		if _, twice := outputs[name]; twice {
			r.t.Errorf("the output %s is set twice", name)
		}
		value := ""
		for i++; i < len(lines) && lines[i] != delimiter+"\n"; i++ {
			value += lines[i]
		}
		if i == len(lines) {
			r.t.Fatalf("the output %s does not end", name)
		}
		outputs[name] = strings.TrimSuffix(value, "\n")
	}
	return outputs
}

// Summary reads the summary of the step.
func (r *Runner) Summary() string {
	r.t.Helper()
	data, err := os.ReadFile(r.Env["GITHUB_STEP_SUMMARY"])
	if err != nil {
		r.t.Fatal(err)
	}
	if len(data) > 1<<20 {
		r.t.Errorf("the summary has %d bytes, and GitHub shows nothing of it", len(data))
	}
	return string(data)
}
