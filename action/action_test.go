package action_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/action"
	"github.com/clydepm/clyde/internal/actiontest"
)

// hostile are texts that strangers can put into names, tags and files.
func hostile() []string {
	return []string{
		"plain", "", "two\nlines", "two\r\nlines", "cr\ralone", "100%", "%0A", "%25", "a:b,c=d", "::error::x",
		"line\n::add-mask::x", "##[error]x", "x\n##[group]y", "ghadelimiter_x", "a<<b\nc\nb",
		"$(id) `id` ${{ secrets.X }}", "\x1b[31mred\x1b[0m", "é\u2028\u202e世界", "\xff\xfe", "::stop-commands::x",
	}
}

func newRunner(t *testing.T) (*actiontest.Runner, *action.Runner) {
	fake := actiontest.New(t, t.TempDir())
	return fake, &action.Runner{Getenv: fake.Getenv, Stdout: &fake.Stdout, HTTP: http.DefaultClient}
}

// shown is how a log shows a text: without what would steer a terminal.
func shown(s string) string {
	return strings.NewReplacer("\x1b", "\uFFFD", "\u202e", "\uFFFD").Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

func TestAnnotationsCarryAnyText(t *testing.T) {
	for _, text := range hostile() {
		fake, r := newRunner(t)
		r.Annotate(action.Annotation{Level: action.LevelError, File: "dir/" + text, Line: 3, Column: 5, Title: "T " + text, Text: text})
		r.Annotate(action.Annotation{Level: action.LevelWarning, Title: text, Line: 9, Text: "no file"})
		got, log := fake.Commands()
		if len(got) != 2 || strings.Join(log, "") != "" {
			t.Fatalf("%q gives the commands %+v and the log %q", text, got, log)
		}
		want := map[string]string{"file": "dir/" + shown(text), "line": "3", "col": "5", "title": "T " + shown(text)}
		if got[0].Name != "error" || normal(got[0].Text) != normal(shown(text)) || !reflect.DeepEqual(normalAll(got[0].Properties), normalAll(want)) {
			t.Errorf("%q is annotated as %+v", text, got[0])
		}
		if _, ok := got[1].Properties["line"]; ok || got[1].Name != "warning" {
			t.Errorf("a line without a file: %+v", got[1])
		}
	}
}

// normal makes invalid bytes equal however often they were replaced.
func normal(s string) string { return strings.ReplaceAll(s, "\uFFFD\uFFFD", "\uFFFD") }

func normalAll(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[k] = normal(v)
	}
	return out
}

func TestAnnotationSyntax(t *testing.T) {
	fake, r := newRunner(t)
	r.Annotate(action.Annotation{Level: action.LevelError, File: "a,b:c", Line: 1, Column: 2, Title: "x%y", Text: "50%\nnext: a, b"})
	want := "::error file=a%2Cb%3Ac,line=1,col=2,title=x%25y::50%25%0Anext: a, b\n"
	if got := fake.Stdout.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestPrintGivesNoCommand(t *testing.T) {
	for _, text := range hostile() {
		fake, r := newRunner(t)
		if err := r.Print(func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		commands, log := fake.Commands()
		if len(commands) != 1 || commands[0].Name != "stop-commands" || len(commands[0].Text) < 20 {
			t.Errorf("%q gives the commands %+v", text, commands)
		}
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
		if got := strings.Join(log, "\n"); strings.TrimRight(got, "\n") != strings.TrimRight(want, "\n") {
			t.Errorf("%q is logged as %q", text, got)
		}
	}
}

func TestMask(t *testing.T) {
	fake, r := newRunner(t)
	r.Mask("one%0A\ntwo\r\n \n::three")
	var got []string
	for _, c := range fake.Named("add-mask") {
		got = append(got, c.Text)
	}
	if want := []string{"one%0A", "two", "::three"}; !reflect.DeepEqual(got, want) {
		t.Errorf("masked %q, want %q", got, want)
	}
	fake, r = newRunner(t)
	r.Mask("")
	if got := fake.Stdout.String(); got != "" {
		t.Errorf("an empty secret masks %q", got)
	}
}

func TestGroupAndDebug(t *testing.T) {
	fake, r := newRunner(t)
	end := r.Group("a\n::error::b")
	r.Debug("%s", "x\n::error::y")
	end()
	want := "::group::a%0A::error::b\n::debug::x%0A::error::y\n::endgroup::\n"
	if got := fake.Stdout.String(); got != want {
		t.Errorf("got %q", got)
	}
}

func TestOutputsCarryAnyText(t *testing.T) {
	fake, r := newRunner(t)
	want := map[string]string{}
	for i, text := range hostile() {
		name := fmt.Sprintf("out-%d", i)
		if err := r.SetOutput(name, text); err != nil {
			t.Fatal(err)
		}
		want[name] = strings.ToValidUTF8(text, "\uFFFD")
	}
	if got := fake.Outputs(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	data, err := os.ReadFile(fake.Env["GITHUB_OUTPUT"])
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if _, delimiter, ok := strings.Cut(line, "<<ghadelimiter_"); ok {
			if seen[delimiter] {
				t.Errorf("the delimiter %q is used twice", delimiter)
			}
			seen[delimiter] = true
		}
	}
}

func TestRefusedOutputs(t *testing.T) {
	_, r := newRunner(t)
	for name, value := range map[string]string{
		"":         "no name",
		"a\nb":     "line in the name",
		"a<<b":     "delimiter in the name",
		"a b":      "space in the name",
		"nul":      "\x00",
		"too-long": strings.Repeat("x", 512<<10+1), // twice that in UTF-16
	} {
		if err := r.SetOutput(name, value); err == nil {
			t.Errorf("the output %q was set", name)
		}
	}
	if err := r.SetOutput("fits", strings.Repeat("x", 512<<10)); err != nil {
		t.Error(err)
	}
	_, r = newRunner(t)
	r.Getenv = func(string) string { return "" }
	if err := r.SetOutput("a", "b"); !errors.Is(err, action.ErrNoRunner) {
		t.Errorf("without a runner: %v", err)
	}
}

func TestSummaryStaysWithinItsLimit(t *testing.T) {
	fake, r := newRunner(t)
	line := strings.Repeat("x", 1023) + "\n"
	for range 3 {
		if err := r.AddSummary(strings.Repeat(line, 500)); err != nil {
			t.Fatal(err)
		}
	}
	got := fake.Summary()
	if !strings.HasSuffix(got, "in the log.*\n") || len(got) < 1<<20-2000 {
		t.Errorf("%d bytes that end in %q", len(got), got[len(got)-100:])
	}
	if err := r.AddSummary(line); err != nil || len(fake.Summary()) > 1<<20 {
		t.Errorf("a full page takes more: %v", err)
	}
}

func TestInputs(t *testing.T) {
	fake, r := newRunner(t)
	fake.Env["INPUT_INDEX_TOKEN"] = "  secret\n"
	fake.Env["INPUT_DRY_RUN"] = "True"
	fake.Env["INPUT_LINES"] = "a\nb"
	fake.Env["INPUT_WORD"] = "publish"
	fake.Env["INPUT_BELL"] = "a\x07"
	fake.Env["INPUT_LONG"] = strings.Repeat("x", 64<<10+1)
	if got, err := r.Input("index-token"); got != "secret" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := r.BoolInput("dry-run"); !got || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := r.BoolInput("absent"); got || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := r.ChoiceInput("word", "skip", "publish"); got != "publish" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := r.ChoiceInput("absent", "skip", "publish"); got != "skip" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for name, read := range map[string]func() error{
		"a word as a boolean": func() error { _, err := r.BoolInput("word"); return err },
		"an unknown choice":   func() error { _, err := r.ChoiceInput("word", "skip"); return err },
		"several lines":       func() error { _, err := r.LineInput("lines"); return err },
		"a control character": func() error { _, err := r.Input("bell"); return err },
		"too much":            func() error { _, err := r.Input("long"); return err },
	} {
		if read() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestContext(t *testing.T) {
	fake, r := newRunner(t)
	fake.SetRelease(7, "v1.2.3", false)
	fake.Env["GITHUB_SERVER_URL"] = "https://git.example.org/"
	c, err := r.Context()
	if err != nil {
		t.Fatal(err)
	}
	if c.Tag() != "v1.2.3" || c.RepositoryID != actiontest.RepositoryID || c.RunURL() != "https://git.example.org/octo/hello/actions/runs/1001" {
		t.Errorf("%+v", c)
	}
	for name, value := range map[string]string{
		"GITHUB_REPOSITORY":          "octo/hello/../x",
		"GITHUB_REPOSITORY_ID":       "-1",
		"GITHUB_REPOSITORY_OWNER_ID": "x",
		"GITHUB_SHA":                 "main",
		"GITHUB_API_URL":             "file:///etc",
		"GITHUB_SERVER_URL":          "https://user:secret@example.org",
		"GITHUB_EVENT_NAME":          "$(id)",
		"GITHUB_RUN_ID":              "1/../2",
		"GITHUB_WORKSPACE":           "",
	} {
		fake, r := newRunner(t)
		fake.Env[name] = value
		if _, err := r.Context(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%q: %v", name, value, err)
		}
	}
	fake, r = newRunner(t)
	delete(fake.Env, "GITHUB_ACTIONS")
	if _, err := r.Context(); !errors.Is(err, action.ErrNoRunner) {
		t.Errorf("without a runner: %v", err)
	}
}

func TestRelease(t *testing.T) {
	fake, r := newRunner(t)
	fake.SetRelease(7, "v1.2.3-rc.1", true)
	got, err := r.Release()
	want := action.Release{Action: "published", ID: 7, Tag: "v1.2.3-rc.1", Prerelease: true, PublishedAt: "2026-01-02T03:00:00Z"}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for name, payload := range map[string]any{
		"no release":     map[string]any{"action": "published"},
		"no ID":          map[string]any{"release": map[string]any{"tag_name": "v1"}},
		"a wrong type":   map[string]any{"release": []int{1}},
		"a hostile tag":  map[string]any{"release": map[string]any{"id": 1, "tag_name": "v1.0.0$(id)"}},
		"not an object":  "text",
		"an endless one": strings.Repeat("x", 26<<20),
	} {
		fake.SetEvent(payload)
		if _, err := r.Release(); err == nil {
			t.Errorf("an event with %s is taken", name)
		}
	}
	delete(fake.Env, "GITHUB_EVENT_PATH")
	if _, err := r.Release(); !errors.Is(err, action.ErrNoRunner) {
		t.Errorf("without an event: %v", err)
	}
}

func TestHostileTagsAreRefusedByName(t *testing.T) {
	for _, tag := range []string{"v1.2.3", "1.2.3", "hello-v1.2.3", "scope/hello-v1.2.3", "v1.0.0+build.1", "hello@1.0.0"} {
		if err := action.CheckTag(tag); err != nil {
			t.Error(err)
		}
	}
	for _, tag := range []string{
		"", "v1.0.0$(id)", "v1;id", "v1`id`", "v1|id", "v1&id", "v1\nid", "v1 id", "v1'", `v1"`, "-v1", "a/-b", "../v1", "a//b", "/v1", "v1/",
		"v1.lock", "v1.", "a..b", "v1${{x}}", "vé", "v1\\", "v1*", "v1?", "v1[", "v1~", "v1^", "v1:", "::error::", strings.Repeat("v", 201),
	} {
		err := action.CheckTag(tag)
		if err == nil || tag != "" && !strings.Contains(err.Error(), fmt.Sprintf("%.20q", tag)[:2]) {
			t.Errorf("the tag %q: %v", tag, err)
		}
		var hinted interface{ Hint() string }
		if !errors.As(err, &hinted) || hinted.Hint() == "" {
			t.Errorf("the tag %q is refused without a remedy", tag)
		}
	}
}

func TestMatchTag(t *testing.T) {
	for _, tag := range []string{"v1.2.3", "1.2.3", "acme/hello-v1.2.3", "acme-hello-v1.2.3"} {
		if err := action.MatchTag(tag, "acme/hello", "1.2.3"); err != nil {
			t.Error(err)
		}
	}
	for _, tag := range []string{"v1.2.4", "v1.2", "v1.2.3-rc.1", "hello-v1.2.3", "V1.2.3", "acme/hello-1.2.3", "v01.2.3"} {
		err := action.MatchTag(tag, "acme/hello", "1.2.3")
		if err == nil || !strings.Contains(err.Error(), tag) || !strings.Contains(err.Error(), "acme/hello 1.2.3") {
			t.Errorf("%s: %v", tag, err)
		}
	}
}

// FuzzSaying says what a stranger wrote, such as a tag or a release's name, in
// every way there is: no command comes out of it, and outputs have that value, as
// far as it is UTF-8.
func FuzzSaying(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fake, r := newRunner(t)
		r.Annotate(action.Annotation{Level: action.LevelError, File: text, Line: 1, Title: text, Text: text})
		end := r.Group(text)
		r.Debug("%s", text)
		if err := r.Print(func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			t.Fatal(err)
		}
		end()
		commands, _ := fake.Commands()
		var names []string
		for _, c := range commands {
			names = append(names, c.Name)
		}
		if want := []string{"error", "group", "debug", "stop-commands", "endgroup"}; !slices.Equal(names, want) {
			t.Fatalf("%q gives the commands %q", text, names)
		}
		if err := r.SetOutput("entry", text); err != nil {
			return // refused
		}
		if err := r.SetOutput("state", "published"); err != nil {
			t.Fatal(err)
		}
		got := fake.Outputs()
		if len(got) != 2 || got["state"] != "published" || normal(got["entry"]) != normal(strings.ToValidUTF8(text, "\uFFFD")) {
			t.Fatalf("%q gives the outputs %q", text, got)
		}
	})
}
