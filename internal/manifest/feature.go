package manifest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/spelling"
	"github.com/clydepm/clyde/internal/strictyaml"
)

var (
	featurePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_+.-]{0,63}$`) })
	valuePattern   = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(dep:[A-Za-z0-9_./-]+|([A-Za-z0-9_./-]+\??/)?[A-Za-z0-9_][A-Za-z0-9_+.-]{0,63})$`)
	})
)

func parseFeatureName(v strictyaml.Value) string {
	text := v.Text()
	if text != "" {
		checkFeatureName(v, text)
	}
	return text
}

func checkFeatureName(v strictyaml.Value, name string) {
	if !featurePattern().MatchString(name) {
		v.Report("", `%q is not the name of a feature: 1 to 64 of letters, digits, "_", "-", "+" and ".", not "-", "+" or "." first`, name)
	}
}

// A featureReader knows what a value of a feature may refer to.
type featureReader struct {
	features     []string
	dependencies map[string]Dependency // those that the package ships with: not for development
}

func parseFeatures(v strictyaml.Value, dependencies []Dependency) map[string][]string {
	entries := v.Entries()
	if len(entries) > maxItems {
		v.Report("", "has %d features; the limit is %d", len(entries), maxItems)
		entries = entries[:maxItems]
	}
	if len(entries) == 0 {
		return nil
	}
	r := featureReader{dependencies: map[string]Dependency{}}
	for _, entry := range entries {
		r.features = append(r.features, entry.Name)
	}
	for _, d := range dependencies {
		if d.Kind != index.KindDev {
			r.dependencies[d.Name] = d
		}
	}
	features := map[string][]string{}
	for _, entry := range entries {
		checkFeatureName(entry.Key, entry.Name)
		features[entry.Name] = unique(entry.Value, maxItems, func(item strictyaml.Value) string {
			text := item.Text()
			if text != "" {
				r.checkValue(item, entry.Name, text)
			}
			return text
		})
	}
	return features
}

// checkValue checks one item of a feature: another feature, "dep:DEPENDENCY",
// "DEPENDENCY/FEATURE" or "DEPENDENCY?/FEATURE". An optional dependency is also
// a feature of its own name, as in Cargo.
func (r featureReader) checkValue(v strictyaml.Value, feature, text string) {
	if !valuePattern().MatchString(text) {
		v.Report(`write a feature, "dep:NAME", "NAME/FEATURE" or "NAME?/FEATURE"`, "%q is not a feature or dependency", text)
		return
	}
	if name, ok := strings.CutPrefix(text, "dep:"); ok {
		r.checkDependency(v, name, true)
		return
	}
	if slash := strings.LastIndex(text, "/"); slash >= 0 {
		name, weak := strings.CutSuffix(text[:slash], "?")
		r.checkDependency(v, name, weak)
		return
	}
	switch {
	case text == feature:
		v.Report("remove it", "the feature contains itself")
	case !slices.Contains(r.features, text) && !r.dependencies[text].Optional:
		known := slices.Concat(r.features, r.optional())
		v.Report(nearHint(text, known, "add the feature, or mark the dependency optional"), "there is no feature or optional dependency %q", text)
	}
}

func (r featureReader) checkDependency(v strictyaml.Value, name string, optional bool) {
	d, ok := r.dependencies[name]
	switch {
	case !ok:
		var known []string
		for n := range r.dependencies {
			known = append(known, n)
		}
		slices.Sort(known)
		v.Report(nearHint(name, known, "add it to dependencies; those for development do not count"), "there is no dependency %q", name)
	case optional && !d.Optional:
		v.Report("add optional: true to it", "the dependency %q is not optional", name)
	}
}

func (r featureReader) optional() []string {
	var names []string
	for name, d := range r.dependencies {
		if d.Optional {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func nearHint(word string, known []string, otherwise string) string {
	if near := spelling.Nearest(word, known); near != "" {
		return "did you mean " + strconv.Quote(near) + "?"
	}
	return otherwise
}
