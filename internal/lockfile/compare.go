package lockfile

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/clydepm/clyde/index"
)

// Comparison says how the packages of two locks differ.
type Comparison struct {
	Added, Removed []Package
	Changed        []Change
	Unchanged      int
}

// Change is a package that both locks have, not with the same content.
type Change struct {
	Before, After Package
}

// Moved reports whether the version or the registry changed, and not just
// features, edges or the place of an archive.
func (c Change) Moved() bool {
	return c.Before.Version != c.After.Version || c.Before.Registry != c.After.Registry
}

// Same reports whether no package differs.
func (c Comparison) Same() bool {
	return len(c.Added)+len(c.Removed)+len(c.Changed) == 0
}

// Compare returns how the packages of after differ from those of before, which
// may be nil. All lists are sorted by name.
func Compare(before, after *Lock) Comparison {
	if before == nil {
		before = &Lock{}
	}
	old, now := sortedBy(before.Packages, comparePackages), sortedBy(after.Packages, comparePackages)
	var c Comparison
	for len(old)+len(now) > 0 {
		name := firstName(old, now)
		was, is := versionsOf(name, old), versionsOf(name, now)
		old, now = old[len(was):], now[len(is):]
		c.compare(was, is)
	}
	return c
}

// firstName returns the least name in two sorted lists, not both empty.
func firstName(a, b []Package) string {
	if len(b) == 0 || len(a) > 0 && a[0].Name < b[0].Name {
		return a[0].Name
	}
	return b[0].Name
}

// versionsOf returns the packages of a name, which are the first if there are any.
func versionsOf(name string, sorted []Package) []Package {
	n := 0
	for n < len(sorted) && sorted[n].Name == name {
		n++
	}
	return sorted[:n:n]
}

// compare compares the versions of one package.
func (c *Comparison) compare(old, now []Package) {
	if len(old) == 0 || len(now) == 0 {
		c.Removed, c.Added = append(c.Removed, old...), append(c.Added, now...)
		return
	}
	// A version is compared with itself, else with one that is compatible, and
	// what is left of each side with what is left of the other.
	for _, goTogether := range []func(a, b Package) bool{
		func(a, b Package) bool { return a.Version == b.Version },
		func(a, b Package) bool {
			v, errV := index.ParseVersion(a.Version)
			w, errW := index.ParseVersion(b.Version)
			return errV == nil && errW == nil && v.Compatible(w)
		},
		func(a, b Package) bool { return true },
	} {
		now = slices.DeleteFunc(slices.Clone(now), func(p Package) bool {
			i := slices.IndexFunc(old, func(was Package) bool { return goTogether(was, p) })
			if i >= 0 {
				c.pair(old[i], p)
				old = slices.Delete(slices.Clone(old), i, i+1)
			}
			return i >= 0
		})
	}
	c.Removed = append(c.Removed, old...)
	c.Added = append(c.Added, now...)
}

func (c *Comparison) pair(was, is Package) {
	if was.line() == is.line() {
		c.Unchanged++
		return
	}
	c.Changed = append(c.Changed, Change{was, is})
}

// line returns the package as a lock has it.
func (p Package) line() string {
	var text bytes.Buffer
	p.normalize(nil)
	writeLine(&text, &p)
	return text.String()
}

// Drift is one difference between what a lock was made for and what the
// manifest asks for now.
type Drift struct {
	Name         string
	Kind         string
	Locked, Want *Requirement // nil: absent on that side; both nil: the features differ
}

func (d Drift) String() string {
	switch {
	case d.Locked == nil && d.Want == nil:
		return "the features of the manifest have changed"
	case d.Locked == nil:
		return fmt.Sprintf("%s %s is not locked yet", d.Name, d.Want.Req)
	case d.Want == nil:
		return fmt.Sprintf("%s is locked but no longer asked for", d.Name)
	case d.Locked.Req != d.Want.Req:
		return fmt.Sprintf("%s: the lock was made for %s, the manifest has %s", d.Name, d.Locked.Req, d.Want.Req)
	case d.Locked.Registry != d.Want.Registry:
		return fmt.Sprintf("%s: the lock has it from registry %s, the manifest from %s", d.Name, d.Locked.Registry, d.Want.Registry)
	}
	return fmt.Sprintf("%s: its features, target or options have changed", d.Name)
}

// Drift compares the requirements that the lock was made for with those of a
// manifest, without resolving. The result is empty when the lock still holds.
// Requirements that mean the same are the same, however they are written.
func (l *Lock) Drift(want []Requirement, features map[string][]string) []Drift {
	locked := group((&Lock{Requirements: l.Requirements}).canonical().Requirements)
	wanted := group((&Lock{Requirements: want}).canonical().Requirements)
	keys := maps.Clone(locked)
	maps.Copy(keys, wanted)
	var drift []Drift
	for _, key := range slices.SortedFunc(maps.Keys(keys), compareKeys) {
		was, is := locked[key], wanted[key]
		for i := range max(len(was), len(is)) {
			d := Drift{Name: key.name, Kind: key.kind}
			if i < len(was) {
				d.Locked = &was[i]
			}
			if i < len(is) {
				d.Want = &is[i]
			}
			if d.Locked == nil || d.Want == nil || !d.Locked.same(*d.Want) {
				drift = append(drift, d)
			}
		}
	}
	if !sameFeatures(l.Features, features) {
		drift = append(drift, Drift{})
	}
	return drift
}

// requirementKey tells the dependencies of a manifest apart.
type requirementKey struct{ name, kind, target string }

func compareKeys(a, b requirementKey) int {
	return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind), cmp.Compare(a.target, b.target))
}

func group(requirements []Requirement) map[requirementKey][]Requirement {
	groups := map[requirementKey][]Requirement{}
	for _, r := range requirements {
		key := requirementKey{r.Name, r.Kind, r.Target}
		groups[key] = append(groups[key], r)
	}
	return groups
}

// same reports whether two canonical requirements mean the same.
func (r Requirement) same(s Requirement) bool {
	return r.PackageName() == s.PackageName() && r.Registry == s.Registry &&
		slices.Equal(r.Features, s.Features) && r.NoDefaultFeatures == s.NoDefaultFeatures &&
		r.Optional == s.Optional && normal(r.Req) == normal(s.Req)
}

// normal returns the shortest common form of a requirement.
func normal(text string) string {
	req, err := index.ParseRequirement(text)
	if err != nil {
		return text
	}
	return req.String()
}

func sameFeatures(a, b map[string][]string) bool {
	return maps.EqualFunc(a, b, func(x, y []string) bool { return slices.Equal(unique(x), unique(y)) })
}
