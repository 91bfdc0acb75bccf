package manifest_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

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
			if err := schema.Validate(asJSON(t, data)); err != nil {
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
			if err := schema.Validate(asJSON(t, data)); err == nil {
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
				if err := schema.Validate(asJSON(t, data)); err != nil {
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

// asJSON returns the value that an editor's YAML parser gives a schema.
func asJSON(t *testing.T, data []byte) any {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Content) == 0 {
		return nil
	}
	value, err := jsonValue(document.Content[0])
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func jsonValue(n *yaml.Node) (any, error) {
	switch {
	case n.Kind == yaml.SequenceNode:
		items := []any{}
		for _, item := range n.Content {
			value, err := jsonValue(item)
			if err != nil {
				return nil, err
			}
			items = append(items, value)
		}
		return items, nil
	case n.Kind == yaml.MappingNode:
		members := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			value, err := jsonValue(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			members[n.Content[i].Value] = value
		}
		return members, nil
	case n.Tag == "!!str":
		return n.Value, nil
	case n.Tag == "!!null":
		return nil, nil
	case n.Tag == "!!bool":
		return n.Value == "true", nil
	case n.Tag == "!!int", n.Tag == "!!float":
		return strconv.ParseFloat(n.Value, 64)
	default:
		return nil, fmt.Errorf("line %d: the tag %s", n.Line, n.Tag)
	}
}

// TestSchemaKnowsTheLists: what the schema has copied is what the code has.
func TestSchemaKnowsTheLists(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(readFile(t, "../../schemas/package.v1.schema.json")))
	if err != nil {
		t.Fatal(err)
	}
	at := func(path ...string) any {
		value := document
		for _, key := range path {
			value = value.(map[string]any)[key]
		}
		return value
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
	if diff := cmp.Diff(manifest.Drivers(), drivers); diff != "" {
		t.Errorf("drivers (-code +schema):\n%s", diff)
	}
}
