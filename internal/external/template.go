package external

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// An argv is a command of a driver: a program and arguments, with placeholders.
// "{added...}" and "{changed...}" stand alone and become any number of
// arguments; the others become a part of one.
type argv []string

// placeholder finds placeholders and nothing else that managers write in
// braces, such as "{{.ID}}"; what is behind a "%" or "$" is theirs too.
var (
	placeholder = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{[a-z]+(\.\.\.)?\}`) })
	theirs      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[%$]\{[^{}]*\}`) })
)

// placeholdersIn returns the placeholders of an argument.
func placeholdersIn(arg string) []string {
	return placeholder().FindAllString(theirs().ReplaceAllString(arg, ""), -1)
}

// values are what the placeholders of one command become.
type values struct {
	prefix            string
	requirement       Requirement
	target            string // what is asked for: the exact version, or the spec
	have              string
	operator, version string    // of a clause
	before            string    // the package at the version that was there
	added, changed    []Package // changed: at the versions that were there
	pin               string    // how the manager writes a name with an exact version
}

// placeholders returns what a driver may write, without the lists.
func placeholders() []string {
	return []string{"{prefix}", "{name}", "{base}", "{spec}", "{constraint}", "{target}", "{have}", "{operator}", "{version}", "{before}"}
}

func lists() []string { return []string{"{added...}", "{changed...}"} }

// pinned writes a package as the manager does that is to install exactly it.
func (v values) pinned(p Package) string {
	return strings.NewReplacer("{name}", p.Name, "{version}", p.Version).Replace(v.pin)
}

// mentions reports whether a command has a placeholder.
func (a argv) mentions(placeholder string) bool {
	return slices.ContainsFunc(a, func(arg string) bool { return slices.Contains(placeholdersIn(arg), placeholder) })
}

// expand returns the command, or nil when it is about packages and there are
// none.
func (a argv) expand(v values) []string {
	if a.mentions("{added...}") && len(v.added) == 0 || a.mentions("{changed...}") && len(v.changed) == 0 || a.mentions("{before}") && v.before == "" {
		return nil
	}
	r := v.requirement
	pairs := []string{
		"{prefix}", v.prefix, "{name}", r.Name, "{base}", r.Base(), "{spec}", r.Spec(), "{constraint}", r.Constraint,
		"{target}", v.target, "{have}", v.have, "{operator}", v.operator, "{version}", v.version, "{before}", v.before,
	}
	for _, p := range placeholders() {
		pairs = append(pairs, "%"+p, "%"+p, "$"+p, "$"+p) // theirs begin earlier, and so are found first
	}
	replace := strings.NewReplacer(pairs...)
	var out []string
	for _, arg := range a {
		switch arg {
		case "{added...}":
			for _, p := range v.added {
				out = append(out, p.Name)
			}
		case "{changed...}":
			for _, p := range v.changed {
				out = append(out, v.pinned(p))
			}
		default:
			out = append(out, replace.Replace(arg))
		}
	}
	return out
}
