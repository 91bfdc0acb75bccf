package review

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// updateGolden reports whether expected output is to be rewritten in place.
func updateGolden() bool { return os.Getenv("CLYDE_UPDATE_GOLDEN") != "" }

// golden compares text with a file, or writes the file.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if updateGolden() {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is not what the code says; CLYDE_UPDATE_GOLDEN=1 rewrites it. The code says:\n%s", name, got)
	}
}

// docs/review-rules.md lists the rules of the code, in their order.
func TestRulesDocument(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Review rules

` + "`clyde review`" + ` and the dry run of ` + "`clyde publish`" + ` judge a change by these rules. Each
has a stable ID, which reports and machines use. A rule that is broken has the
status given here: ` + "`fail`" + ` refuses the change, ` + "`warn`" + ` is worth a look, and ` + "`note`" + ` only
tells. "Fixed" rules keep the index intact; the others can be set to ` + "`fail`" + `,
` + "`warn`" + ` or ` + "`off`" + ` under ` + "`rules:`" + ` in the index's ` + "`policy.yaml`" + `.

| rule | asks that | broken | fixed |
|---|---|---|---|
`)
	for _, r := range Rules() {
		status, fixed := r.Status, ""
		if status == Pass {
			status = "note"
		}
		if r.Fixed {
			fixed = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.ID, r.Summary, status, fixed)
	}
	golden(t, "../../docs/review-rules.md", []byte(b.String()))
}

// Every ID that the format or this package can report is in the table, and
// every rule in the table can be reported by one of them.
func TestRulesAreThoseOfTheCode(t *testing.T) {
	used := map[string]bool{}
	for _, dir := range []string{"../../index", "../attest", "."} {
		for id := range ruleLiterals(t, dir) {
			used[id] = true
		}
	}
	for _, r := range Rules() {
		if !used[r.ID] {
			t.Errorf("rule %s is in the table and nowhere in the code", r.ID)
		}
		delete(used, r.ID)
	}
	for id := range used {
		t.Errorf("rule %s is in the code and not in the table", id)
	}
}

// ruleLiterals finds the text literals in a folder's Go files that are IDs of
// rules, but for the table itself.
func ruleLiterals(t *testing.T, dir string) map[string]bool {
	t.Helper()
	id := regexp.MustCompile(`^(tree|history|squash|delta|name|line|time|version|dependency|license|attestation|owners|sources|policy|trust|config|evidence|content|bundle|signature|statement|identity|provenance)/[a-z-]+$`)
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || filepath.Base(name) == "rules.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && id.MatchString(s) {
					found[s] = true
				}
			}
			return true
		})
	}
	return found
}
