package lockfile

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/clydepm/clyde/index"
)

// MinVersion and MaxVersion bound the format versions that [Parse] reads.
// [Lock.Bytes] writes MaxVersion.
const (
	MinVersion = 1
	MaxVersion = 1
)

// Path is where a project keeps its lock.
const Path = ".clyde/lock.jsonl"

// Lock is the content of a lock file.
type Lock struct {
	Registries   []Registry
	Requirements []Requirement       // what the manifest asked for
	Features     map[string][]string // of the manifest
	Packages     []Package
}

// Registry is a registry that packages of the lock come from.
type Registry struct {
	Name   string `json:"name"` // the project's alias
	URL    string `json:"url"`
	Kind   string `json:"kind"`             // git, dir, ...
	Commit string `json:"commit,omitempty"` // of the index, if it is a git repository
	Verify string `json:"verify,omitempty"` // what is demanded of signatures: off, warn, attested, require
	// Versions is index.CargoVersions if incompatible versions of its packages
	// may be locked side by side, else "".
	Versions string `json:"versions,omitempty"`
}

// Requirement is one dependency of the manifest.
type Requirement struct {
	Name              string   `json:"name"`              // by which the manifest knows it
	Req               string   `json:"req"`               // an [index.Requirement]
	Registry          string   `json:"registry"`          // alias of the registry it was found in
	Package           string   `json:"package,omitempty"` // its name there, if it is not Name
	Features          []string `json:"features,omitempty"`
	NoDefaultFeatures bool     `json:"no_default_features,omitzero"`
	Optional          bool     `json:"optional,omitzero"`
	Target            string   `json:"target,omitempty"`  // as in an index line; "" for every platform
	Kind              string   `json:"kind,omitempty"`    // index.KindNormal (also ""), KindDev or KindBuild
	Version           string   `json:"version,omitempty"` // that is taken, where several locked ones satisfy Req
}

// PackageName returns the name of the package that is required.
func (r Requirement) PackageName() string { return cmp.Or(r.Package, r.Name) }

// Package is one locked package.
type Package struct {
	Name         string       `json:"name"`
	Version      string       `json:"version"`
	Registry     string       `json:"registry"`
	Cksum        string       `json:"cksum"`
	DL           string       `json:"dl,omitempty"`
	Size         int64        `json:"size,omitzero"`
	Builds       []Build      `json:"builds,omitempty"`
	Features     []string     `json:"features,omitempty"`
	Dependencies []Dependency `json:"dependencies,omitempty"`
	External     []string     `json:"external,omitempty"`
	Hooks        []Hook       `json:"hooks,omitempty"` // as the index line has them; none: it tells nothing
	Type         string       `json:"type,omitempty"`  // how it is installed

	Verification *Verification `json:"verification,omitempty"` // nil: no signature, and none needed
}

// Verification is what came of verifying a package's signature.
type Verification struct {
	Outcome string `json:"outcome"` // verified, unattested or rejected
	Bundle  string `json:"bundle,omitempty"`
	Profile string `json:"profile,omitempty"`
	By      string `json:"by,omitempty"`
}

// Build is a prebuilt archive for one platform.
type Build struct {
	Platform string `json:"platform"`
	DL       string `json:"dl,omitempty"`
	Cksum    string `json:"cksum"`
	Size     int64  `json:"size,omitzero"`
}

// Hook is a program that the package runs where it is installed or removed.
type Hook struct {
	Phase     string   `json:"phase"`
	Run       []string `json:"run"`
	Timeout   int64    `json:"timeout,omitzero"` // seconds; 0 means index.DefaultHookTimeout
	Platforms []string `json:"platforms,omitempty"`
}

// IndexHooks returns the hooks in the words of an index line.
func (p Package) IndexHooks() []index.Hook {
	var hooks []index.Hook
	for _, h := range p.Hooks {
		hooks = append(hooks, index.Hook{Phase: h.Phase, Run: h.Run, Timeout: h.Timeout, Platforms: h.Platforms})
	}
	return hooks
}

// Dependency is an active dependency of a locked package on another.
type Dependency struct {
	Name     string `json:"name"` // of the locked package
	Req      string `json:"req"`
	Target   string `json:"target,omitempty"` // "" for every platform
	Kind     string `json:"kind,omitempty"`   // index.KindNormal (also "") or KindBuild
	Optional bool   `json:"optional,omitzero"`
	Version  string `json:"version,omitempty"` // that is taken, where several locked ones satisfy Req
}

// header is the first line.
type header struct {
	Lock         int                 `json:"lock"`
	Registries   []Registry          `json:"registries"`
	Dependencies []Requirement       `json:"dependencies"`
	Features     map[string][]string `json:"features,omitempty"`
}

// Lookup returns the locked package of a name; of several versions the newest.
func (l *Lock) Lookup(name string) (Package, bool) {
	var found Package
	ok := false
	for _, p := range l.Packages {
		if index.Fold(p.Name) == index.Fold(name) && (!ok || compareVersions(p, found) > 0) {
			found, ok = p, true
		}
	}
	return found, ok
}

// Bytes returns the canonical text of the lock. It does not change l.
func (l *Lock) Bytes() []byte {
	c := l.canonicalHead()
	for i := range c.Requirements {
		c.Requirements[i].Kind = written(c.Requirements[i].Kind)
	}
	var text bytes.Buffer
	text.Grow(usualLine * (1 + len(l.Packages)))
	writeLine(&text, header{MaxVersion, c.Registries, c.Requirements, c.Features})
	var dependencies []Dependency
	packages := sortedBy(l.Packages, comparePackages)
	for i := range packages {
		packages[i].normalize(dependencies)
		dependencies = packages[i].Dependencies
		writeLine(&text, &packages[i])
	}
	return text.Bytes()
}

// usualLine is how long the line of a package mostly is.
const usualLine = 400

// written returns a kind as it is written: the normal one is left out.
func written(kind string) string {
	if kind == index.KindNormal {
		return ""
	}
	return kind
}

func writeLine(text *bytes.Buffer, v any) {
	if err := json.MarshalWrite(text, v, json.Deterministic(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		panic(err) // no type of a lock can fail to be written
	}
	text.WriteByte('\n')
}

// canonical returns a deep copy with every list sorted and every kind written
// out.
func (l *Lock) canonical() *Lock {
	c := l.canonicalHead()
	c.Packages = sortedBy(l.Packages, comparePackages)
	for i := range c.Packages {
		p := &c.Packages[i]
		p.normalize(nil)
		for j := range p.Dependencies {
			p.Dependencies[j].Kind = cmp.Or(p.Dependencies[j].Kind, index.KindNormal)
		}
	}
	return c
}

// canonicalHead is canonical without the packages.
func (l *Lock) canonicalHead() *Lock {
	c := &Lock{
		Registries:   sortedBy(l.Registries, func(a, b Registry) int { return cmp.Compare(a.Name, b.Name) }),
		Requirements: sortedBy(l.Requirements, compareRequirements),
	}
	for name, values := range l.Features {
		if c.Features == nil {
			c.Features = make(map[string][]string, len(l.Features))
		}
		c.Features[name] = slices.Clone(values)
	}
	for i := range c.Requirements {
		r := &c.Requirements[i]
		r.Features = unique(r.Features)
		r.Kind = cmp.Or(r.Kind, index.KindNormal)
	}
	return c
}

// normalize puts copies of its lists into p, sorted and with every kind as it is
// written. There may be room for the dependencies.
func (p *Package) normalize(room []Dependency) {
	p.Features, p.External = unique(p.Features), unique(p.External)
	p.Hooks = slices.Clone(p.Hooks) // in the order in which the line has them
	if p.Verification != nil {
		v := *p.Verification
		p.Verification = &v
	}
	p.Builds = sortedBy(p.Builds, func(a, b Build) int { return cmp.Compare(a.Platform, b.Platform) })
	p.Dependencies = append(room[:0], p.Dependencies...)
	for i := range p.Dependencies {
		p.Dependencies[i].Kind = written(p.Dependencies[i].Kind)
	}
	slices.SortStableFunc(p.Dependencies, compareDependencies)
	p.Dependencies = slices.Compact(p.Dependencies)
}

func comparePackages(a, b Package) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), compareVersions(a, b))
}

func compareRequirements(a, b Requirement) int {
	return cmp.Or(
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(written(a.Kind), written(b.Kind)),
		cmp.Compare(a.Target, b.Target),
		cmp.Compare(a.Registry, b.Registry),
		cmp.Compare(a.Package, b.Package),
		cmp.Compare(a.Req, b.Req),
		cmp.Compare(a.Version, b.Version),
	)
}

func compareDependencies(a, b Dependency) int {
	optional := 0
	if a.Optional != b.Optional {
		optional = 1
		if b.Optional {
			optional = -1
		}
	}
	return cmp.Or(
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(written(a.Kind), written(b.Kind)),
		cmp.Compare(a.Target, b.Target),
		cmp.Compare(a.Req, b.Req),
		cmp.Compare(a.Version, b.Version),
		optional,
	)
}

// sortedBy returns a sorted copy, never nil, so that an empty list is written
// as one.
func sortedBy[T any](items []T, compare func(a, b T) int) []T {
	sorted := append([]T{}, items...)
	slices.SortStableFunc(sorted, compare)
	return sorted
}

func unique(items []string) []string {
	sorted := sortedBy(items, cmp.Compare[string])
	return slices.Compact(sorted)
}
