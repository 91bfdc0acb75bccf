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
		root.Needs = append(root.Needs, &Node{Name: r.PackageName(), Version: r.Version, Req: r.Req, Kind: notNormal(r.Kind), Target: r.Target, Optional: r.Optional})
	}
	// Breadth first: a package is unfolded where it is nearest to the root.
	unfolded, versions := map[*lockfile.Package]bool{}, lock.Versions()
	for level, at := 1, root.Needs; len(at) > 0; level++ {
		var below []*Node
		for _, n := range at {
			below = append(below, unfold(versions, n, depth > 0 && level >= depth, unfolded)...)
		}
		at = below
	}
	return root, nil
}

// unfold fills in a node and reports its children.
func unfold(versions lockfile.Versions, n *Node, last bool, unfolded map[*lockfile.Package]bool) []*Node {
	p := versions.Meeting(n.Name, n.Req, n.Version)
	if p == nil {
		return nil // the lock was checked when it was read
	}
	n.Name, n.Version, n.Registry = p.Name, p.Version, p.Registry
	if last || len(p.Dependencies) == 0 {
		return nil
	}
	if unfolded[p] {
		n.Repeated = true
		return nil
	}
	unfolded[p] = true
	for _, d := range p.Dependencies {
		n.Needs = append(n.Needs, &Node{Name: d.Name, Version: d.Version, Req: d.Req, Kind: notNormal(d.Kind), Target: d.Target, Optional: d.Optional})
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
	versions := lock.Versions()
	wanted := versions.Of(name)
	if len(wanted) == 0 {
		return nil, v.notLocked(name)
	}
	var paths [][]Step
	for _, p := range wanted {
		paths = append(paths, v.pathsTo(versions, p)...)
	}
	if len(paths) == 0 {
		return nil, &Error{Class: ErrNotFound, Message: "nothing needs " + wanted[0].Name + " any more", Remedy: "'clyde install' takes it out of the lock"}
	}
	slices.SortStableFunc(paths, func(a, b []Step) int { return cmp.Compare(len(a), len(b)) })
	return paths, nil
}

// pathsTo are for the project and each package that need one the shortest path
// to it.
func (v *View) pathsTo(versions lockfile.Versions, wanted *lockfile.Package) [][]Step {
	nearest := v.shortestPaths(versions, wanted)
	end := Step{Name: wanted.Name, Version: wanted.Version}
	var paths [][]Step
	for _, r := range v.Lock.Requirements {
		if versions.Meeting(r.PackageName(), r.Req, r.Version) == wanted {
			paths = append(paths, []Step{{Name: v.Name, Version: v.Version, Req: r.Req, Kind: notNormal(r.Kind)}, end})
		}
	}
	for i := range v.Lock.Packages {
		p := &v.Lock.Packages[i]
		path, reached := nearest[p]
		for _, d := range p.Dependencies {
			if !reached || versions.Meeting(d.Name, d.Req, d.Version) != wanted {
				continue
			}
			path := append(slices.Clone(path), Step{Name: p.Name, Version: p.Version, Req: d.Req, Kind: notNormal(d.Kind)}, end)
			paths = append(paths, path)
		}
	}
	return paths
}

// shortestPaths is for each package the steps from the project to it, itself
// left out. No path leads through the package around, for what is only there
// because of a package is no reason to have it.
func (v *View) shortestPaths(versions lockfile.Versions, around *lockfile.Package) map[*lockfile.Package][]Step {
	paths := map[*lockfile.Package][]Step{}
	var queue []*lockfile.Package
	reach := func(p *lockfile.Package, path []Step) {
		if _, done := paths[p]; p == nil || done {
			return
		}
		paths[p] = path
		queue = append(queue, p)
	}
	for _, r := range v.Lock.Requirements {
		reach(versions.Meeting(r.PackageName(), r.Req, r.Version), []Step{{Name: v.Name, Version: v.Version, Req: r.Req, Kind: notNormal(r.Kind)}})
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if p == around {
			continue
		}
		for _, d := range p.Dependencies {
			step := Step{Name: p.Name, Version: p.Version, Req: d.Req, Kind: notNormal(d.Kind)}
			reach(versions.Meeting(d.Name, d.Req, d.Version), append(slices.Clone(paths[p]), step))
		}
	}
	return paths
}
