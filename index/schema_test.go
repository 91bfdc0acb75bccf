package index

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestLineSchema holds the JSON Schema of a line against CheckLine on the shared
// vectors: what the schema refuses, CheckLine refuses, and the other way round
// for every rule that a schema can state.
func TestLineSchema(t *testing.T) {
	schema := lineSchema(t)
	// Rules about bytes, and about how one member belongs to another.
	beyond := []string{
		"line/canonical", "line/newline", "line/duplicate-member", "line/name", "line/v", "line/package", "line/optional",
		"line/requirement", "line/target", "line/feature", "line/repeated", "line/text", "line/time", "line/url", "line/hook",
		"name/end", "name/empty",
	}
	refused := 0
	for _, c := range readVectors[lineVectors](t, "lines.json").Published {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(c.Line))
		if err != nil {
			continue // no JSON at all
		}
		err = schema.Validate(value)
		if err != nil {
			refused++
		}
		if err != nil && len(c.Rules) == 0 {
			t.Errorf("%s: published, and the schema refuses it: %v", c.About, err)
		}
		stated := slices.ContainsFunc(c.Rules, func(rule string) bool { return !slices.Contains(beyond, rule) })
		if err == nil && stated {
			t.Errorf("%s: breaks %v, and the schema accepts it", c.About, c.Rules)
		}
	}
	if refused < 20 {
		t.Errorf("the schema refuses only %d lines", refused)
	}
}

func lineSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	file, err := os.Open("../schemas/line.v1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	document, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("line.v1.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("line.v1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
