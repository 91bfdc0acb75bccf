package manifest_test

import (
	"fmt"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/clydepm/clyde/internal/manifest"
)

// TestSchemaAgreesOnAnyText: on texts made of the pieces that matter to each
// key, Parse and the schema say the same. The pieces leave out what is in the
// corpus bad-go-only: huge numbers, unclosed brackets, times out of range.
func TestSchemaAgreesOnAnyText(t *testing.T) {
	schema := packageSchema(t)
	tests := map[string]struct {
		document string // with %s for the text, in quotes
		pieces   []string
	}{
		"name":        {"name: %s", []string{"a", "B", "con", "com1", "x", "-", "_", ".", "/", "owners", "json", "..", "9", "é", " "}},
		"version":     {"version: %s", []string{"1", "0", "01", "12", ".", "-", "+", "rc", "a.b", "v", "*", " "}},
		"requirement": {"dependencies: {a: %s}", []string{"1", "0", "01", ".", "*", "x", "^", "~", "=", ">", "<", ">=", ",", ", ", " ", "-rc.1", "+b", "2.3", "|"}},
		"dependency":  {"dependencies: {%s: \"1\"}", []string{"a", "B", "9", "-", "_", ".", "..", "/", "abc", "owners", "Trust", " ", "json"}},
		"package":     {"dependencies: {zz: {version: \"1\", package: %s}}", []string{"a", "9", "-", "_", ".", "/", "abc", "trust", "+"}},
		"registry":    {"dependencies: {zz: {version: \"1\", registry: %s}}", []string{"a", "B", "9", "-", "_", ".", "/", ":"}},
		"type":        {"type: %s", []string{"a", "B", "9", "-", "_", "lib"}},
		"description": {"description: %s", []string{"a", " ", "\n", "\t", "\u00a0", "\u200e", "\u2028", "\u202e", "\ufeff", "é", "\x7f", "\u0085", "\u3000"}},
		"homepage":    {"homepage: %s", []string{"http", "https", "git", "://", "a", "example.org", ":", "80", "@", "/", "?", "#", "%", "41", "[", "é", "-", ".", " "}},
		"repository":  {"repository: %s", []string{"https://", "git://", "ssh://", "a", ".", "-", ":1", "/", "user@", "%20", "#", "?", "\\", "\""}},
		"license":     {"license: %s", []string{"MIT", "Zlib", "GPL-2.0", "+", " ", "AND", "OR", "WITH", "LLVM-exception", "(", ")", "LicenseRef-x", "DocumentRef-y:", "mit", "/"}},
		"author":      {"authors: [%s]", []string{"Ann", " ", "<", ">", "@", "ann", "example.org", ".", "..", "-", "\"", "(", "é", "+", "<ann@example.org>"}},
		"keyword":     {"keywords: [%s]", []string{"a", "B", "9", "+", "-", "_", " ", "é"}},
		"platform":    {"platforms: [%s]", []string{"linux", "-", "x86_64", "macos", "aarch64", "universal"}},
		"feature":     {"features: {%s: []}", []string{"a", "B", "9", "+", "-", "_", ".", " ", "/"}},
		"external": {"external-dependencies: [%s]", []string{
			"apt", "pip", "npm", "brew", "conda", "docker", "generic", "x-own", ":", "::", "a", "B", "lib", "-", "+", ".", "=", ">=", "<", ",", "1", "@", "/", "[", "]", "*", " ", ";",
		}},
		"pattern":           {"include: [%s]", []string{"a", "*", "**", "/", ".", "..", "\\", " ", "é", "?", "!"}},
		"run":               {"hooks: {pre-install: {run: [%s]}}", []string{"a", " ", "\n", "\x00", "\u00a0", "-", "/", ".", "..", "\\"}},
		"argument":          {"hooks: {pre-install: {run: [a, %s]}}", []string{"a", " ", "\n", "\t", "\x1b", "\u202e", "\u2028", "\x00", "\u00a0", "-", "/", ".."}},
		"external platform": {"external-dependencies: [{package: \"apt:libfoo\", platforms: [%s]}]", []string{"linux", "-", "x86_64", "universal"}},
		"timeout":           {"hooks: {pre-install: {run: [a], timeout: %s}}", []string{"1", "5", "s", "m", ".", "-", "+", " ", "h", "d"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				text := ""
				for _, piece := range rapid.SliceOfN(rapid.SampledFrom(test.pieces), 1, 8).Draw(t, "pieces") {
					text += piece
				}
				data := []byte(fmt.Sprintf(test.document, strconv.Quote(text)))
				_, parseErr := manifest.Parse("package.yaml", data)
				schemaErr := schema.Validate(value(t, data))
				if name == "timeout" && parseErr != nil && schemaErr == nil {
					return // out of range
				}
				if (parseErr == nil) != (schemaErr == nil) {
					t.Fatalf("%s\nParse:  %v\nschema: %v", data, parseErr, schemaErr)
				}
			})
		})
	}
}
