package manifest

import (
	"fmt"
	"regexp"
	"sync"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// sectionOf is the key of each kind of dependency.
func sectionOf(kind string) string {
	switch kind {
	case index.KindDev:
		return "dev-dependencies"
	case index.KindBuild:
		return "build-dependencies"
	default:
		return "dependencies"
	}
}

// kinds returns the kinds of dependencies in the order of their sections.
func kinds() []string {
	return []string{index.KindNormal, index.KindBuild, index.KindDev}
}

// A dependencyReader reads the sections and sees to it that each package is
// needed once.
type dependencyReader struct {
	self string
	seen map[string]seenDependency // by folded name, of the key and of the package
}

type seenDependency struct {
	name string
	line int
}

func parseDependencies(root strictyaml.Mapping, self string) []Dependency {
	r := dependencyReader{self: self, seen: map[string]seenDependency{}}
	var all []Dependency
	for _, kind := range kinds() {
		section := root.Get(sectionOf(kind))
		entries := sectionEntries(section)
		if len(entries) > maxDependencies {
			section.Report("", "has %d dependencies; the limit is %d", len(entries), maxDependencies)
			entries = entries[:maxDependencies]
		}
		for _, entry := range entries {
			all = append(all, r.dependency(entry, kind, section.IsList()))
		}
	}
	return all
}

// sectionEntries returns the dependencies of a section, which is a mapping by
// name or a list whose items have the name inside.
func sectionEntries(section strictyaml.Value) []strictyaml.Entry {
	if !section.IsList() {
		return section.Entries()
	}
	var entries []strictyaml.Entry
	for _, item := range section.List() {
		for _, e := range item.Entries() {
			if e.Name == "name" && e.Value.Text() != "" {
				entries = append(entries, strictyaml.Entry{Name: e.Value.Text(), Key: e.Value, Value: item})
			}
		}
		if n := len(entries); item.IsMapping() && (n == 0 || entries[n-1].Value != item) {
			item.Report("write \"- name: THE-NAME\" and below it \"version: REQUIREMENT\"", "has no name")
		}
	}
	return entries
}

func (r *dependencyReader) dependency(entry strictyaml.Entry, kind string, listed bool) Dependency {
	d := Dependency{Name: entry.Name, Kind: kind}
	d.Line, d.Column = entry.Key.Position()
	switch v := entry.Value; {
	case v.IsMapping():
		d.readMapping(v, listed)
	case v.IsScalar():
		d.Req = parseRequirement(v)
	case v.Present():
		v.Report(`write a requirement, such as "^1.2", or "*" for any`, "says nothing of the version")
	}
	if err := index.CheckLookupName(d.Name); err != nil {
		report(entry.Key, err)
		return d
	}
	r.checkOnce(entry.Key, d)
	return d
}

func (d *Dependency) readMapping(v strictyaml.Value, listed bool) {
	known := []string{"version", "registry", "package", "optional", "features", "default-features", "platforms"}
	if listed {
		known = append(known, "name")
	}
	m := v.Mapping(known...)
	d.Req = parseRequirement(m.Require("version", `add version: "^1.2", or "*" for any`))
	d.Registry = parseAlias(m.Get("registry"))
	d.Package = m.Get("package").Text()
	if d.Package != "" {
		if err := index.CheckLookupName(d.Package); err != nil {
			report(m.Get("package"), err)
		}
	}
	d.Optional = m.Get("optional").Bool(false)
	if d.Optional && d.Kind == index.KindDev {
		m.Get("optional").Report("remove it, or move the dependency to dependencies", "a development dependency cannot be optional")
	}
	d.Features = unique(m.Get("features"), maxItems, parseFeatureName)
	d.NoDefaultFeatures = !m.Get("default-features").Bool(true)
	d.Platforms = parsePlatforms(m.Get("platforms"))
}

// checkOnce reports a dependency on the package itself or on one that is
// needed already.
func (r *dependencyReader) checkOnce(key strictyaml.Value, d Dependency) {
	if r.self != "" && index.Fold(d.PackageName()) == index.Fold(r.self) {
		key.Report("remove it", "%q is this package itself", d.PackageName())
		return
	}
	names := []string{d.Name}
	if d.Package != "" && index.Fold(d.Package) != index.Fold(d.Name) {
		names = append(names, d.Package)
	}
	for _, name := range names {
		first, ok := r.seen[index.Fold(name)]
		if ok {
			key.Report("keep one of them", "%s", alreadyNeeded(name, first))
			return
		}
	}
	for _, name := range names {
		r.seen[index.Fold(name)] = seenDependency{d.Name, d.Line}
	}
}

func alreadyNeeded(name string, first seenDependency) string {
	if name == first.name {
		return fmt.Sprintf("%q is already a dependency on line %d", name, first.line)
	}
	return fmt.Sprintf("%q is already a dependency on line %d, as %q", name, first.line, first.name)
}

func parseRequirement(v strictyaml.Value) string {
	text := v.Text()
	if text == "" {
		return ""
	}
	if _, err := index.ParseRequirement(text); err != nil {
		report(v, err)
	}
	return text
}

var aliasPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$`) })

func parseAlias(v strictyaml.Value) string {
	text := v.Text()
	if text != "" && !aliasPattern().MatchString(text) {
		v.Report("write the name that 'clyde registry list' shows", `%q is not the name of a registry: 1 to 64 of a-z, 0-9, ".", "_" and "-" between letters or digits`, text)
	}
	return text
}
