package resolve

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// prefixDep marks a feature value, and the internal feature variable, that
// stands for an optional dependency.
const prefixDep = "dep:"

// defaultFeature exists on every version.
const defaultFeature = "default"

// shape is the dependencies and features of a version, and of those that have
// the same, made easy to ask.
type shape struct {
	deps     []*index.Dependency
	states   set // of the versions
	features map[string][]string
	implicit map[string]bool // optional dependencies that are features of their own name
	targets  targets
	known    map[string][]need // by feature
}

// targets remembers of each target whether it can be read.
type targets map[string]bool

func (t targets) valid(text string) bool {
	if text == "" {
		return true
	}
	valid, known := t[text]
	if !known {
		_, err := index.TargetMatches(text, index.Platform{})
		valid = err == nil
		t[text] = valid
	}
	return valid
}

// shape returns the shape of one candidate.
func (u *universe) shape(p *pkg, state int) *shape {
	for _, s := range u.shapes(p) {
		if s.states.has(state) {
			return s
		}
	}
	panic("resolve: a candidate without a shape")
}

// shapes returns the shapes of all candidates.
func (u *universe) shapes(p *pkg) []*shape {
	if p.shapes != nil {
		return p.shapes
	}
	for i, c := range p.candidates {
		if i == 0 || !alike(c.Release, p.candidates[i-1].Release) {
			p.shapes = append(p.shapes, newShape(c.Release, emptySet(p.states()), u.targets))
		}
		p.shapes[len(p.shapes)-1].states.add(i + 1)
	}
	return p.shapes
}

// alike reports whether two versions have the same dependencies and features.
func alike(a, b *index.Release) bool {
	return sameDependencies(a.Deps, b.Deps) && sameFeatures(a.Features, b.Features)
}

func sameDependencies(a, b []*index.Dependency) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] { // as an index cache shares them
		return true
	}
	for i := range a {
		d, e := a[i], b[i]
		if d == e {
			continue
		}
		if d.Name != e.Name || d.Req != e.Req || d.Kind != e.Kind || d.Optional != e.Optional || d.DefaultFeatures != e.DefaultFeatures ||
			d.Target != e.Target || d.Package != e.Package || d.Registry != e.Registry || !slices.Equal(d.Features, e.Features) {
			return false
		}
	}
	return true
}

func sameFeatures(a, b map[string][]string) bool {
	return len(a) == len(b) && (len(a) == 0 || reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer() || maps.EqualFunc(a, b, slices.Equal))
}

func newShape(r *index.Release, states set, targets targets) *shape {
	s := &shape{deps: r.Deps, states: states, features: r.Features, targets: targets}
	for _, d := range r.Deps {
		if !d.Optional {
			continue
		}
		if _, explicit := s.features[d.Name]; explicit {
			continue
		}
		if s.implicit == nil {
			s.implicit = map[string]bool{}
		}
		s.implicit[d.Name] = true
	}
	for _, values := range s.features {
		for _, value := range values {
			if name, ok := strings.CutPrefix(value, prefixDep); ok {
				delete(s.implicit, name)
			}
		}
	}
	return s
}

// has reports whether the feature can be asked of this version.
func (s *shape) has(feature string) bool {
	if _, ok := s.features[feature]; ok || feature == defaultFeature || s.implicit[feature] {
		return true
	}
	if name, ok := strings.CutPrefix(feature, prefixDep); ok {
		_, optional := s.dependency(name)
		return optional
	}
	if name, _, ok := strings.Cut(feature, "/"); ok {
		exists, _ := s.dependency(strings.TrimSuffix(name, "?"))
		return exists
	}
	return false
}

// values returns what the feature enables.
func (s *shape) values(feature string) []string {
	switch values, ok := s.features[feature]; {
	case ok:
		return values
	case s.implicit[feature]:
		return []string{prefixDep + feature}
	case strings.Contains(feature, "/"):
		return []string{feature}
	}
	return nil
}

// dependency reports whether there is a dependency of this name that counts
// outside development, and whether one of that name is optional.
func (s *shape) dependency(name string) (exists, optional bool) {
	for _, d := range s.deps {
		if d.Name == name && d.Kind != index.KindDev {
			exists = true
			optional = optional || d.Optional
		}
	}
	return exists, optional
}

// need is one thing that a version requires while a feature of it is on. It is
// comparable, so that versions with the same need can be found.
type need struct {
	kind     needKind
	feature  string // of the dependant; "" for always
	when     string // optional dependency that must be active too, "" for none
	registry string // as in the line
	name     string // of the package needed
	req      string // needPackage and needFeature; "" of a feature: whatever the requirement
	want     string // needFeature and needOwn: the feature needed; needBroken: what cannot be understood
}

type needKind uint8

const (
	needPackage needKind = iota // a version of a package
	needFeature                 // a feature of another package
	needOwn                     // a feature of the same version
	needBroken                  // nothing: a feature's value, or a dependency's target if name is set, cannot be understood
)

// needs returns what the version requires while the feature is on, in the order
// of the line; feature "" is what it always requires.
func (s *shape) needs(feature string) []need {
	if feature == "" {
		return s.active(feature, func(d *index.Dependency) bool { return !d.Optional })
	}
	if name, ok := strings.CutPrefix(feature, prefixDep); ok {
		return s.active(feature, func(d *index.Dependency) bool { return d.Optional && d.Name == name })
	}
	needs, ok := s.known[feature]
	if !ok {
		for _, value := range s.values(feature) {
			needs = append(needs, s.valueNeeds(feature, value)...)
		}
		if s.known == nil {
			s.known = map[string][]need{}
		}
		s.known[feature] = needs
	}
	return needs
}

// ofDependency reports whether the need comes straight from a dependency, and
// not from the values of a feature.
func (n need) ofDependency() bool {
	return n.kind <= needFeature && (n.feature == "" || strings.HasPrefix(n.feature, prefixDep))
}

// covers reports whether two needs are the same, or n is the one of a feature
// whatever the requirement.
func (n need) covers(m need) bool {
	if n.req == "" {
		m.req = ""
	}
	return n == m
}

// findDependency returns the position of a dependency that has the need, -1 if
// there is none. It looks at one position first.
func (s *shape) findDependency(n need, guess int) int {
	deps := s.deps
	if guess < len(deps) && s.implies(deps[guess], n) {
		return guess
	}
	for i := range deps {
		if s.implies(deps[i], n) {
			return i
		}
	}
	return -1
}

// implies reports whether an active dependency has the need.
func (s *shape) implies(d *index.Dependency, n need) bool {
	if n.name != d.Package && (d.Package != "" || n.name != d.Name) || n.registry != d.Registry {
		return false
	}
	if n.feature == "" && d.Optional || n.feature != "" && (!d.Optional || n.feature[len(prefixDep):] != d.Name) {
		return false
	}
	switch {
	case !s.targets.valid(d.Target):
		return false
	case n.kind == needPackage:
		return n.req == d.Req
	case n.req != "" && n.req != d.Req:
		return false
	case n.want == defaultFeature && d.DefaultFeatures:
		return true
	}
	return slices.Contains(d.Features, n.want)
}

// active returns the needs that come from the dependencies chosen.
func (s *shape) active(feature string, chosen func(*index.Dependency) bool) []need {
	var needs []need
	for _, d := range s.deps {
		if !chosen(d) {
			continue
		}
		base := need{feature: feature, registry: d.Registry, name: d.PackageName(), req: d.Req}
		if !s.targets.valid(d.Target) {
			needs = append(needs, need{kind: needBroken, feature: feature, name: base.name, want: d.Target})
			continue
		}
		needs = append(needs, base)
		base.kind = needFeature
		for _, f := range d.Features {
			base.want = f
			needs = append(needs, base)
		}
		if d.DefaultFeatures {
			base.want = defaultFeature
			needs = append(needs, base)
		}
	}
	return needs
}

// valueNeeds returns the needs of one value of a feature.
func (s *shape) valueNeeds(feature, value string) []need {
	if name, ok := strings.CutPrefix(value, prefixDep); ok {
		exists, optional := s.dependency(name)
		switch {
		case optional:
			return []need{{kind: needOwn, feature: feature, want: value}}
		case exists:
			return nil
		}
		return []need{{kind: needBroken, feature: feature, want: value}}
	}
	if name, want, ok := strings.Cut(value, "/"); ok {
		return s.dependencyFeature(feature, value, name, want)
	}
	if s.has(value) {
		return []need{{kind: needOwn, feature: feature, want: value}}
	}
	if exists, _ := s.dependency(value); exists {
		return nil // older lines name dependencies that are always there
	}
	return []need{{kind: needBroken, feature: feature, want: value}}
}

// dependencyFeature returns the needs of "name/want" and "name?/want".
func (s *shape) dependencyFeature(feature, value, name, want string) []need {
	name, weak := strings.CutSuffix(name, "?")
	var needs []need
	exists, optional := s.dependency(name)
	if !exists {
		return []need{{kind: needBroken, feature: feature, want: value}}
	}
	if optional && !weak {
		needs = append(needs, need{kind: needOwn, feature: feature, want: prefixDep + name})
		if _, explicit := s.features[name]; name != feature && (explicit || s.implicit[name]) {
			needs = append(needs, need{kind: needOwn, feature: feature, want: name})
		}
	}
	for _, d := range s.deps {
		if d.Name != name {
			continue
		}
		n := need{kind: needFeature, feature: feature, registry: d.Registry, name: d.PackageName(), req: d.Req, want: want}
		if d.Optional && weak {
			n.when = name
		}
		needs = append(needs, n)
	}
	return needs
}
