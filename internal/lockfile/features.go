package lockfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/clydepm/clyde/internal/spelling"
)

// DefaultFeature is the feature that is on unless somebody turned it off. A
// manifest need not have it.
const DefaultFeature = "default"

// UnknownFeatureError is for a name that is neither a feature of the manifest nor
// an optional dependency of it.
type UnknownFeatureError struct {
	Name  string
	Known []string // sorted
}

func (e *UnknownFeatureError) Error() string {
	return fmt.Sprintf("there is no feature or optional dependency called %q", e.Name)
}

// Hint names the nearest feature, or all.
func (e *UnknownFeatureError) Hint() string {
	switch near := spelling.Nearest(e.Name, e.Known); {
	case near != "":
		return "did you mean " + near + "?"
	case len(e.Known) == 0:
		return "the manifest has none"
	}
	return "there are " + strings.Join(e.Known, ", ")
}

// OptionalOf lists the optional dependencies of the manifest that features of it
// turn on, by name and sorted. An optional dependency may also be named itself.
// The error is an [UnknownFeatureError].
func (l *Lock) OptionalOf(features []string) ([]string, error) {
	optional := map[string]bool{}
	for _, r := range l.Requirements {
		optional[r.Name] = optional[r.Name] || r.Optional
	}
	on := map[string]bool{}
	queue, seen := slices.Clone(features), map[string]bool{}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		values, known := l.Features[name]
		switch {
		case seen[name]:
			continue
		case optional[name]:
			on[name] = true
		case !known && name != DefaultFeature:
			return nil, &UnknownFeatureError{Name: name, Known: l.featureNames(optional)}
		}
		seen[name] = true
		for _, value := range values {
			if dependency, ok := turnsOn(value); !ok {
				queue = append(queue, value)
			} else if optional[dependency] {
				on[dependency] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(on)), nil
}

// turnsOn is the dependency that a value of a feature turns on: "dep:x" and
// "x/feature" do, "x?/feature" turns on none. A value without either is a feature.
func turnsOn(value string) (dependency string, ok bool) {
	if name, ok := strings.CutPrefix(value, "dep:"); ok {
		return name, true
	}
	at := strings.LastIndex(value, "/")
	if at < 0 {
		return "", false
	}
	if name := value[:at]; !strings.HasSuffix(name, "?") {
		return name, true
	}
	return "", true
}

func (l *Lock) featureNames(optional map[string]bool) []string {
	names := slices.Collect(maps.Keys(l.Features))
	for name, is := range optional {
		if is {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
