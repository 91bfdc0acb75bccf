package manifest

import (
	"slices"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Path is where the manifest lies below the root of a package or project.
const Path = ".clyde/package.yaml"

// A Manifest is what a manifest says. Absent keys are zero values.
type Manifest struct {
	Name        string
	Version     string
	Type        string
	Description string
	Homepage    string
	Repository  string
	License     string
	Authors     []string
	Keywords    []string
	Platforms   []index.Platform // empty: every platform

	Dependencies []Dependency // of all kinds: normal, then build, then dev, each in the order written
	Features     map[string][]string
	External     []External

	Include, Exclude, AllowSecrets []string

	Hooks     map[string]Hook   // by name; see HookNames
	Artifacts map[string]string // platform → path or pattern in the tree

	file      string
	positions map[string]position // of the top-level values
}

type position struct{ line, column int }

// A Dependency is a package that this one needs.
type Dependency struct {
	Name              string // the key: the name it has here
	Req               string // requirement on its version, as written
	Registry          string // the client's alias of the registry that has it; "" for any
	Package           string // its name in the registry, if not Name
	Kind              string // index.KindNormal, KindDev or KindBuild
	Optional          bool
	Features          []string
	NoDefaultFeatures bool
	Platforms         []index.Platform // empty: needed on every platform
	Line, Column      int              // of the key
}

// PackageName returns the name of the package in its registry.
func (d Dependency) PackageName() string {
	if d.Package != "" {
		return d.Package
	}
	return d.Name
}

// A Hook is a program that runs at one point of installing or removing.
type Hook struct {
	Run     []string      // program and arguments; no shell is involved
	Timeout time.Duration // DefaultTimeout when not written

	Platforms []index.Platform // empty: it runs everywhere
}

// Applies reports whether the hook runs on a platform.
func (h Hook) Applies(p index.Platform) bool {
	return len(h.Platforms) == 0 || slices.Contains(h.Platforms, p) || slices.Contains(h.Platforms, index.Platform{})
}

// DefaultTimeout is how long a hook may run that says nothing else.
const DefaultTimeout = index.DefaultHookTimeout * time.Second

// HookNames returns the names of the points at which hooks run.
func HookNames() []string {
	return index.HookPhases()
}

// File returns the name the manifest was parsed under.
func (m *Manifest) File() string { return m.file }

// Problem returns a problem at the value of a top-level key, or at the start
// of the file when the manifest lacks the key.
func (m *Manifest) Problem(key, hint, detail string) strictyaml.Problem {
	p, ok := m.positions[key]
	if !ok {
		p = position{1, 1}
	}
	return strictyaml.Problem{File: m.file, Line: p.line, Column: p.column, Field: key, Detail: detail, Hint: hint}
}

// Publishable reports whether a valid manifest has all that publishing needs.
func (m *Manifest) Publishable() bool { return m.Name != "" && m.Version != "" }

// CheckPublishable reports what a valid manifest lacks to be published, as
// [strictyaml.Problems].
func (m *Manifest) CheckPublishable() error {
	var problems strictyaml.Problems
	if m.Name == "" {
		problems = append(problems, m.Problem("name", `add name: "the-name"`, "is needed to publish"))
	}
	if m.Version == "" {
		problems = append(problems, m.Problem("version", `add version: "0.1.0"`, "is needed to publish"))
	}
	return problems.Err()
}

// Entry returns the fields of an index line that the manifest decides: all but
// the checksum, size, place and time of the archive, its source and builds.
// The registry of a dependency is the alias as written; the publisher replaces
// it by the address.
func (m *Manifest) Entry() *index.Entry {
	e := &index.Entry{
		Name: m.Name, Vers: m.Version, V: index.FeatureVersion(m.Features),
		License: m.License, Description: m.Description, Keywords: m.Keywords,
		Homepage: m.Homepage, Repository: m.Repository, Authors: m.Authors, Type: m.Type,
	}
	for _, d := range m.Dependencies {
		e.Deps = append(e.Deps, d.entry())
	}
	for name, values := range m.Features {
		// As on crates.io: an older reader must not see the newer syntax.
		if index.FeatureVersion(map[string][]string{name: values}) > index.MinVersion {
			setFeature(&e.Features2, name, values)
		} else {
			setFeature(&e.Features, name, values)
		}
	}
	for _, p := range m.Platforms {
		if p != (index.Platform{}) {
			e.Platforms = append(e.Platforms, p.String())
		}
	}
	for _, external := range m.External {
		e.External = append(e.External, external.String())
	}
	for _, name := range HookNames() {
		if h, ok := m.Hooks[name]; ok {
			e.Hooks = append(e.Hooks, h.entry(name))
		}
	}
	return e.Clone()
}

func (d Dependency) entry() index.Dependency {
	req := d.Req
	if r, err := index.ParseRequirement(d.Req); err == nil {
		req = r.String()
	}
	renamed := d.Package
	if renamed == d.Name {
		renamed = ""
	}
	return index.Dependency{
		Name: d.Name, Req: req, Features: d.Features, Optional: d.Optional,
		DefaultFeatures: !d.NoDefaultFeatures, Target: index.TargetFor(d.Platforms),
		Kind: d.Kind, Registry: d.Registry, Package: renamed,
	}
}

func setFeature(features *map[string][]string, name string, values []string) {
	if *features == nil {
		*features = map[string][]string{}
	}
	(*features)[name] = values
}
