package review

import (
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// TestSchemasAgree: what a person writes about an index is accepted by the
// reader and the schema, or refused by both.
func TestSchemasAgree(t *testing.T) {
	parsers := map[string]func([]byte) error{
		"policy": func(data []byte) error { _, err := ParsePolicy("f.yaml", data); return err },
		"owners": func(data []byte) error { _, err := ParseOwners("f.yaml", data); return err },
	}
	tests := []struct {
		schema, data string
		good         bool
	}{
		{"policy", "", true},
		{"policy", "names:\napproval:\nrules:\n", true},
		{"policy", "names: {reserved: [std, acme/core], similar-distance: 0}\n", true},
		{"policy", "approval: {new-package: person, new-version: automatic, yank: person, unyank: person, retire: person, unretire: person, owners: automatic, register: automatic}\n", true},
		{"policy", "rules: {license/changed: fail, name/similar: off, version/gap: warn}\n", true},
		{"policy", "[]\n", false},
		{"policy", "name: {}\n", false},
		{"policy", "names: {reserved: [std, std]}\n", false},
		{"policy", "names: {reserved: [a b]}\n", false},
		{"policy", "names: {similar-distance: 4}\n", false},
		{"policy", "names: {similar-distance: \"1\"}\n", false},
		{"policy", "names: {similar: 1}\n", false},
		{"policy", "approval: {new-package: nobody}\n", false},
		{"policy", "approval: {new-package: }\n", false},
		{"policy", "approval: {policy: automatic}\n", false},
		{"policy", "rules: {license/changed: pass}\n", false},
		{"policy", "rules: {delta/append-only: off}\n", false},
		{"policy", "rules: {no/such: off}\n", false},

		{"owners", "reviewers: [ann, acme/packagers, a-b.c_d]\n", true},
		{"owners", "publishers: [{repository: \"https://git.example.org/acme/hello\"}]\n", true},
		{"owners", "publishers:\n  - repository: https://git.example.org/acme/hello\n    repository-id: 123\n    owner-id: 456\n    issuer: https://token.example.org\n    workflow: .github/workflows/release.yml\nreviewers:\n", true},
		{"owners", "", false},
		{"owners", "reviewers: []\npublishers: []\n", false},
		{"owners", "reviewers: [\"@ann\"]\n", false},
		{"owners", "reviewers: [ann, ann]\n", false},
		{"owners", "reviewers: ann\n", false},
		{"owners", "owners: [ann]\n", false},
		{"owners", "publishers: [{owner-id: 1}]\n", false},
		{"owners", "publishers: [{repository: \"http://git.example.org/a\"}]\n", false},
		{"owners", "publishers: [{repository: \"https://ann@git.example.org/a\"}]\n", false},
		{"owners", "publishers: [{repository: \"https://git.example.org/a?b\"}]\n", false},
		{"owners", "publishers: [{repository: \"https://git.example.org/a\", repository-id: 0}]\n", false},
		{"owners", "publishers: [{repository: \"https://git.example.org/a\", workflow: release.yml}]\n", false},
		{"owners", "publishers: [{repository: \"https://git.example.org/a\", workflow: ../x/workflows/a.yml}]\n", false},
		{"owners", "publishers: [{repository: \"https://git.example.org/a\", workflow: .github//workflows/a.yml}]\n", false},
	}
	for _, test := range tests {
		schema, err := jsonschema.NewCompiler().Compile("../../schemas/" + test.schema + ".v1.schema.json")
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := yaml.Unmarshal([]byte(test.data), &value); err != nil {
			t.Fatal(err)
		}
		if err := parsers[test.schema]([]byte(test.data)); (err == nil) != test.good {
			t.Errorf("%s %q: the reader says %v", test.schema, test.data, err)
		}
		if err := schema.Validate(value); (err == nil) != test.good {
			t.Errorf("%s %q: the schema says %v", test.schema, test.data, err)
		}
	}
}

// TestPolicySchemaHasTheRules: the schema offers the rules that can be changed.
func TestPolicySchemaHasTheRules(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../schemas/policy.v1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	offered := schema.Properties["rules"].Properties
	for _, rule := range Rules() {
		if _, ok := offered[rule.ID]; ok == rule.Fixed {
			t.Errorf("rule %s: fixed %v, offered by the schema %v", rule.ID, rule.Fixed, ok)
		}
	}
	if len(schema.Properties["approval"].Properties) != len(approvalKinds()) {
		t.Error("the schema's kinds of approval are not those of the reader")
	}
}
