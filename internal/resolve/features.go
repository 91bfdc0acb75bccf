package resolve

import (
	"maps"
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
	var before index.Needs
	for i, c := range p.candidates {
		if i == 0 || c.Needs != p.candidates[i-1].Needs {
			if needs := p.releases.Needs(c.Needs); i == 0 || !alike(needs, before) {
				s := u.shaped.one()
				s.of(needs, emptySet(p.states()), u.targets)
				p.shapes, before = append(p.shapes, s), needs
			}
		}
		p.shapes[len(p.shapes)-1].states.add(i + 1)
	}
	return p.shapes
}

// alike reports whether two versions have the same dependencies and features.
func alike(a, b index.Needs) bool {
	return sameDependencies(a.Deps, b.Deps) && sameFeatures(a.Features, b.Features)
}

func sameDependencies(a, b []*index.Dependency) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		d, e := a[i], b[i]
		if d == e { // as an index cache shares them
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
	return maps.EqualFunc(a, b, slices.Equal)
}

func (s *shape) of(n index.Needs, states set, targets targets) {
	*s = shape{deps: n.Deps, states: states, features: n.Features, targets: targets}
	for _, d := range n.Deps {
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

// need is one thing that a version requires while a feature of it is on.
type need struct {
	kind    needKind
	weak    bool              // the optional dependency dep must be active too
	anyReq  bool              // of a feature: whatever the requirement of dep
	feature string            // of the dependant; "" for always
	dep     *index.Dependency // that it comes from, or speaks of; nil if it is about features alone
	want    string            // needFeature and needOwn: the feature needed; needBroken: what cannot be understood
}

type needKind uint8

const (
	needPackage needKind = iota // a version of a package
	needFeature                 // a feature of another package
	needOwn                     // a feature of the same version
	needBroken                  // nothing: a feature's value, or the target of dep, cannot be understood
)

// name returns the name of the package needed.
func (n *need) name() string { return n.dep.PackageName() }

// dependencyItself reports whether a feature turns on the dependency of its name.
func (n *need) dependencyItself() bool {
	name, ok := strings.CutPrefix(n.want, prefixDep)
	return ok && name == n.feature
}

// covers reports whether two needs are the same, or n is the one of a feature
// whatever the requirement. They are those of one feature.
func (n *need) covers(m *need) bool {
	if n.kind != m.kind || n.weak != m.weak || n.want != m.want {
		return false
	}
	a, b := n.dep, m.dep
	switch {
	case a == b:
		return true
	case a == nil || b == nil || a.PackageName() != b.PackageName():
		return false
	case n.kind == needBroken:
		return true
	}
	return a.Registry == b.Registry && (n.anyReq || a.Req == b.Req) && (!n.weak || a.Name == b.Name)
}

// needs visits what the version requires while the feature is on, in the order
// of the line; feature "" is what it always requires.
func (s *shape) needs(feature string, visit func(need)) {
	name, ofDependency := strings.CutPrefix(feature, prefixDep)
	if feature != "" && !ofDependency {
		for _, value := range s.values(feature) {
			s.valueNeeds(feature, value, visit)
		}
		return
	}
	for _, d := range s.deps {
		if d.Optional != ofDependency || ofDependency && d.Name != name {
			continue
		}
		n := need{feature: feature, dep: d}
		if !s.targets.valid(d.Target) {
			n.kind, n.want = needBroken, d.Target
			visit(n)
			continue
		}
		visit(n)
		n.kind = needFeature
		for _, n.want = range d.Features {
			visit(n)
		}
		if d.DefaultFeatures {
			n.want = defaultFeature
			visit(n)
		}
	}
}

// valueNeeds visits the needs of one value of a feature.
func (s *shape) valueNeeds(feature, value string, visit func(need)) {
	if name, want, ok := strings.Cut(value, "/"); ok && !strings.HasPrefix(value, prefixDep) {
		s.dependencyFeature(feature, value, name, want, visit)
		return
	}
	n := need{kind: needOwn, feature: feature, want: value}
	if name, ok := strings.CutPrefix(value, prefixDep); ok {
		exists, optional := s.dependency(name)
		if !exists {
			n.kind = needBroken
		}
		if optional || !exists {
			visit(n)
		}
		return
	}
	if !s.has(value) {
		if exists, _ := s.dependency(value); exists {
			return // older lines name dependencies that are always there
		}
		n.kind = needBroken
	}
	visit(n)
}

// dependencyFeature visits the needs of "name/want" and "name?/want".
func (s *shape) dependencyFeature(feature, value, name, want string, visit func(need)) {
	name, weak := strings.CutSuffix(name, "?")
	exists, optional := s.dependency(name)
	if !exists {
		visit(need{kind: needBroken, feature: feature, want: value})
		return
	}
	if optional && !weak {
		visit(need{kind: needOwn, feature: feature, want: prefixDep + name})
		if _, explicit := s.features[name]; name != feature && (explicit || s.implicit[name]) {
			visit(need{kind: needOwn, feature: feature, want: name})
		}
	}
	for _, d := range s.deps {
		if d.Name == name {
			visit(need{kind: needFeature, feature: feature, dep: d, want: want, weak: d.Optional && weak})
		}
	}
}
