package arch

import (
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/audit"
	"github.com/clydepm/clyde/internal/history"
	"github.com/clydepm/clyde/internal/review"
)

const threatModel = "docs/threat-model.md"

// knownChecks are the IDs of everything that can refuse something. Those of
// archives are in no list and are found in their code.
func knownChecks(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	for _, rule := range review.Rules() {
		known[rule.ID] = true
	}
	for _, id := range append(attest.Checks(), history.Checks()...) {
		known[id] = true
	}
	for _, check := range audit.Checks() {
		known[check.ID] = true
	}
	literal := regexp.MustCompile(`"(archive/[a-z-]+)"`)
	for _, name := range paths(t) {
		if path.Dir(name) == "internal/archive" && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			for _, match := range literal.FindAllStringSubmatch(read(t, name), -1) {
				known[match[1]] = true
			}
		}
	}
	return known
}

// TestThreatModel: every check and every test that the threat model names
// exists, every attack names what stops it, and a test that shows it.
func TestThreatModel(t *testing.T) {
	known := knownChecks(t)
	text := read(t, threatModel)
	id := regexp.MustCompile("`([a-z]+/[a-z-]+)`")
	for _, match := range id.FindAllStringSubmatch(text, -1) {
		if !known[match[1]] && match[1] != "trust/index" {
			t.Errorf("%s: there is no check %s", threatModel, match[1])
		}
	}
	attacks := 0
	table := false
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		switch {
		case strings.HasPrefix(line, "| attack |"):
			table = true
		case !strings.HasPrefix(line, "|"):
			table = false
		case table && !strings.HasPrefix(line, "|---"):
			attacks++
			if len(cells) != 3 || strings.TrimSpace(cells[1]) == "" {
				t.Errorf("%s: %q is not an attack, what stops it, and a test", threatModel, strings.TrimSpace(line))
				continue
			}
			checkShown(t, cells[0], cells[2])
		}
	}
	if attacks < 20 {
		t.Errorf("%s: %d attacks", threatModel, attacks)
	}
}

// checkShown checks the tests that show that an attack is stopped. That the
// files are there is for TestLinks.
func checkShown(t *testing.T, attack, shown string) {
	t.Helper()
	test := regexp.MustCompile("\\[`([^`]+)`\\]\\(([^)]+)\\)")
	found := test.FindAllStringSubmatch(shown, -1)
	if len(found) == 0 {
		t.Errorf("%s: no test shows what happens: %s", threatModel, attack)
	}
	for _, match := range found {
		name, file := match[1], path.Join(path.Dir(threatModel), match[2])
		if strings.HasSuffix(name, ".txtar") {
			if path.Base(file) != name {
				t.Errorf("%s: %s leads to %s", threatModel, name, file)
			}
			continue
		}
		if !strings.Contains(read(t, file), "\nfunc "+name+"(") {
			t.Errorf("%s: %s has no test %s", threatModel, file, name)
		}
	}
}
