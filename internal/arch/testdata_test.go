package arch

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestTestdataIsUsed: every entry directly below a testdata folder is named by
// a string in a test beside it, and every fuzz corpus has its target.
func TestTestdataIsUsed(t *testing.T) {
	packages := packages(t)
	for entry := range testdataEntries(t) {
		owner, name, _ := strings.Cut(entry, "/testdata/")
		at := slices.IndexFunc(packages, func(p *pkg) bool { return p.Dir == owner })
		if at < 0 {
			t.Errorf("%s: testdata beside no package", entry)
			continue
		}
		if target, corpus := strings.CutPrefix(name, "fuzz/"); corpus {
			if !declares(packages[at], target) {
				t.Errorf("%s: a corpus for a fuzz target that does not exist", entry)
			}
			continue
		}
		if !names(packages[at], name) {
			t.Errorf("%s: no test of %s names %q", entry, owner, name)
		}
	}
}

// testdataEntries are the entries directly below testdata folders, and one
// level further below testdata/fuzz.
func testdataEntries(t *testing.T) map[string]bool {
	t.Helper()
	entries := map[string]bool{}
	for _, name := range paths(t) {
		owner, rest, found := strings.Cut(name, "/testdata/")
		if !found {
			continue
		}
		entry, below, _ := strings.Cut(rest, "/")
		if entry == "fuzz" {
			target, _, _ := strings.Cut(below, "/")
			entry += "/" + target
		}
		entries[owner+"/testdata/"+entry] = true
	}
	return entries
}

// declares reports whether the package's tests have this function.
func declares(p *pkg, function string) bool {
	for _, file := range p.Tests {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == function {
				return true
			}
		}
	}
	return false
}

// names reports whether a string in the package's tests has name as a part of
// a path, or a pattern that matches it.
func names(p *pkg, name string) bool {
	found := false
	for _, file := range p.Tests {
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return !found
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				return !found
			}
			for part := range strings.SplitSeq(text, "/") {
				if match, err := path.Match(part, name); err == nil && match && part != "*" {
					found = true
				}
			}
			return !found
		})
	}
	return found
}

// TestTranscripts: a folder of transcripts holds transcripts alone, and each
// starts by saying what it shows.
func TestTranscripts(t *testing.T) {
	count := 0
	for _, name := range paths(t) {
		if !strings.Contains(name, "/testdata/script/") {
			continue
		}
		count++
		if path.Ext(name) != ".txtar" || strings.Count(strings.SplitAfter(name, "/testdata/script/")[1], "/") > 0 {
			t.Errorf("%s: testscript runs *.txtar directly in this folder and nothing else", name)
			continue
		}
		if first, _, _ := strings.Cut(read(t, name), "\n"); !strings.HasPrefix(first, "# ") {
			t.Errorf("%s: the first line says what the transcript shows: # ...", name)
		}
	}
	if count == 0 {
		t.Error("no transcript found")
	}
}

func TestSchemasCompile(t *testing.T) {
	count := 0
	for _, name := range paths(t) {
		if !strings.HasPrefix(name, "schemas/") || !strings.HasSuffix(name, ".schema.json") {
			continue
		}
		count++
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(read(t, name)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		compiler := jsonschema.NewCompiler()
		compiler.AssertFormat()
		if err := compiler.AddResource("file:///"+name, document); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := compiler.Compile("file:///" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		object, ok := document.(map[string]any)
		if !ok || object["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
			t.Errorf("%s: \"$schema\" is draft 2020-12", name)
		}
		if id, _ := object["$id"].(string); path.Base(id) != path.Base(name) {
			t.Errorf("%s: \"$id\" is %q and does not end in the file's name", name, id)
		}
	}
	if count == 0 {
		t.Error("no schema found")
	}
}
