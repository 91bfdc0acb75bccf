package external_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/external"
	"github.com/clydepm/clyde/internal/strictyaml"
)

func TestBuiltinKnowsTheTools(t *testing.T) {
	if got := external.Builtin().Names(); !slices.Equal(got, external.Tools()) {
		t.Errorf("drivers.yaml has %q, the notation %q", got, external.Tools())
	}
}

// documentedDriver is the file that the documentation shows.
func documentedDriver(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../docs/external-dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```yaml\n(drivers:.*?)```").FindSubmatch(text)
	if found == nil {
		t.Fatal("no driver in the documentation")
	}
	return found[1]
}

func TestDriverProblems(t *testing.T) {
	tests := map[string]struct{ data, want string }{
		"empty":       {"", "d.yaml:1:1: drivers: is missing"},
		"nothing":     {"drivers: {own: {}}", "drivers.own: has no way to tell what is installed"},
		"key":         {"drivers: {own: {program: true, instal: [[x]]}}", `drivers.own.instal: unknown key "instal"`},
		"name":        {"drivers: {Own: {program: true}}", `"Own" is no name of a driver`},
		"placeholder": {`drivers: {own: {program: true, install: [[x, "{nam}"]]}}`, "{nam} is no placeholder"},
		"list":        {`drivers: {own: {program: true, undo: [[x, "a{added...}"]]}}`, "{added...} has to be an argument of its own"},
		"program":     {`drivers: {own: {program: true, install: [["{name}", x]]}}`, `"{name}" is no program`},
		"option":      {`drivers: {own: {program: true, install: [["--x"]]}}`, `"--x" is no program`},
		"no command":  {`drivers: {own: {program: true, install: [[]]}}`, "names no program"},
		"pattern":     {`drivers: {own: {installed: {run: [x], lines: "("}}}`, "missing closing )"},
		"group":       {`drivers: {own: {installed: {run: [x], lines: "x"}}}`, `has no group "version"`},
		"only":        {`drivers: {own: {installed: {run: [x], only: always}}}`, `"always" is not when to ask`},
		"pin":         {`drivers: {own: {program: true, pin: "{name}"}}`, "does not begin with {name} and end with {version}"},
		"prefix":      {`drivers: {own: {program: true, install: [[x, "{prefix}"]]}}`, "uses {prefix} and is not said to install into a folder"},
		"platform":    {`drivers: {own: {program: true, platforms: [linux]}}`, `"linux" is not a platform`},
		"timeout":     {`drivers: {own: {program: true, timeout: 3h}}`, "3h is not from 1s to 2h"},
		"variable":    {`drivers: {own: {program: true, environment: {"A B": x}}}`, `"A B" is no name of a variable`},
		"pass":        {`drivers: {own: {program: true, pass: ["*"]}}`, `"*" does not match`},
		"secret":      {`drivers: {own: {program: true, pass: ["CLYDE_TOKEN_*"]}}`, `"CLYDE_TOKEN_*" is a secret of clyde's, which no driver gets`},
		"token":       {`drivers: {own: {program: true, pass: [HOME, GITHUB_TOKEN]}}`, `"GITHUB_TOKEN" is a secret of clyde's, which no driver gets`},
		"prepare":     {`drivers: {own: {program: true, prefix: true, prepare: {unless: /etc/x, run: [x]}}}`, `"/etc/x" does not match`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := external.Builtin().With("d.yaml", []byte(test.data))
			var problems strictyaml.Problems
			if !errors.As(err, &problems) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
