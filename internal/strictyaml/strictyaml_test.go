package strictyaml_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clydepm/clyde/internal/strictyaml"
)

// read reads a document of every type of value and returns what it said.
func read(data string) string {
	doc := strictyaml.Parse("f.yaml", []byte(data))
	root := doc.Root().Mapping("version", "license", "optional", "count", "timeout", "authors", "hooks", "free")
	root.Get("version").Text()
	root.Get("license").Text()
	root.Get("optional").Bool(true)
	root.Get("count").Int(1, 10, 5)
	root.Get("timeout").Duration(time.Second, time.Hour, time.Minute)
	for _, author := range root.Get("authors").List() {
		author.Text()
	}
	hooks := root.Get("hooks").Mapping("pre-install", "post-install")
	for _, name := range []string{"pre-install", "post-install"} {
		if hooks.Has(name) {
			hooks.Get(name).Mapping("run").Require("run", "add run: [PROGRAM, ARGUMENT]").List()
		}
	}
	for _, entry := range root.Get("free").Entries() {
		entry.Value.Text()
	}
	var problems strictyaml.Problems
	if errors.As(doc.Err(), &problems) {
		return problems.Text()
	}
	return ""
}

func TestProblems(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"nothing", "", ""},
		{"only a comment", "# hello\n", ""},
		{"empty sections", "authors:\nfree:\nhooks:\n", ""},
		{"no is text", "version: no\n", ""},
		{"CRLF", "version: \"1\"\r\nlicense: MIT\r\n", ""},
		{"float", "version: 1.10\n", "f.yaml:1:10: version: 1.10 is a number in YAML, not text\n  hint: write \"1.10\"\n"},
		{"date", "version: 2026-01-02\n", "f.yaml:1:10: version: 2026-01-02 is a date in YAML, not text\n  hint: write \"2026-01-02\"\n"},
		{"list for text", "version: [a]\n", "f.yaml:1:10: version: must be text, not a list\n"},
		{"no value", "version:\n", "f.yaml:1:9: version: has no value\n  hint: remove it or write text\n"},
		{"blank", "version: \"  \"\n", "f.yaml:1:10: version: is empty\n  hint: remove it or write a value\n"},
		{"bool as text", "optional: \"true\"\n", "f.yaml:1:11: optional: \"true\" is text in YAML, not true or false\n  hint: write true or false, without quotes\n"},
		{"int range", "count: 11\n", "f.yaml:1:8: count: 11 is not from 1 to 10\n"},
		{"huge int", "count: 99999999999999999999\n", "f.yaml:1:8: count: 99999999999999999999 is a number in YAML, not a whole number\n  hint: write a number from 1 to 10, without quotes\n"},
		{"no unit", "timeout: 90\n", "f.yaml:1:10: timeout: 90 has no unit\n  hint: write 90s for seconds\n"},
		{"not a duration", "timeout: soon\n", "f.yaml:1:10: timeout: \"soon\" is not a duration\n  hint: write a number and a unit, such as \"90s\" or \"5m\"\n"},
		{"long duration", "timeout: 2h\n", "f.yaml:1:10: timeout: 2h is not from 1s to 1h\n"},
		{"text for list", "authors: Ann\n", "f.yaml:1:10: authors: must be a list, not text\n  hint: write each item on a line of its own after \"- \", or [one, two]\n"},
		{"unknown key near", "licence: MIT\n", "f.yaml:1:1: licence: unknown key \"licence\"\n  hint: did you mean \"license\"?\n"},
		{"unknown key far", "hooks:\n  zzz: 1\n", "f.yaml:2:3: hooks.zzz: unknown key \"zzz\"\n  hint: known keys: pre-install, post-install\n"},
		{"missing key", "hooks:\n  pre-install: {}\n", "f.yaml:2:16: hooks.pre-install.run: is missing\n  hint: add run: [PROGRAM, ARGUMENT]\n"},
		{"all at once, sorted", "free: {é: 1, b: 2}\nx: 1\n", "f.yaml:1:11: free.é: 1 is a number in YAML, not text\n  hint: write \"1\"\nf.yaml:1:17: free.b: 2 is a number in YAML, not text\n  hint: write \"2\"\nf.yaml:2:1: x: unknown key \"x\"\n  hint: known keys: version, license, optional, count, timeout, authors, hooks, free\n"},
		{"duplicate key", "version: a\nversion: b\n", "f.yaml:2:1: version: the key is already on line 1\n  hint: keep one of them\n"},
		{"anchor and alias", "version: &v a\nlicense: *v\n", "f.yaml:1:10: version: YAML anchors are not supported\n  hint: remove the &v\nf.yaml:2:10: license: YAML aliases (*v) are not supported\n  hint: write the value out\n"},
		{"merge key", "free:\n  <<: {a: b}\n", "f.yaml:2:3: free: YAML merge keys (<<) are not supported\n  hint: write the keys out\n"},
		{"tag", "version: !!str 1.10\n", "f.yaml:1:10: version: YAML tags are not supported\n  hint: remove the tag \"!!str\"\n"},
		{"control characters", "\"\\e[31m\": 1\n", "f.yaml:1:1: \"\\x1b[31m\": unknown key \"\\x1b[31m\"\n  hint: known keys: version, license, optional, count, timeout, authors, hooks, free\n"},
		{"number as key", "free:\n  1: a\n", "f.yaml:2:3: free: the key 1 is a number in YAML, not text\n  hint: write \"1\"\n"},
		{"list as key", "free:\n  [a]: b\n", "f.yaml:2:3: free: a key must be text, not a list\n  hint: write KEY: VALUE\n"},
		{"two documents", "version: a\n---\nversion: b\n", "f.yaml:2:1: the file has more than one YAML document\n  hint: keep the first document only\n"},
		{"list at the top", "- a\n", "f.yaml:1:1: must be a mapping, not a list\n  hint: write KEY: VALUE lines, indented below the key\n"},
		{"byte order mark", "\ufeffversion: a\n", "f.yaml:1:1: the file begins with a byte order mark\n  hint: save the file as \"UTF-8\", not \"UTF-8 with BOM\"\n"},
		{"not UTF-8", "version: a\nlicense: é\xff\n", "f.yaml:2:11: the text is not valid UTF-8\n  hint: save the file as UTF-8\n"},
		{"bare CR", "version: a\rlicense: b\n", "f.yaml:1:11: a character here ends a line in YAML but not in most editors\n  hint: end lines with LF or CR LF\n"},
		{"line separator", "version: a\u2028\n", "f.yaml:1:11: a character here ends a line in YAML but not in most editors\n  hint: end lines with LF or CR LF\n"},
		{"too deep", "free: " + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "\n", "f.yaml:1:7: free: must be a mapping, not a list\n  hint: write KEY: VALUE lines, indented below the key\nf.yaml:1:38: free" + strings.Repeat("[0]", 31) + ": nested deeper than 32 levels\n"},
		{"too large", strings.Repeat("#", strictyaml.MaxSize+1), "f.yaml: the file has 1048577 bytes; the limit is 1048576\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, read(test.data)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSyntaxErrorsHavePlaces(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"colon in text", "version: a\nlicense: b: c\n", "f.yaml:2:11: this is not YAML: mapping values are not allowed in this context"},
		{"tab", "free:\n\ta: b\n", "f.yaml:2:1: this is not YAML: found character that cannot start any token"},
		{"at sign", "authors:\n  - @ann\n", "f.yaml:2:5: this is not YAML: found character that cannot start any token"},
		{"open quote", "version: \"1.0\nlicense: MIT\n", "f.yaml:1:10: this is not YAML: found unexpected end of stream"},
		{"bad list indent", "authors:\n  - a\n - b\n", "f.yaml:3:2: this is not YAML: did not find expected key"},
		{"unknown alias", "version: *x\n", "f.yaml:1:11: this is not YAML: unknown anchor 'x' referenced"},
		{"second document", "version: a\n---\n\"", "f.yaml:3:1: this is not YAML: found unexpected end of stream"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, _, _ := strings.Cut(read(test.data), "\n")
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestValues(t *testing.T) {
	doc := strictyaml.Parse("f.yaml", []byte("text: a\nyes: true\ncount: 3\ntime: 90s\nlist: [x, y]\nmap: {b: 1, a: 2}\n"))
	root := doc.Root().Mapping("text", "yes", "count", "time", "list", "map", "absent")
	var list, keys []string
	for _, item := range root.Get("list").List() {
		list = append(list, item.Field()+"="+item.Text())
	}
	for _, entry := range root.Get("map").Entries() {
		keys = append(keys, entry.Name)
	}
	got := []any{
		root.Get("text").Text(), root.Get("yes").Bool(false), root.Get("count").Int(0, 9, 1),
		root.Get("time").Duration(0, time.Hour, 0), list, keys,
		root.Get("absent").Text(), root.Get("absent").Bool(true), root.Get("absent").Int(0, 9, 7),
		root.Get("absent").Present(), root.Get("map").IsMapping(), root.Get("text").IsScalar(),
	}
	want := []any{
		"a", true, 3, 90 * time.Second,
		[]string{"list[0]=x", "list[1]=y"},
		[]string{"b", "a"},
		"", true, 7, false, true, true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if err := doc.Err(); err != nil {
		t.Errorf("Err: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "a: b\n", "a: &x [1, {b: c}]\nd: *x\n", "\"", "- - -\n", "? A", "0A:\r", "a:\n\tb", "? a\n: b\n", "%YAML 1.2\n---\n", "!!binary x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc := strictyaml.Parse("f.yaml", data)
		for _, entry := range doc.Root().Entries() {
			entry.Value.Text()
		}
		var problems strictyaml.Problems
		if !errors.As(doc.Err(), &problems) {
			return
		}
		lines := strings.Count(string(data), "\n") + 1
		for _, p := range problems {
			if p.Line < 0 || p.Line > lines || p.Detail == "" || (p.Line > 0) != (p.Column > 0) {
				t.Errorf("problem outside the %d lines: %+v", lines, p)
			}
		}
	})
}
