package lockfile

import (
	"fmt"
	"slices"

	"github.com/clydepm/clyde/index"
)

// Selection says which part of a lock is wanted.
type Selection struct {
	Platform index.Platform
	Dev      bool     // also what the manifest needs for development
	Optional []string // optional dependencies of the manifest that are on, by name
}

// Select returns the packages that the manifest's dependencies reach on one
// platform, in the order of the lock. Optional dependencies of packages are in
// the lock only if a feature has turned them on, and are followed.
func (l *Lock) Select(s Selection) ([]Package, error) {
	versions := l.Versions()
	reached := map[*Package]bool{}
	var queue []*Package
	reach := func(name, req, version, target string) error {
		applies, err := index.TargetMatches(target, s.Platform)
		if err != nil {
			return fmt.Errorf("dependency on %s: %w", name, err)
		}
		p := versions.Meeting(name, req, version)
		if p == nil {
			return fmt.Errorf("%s %s is needed but not locked", name, req)
		}
		if applies && !reached[p] {
			reached[p] = true
			queue = append(queue, p)
		}
		return nil
	}
	for _, r := range l.Requirements {
		if r.Kind == index.KindDev && !s.Dev || r.Optional && !slices.Contains(s.Optional, r.Name) {
			continue
		}
		if err := reach(r.PackageName(), r.Req, r.Version, r.Target); err != nil {
			return nil, err
		}
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for _, d := range p.Dependencies {
			if err := reach(d.Name, d.Req, d.Version, d.Target); err != nil {
				return nil, err
			}
		}
	}
	var selected []Package
	for i := range l.Packages {
		if reached[&l.Packages[i]] {
			selected = append(selected, l.Packages[i])
		}
	}
	return selected, nil
}
