package resolve_test

import (
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/resolve"
)

// The oracle decides small universes by trying every combination of versions.
// It is written from the rules in the package comment and shares no code with
// the solver.

// pick is one version for every package there is.
type pick map[resolve.Package]*index.Entry

// closure is what a pick amounts to, starting from the root.
type closure struct {
	w        *world
	pick     pick
	features map[resolve.Package]map[string]bool // of every package reached
	active   map[resolve.Package]map[string]bool // optional dependencies that are on
	valid    bool
	changed  bool
}

// follow reports what the root needs with a pick, and whether the pick
// satisfies all of it.
func follow(w *world, opts resolve.Options, p pick) *closure {
	c := &closure{
		w: w, pick: p, valid: true,
		features: map[resolve.Package]map[string]bool{}, active: map[resolve.Package]map[string]bool{},
	}
	for _, d := range opts.Dependencies {
		c.require(key(d.Package), d.Req, d.Features, d.DefaultFeatures)
		for _, values := range opts.Features {
			for _, v := range values {
				if name, f, ok := strings.Cut(v, "/"); ok && strings.TrimSuffix(name, "?") == d.Alias {
					c.require(key(d.Package), d.Req, []string{f}, false)
				}
			}
		}
	}
	for c.changed = true; c.changed && c.valid; {
		c.changed = false
		for p := range c.features {
			c.expand(p)
		}
	}
	c.valid = c.valid && c.unique()
	return c
}

func key(p resolve.Package) resolve.Package {
	return resolve.Package{Registry: p.Registry, Name: strings.ToLower(p.Name)}
}

func (c *closure) require(p resolve.Package, req index.Requirement, features []string, defaults bool) {
	e := c.pick[p]
	if e == nil {
		c.valid = false
		return
	}
	v, err := index.ParseVersion(e.Vers)
	if err != nil || !req.Matches(v) {
		c.valid = false
	}
	if c.features[p] == nil {
		c.features[p], c.active[p] = map[string]bool{}, map[string]bool{}
		c.changed = true
	}
	for _, f := range features {
		c.turnOn(p, f)
	}
	if defaults {
		c.turnOn(p, "default")
	}
}

func (c *closure) turnOn(p resolve.Package, feature string) {
	if !c.features[p][feature] {
		c.features[p][feature] = true
		c.changed = true
	}
}

// expand applies the dependencies and the features of one package once.
func (c *closure) expand(p resolve.Package) {
	e := c.pick[p]
	for _, d := range e.Deps {
		if d.Kind != index.KindDev && (!d.Optional || c.active[p][d.Name]) {
			c.dependency(p, d, d.Features, d.DefaultFeatures)
		}
	}
	for feature := range c.features[p] {
		values, explicit := e.AllFeatures()[feature]
		switch {
		case explicit:
			for _, v := range values {
				c.value(p, e, feature, v)
			}
		case feature == "default":
		case strings.Contains(feature, "/"):
			c.value(p, e, feature, feature)
		case implicit(e, feature):
			c.activate(p, feature)
		default:
			c.valid = false
		}
	}
}

func (c *closure) dependency(p resolve.Package, d index.Dependency, features []string, defaults bool) {
	req, err := index.ParseRequirement(d.Req)
	target := resolve.Package{Registry: p.Registry, Name: strings.ToLower(d.PackageName())}
	if d.Registry != "" {
		target.Registry = c.w.aliases[d.Registry]
	}
	if err != nil || d.Registry != "" && target.Registry == "" {
		c.valid = false
		return
	}
	c.require(target, req, features, defaults)
}

func (c *closure) value(p resolve.Package, e *index.Entry, feature, value string) {
	named := func(name string) (found []index.Dependency, optional bool) {
		for _, d := range e.Deps {
			if d.Name == name && d.Kind != index.KindDev {
				found = append(found, d)
				optional = optional || d.Optional
			}
		}
		return found, optional
	}
	if name, ok := strings.CutPrefix(value, "dep:"); ok {
		found, optional := named(name)
		c.valid = c.valid && len(found) > 0
		if optional {
			c.activate(p, name)
		}
		return
	}
	name, f, slash := strings.Cut(value, "/")
	if !slash {
		_, explicit := e.AllFeatures()[value]
		found, _ := named(value)
		switch {
		case explicit || implicit(e, value) || value == "default":
			c.turnOn(p, value)
		case len(found) == 0:
			c.valid = false
		}
		return
	}
	name, weak := strings.CutSuffix(name, "?")
	found, optional := named(name)
	c.valid = c.valid && len(found) > 0
	if optional && !weak {
		c.activate(p, name)
		if _, explicit := e.AllFeatures()[name]; explicit || implicit(e, name) {
			c.turnOn(p, name)
		}
	}
	for _, d := range found {
		if !d.Optional || c.active[p][name] {
			c.dependency(p, d, []string{f}, false)
		}
	}
}

func (c *closure) activate(p resolve.Package, dependency string) {
	if !c.active[p][dependency] {
		c.active[p][dependency] = true
		c.changed = true
	}
}

// implicit reports whether an optional dependency is a feature of its own name.
func implicit(e *index.Entry, name string) bool {
	for _, values := range e.AllFeatures() {
		if slices.Contains(values, "dep:"+name) {
			return false
		}
	}
	_, explicit := e.AllFeatures()[name]
	return !explicit && slices.ContainsFunc(e.Deps, func(d index.Dependency) bool {
		return d.Name == name && d.Optional && d.Kind != index.KindDev
	})
}

// unique reports whether what was reached has one package to a name and one
// package to a native library.
func (c *closure) unique() bool {
	names, links := map[string]bool{}, map[string]bool{}
	for p := range c.features {
		e := c.pick[p]
		if names[index.Fold(p.Name)] || e.Links != "" && links[e.Links] {
			return false
		}
		names[index.Fold(p.Name)] = true
		links[e.Links] = true
	}
	return true
}

// definedFeatures returns the features of a package that are on and that its
// version defines, sorted.
func (c *closure) definedFeatures(p resolve.Package) []string {
	var on []string
	e := c.pick[p]
	for f := range c.features[p] {
		if _, explicit := e.AllFeatures()[f]; explicit || implicit(e, f) {
			on = append(on, f)
		}
	}
	slices.Sort(on)
	return on
}

// everyPick calls yield with every combination of candidates.
func everyPick(w *world, opts resolve.Options, yield func(pick) bool) {
	var packages []resolve.Package
	for p := range w.entries {
		packages = append(packages, p)
	}
	slices.SortFunc(packages, func(a, b resolve.Package) int {
		return strings.Compare(a.Name+" "+a.Registry, b.Name+" "+b.Registry)
	})
	p := pick{}
	var try func(i int) bool
	try = func(i int) bool {
		if i == len(packages) {
			return yield(p)
		}
		some := false
		for _, e := range w.entries[packages[i]] {
			if !candidate(opts, packages[i], e) {
				continue
			}
			some = true
			p[packages[i]] = e
			if !try(i + 1) {
				return false
			}
		}
		delete(p, packages[i])
		return some || try(i+1)
	}
	try(0)
}

// candidate applies the rules about yanked and precise versions.
func candidate(opts resolve.Options, p resolve.Package, e *index.Entry) bool {
	if v, ok := opts.Precise[p]; ok && v != e.Vers {
		return false
	}
	return !e.Yanked || slices.Contains(opts.Locked[p], e.Vers) && !opts.UpdateAll && !opts.Update[p]
}

// satisfiable reports whether any pick is valid.
func satisfiable(w *world, opts resolve.Options) bool {
	found := false
	everyPick(w, opts, func(p pick) bool {
		found = follow(w, opts, p).valid
		return !found
	})
	return found
}

// moved returns the locked packages that a closure has at another version.
func (c *closure) moved(locked map[resolve.Package][]string) map[resolve.Package]bool {
	moved := map[resolve.Package]bool{}
	for p := range c.features {
		if v, ok := locked[p]; ok && !slices.Contains(v, c.pick[p].Vers) {
			moved[p] = true
		}
	}
	return moved
}
