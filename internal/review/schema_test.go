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
		"policy":   func(data []byte) error { _, err := ParsePolicy("f.yaml", data); return err },
		"override": func(data []byte) error { _, err := ParseOverride("f.yaml", data); return err },
		"owners":   func(data []byte) error { _, err := ParseOwners("f.yaml", data); return err },
	}
	tests := []struct {
		schema, data string
		good         bool
	}{
		{"policy", "", true},
		{"policy", "names:\napproval:\nrules:\n", true},
		{"policy", "names: {reserved: [std, acme/core], popular: [serde], similar: [], look-alikes: false}\n", true},
		{"policy", "names: {similar: [{length: 4, distance: 0}, {length: 9, distance: 3}]}\n", true},
		{"policy", "names: {scopes: {acme: [{owner: \"https://github.com/acme\", owner-id: 456}, {key: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=}]}}\n", true},
		{"policy", "reviewers: {accounts: [ann, bob], approvals: 2, policy: [ann], policy-approvals: 10}\n", true},
		{"policy", "reviewers: {accounts: , policy: []}\n", true},
		{"policy", "wait: {new-package: 72h, new-version: 1h30m, transfer: 168h}\n", true},
		{"policy", "known: [{owner: \"https://github.com/acme/\"}]\n", true},
		{"policy", "freeze: {message: moving}\n", true},
		{"policy", "freeze: {message: moving, kinds: [new-package, yank], until: \"2027-01-01T00:00:00Z\"}\n", true},
		{"policy", "evidence: require\nverify: attested\n", true},
		{"policy", "approval: {new-package: person, new-version: automatic, yank: person, unyank: person, retire: person, unretire: person, owners: automatic, transfer: person, register: automatic}\n", true},
		{"policy", "rules: {license/changed: fail, name/similar: off, version/gap: warn}\n", true},
		{"policy", "content: {size-growth: 10, registries: {corp: \"https://git.example.org/corp/index\"}}\n", true},
		{"policy", "content: {size-growth: 0}\n", false},
		{"policy", "content: {registries: {corp: ../index}}\n", false},
		{"policy", "content: {size: 3}\n", false},
		{"policy", "[]\n", false},
		{"policy", "name: {}\n", false},
		{"policy", "names: {reserved: [std, std]}\n", false},
		{"policy", "names: {reserved: [a b]}\n", false},
		{"policy", "names: {similar: [{length: 5, distance: 4}]}\n", false},
		{"policy", "names: {similar: [{length: 0, distance: 1}]}\n", false},
		{"policy", "names: {similar: [{length: \"5\", distance: 1}]}\n", false},
		{"policy", "names: {similar: [{length: 5}]}\n", false},
		{"policy", "names: {similar: 1}\n", false},
		{"policy", "names: {similar-distance: 1}\n", false},
		{"policy", "names: {popular: [serde, serde]}\n", false},
		{"policy", "names: {look-alikes: maybe}\n", false},
		{"policy", "names: {scopes: {acme: []}}\n", false},
		{"policy", "names: {scopes: {Acme: [{owner: \"https://github.com/acme\"}]}}\n", false},
		{"policy", "names: {scopes: {ab: [{owner: \"https://github.com/acme\"}]}}\n", false},
		{"policy", "names: {scopes: {overrides: [{owner: \"https://github.com/acme\"}]}}\n", false},
		{"policy", "names: {scopes: {acme: [{owner: \"http://github.com/acme\"}]}}\n", false},
		{"policy", "known: [{owner-id: 456}]\n", false},
		{"policy", "known: [{owner: \"https://github.com/acme\", owner-id: 0}]\n", false},
		{"policy", "known: [{owner: \"https://github.com/acme\", key: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=}]\n", false},
		{"policy", "known: [{key: short}]\n", false},
		{"policy", "reviewers: [ann]\n", false},
		{"policy", "reviewers: {accounts: [\"@ann\"]}\n", false},
		{"policy", "reviewers: {accounts: [acme/team]}\n", false},
		{"policy", "reviewers: {accounts: [ann, ann]}\n", false},
		{"policy", "reviewers: {approvals: 0}\n", false},
		{"policy", "reviewers: {approvals: 11}\n", false},
		{"policy", "reviewers: {approval: 1}\n", false},
		{"policy", "freshness: 720h\n", true},
		{"policy", "freshness: 30 days\n", false},
		{"policy", "freshness: 7\n", false},
		{"policy", "wait: {new-package: 3}\n", false},
		{"policy", "wait: {new-package: three days}\n", false},
		{"policy", "wait: {new-package: -1h}\n", false},
		{"policy", "wait: {policy: 1h}\n", false},
		{"policy", "wait: 72h\n", false},
		{"policy", "freeze:\n", false},
		{"policy", "freeze: {kinds: [yank]}\n", false},
		{"policy", "freeze: {message: \"\"}\n", false},
		{"policy", "freeze: {message: moving, kinds: [policy]}\n", false},
		{"policy", "freeze: {message: moving, kinds: [yank, yank]}\n", false},
		{"policy", "freeze: {message: moving, until: tomorrow}\n", false},
		{"policy", "freeze: true\n", false},
		{"policy", "evidence: maybe\n", false},
		{"policy", "approval: {new-package: nobody}\n", false},
		{"policy", "approval: {new-package: }\n", false},
		{"policy", "approval: {policy: automatic}\n", false},
		{"policy", "rules: {license/changed: pass}\n", false},
		{"policy", "rules: {delta/append-only: off}\n", false},
		{"policy", "rules: {no/such: off}\n", false},

		{"override", "package: hello\nrule: license/changed\nreason: all agreed\nby: ann\nexpires: \"2026-03-01T00:00:00Z\"\n", true},
		{"override", "package: acme/hello\nversion: 1.2.0-rc.1+x\nrule: name/similar\nreason: r\nby: a\nexpires: \"2026-03-01T00:00:00Z\"\n", true},
		{"override", "", false},
		{"override", "package: hello\nrule: delta/append-only\nreason: r\nby: ann\nexpires: \"2026-03-01T00:00:00Z\"\n", false},
		{"override", "package: hello\nrule: no/such\nreason: r\nby: ann\nexpires: \"2026-03-01T00:00:00Z\"\n", false},
		{"override", "package: a b\nrule: name/similar\nreason: r\nby: ann\nexpires: \"2026-03-01T00:00:00Z\"\n", false},
		{"override", "package: hello\nversion: ^1\nrule: name/similar\nreason: r\nby: ann\nexpires: \"2026-03-01T00:00:00Z\"\n", false},
		{"override", "package: hello\nrule: name/similar\nby: ann\nexpires: \"2026-03-01T00:00:00Z\"\n", false},
		{"override", "package: hello\nrule: name/similar\nreason: r\nexpires: \"2026-03-01T00:00:00Z\"\n", false},
		{"override", "package: hello\nrule: name/similar\nreason: r\nby: \"@ann\"\nexpires: \"2026-03-01T00:00:00Z\"\n", false},
		{"override", "package: hello\nrule: name/similar\nreason: r\nby: ann\n", false},
		{"override", "package: hello\nrule: name/similar\nreason: r\nby: ann\nexpires: never\n", false},
		{"override", "package: hello\nrule: name/similar\nreason: \"two\\nlines\"\nby: ann\nexpires: \"2026-03-01T00:00:00Z\"\n", false},
		{"override", "package: hello\nrule: name/similar\nreason: r\nby: ann\nexpires: \"2026-03-01T00:00:00Z\"\nwho: me\n", false},

		{"owners", "reviewers: [ann, acme/packagers, a-b.c_d]\n", true},
		{"owners", "publishers: [{repository: \"https://git.example.org/acme/hello\"}]\n", true},
		{"owners", "publishers:\n  - repository: https://git.example.org/acme/hello\n    repository-id: 123\n    owner-id: 456\n    issuer: https://token.example.org\n    workflow: .github/workflows/release.yml\nreviewers:\n", true},
		{"owners", "publishers: [{repository: \"httpS://github.com/acme/hello\"}]\n", false},
		{"owners", "publishers: [{repository: \"https://github.com/acme/hel lo\"}]\n", false},
		{"override", "package: hello\nrule: name/similar\nreason: r\nby: ann\nexpires: \"2026-03-01T0:00:00Z\"\n", false},
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
	for _, key := range []string{"approval", "wait"} {
		if len(schema.Properties[key].Properties) != len(approvalKinds()) {
			t.Errorf("the schema's kinds under %q are not those of the reader", key)
		}
	}
	override, err := jsonschema.NewCompiler().Compile("../../schemas/override.v1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(override.Properties["rule"].Enum.Values); n != len(offered) {
		t.Errorf("%d rules can be overridden by the schema, and a policy can change %d", n, len(offered))
	}
}
