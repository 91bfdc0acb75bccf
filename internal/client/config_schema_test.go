package client

import (
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// TestConfigSchemaAgrees: a configuration file is accepted by the reader and
// the schema, or refused by both.
func TestConfigSchemaAgrees(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../schemas/config.v1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for data, good := range map[string]bool{
		"":                   true,
		"registries:\n":      true,
		"registries: []\n":   true,
		"jobs: 4\nkeep: 3\n": true,
		"timeout: 1m30s\noffline: true\ncache: ../cache\nstore: /srv/store\n":                                        true,
		"registries:\n  - {name: public, url: \"https://git.example.org/index.git\"}\n":                              true,
		"registries:\n  - {name: a.b-c_1, url: ../index, type: dir}\n  - {name: b, url: /x, type: git, branch: m}\n": true,
		"registries: [{name: a, url: /a, claims: [\"acme/*\", \"acme-*\", Tool_1]}]\n":                               true,
		"registries: [{name: a, url: /a, claims: []}]\n":                                                             true,
		"registries: [{name: a, url: /a, claims: [\"*\"]}]\n":                                                        false,
		"registries: [{name: a, url: /a, claims: [\"a*b\"]}]\n":                                                      false,
		"registries: [{name: a, url: /a, claims: [\"a b\"]}]\n":                                                      false,
		"registries: [{name: a, url: /a, claims: [\"a/b/c\"]}]\n":                                                    false,
		"registries: [{name: a, url: /a, claims: [1]}]\n":                                                            false,
		"profiles:\n": true,
		"profiles:\n  ci: {dev: true, features: [gui], platform: linux-x86_64, hooks: false, externals: false, managers: [apt, x-own]}\n  production:\n": true,
		"profiles: {ci: {managers: [apt, apt]}}\n":                    false,
		"profiles: {ci: {managers: [Apt]}}\n":                         false,
		"profiles: {ci: {features: all, allow-hooks: [a, b@^1.2]}}\n": true,
		"profiles: {ci: {allow-hooks: all}}\n":                        true,
		"profiles: {ci: {features: some}}\n":                          false,
		"profiles: {ci: {allow-hooks: true}}\n":                       false,
		"profiles: {ci: {develop: true}}\n":                           false,
		"profiles: {CI: {}}\n":                                        false,
		"profiles: [ci]\n":                                            false,
		"profiles: {ci: {platform: universal}}\n":                     false,
		"registry: []\n":                                              false,
		"registries: {a: b}\n":                                        false,
		"registries: [{name: a}]\n":                                   false,
		"registries: [{url: /a}]\n":                                   false,
		"registries: [{name: A, url: /a}]\n":                          false,
		"registries: [{name: a, url: /a, kind: git}]\n":               false,
		"registries: [{name: a, url: \"\"}]\n":                        false,
		"registries: [{name: a, url: /a, branch: 1}]\n":               false,
		"registries: [{name: a, url: \"https://a.example\", type: api, ttl: 10m, fallback: [\"https://b.example/x.git\", {url: ../c, type: packages}]}]\n": true,
		"registries: [{name: a, url: /a, type: apis}]\n":                                                                         false,
		"registries: [{name: a, url: /a, ttl: ten}]\n":                                                                           false,
		"registries: [{name: a, url: /a, fallback: [{type: git}]}]\n":                                                            false,
		"registries: [{name: a, url: /a, fallback: [{url: b, type: x}]}]\n":                                                      false,
		"mirrors: [{from: \"https://a.example/x/\", to: ../mirror}]\n":                                                           true,
		"mirrors: [{from: /a, to: /b}]\n":                                                                                        false,
		"mirrors: [{from: \"https://a.example/?x\", to: /b}]\n":                                                                  false,
		"mirrors: [{from: \"https://a.example/\"}]\n":                                                                            false,
		"credential-helpers: [{run: [git, credential-manager]}, {hosts: [a.example.org:8443, \"*.b.example.org\"], run: [x]}]\n": true,
		"credential-helpers: []\n":                                                                                               true,
		"credential-helpers: [{run: []}]\n":                                                                                      false,
		"credential-helpers: [{hosts: [a]}]\n":                                                                                   false,
		"credential-helpers: [{run: git credential-manager}]\n":                                                                  false,
		"credential-helpers: [{hosts: [\"a/b\"], run: [x]}]\n":                                                                   false,
		"credential-helpers: [{hosts: [\"kim@a\"], run: [x]}]\n":                                                                 false,
		"credential-helpers: [{hosts: [\"*\"], run: [x]}]\n":                                                                     false,
		"credential-helpers: [{hosts: [a], run: [x], shell: true}]\n":                                                            false,
		"hook-sandbox: require\n":                                                                                                true,
		"hook-sandbox: no\n":                                                                                                     false,
		"jobs: 0\n":                                                                                                              false,
		"jobs: \"4\"\n":                                                                                                          false,
		"keep: 101\n":                                                                                                            false,
		"timeout: 90\n":                                                                                                          false,
		"timeout: soon\n":                                                                                                        false,
		"offline: \"no\"\n":                                                                                                      false,
		"cache: \" \"\n":                                                                                                         false,
		"platform: linux-aarch64\n":                                                                                              true,
		"platform: linux-arm64\n":                                                                                                false,
		"platform: universal\n":                                                                                                  false,
		"[]\n":                                                                                                                   false,
		"audit: {database: ../osv, ignore: [{id: X-1, reason: not reached, expires: \"2027-01-31\"}]}\n": true,
		"audit: {ignore: [{id: X-1, reason: not reached}]}\n":                                            false,
		"audit: {ignore: [{id: X-1, expires: \"2027-01-31\"}]}\n":                                        false,
		"audit: {ignore: [{id: X-1, reason: r, expires: \"soon\"}]}\n":                                   false,
		"audit: {data: x}\n": false,
	} {
		w := newWorld(t)
		w.write("config/clyde/config.yaml", data)
		if _, err := w.load(); (err == nil) != good {
			t.Errorf("%q: the reader says %v", data, err)
		}
		var value any
		if err := yaml.Unmarshal([]byte(data), &value); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != good {
			t.Errorf("%q: the schema says %v", data, err)
		}
	}
	// The vendored folder is a project's to name, and a person's file is not one.
	w := newWorld(t)
	w.write("config/clyde/config.yaml", "vendor: vendor\n")
	if _, err := w.load(); err == nil || !strings.Contains(err.Error(), "is a setting of a project") {
		t.Errorf("vendor in a person's file: %v", err)
	}
	// Nor may a project have programs run for credentials.
	w = newWorld(t)
	w.write("project/.clyde/config.yaml", "credential-helpers: [{run: [x]}]\n")
	if _, err := w.load(); err == nil || !strings.Contains(err.Error(), "is not a setting of a project") {
		t.Errorf("credential-helpers in a project: %v", err)
	}
	for _, s := range settings() {
		if schema.Properties[s.key] == nil {
			t.Errorf("the schema does not know the setting %q", s.key)
		}
	}
}

// TestConfigurationIsDocumented: what the schema knows is in the documentation,
// and so are the variables.
func TestConfigurationIsDocumented(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../schemas/config.v1.schema.json")
	must(t, err)
	text, err := os.ReadFile("../../docs/configuration.md")
	must(t, err)
	named := func(word string) {
		if !strings.Contains(string(text), "`"+word+"`") {
			t.Errorf("docs/configuration.md does not tell of %s", word)
		}
	}
	for key := range schema.Properties {
		named(key)
	}
	for key := range schema.Properties["registries"].Items2020.Ref.Properties {
		named(key)
	}
	for _, s := range settings() {
		named(s.variable)
	}
}
