package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// remedySteps bounds the search for a requirement that would solve a conflict.
const remedySteps = 20_000

// remedy returns one obvious way out of a conflict, "" if there is none. The
// first kind that applies wins; within a kind, the first fact.
func (r *resolution) remedy(proof *incompatibility) string {
	facts := proof.facts()
	for _, try := range []func(*fact) string{
		r.u.remedyMissing, r.u.remedyPrecise, r.relaxed,
	} {
		for _, f := range facts {
			if hint := try(f); hint != "" {
				return hint
			}
		}
	}
	return r.u.remedyYanked(facts)
}

// remedyMissing answers a fact that lies outside the choice of versions.
func (u *universe) remedyMissing(f *fact) string {
	switch f.kind {
	case factNoRegistry:
		return fmt.Sprintf("add the registry with `clyde registry add %s`", f.need.dep.Registry)
	case factLacks:
		if offered := u.offered(f.pkg); len(offered) > 0 && f.pkg.any().within(f.states) {
			return fmt.Sprintf("the features of %s are %s", f.pkg.id.Name, enumerate(offered))
		}
	case factNoMatch:
		if f.pkg == nil {
			return f.family.remedyNoMatch(f.req)
		}
	}
	return ""
}

// offered returns the features that versions of p have, few enough to read.
func (u *universe) offered(p *pkg) []string {
	names := map[string]bool{}
	for _, s := range u.shapes(p) {
		for name := range s.features {
			names[name] = true
		}
		for name := range s.implicit {
			names[name] = true
		}
	}
	sorted := slices.Sorted(maps.Keys(names))
	if len(sorted) > 8 {
		sorted = append(sorted[:7], fmt.Sprintf("%d more", len(sorted)-7))
	}
	return sorted
}

// remedyNoMatch says what the root could ask for instead.
func (f *family) remedyNoMatch(req index.Requirement) string {
	if len(f.all) == 0 {
		return "look for another package: nothing is left of " + f.id.Name
	}
	if pre := f.prereleases(req); len(pre) > 0 {
		return fmt.Sprintf("to accept prereleases, write %s %q", f.id.Name, "^"+pre[len(pre)-1])
	}
	newest := f.newestVersion()
	return fmt.Sprintf("the newest version to be had is %[2]s: write %[1]s %[3]q", f.id.Name, newest, "^"+newest)
}

func (u *universe) remedyPrecise(f *fact) string {
	if f.kind == factPrecise {
		return fmt.Sprintf("update %s without asking for precisely %s", f.pkg.id.Name, f.name)
	}
	return ""
}

// relaxed looks for a solution with another version of a package that the root
// asks for, and says how to ask for it.
func (r *resolution) relaxed(f *fact) string {
	i := slices.IndexFunc(r.u.roots, func(n *rootNeed) bool { return n.need == f })
	if i < 0 || len(r.u.roots[i].family.all) == 0 {
		return ""
	}
	blamed := r.u.roots[i]
	var roots []*incompatibility
	for _, c := range r.u.rootClauses {
		if c.fact != f {
			roots = append(roots, c)
		}
	}
	free := r.u.newFact(fact{kind: factNeed, family: blamed.family})
	anything := blamed.family.demand("*")
	roots = append(roots, r.u.requires(free, anything)...)
	budget := remedySteps
	s := r.search(roots, &budget, r.confinePrecise)
	proof, err := s.run()
	if err != nil || proof != nil {
		return "" // nothing found in time: no hint is lost that anybody was promised
	}
	version := s.version(s.target(nil, blamed.family, anything)).Vers
	if strings.HasPrefix(version, "0.0.0") {
		return "" // a placeholder, by custom
	}
	return fmt.Sprintf("there is a solution with %[1]s %[2]s: write %[1]s %[3]q instead of %[4]q",
		blamed.family.id.Name, version, "^"+version, strings.TrimSpace(blamed.Req.String()))
}

// remedyYanked names a yanked version that would satisfy all who disagree.
func (u *universe) remedyYanked(facts []*fact) string {
	needs := map[*family][]*fact{}
	var order []*family
	for _, f := range facts {
		if f.kind != factNeed || f.need.kind != needPackage {
			continue
		}
		if needs[f.family] == nil {
			order = append(order, f.family)
		}
		needs[f.family] = append(needs[f.family], f)
	}
	for _, p := range order {
		if len(needs[p]) < 2 {
			continue
		}
		for _, c := range slices.Backward(p.yanked) {
			if !slices.ContainsFunc(needs[p], func(f *fact) bool { return !f.req.Matches(c.version) }) {
				return fmt.Sprintf("%s %s would satisfy all of them, but it is yanked", p.id.Name, c.Vers)
			}
		}
	}
	return ""
}
