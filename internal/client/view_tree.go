package client

import (
	"cmp"
	"slices"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
)

// Node is a package in the tree of what needs what.
type Node struct {
	Name     string `json:"name"`
	Version  string `json:"version,omitempty"`
	Registry string `json:"registry,omitempty"`
	Req      string `json:"requirement,omitempty"` // of the package above
	Kind     string `json:"kind,omitempty"`        // index.KindDev or index.KindBuild
	Target   string `json:"target,omitempty"`      // platforms it is needed on, "" for all
	Optional bool   `json:"optional,omitempty"`
	// Repeated: what it needs is shown where the package stands first.
	Repeated bool    `json:"repeated,omitempty"`
	Needs    []*Node `json:"dependencies,omitempty"`
}

// Tree is the project and below it what it needs, down to depth levels; 0 is
// all of them. Each package is unfolded once, where it stands first, so cycles
// end and the tree is as large as the lock.
func (v *View) Tree(depth int) (*Node, error) {
	lock, err := v.locked()
	if err != nil {
		return nil, err
	}
	root := &Node{Name: v.Name, Version: v.Version}
	for _, r := range lock.Requirements {
		root.Needs = append(root.Needs, &Node{Name: r.PackageName(), Req: r.Req, Kind: notNormal(r.Kind), Target: r.Target, Optional: r.Optional})
	}
	// Breadth first: a package is unfolded where it is nearest to the root.
	unfolded := map[string]bool{}
	for level, at := 1, root.Needs; len(at) > 0; level++ {
		var below []*Node
		for _, n := range at {
			below = append(below, unfold(lock, n, depth > 0 && level >= depth, unfolded)...)
		}
		at = below
	}
	return root, nil
}

// unfold fills in a node and reports its children.
func unfold(lock *lockfile.Lock, n *Node, last bool, unfolded map[string]bool) []*Node {
	p, ok := lock.Lookup(n.Name)
	if !ok {
		return nil // the lock was checked when it was read
	}
	n.Name, n.Version, n.Registry = p.Name, p.Version, p.Registry
	if last || len(p.Dependencies) == 0 {
		return nil
	}
	if unfolded[p.Name] {
		n.Repeated = true
		return nil
	}
	unfolded[p.Name] = true
	for _, d := range p.Dependencies {
		n.Needs = append(n.Needs, &Node{Name: d.Name, Req: d.Req, Kind: notNormal(d.Kind), Target: d.Target, Optional: d.Optional})
	}
	return n.Needs
}

func notNormal(kind string) string {
	if kind == index.KindNormal {
		return ""
	}
	return kind
}

// Step is a package on a path, with what it requires of the next.
type Step struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Req     string `json:"requirement,omitempty"` // on the next one, "" at the end
	Kind    string `json:"kind,omitempty"`
}

// Why says what needs a package: for the project, if it asks for the package
// itself, and for each package that needs it, the shortest path from the
// project. The error is [ErrNotFound] when the package is not locked or nothing needs it.
func (v *View) Why(name string) ([][]Step, error) {
	lock, err := v.locked()
	if err != nil {
		return nil, err
	}
	wanted, ok := lock.Lookup(name)
	if !ok {
		return nil, v.notLocked(name)
	}
	nearest := v.shortestPaths(wanted.Name)
	end := Step{Name: wanted.Name, Version: wanted.Version}
	var paths [][]Step
	for _, r := range lock.Requirements {
		if index.Fold(r.PackageName()) == index.Fold(wanted.Name) {
			paths = append(paths, []Step{{Name: v.Name, Version: v.Version, Req: r.Req, Kind: notNormal(r.Kind)}, end})
		}
	}
	for _, p := range lock.Packages {
		for _, d := range p.Dependencies {
			path, reached := nearest[p.Name]
			if index.Fold(d.Name) != index.Fold(wanted.Name) || !reached {
				continue
			}
			path = append(slices.Clone(path), Step{Name: p.Name, Version: p.Version, Req: d.Req, Kind: notNormal(d.Kind)}, end)
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return nil, &Error{Class: ErrNotFound, Message: "nothing needs " + wanted.Name + " any more", Remedy: "'clyde install' takes it out of the lock"}
	}
	slices.SortStableFunc(paths, func(a, b []Step) int { return cmp.Compare(len(a), len(b)) })
	return paths, nil
}

// shortestPaths is for each package the steps from the project to it, itself
// left out. No path leads through the package around, for what is only there
// because of a package is no reason to have it.
func (v *View) shortestPaths(around string) map[string][]Step {
	paths := map[string][]Step{}
	var queue []lockfile.Package
	reach := func(name string, path []Step) {
		p, ok := v.Lock.Lookup(name)
		if _, done := paths[p.Name]; !ok || done {
			return
		}
		paths[p.Name] = path
		queue = append(queue, p)
	}
	for _, r := range v.Lock.Requirements {
		reach(r.PackageName(), []Step{{Name: v.Name, Version: v.Version, Req: r.Req, Kind: notNormal(r.Kind)}})
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if p.Name == around {
			continue
		}
		for _, d := range p.Dependencies {
			step := Step{Name: p.Name, Version: p.Version, Req: d.Req, Kind: notNormal(d.Kind)}
			reach(d.Name, append(slices.Clone(paths[p.Name]), step))
		}
	}
	return paths
}
