package arch

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// cancelled is the exit code that no document can show by running a command:
// somebody has to press Ctrl-C.
const cancelled = 8

// TestExitCodes holds docs/exit-codes.md and the constants of the program
// together, and asks for an example of each.
func TestExitCodes(t *testing.T) {
	const document = "docs/exit-codes.md"
	row := regexp.MustCompile(`(?m)^\| ([0-9]+) \| [^|]+ \| [^|]+ \|$`)
	listed := map[int]bool{}
	for _, match := range row.FindAllStringSubmatch(read(t, document), -1) {
		code, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		if listed[code] {
			t.Errorf("%s: %d has two rows", document, code)
		}
		listed[code] = true
	}
	shown := ""
	for _, b := range blocks(t, document) {
		if b.Mark == "output" {
			shown += b.Text
		}
	}

	codes := exitCodes(t)
	for name, code := range codes {
		if !listed[code] {
			t.Errorf("%s: no row for %d, %s", document, code, name)
		}
		if example := "exit code " + strconv.Itoa(code) + "\n"; code != 0 && code != cancelled && !strings.Contains(shown, example) {
			t.Errorf("%s: no example ends with %q", document, strings.TrimSpace(example))
		}
		delete(listed, code)
	}
	for code := range listed {
		t.Errorf("%s: a row for %d, which no command ends with", document, code)
	}
}

// exitCodes are the constants of cmd/clyde/exit.go by name.
func exitCodes(t *testing.T) map[string]int {
	t.Helper()
	codes := map[string]int{}
	for _, p := range packages(t) {
		file := p.Files["cmd/clyde/exit.go"]
		if file == nil {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "exit") || len(spec.Values) != 1 {
				return true
			}
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.INT {
				code, err := strconv.Atoi(lit.Value)
				if err != nil {
					t.Fatalf("%s: %v", p.position(t, spec), err)
				}
				codes[spec.Names[0].Name] = code
			}
			return true
		})
	}
	if len(codes) == 0 {
		t.Fatal("cmd/clyde/exit.go has no constants exit...")
	}
	return codes
}
