package manifest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/clydepm/clyde/internal/strictyaml"
)

// An External is a package of another package manager that has to be there
// before this one.
type External struct {
	Driver       string // of Drivers
	Spec         string // the package, in the driver's own notation
	Line, Column int
}

// String returns the external dependency as it is written: "apt:libfoo-dev".
func (e External) String() string { return e.Driver + ":" + e.Spec }

// Drivers returns the package managers that an external dependency may name.
// "generic" stands for a program or library that none of them has; clyde names
// it to the person and never installs it.
func Drivers() []string {
	return []string{"apt", "brew", "conda", "docker", "generic", "npm", "pip"}
}

// A notation is how one package manager writes a package.
type notation struct {
	pattern *regexp.Regexp
	example string
}

// notationOf returns the notation of a driver. No notation allows a text that
// begins with "-", which a package manager would take for an option.
func notationOf(driver string) notation {
	switch driver {
	case "apt": // Debian policy 5.6.1 and 5.6.12
		return notation{regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+(:[a-z0-9-]+)?((=|>=|<=|<<|>>)[A-Za-z0-9][A-Za-z0-9.+:~-]*)?$`), `"apt:libfoo-dev" or "apt:libfoo-dev>=1.2"`}
	case "brew":
		return notation{regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9_-]*/)?[a-z0-9][a-z0-9+._-]*(@[a-z0-9.]+)?$`), `"brew:openssl@3" or "brew:owner/tap/formula"`}
	case "conda":
		return notation{regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9_-]*::)?[a-z0-9_][a-z0-9_.-]*((==|>=|<=|!=|=|>|<)[A-Za-z0-9][A-Za-z0-9_.*+!]*(,(==|>=|<=|!=|=|>|<)[A-Za-z0-9][A-Za-z0-9_.*+!]*)*)?$`), `"conda:numpy>=1.2" or "conda:conda-forge::numpy"`}
	case "docker": // the OCI distribution's reference grammar
		return notation{regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5}/[a-z0-9]+)?([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$`), `"docker:postgres:17" or "docker:registry.example.org/team/image@sha256:..."`}
	case "npm":
		return notation{regexp.MustCompile(`^(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*(@[A-Za-z0-9^~<>=*][A-Za-z0-9^~<>=*.+-]*)?$`), `"npm:typescript@^5" or "npm:@scope/name"`}
	case "pip": // PEP 508 names and extras, PEP 440 specifiers
		return notation{regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[A-Za-z0-9._-]+(,[A-Za-z0-9._-]+)*\])?((===|==|~=|!=|>=|<=|>|<)[A-Za-z0-9][A-Za-z0-9.*+!_-]*(,(===|==|~=|!=|>=|<=|>|<)[A-Za-z0-9][A-Za-z0-9.*+!_-]*)*)?$`), `"pip:numpy>=1.2,<3"`}
	default:
		return notation{regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._-]*((=|>=|<=|>|<)[A-Za-z0-9][A-Za-z0-9.+~-]*)?$`), `"generic:cmake>=3.20"`}
	}
}

func parseExternals(v strictyaml.Value) []External {
	texts := unique(v, maxExternals, parseExternal)
	items := v.List()
	var externals []External
	for i, text := range texts {
		external := External{}
		external.Driver, external.Spec, _ = strings.Cut(text, ":")
		external.Line, external.Column = items[i].Position()
		externals = append(externals, external)
	}
	return externals
}

func parseExternal(v strictyaml.Value) string {
	if entry, ok := onlyEntry(v); ok && entry.Value.IsScalar() {
		v.Report("write "+strconv.Quote(entry.Name+":"+entry.Value.Written())+", without a blank behind the colon", "is a mapping, not text")
		return ""
	}
	text := line(v, maxExternal)
	if text == "" {
		return ""
	}
	driver, spec, found := strings.Cut(text, ":")
	switch {
	case !found:
		v.Report(`write MANAGER:PACKAGE, such as "apt:`+text+`"`, "%q names no package manager", text)
	case !slices.Contains(Drivers(), driver):
		v.Report(nearHint(driver, Drivers(), "the package managers are "+strings.Join(Drivers(), ", ")), "%q is not a known package manager", driver)
	case !notationOf(driver).pattern.MatchString(spec):
		v.Report("write one such as "+notationOf(driver).example, "%q is not a package of %s", spec, driver)
	}
	return text
}

// onlyEntry returns the entry of a mapping that has just one.
func onlyEntry(v strictyaml.Value) (strictyaml.Entry, bool) {
	if !v.IsMapping() || len(v.Entries()) != 1 {
		return strictyaml.Entry{}, false
	}
	return v.Entries()[0], true
}
