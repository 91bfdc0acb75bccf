package external

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/spelling"
)

// longest is how long a requirement may be, in bytes, without its platforms.
const longest = 256

// A Requirement is a package of another package manager that has to be there.
type Requirement struct {
	Tool       string // the package manager: "apt"
	Name       string // as the manager writes it: "libfoo-dev", "uvicorn[standard]"
	Constraint string // on the version, as the manager writes it: ">=1.2"; "" is any

	// Platforms are those on which it has to be there; empty is everywhere.
	Platforms []index.Platform
}

// SyntaxError reports a text that is no requirement.
type SyntaxError struct{ Detail, Remedy string }

func (e *SyntaxError) Error() string { return e.Detail }

// Hint says what to write.
func (e *SyntaxError) Hint() string { return e.Remedy }

// A notation is how one package manager writes a package. It has the groups
// name and constraint, and base where that is not all of the name.
type notation struct {
	pattern *regexp.Regexp
	example string
}

// notations are those of the package managers that clyde knows. No notation
// allows a text that begins with "-", which a manager would take for an option,
// or one with a blank.
var notations = sync.OnceValue(func() map[string]notation {
	list := func(name, operators, version string) *regexp.Regexp {
		clause := `(?:` + operators + `)` + version
		return regexp.MustCompile(`^` + name + `(?P<constraint>(?:` + clause + `(?:,` + clause + `)*)?)$`)
	}
	return map[string]notation{
		// Debian policy 5.6.1 and 5.6.12
		"apt": {regexp.MustCompile(`^(?P<name>(?P<base>[a-z0-9][a-z0-9+.-]+)(?::[a-z0-9-]+)?)(?P<constraint>(?:(?:=|>=|<=|<<|>>)[A-Za-z0-9][A-Za-z0-9.+:~-]*)?)$`), `"apt:libfoo-dev" or "apt:libfoo-dev>=1.2"`},
		// The version of a formula is a part of its name.
		"brew": {regexp.MustCompile(`^(?P<name>(?:[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9_-]*/)?(?P<base>[a-z0-9][a-z0-9+._-]*(?:@[a-z0-9.]+)?))(?P<constraint>)$`), `"brew:openssl@3" or "brew:owner/tap/formula"`},
		// conda's match specifications, in the form that needs no quoting
		"conda": {list(`(?P<name>(?:[A-Za-z0-9][A-Za-z0-9_-]*::)?(?P<base>[a-z0-9_][a-z0-9_.-]*))`, `==|>=|<=|!=|=|>|<`, `[A-Za-z0-9][A-Za-z0-9_.*+!]*`), `"conda:numpy>=1.2" or "conda:conda-forge::numpy"`},
		// The OCI distribution's reference grammar; the tag is a part of the name.
		"docker": {regexp.MustCompile(`^(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5}/[a-z0-9]+)?(?:[._/-]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?)(?P<constraint>)$`), `"docker:postgres:17" or "docker:registry.example.org/team/image@sha256:..."`},
		// One comparator of npm's ranges, or a tag.
		"npm": {regexp.MustCompile(`^(?P<name>(?:@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*)(?:@(?P<constraint>[A-Za-z0-9^~<>=*][A-Za-z0-9^~<>=*.+-]*))?$`), `"npm:typescript@^5" or "npm:@scope/name"`},
		// PEP 508 names and extras, PEP 440 specifiers
		"pip": {list(`(?P<name>(?P<base>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:\[[A-Za-z0-9._-]+(?:,[A-Za-z0-9._-]+)*\])?)`, `===|==|~=|!=|>=|<=|>|<`, `[A-Za-z0-9][A-Za-z0-9.*+!_-]*`), `"pip:numpy>=1.2,<3"`},
		"":    {list(`(?P<name>[A-Za-z0-9][A-Za-z0-9+._/@:-]*)`, `===|==|~=|!=|>=|<=|=|>|<`, `[A-Za-z0-9][A-Za-z0-9.+:~_-]*`), `"generic:cmake>=3.20"`},
	}
})

func notationOf(tool string) notation {
	if n, ok := notations()[tool]; ok {
		return n
	}
	return notations()[""]
}

var toolName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`) })

// ParseRequirement parses "apt:libfoo-dev>=1.2", also with platforms behind it:
// "brew:openssl@3; macos-aarch64, macos-x86_64". The error is a [*SyntaxError].
func ParseRequirement(text string) (Requirement, error) {
	spec, platforms, conditional := strings.Cut(text, "; ")
	tool, spec, found := strings.Cut(spec, ":")
	invalid := func(remedy, format string, args ...any) error {
		return &SyntaxError{fmt.Sprintf(format, args...), remedy}
	}
	switch {
	case !found:
		return Requirement{}, invalid(`write MANAGER:PACKAGE, such as "apt:`+tool+`"`, "%q names no package manager", text)
	case !toolName().MatchString(tool):
		return Requirement{}, invalid("the package managers are "+strings.Join(Tools(), ", "), "%q is not the name of a package manager", tool)
	case len(text) > longest && !conditional:
		return Requirement{}, invalid("", "has %d bytes; the limit is %d", len(text), longest)
	}
	pattern := notationOf(tool).pattern
	parts := pattern.FindStringSubmatch(spec)
	if parts == nil {
		return Requirement{}, invalid("write one such as "+notationOf(tool).example, "%q is not a package of %s", spec, tool)
	}
	r := Requirement{Tool: tool, Name: parts[pattern.SubexpIndex("name")], Constraint: parts[pattern.SubexpIndex("constraint")]}
	if !conditional {
		return r, nil
	}
	for word := range strings.SplitSeq(platforms, ", ") {
		p, err := index.ParsePlatform(word)
		if err != nil || p == (index.Platform{}) || slices.Contains(r.Platforms, p) {
			return Requirement{}, invalid(`write "`+tool+":"+spec+`; linux-x86_64, linux-aarch64"`, "%q are not platforms, each once", platforms)
		}
		r.Platforms = append(r.Platforms, p)
	}
	return r, nil
}

// Tools returns the package managers that clyde has drivers for, sorted.
// "generic" stands for a program or library that none of them has; clyde looks
// whether it is there and never installs it.
func Tools() []string {
	return []string{"apt", "brew", "conda", "docker", "generic", "npm", "pip"}
}

// NearTool returns the package manager that a person who wrote an unknown one
// most likely meant, or "".
func NearTool(tool string) string {
	if slices.Contains([]string{"pypi", "python", "pip3"}, tool) {
		return "pip"
	}
	if slices.Contains([]string{"deb", "debian", "apt-get", "dpkg"}, tool) {
		return "apt"
	}
	return spelling.Nearest(tool, Tools())
}

// Spec returns the package with its constraint in the manager's own notation.
func (r Requirement) Spec() string {
	if r.Tool == "npm" && r.Constraint != "" {
		return r.Name + "@" + r.Constraint
	}
	return r.Name + r.Constraint
}

// Base returns the name by which the manager lists the package when it is
// installed: without extras, channel, tap or architecture.
func (r Requirement) Base() string {
	pattern := notationOf(r.Tool).pattern
	parts, at := pattern.FindStringSubmatch(r.Spec()), pattern.SubexpIndex("base")
	if parts == nil || at < 0 {
		return r.Name
	}
	return parts[at]
}

// String returns the requirement as an index line has it. ParseRequirement
// gives it back.
func (r Requirement) String() string {
	text := r.Tool + ":" + r.Spec()
	for i, p := range r.Platforms {
		separator := ", "
		if i == 0 {
			separator = "; "
		}
		text += separator + p.String()
	}
	return text
}

// Applies reports whether the package has to be there on a platform.
func (r Requirement) Applies(p index.Platform) bool {
	return len(r.Platforms) == 0 || slices.Contains(r.Platforms, p)
}

// MarshalText is String, for journals and --json.
func (r Requirement) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is ParseRequirement.
func (r *Requirement) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRequirement(string(text))
	return err
}

// A clause is one comparison of a constraint: ">=" and "1.2".
type clause struct{ operator, version string }

func (r Requirement) clauses() []clause {
	var all []clause
	if r.Constraint == "" {
		return nil
	}
	for text := range strings.SplitSeq(r.Constraint, ",") {
		version := strings.TrimLeft(text, "<>=!~^")
		all = append(all, clause{cmp.Or(text[:len(text)-len(version)], "="), version})
	}
	return all
}
