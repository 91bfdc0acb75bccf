package manifest_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/manifest"
)

func TestTemplateIsValidAsWrittenAndUncommented(t *testing.T) {
	starter := manifest.Starter{Name: "hello", Version: "0.1.0", License: "Apache-2.0 OR MIT", Repository: "https://git.example.org/hello"}
	m, err := manifest.Parse("package.yaml", starter.Text())
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "hello" || m.Version != "0.1.0" || m.License != starter.License || m.Repository != starter.Repository {
		t.Errorf("the template says %+v", m)
	}
	if err := m.CheckPublishable(); err != nil {
		t.Error(err)
	}
	for _, text := range [][]byte{manifest.Template("", ""), manifest.Template("hello", "1.0.0")} {
		if _, err := manifest.Parse("package.yaml", text); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
	// Each example works once its "# " is taken away.
	var lines []string
	for line := range strings.Lines(string(manifest.Template("", ""))) {
		example := strings.TrimPrefix(line, "# ")
		key, _, found := strings.Cut(strings.TrimSpace(example), ":")
		if found && !strings.Contains(key, " ") && key != "yaml-language-server" || strings.HasPrefix(strings.TrimSpace(example), "- ") {
			line = example
		}
		lines = append(lines, line)
	}
	m, err = manifest.Parse("package.yaml", []byte(strings.Join(lines, "")))
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(lines, ""))
	}
	if len(m.Dependencies) != 2 || len(m.External) != 1 || len(m.Exclude) != 2 || len(m.Authors) != 1 || m.Homepage == "" {
		t.Errorf("the uncommented template says %+v", m)
	}
}

func TestTemplateTakesDependencies(t *testing.T) {
	text, err := manifest.SetDependency(manifest.Template("hello", "0.1.0"), manifest.Dependency{Name: "fmt", Req: "^10"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "# To add one: clyde add NAME\ndependencies:\n  fmt: \"^10\"\n\n# What only"; !strings.Contains(string(text), want) {
		t.Errorf("no %q in\n%s", want, text)
	}
}

func TestNameFor(t *testing.T) {
	for text, want := range map[string]string{
		"hello": "hello", "My Project": "my-project", "node.js": "node-js", "2048": "my-package", "3d-view": "d-view", "": "my-package",
		"con": "con-package", "_private_": "private", "ünïcode": "n-code", "a..b": "a-b", strings.Repeat("x", 100): strings.Repeat("x", 64),
	} {
		if got := manifest.NameFor(text); got != want {
			t.Errorf("NameFor(%q) = %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		if err := index.CheckName(manifest.NameFor(rapid.String().Draw(t, "text"))); err != nil {
			t.Error(err)
		}
	})
}
