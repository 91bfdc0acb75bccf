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
	byName := make(map[string]*Package, len(l.Packages))
	for i := range l.Packages {
		byName[index.Fold(l.Packages[i].Name)] = &l.Packages[i]
	}
	reached := map[string]bool{}
	var queue []string
	reach := func(name, target string) error {
		applies, err := index.TargetMatches(target, s.Platform)
		if err != nil {
			return fmt.Errorf("dependency on %s: %w", name, err)
		}
		key := index.Fold(name)
		if byName[key] == nil {
			return fmt.Errorf("%s is needed but not locked", name)
		}
		if applies && !reached[key] {
			reached[key] = true
			queue = append(queue, key)
		}
		return nil
	}
	for _, r := range l.Requirements {
		if r.Kind == index.KindDev && !s.Dev || r.Optional && !slices.Contains(s.Optional, r.Name) {
			continue
		}
		if err := reach(r.PackageName(), r.Target); err != nil {
			return nil, err
		}
	}
	for len(queue) > 0 {
		p := byName[queue[0]]
		queue = queue[1:]
		for _, d := range p.Dependencies {
			if err := reach(d.Name, d.Target); err != nil {
				return nil, err
			}
		}
	}
	var selected []Package
	for _, p := range l.Packages {
		if reached[index.Fold(p.Name)] {
			selected = append(selected, p)
		}
	}
	return selected, nil
}
