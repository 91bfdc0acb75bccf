package resolve

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// family is all that a registry has under one name: one pkg, or, where
// incompatible versions may be selected side by side, one for each class of
// compatible versions.
type family struct {
	id       Package
	releases *index.Releases
	all      []candidate // oldest first
	yanked   []candidate // that may not be chosen, oldest first
	members  []*pkg      // in the order of their oldest candidates
	side     bool        // members may be selected side by side
	parsed   map[string]*demand
}

// candidate is a version of the package: releases.List[number].
type candidate struct {
	*index.Release
	version index.Version
	number  int
}

// demand is a requirement on a family: the members that have candidates for it,
// and which these are.
type demand struct {
	text    string
	req     index.Requirement
	options []option
}

type option struct {
	pkg    *pkg
	states set
}

// demand looks a requirement up among the candidates, each requirement once. It
// is nil for a text that is no requirement.
func (f *family) demand(text string) *demand {
	if d, ok := f.parsed[text]; ok {
		return d
	}
	req, err := index.ParseRequirement(text)
	if err != nil {
		f.parsed[text] = nil
		return nil
	}
	d := &demand{text: text, req: req}
	for _, p := range f.members {
		if states := p.matching(req); !states.empty() {
			d.options = append(d.options, option{p, states})
		}
	}
	f.parsed[text] = d
	return d
}

// class writes the requirement that the versions compatible with one, and no
// others, satisfy.
func class(v index.Version) string {
	switch {
	case v.Major > 0:
		return fmt.Sprintf("^%d", v.Major)
	case v.Minor > 0:
		return fmt.Sprintf("^0.%d", v.Minor)
	}
	return fmt.Sprintf("^0.0.%d", v.Patch)
}

// newFamily sorts the versions of a package into candidates and yanked ones.
func (u *universe) newFamily(id Package, releases *index.Releases) (*family, error) {
	side, err := u.sideBySide(id.Registry)
	if err != nil {
		return nil, err
	}
	f := &family{id: id, releases: releases, parsed: map[string]*demand{}, side: side}
	locked := u.locked[keyOf(id)]
	f.all = make([]candidate, 0, len(releases.List))
	for i := range releases.List {
		r := &releases.List[i]
		v, err := index.ParseVersion(r.Vers)
		switch {
		case err != nil: // a line that is not a version cannot be asked for
		case r.Yanked && !slices.Contains(locked, r.Vers):
			f.yanked = append(f.yanked, candidate{r, v, i})
		default:
			f.all = append(f.all, candidate{r, v, i})
		}
	}
	for _, candidates := range [][]candidate{f.yanked, f.all} {
		slices.SortFunc(candidates, func(a, b candidate) int {
			return cmp.Or(a.version.Compare(b.version), strings.Compare(a.Vers, b.Vers))
		})
		if n := len(candidates); n > 0 {
			f.id.Name = candidates[n-1].Name
		}
	}
	for _, candidates := range f.split() {
		f.members = append(f.members, u.newPackage(f, candidates, locked))
	}
	return f, nil
}

// split divides the candidates among the members.
func (f *family) split() [][]candidate {
	if !f.side {
		return [][]candidate{f.all}
	}
	var split [][]candidate
	first := 0
	for i := range f.all {
		if last := i == len(f.all)-1; last || !f.all[i].version.Compatible(f.all[i+1].version) {
			split = append(split, f.all[first:i+1])
			first = i + 1
		}
	}
	return split
}

// alone reports whether the versions of p are all that there are of its name.
func (p *pkg) alone() bool { return len(p.members) == 1 }

// member returns the member with a candidate of this version, nil if there is
// none.
func (f *family) member(version string) *pkg {
	for _, p := range f.members {
		if p.stateOf(version) > 0 {
			return p
		}
	}
	return nil
}

func (f *family) isYanked(version string) bool {
	return slices.ContainsFunc(f.yanked, func(c candidate) bool { return c.Vers == version })
}

// newestVersion returns the newest candidate, a release if there is one.
func (f *family) newestVersion() string {
	newest := -1
	for i, c := range f.all {
		if newest < 0 || !c.version.Prerelease() || f.all[newest].version.Prerelease() {
			newest = i
		}
	}
	if newest < 0 {
		return ""
	}
	return f.all[newest].Vers
}

// versionsNear returns the candidates just below and above a version.
func (f *family) versionsNear(version string) []string {
	v, err := index.ParseVersion(version)
	if err != nil || len(f.all) == 0 {
		return nil
	}
	above := 0
	for above < len(f.all) && f.all[above].version.Compare(v) < 0 {
		above++
	}
	var near []string
	if above > 0 {
		near = append(near, f.all[above-1].Vers)
	}
	if above < len(f.all) {
		near = append(near, f.all[above].Vers)
	}
	return near
}

// prereleases returns the candidates that would match if they were releases.
func (f *family) prereleases(req index.Requirement) []string {
	var found []string
	for _, c := range f.all {
		release := c.version
		release.Pre = ""
		if c.version.Prerelease() && req.Matches(release) {
			found = append(found, c.Vers)
		}
	}
	return found
}

// choice is a variable of a dependant that may have a need met by one of several
// members of a family: state k stands for the k-th option, oldest first. All
// versions of the dependant share it, and all their dependencies on the family
// by the same requirement.
type choice struct {
	v      variable
	demand *demand
	family *family
	locked int // state that the lock has; 0 if none
}

// choiceKey names a choice. The dependant is nil for the root.
type choiceKey struct {
	from   *pkg
	family *family
	text   string
}

// choice returns the choice that a dependant has for a demand.
func (u *universe) choice(from *pkg, f *family, d *demand) *choice {
	key := choiceKey{from, f, d.text}
	if c, ok := u.choices[key]; ok {
		return c
	}
	c := &choice{demand: d, family: f}
	c.v = u.newVariable(variableInfo{pkg: from, choice: c, full: fullSet(len(d.options) + 1)})
	info := u.vars[c.v]
	for i, o := range d.options {
		if o.pkg.locked > 0 && o.states.has(o.pkg.locked) {
			c.locked = i + 1 // of several the newest, if the lock does not say
		}
		stated := u.newFact(fact{kind: factChoice, pkg: from, family: f, req: d.req, other: o.pkg, otherStates: o.states})
		stated.terms = append(stated.terms, term{c.v, c.option(i)}, term{o.pkg.v, o.pkg.full.minus(o.states)})
		info.axioms = append(info.axioms, stated)
	}
	if k := u.chosen(from, f, d); k > 0 {
		c.locked = k
	}
	u.choices[key] = c
	return c
}

// chosen returns the option that the lock says was taken, 0 if it does not say.
func (u *universe) chosen(from *pkg, f *family, d *demand) int {
	held := Held{Needs: keyOf(f.id), Req: d.text}
	if from != nil {
		if from.locked == 0 {
			return 0
		}
		held.Package, held.Version = keyOf(from.id), from.candidates[from.locked-1].Vers
	}
	version, ok := u.opts.Chosen[held]
	if !ok {
		return 0
	}
	for i, o := range d.options {
		if o.pkg.locked > 0 && o.pkg.candidates[o.pkg.locked-1].Vers == version {
			return i + 1
		}
	}
	return 0
}

// option returns the state that stands for an option.
func (c *choice) option(i int) set { return singleton(i+1, len(c.demand.options)+1) }

// text names the members that some states of the choice stand for.
func (c *choice) text(states set) string {
	var classes []string
	for i, o := range c.demand.options {
		if states.has(i + 1) {
			classes = append(classes, class(o.pkg.candidates[0].version))
		}
	}
	return alternatives(classes)
}
