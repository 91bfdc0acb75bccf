// Command clyde-licenses adds "clyde licenses": it counts the licences of what a
// project has locked. With arguments it fails, with exit code 9, when there is
// another licence than these:
//
//	clyde licenses
//	clyde licenses MIT Apache-2.0
//
// It is a sample of a program that adds a command; see docs/plugins.md. It asks the
// clyde that called it, which the variable CLYDE names, for the bill of materials.
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

const usage = `usage: clyde licenses [ALLOWED...]

Count the licences of what the project has locked. With licences named, fail with
exit code 9 when a package has another one.
`

// bill is what of a CycloneDX bill of materials the program needs.
type bill struct {
	Components []struct {
		Name, Version string
		Licenses      []struct {
			Expression string
			License    struct{ ID, Name string }
		}
	}
}

func main() {
	allowed := os.Args[1:]
	if slices.ContainsFunc(allowed, func(arg string) bool { return arg == "--help" || arg == "-h" }) {
		fmt.Print(usage)
		return
	}
	packages, err := licences()
	if err != nil {
		fmt.Fprintln(os.Stderr, "clyde licenses:", err)
		os.Exit(1)
	}
	refused := 0
	for _, licence := range slices.Sorted(maps.Keys(packages)) {
		fmt.Printf("%-20s %s\n", licence, strings.Join(packages[licence], ", "))
		if len(allowed) > 0 && !slices.Contains(allowed, licence) {
			refused++
		}
	}
	if refused > 0 {
		fmt.Fprintf(os.Stderr, "clyde licenses: %d not among %s\n", refused, strings.Join(allowed, ", "))
		os.Exit(9)
	}
}

// licences lists packages by licence.
func licences() (map[string][]string, error) {
	clyde := exec.Command(cmp.Or(os.Getenv("CLYDE"), "clyde"), "sbom") //nolint:noctx // ends with this program
	clyde.Stderr = os.Stderr
	data, err := clyde.Output()
	if err != nil {
		return nil, err
	}
	var b bill
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, err
	}
	packages := map[string][]string{}
	for _, c := range b.Components {
		licence := "none"
		for _, l := range c.Licenses {
			licence = cmp.Or(l.Expression, l.License.ID, l.License.Name, licence)
		}
		packages[licence] = append(packages[licence], c.Name+" "+c.Version)
	}
	return packages, nil
}
