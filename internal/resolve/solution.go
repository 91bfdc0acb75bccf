package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// solution reads the selected versions, their features and their edges off a
// search that has succeeded.
func (s *search) solution() (*Solution, error) {
	sol := &Solution{}
	var members []*pkg
	for _, n := range s.u.roots {
		target := s.target(nil, n.family, n.demand)
		sol.Root = append(sol.Root, Edge{
			Package: target.id, Version: s.version(target).Vers,
			Name: n.alias(), Req: n.Req.String(), Kind: kindOf(n.Kind), Target: n.Target, Optional: n.Optional,
		})
	}
	for v := range s.vars {
		info := s.u.vars[v]
		if info.feature != "" || info.choice != nil || s.selected(info.pkg) == 0 {
			continue
		}
		members = append(members, info.pkg)
	}
	for _, p := range sortedPkgs(members) {
		selected, err := s.describe(p)
		if err != nil {
			return nil, err
		}
		sol.Packages = append(sol.Packages, selected)
	}
	return sol, nil
}

func kindOf(kind string) string {
	if kind == "" {
		return index.KindNormal
	}
	return kind
}

// version returns the version selected of a package.
func (s *search) version(p *pkg) candidate { return p.candidates[s.selected(p)-1] }

func (s *search) describe(p *pkg) (Selected, error) {
	version := s.version(p)
	entry, err := p.releases.Entry(version.number)
	if err != nil {
		return Selected{}, fmt.Errorf("read %s %s: %w", p.id.Name, version.Vers, err)
	}
	sel := Selected{Package: p.id, Entry: entry}
	active := map[string]bool{} // optional dependencies
	defined := s.u.shape(p, s.selected(p))
	for _, v := range p.featureVars {
		if !s.met(v) || !s.current[v].positive() {
			continue
		}
		name := s.u.vars[v].feature
		if dependency, ok := strings.CutPrefix(name, prefixDep); ok {
			active[dependency] = true
		} else if _, explicit := defined.features[name]; explicit || defined.implicit[name] {
			sel.Features = append(sel.Features, name)
		}
	}
	slices.Sort(sel.Features)
	for _, d := range defined.deps {
		if d.Optional && !active[d.Name] {
			continue
		}
		alias, err := s.u.locate(p, d.Registry)
		if err != nil {
			return Selected{}, err
		}
		family := s.u.packages[keyOf(Package{alias, d.PackageName()})]
		target := s.target(p, family, family.parsed[d.Req])
		sel.Dependencies = append(sel.Dependencies, Edge{
			Package: target.id, Version: s.version(target).Vers,
			Name: d.Name, Req: d.Req, Kind: kindOf(d.Kind), Target: d.Target, Optional: d.Optional,
		})
	}
	return sel, nil
}

func uniqueSorted(items []string) []string {
	sorted := slices.Clone(items)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
