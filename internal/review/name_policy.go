package review

import (
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// NamePolicy says which names a new package may have.
type NamePolicy struct {
	Reserved   []string
	Popular    []string     // held one edit further away than others
	Similar    []Similarity // by rising length
	LookAlikes bool
	Scopes     map[string][]Account // who may publish the first version of a package in a scope
}

// Similarity says that a new name from a length on is similar to another when
// no more than so many edits lie between them. An edit is a letter more, less or
// another, or two neighbours swapped.
type Similarity struct {
	Length   int // of the shorter name, in bytes
	Distance int // 0: such names are not compared
}

// Bounds of the thresholds: names further apart are not similar to anyone.
const (
	maxSimilarDistance = 3
	maxSimilarLength   = 64
)

// DefaultNamePolicy compares names from seven letters on by one edit and from
// fourteen on by two: shorter names have too many neighbours that mean nothing.
// docs/reviewer.md says how many of real names that flags.
func DefaultNamePolicy() NamePolicy {
	return NamePolicy{
		Similar:    []Similarity{{Length: 7, Distance: 1}, {Length: 14, Distance: 2}},
		LookAlikes: true,
		Scopes:     map[string][]Account{},
	}
}

func (p *NamePolicy) parse(v strictyaml.Value) {
	names := v.Mapping("reserved", "popular", "similar", "look-alikes", "scopes")
	p.Reserved = packageNames(names.Get("reserved"))
	p.Popular = packageNames(names.Get("popular"))
	p.LookAlikes = names.Get("look-alikes").Bool(p.LookAlikes)
	if similar := names.Get("similar"); similar.Present() {
		p.parseSimilar(similar)
	}
	for _, e := range names.Get("scopes").Entries() {
		if err := index.CheckName(e.Name + "/x"); err != nil {
			e.Key.Report("write a scope in lower case", "%s", err)
		}
		if p.Scopes[e.Name] = parseAccounts(e.Value); len(p.Scopes[e.Name]) == 0 {
			e.Key.Report("name an owner, or leave the scope out", "nobody may publish in %q", e.Name)
		}
	}
}

func (p *NamePolicy) parseSimilar(v strictyaml.Value) {
	p.Similar = nil
	for _, item := range v.List() {
		m := item.Mapping("length", "distance")
		s := Similarity{
			Length:   m.Require("length", "write the length from which it holds").Int(1, maxSimilarLength, 0),
			Distance: m.Require("distance", "write the number of edits").Int(0, maxSimilarDistance, 0),
		}
		if s.Distance > 0 && s.Length > 0 && s.Length <= s.Distance {
			m.Get("distance").Report("write a smaller number", "names of %d letters are all within %d edits", s.Length, s.Distance)
		}
		if slices.ContainsFunc(p.Similar, func(o Similarity) bool { return o.Length >= s.Length }) && s.Length > 0 {
			item.Report("order them by rising length", "length %d does not come after the ones before it", s.Length)
		}
		p.Similar = append(p.Similar, s)
	}
}

// packageNames reads a list of names that are different by their folded form.
func packageNames(v strictyaml.Value) []string {
	var names []string
	for _, item := range v.List() {
		name := item.Text()
		if name == "" {
			continue
		}
		if err := index.CheckLookupName(name); err != nil {
			item.Report("write a package name", "%s", err)
			continue
		}
		if hasFolded(names, name) {
			item.Report("leave it out", "%q is listed already", name)
			continue
		}
		names = append(names, name)
	}
	return names
}

// hasFolded reports whether a list has a name, by its folded form.
func hasFolded(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return index.Fold(n) == index.Fold(name) })
}

// reserves reports whether nobody may register the name, or a name that ends in
// it after a scope.
func (p *NamePolicy) reserves(name string) bool {
	return hasFolded(p.Reserved, name) || hasFolded(p.Reserved, name[strings.LastIndexByte(name, '/')+1:])
}

// distance is how many edits two names of these lengths may lie apart and are
// still similar.
func (p *NamePolicy) distance(a, b int) int {
	distance := 0
	for _, s := range p.Similar {
		if min(a, b) >= s.Length {
			distance = s.Distance
		}
	}
	return distance
}
