package manifest_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/external"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/spdx"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// The corpus has manifests in three folders:
//
//   - good: accepted by Parse and by the schema;
//   - bad: refused by both. What Parse says is in the .txt file beside each;
//     CLYDE_UPDATE_GOLDEN=1 writes these files;
//   - bad-go-only: refused by Parse alone, because the rule cannot be said in
//     JSON Schema. The first line says why.
const corpus = "testdata/corpus"

func corpusFiles(t *testing.T, folder string, atLeast int) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(corpus, folder, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < atLeast {
		t.Fatalf("%s has %d manifests, want at least %d", folder, len(files), atLeast)
	}
	return files
}

func TestGoodCorpus(t *testing.T) {
	schema := packageSchema(t)
	for _, file := range corpusFiles(t, "good", 25) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data := readFile(t, file)
			if _, err := manifest.Parse(filepath.Base(file), data); err != nil {
				t.Errorf("Parse: %v", err)
			}
			if err := schema.Validate(value(t, data)); err != nil {
				t.Errorf("schema: %v", err)
			}
		})
	}
}

func TestBadCorpus(t *testing.T) {
	schema := packageSchema(t)
	for _, file := range corpusFiles(t, "bad", 80) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data := readFile(t, file)
			checkGolden(t, file, data)
			if err := schema.Validate(value(t, data)); err == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}

func TestBadGoOnlyCorpus(t *testing.T) {
	schema := packageSchema(t)
	for _, file := range corpusFiles(t, "bad-go-only", 10) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data := readFile(t, file)
			checkGolden(t, file, data)
			reason, _, _ := strings.Cut(string(data), "\n")
			switch {
			case !strings.HasPrefix(reason, "# Not in the schema: "):
				t.Error("the first line does not say why the schema cannot have the rule")
			case strings.Contains(reason, "A schema sees") || strings.Contains(reason, "YAML 1.2"):
				// The rule is about the text, of which the schema sees the outcome alone.
			default:
				if err := schema.Validate(value(t, data)); err != nil {
					t.Errorf("the schema refuses it too, so it belongs in the folder bad: %v", err)
				}
			}
		})
	}
}

// checkGolden compares what Parse says with the text beside the manifest.
func checkGolden(t *testing.T, file string, data []byte) {
	t.Helper()
	_, err := manifest.Parse("package.yaml", data)
	var problems strictyaml.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("Parse: %v, want problems", err)
	}
	golden := strings.TrimSuffix(file, ".yaml") + ".txt"
	if os.Getenv("CLYDE_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(problems.Text()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(readFile(t, golden)), problems.Text()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// packageSchema compiles the schema with the one format that it cannot say as
// a pattern: the parentheses and identifiers of a compound licence.
func packageSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(readFile(t, "../../schemas/package.v1.schema.json")))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.RegisterFormat(&jsonschema.Format{Name: "spdx-license-expression", Validate: func(v any) error {
		if text, ok := v.(string); ok {
			return spdx.Check(text)
		}
		return nil
	}})
	compiler.AssertFormat()
	if err := compiler.AddResource("package.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// value returns what an editor's YAML parser gives a schema.
func value(t interface{ Fatal(...any) }, data []byte) any {
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSchemaKnowsTheLists: what the schema has copied is what the code has.
func TestSchemaKnowsTheLists(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(readFile(t, "../../schemas/package.v1.schema.json")))
	if err != nil {
		t.Fatal(err)
	}
	at := func(path ...string) any {
		v := document
		for _, key := range path {
			v = v.(map[string]any)[key]
		}
		return v
	}
	var licenses []any
	for _, id := range spdx.Licenses() {
		licenses = append(licenses, id)
	}
	if diff := cmp.Diff(licenses, at("$defs", "licenseId", "enum")); diff != "" {
		t.Errorf("licences (-code +schema):\n%s", diff)
	}
	for _, id := range at("$defs", "deprecatedLicenseId", "enum").([]any) {
		if spdx.Deprecated(id.(string)) == nil {
			t.Errorf("the licence %s is not deprecated", id)
		}
	}
	var keys []string
	for key := range at("properties").(map[string]any) {
		keys = append(keys, key)
	}
	if diff := cmp.Diff(len(manifest.Keys()), len(keys)); diff != "" {
		t.Errorf("keys: code %q, schema %q", manifest.Keys(), keys)
	}
	if at("$id") != manifest.SchemaURL {
		t.Errorf("$id is %s, the template says %s", at("$id"), manifest.SchemaURL)
	}
	var drivers []string
	for _, notation := range at("$defs", "externalDependency", "anyOf").([]any) {
		drivers = append(drivers, notation.(map[string]any)["title"].(string))
	}
	if diff := cmp.Diff(append(external.Tools(), "x-NAME"), drivers); diff != "" {
		t.Errorf("drivers (-code +schema):\n%s", diff)
	}
}

// TestGoodCorpusGivesGoodLines: what the manifest's rules let through is fit for
// an index.
func TestGoodCorpusGivesGoodLines(t *testing.T) {
	for _, file := range corpusFiles(t, "good", 25) {
		m, err := manifest.Parse(filepath.Base(file), readFile(t, file))
		if err != nil {
			t.Fatal(err)
		}
		if m.Name == "" {
			m.Name = "something"
		}
		if m.Version == "" {
			m.Version = "1.0.0"
		}
		entry := m.Entry()
		entry.Cksum = strings.Repeat("0", 64)
		for i := range entry.Deps {
			entry.Deps[i].Registry = "" // the alias, which the publisher resolves
		}
		for _, violation := range index.CheckLine(entry.AppendLine(nil), m.Name) {
			t.Errorf("%s: %s", file, violation)
		}
	}
}
