package sbom

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schema compiles the schema of CycloneDX 1.6, which the library has beside its
// sources.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "schema")
	c := jsonschema.NewCompiler()
	c.UseLoader(jsonschema.SchemeURLLoader{"file": schemaFiles{dir}, "http": schemaFiles{dir}, "https": schemaFiles{dir}})
	s, err := c.Compile("file:///bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// schemaFiles finds schemas in a folder, whatever address they are named by.
type schemaFiles struct{ dir string }

func (f schemaFiles) Load(url string) (any, error) {
	name := url[strings.LastIndexByte(url, '/')+1:]
	if name == "jsf-0.82.schema.json" {
		name = "jsf-0.82.schemax.json"
	}
	return jsonschema.FileLoader{}.Load("file://" + filepath.ToSlash(filepath.Join(f.dir, name)))
}

func bill() *Bill {
	return &Bill{
		Root: Component{ID: ID{"app", "1.0.0"}, Needs: []ID{{"team/table", "0.2.0"}, {"ansi", "0.1.0"}}},
		Components: []Component{
			{
				ID: ID{"team/table", "0.2.0"}, Registry: "https://git.example.org/index.git", Cksum: strings.Repeat("ab", 32),
				Download: "https://example.org/table-0.2.0.tar.gz", License: "MIT OR Apache-2.0", Description: "Tables <b>",
				Homepage: "https://example.org", Repository: "https://git.example.org/team/table", Commit: strings.Repeat("1", 40),
				Scope: Required, Needs: []ID{{"ansi", "0.1.0"}, {"ansi", "0.1.0"}, {"gone", "1.0.0"}},
			},
			{ID: ID{"ansi", "0.1.0"}, Registry: "/srv/index", Cksum: strings.Repeat("cd", 32), Download: "file:///srv/ansi.tar.gz", Scope: Excluded},
		},
		Tool: "1.2.3",
	}
}

func TestJSON(t *testing.T) {
	text, err := bill().JSON()
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	s := schema(t)
	if err := s.Validate(value); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	for _, want := range []string{
		`"purl": "pkg:clyde/team/table@0.2.0?repository_url=https:%2F%2Fgit.example.org%2Findex.git"`,
		`"expression": "MIT OR Apache-2.0"`, `"scope": "excluded"`, `"group": "team"`, `"description": "Tables <b>"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	for _, not := range []string{"/srv/", "timestamp", "gone"} {
		if strings.Contains(string(text), not) {
			t.Errorf("%s in\n%s", not, text)
		}
	}

	// The order in which things are found makes no difference; what they are does.
	other := bill()
	slices.Reverse(other.Components)
	slices.Reverse(other.Root.Needs)
	if again, err := other.JSON(); err != nil || !bytes.Equal(again, text) {
		t.Errorf("another order gives other bytes: %v\n%s", err, again)
	}
	other.Time = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	dated, err := other.JSON()
	if err != nil || !bytes.Contains(dated, []byte(`"timestamp": "2026-01-02T03:04:05Z"`)) || bytes.Equal(serialOf(dated), serialOf(text)) {
		t.Errorf("%v\n%s", err, dated)
	}
	if value, err = jsonschema.UnmarshalJSON(bytes.NewReader(dated)); err != nil || s.Validate(value) != nil {
		t.Errorf("%v %v", err, s.Validate(value))
	}
}

func serialOf(text []byte) []byte {
	for line := range bytes.Lines(text) {
		if bytes.Contains(line, []byte("serialNumber")) {
			return line
		}
	}
	return nil
}
