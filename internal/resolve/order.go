package resolve

import (
	"slices"
	"strings"
)

// CycleError reports dependency cycles. It matters only where a package must be
// complete before what depends on it, as for install hooks.
type CycleError struct {
	Cycles [][]Package // each begins and ends with the same package
}

func (e *CycleError) Error() string {
	cycles := make([]string, len(e.Cycles))
	for i, cycle := range e.Cycles {
		names := make([]string, len(cycle))
		for j, p := range cycle {
			names[j] = p.Name
		}
		cycles[i] = strings.Join(names, " → ")
	}
	if len(cycles) == 1 {
		return "packages depend on each other in a cycle: " + cycles[0]
	}
	return "packages depend on each other in cycles: " + strings.Join(cycles, "; ")
}

// InstallOrder returns every package after those it depends on.
//
// If packages depend on each other in a cycle the error is a [*CycleError] that
// names one cycle of each group of such packages. The order is complete all the
// same, and a caller for whom the order inside a group does not matter may use
// it: a group comes after what it depends on, and inside a group the package
// that waits for the fewest others comes first.
func (s *Solution) InstallOrder() ([]Selected, error) {
	g := newGraph(s)
	var order []Selected
	var cycles [][]Package
	for _, group := range g.groups() {
		for _, i := range g.inside(group) {
			order = append(order, s.Packages[i])
		}
		if cycle := g.cycle(group); cycle != nil {
			named := make([]Package, len(cycle))
			for i, n := range cycle {
				named[i] = s.Packages[n].Package
			}
			cycles = append(cycles, named)
		}
	}
	if len(cycles) > 0 {
		return order, &CycleError{cycles}
	}
	return order, nil
}

// graph holds the dependencies of a solution by position in Packages.
type graph struct {
	edges [][]int
}

func newGraph(s *Solution) *graph {
	type key struct {
		pkg     Package
		version string
	}
	position := make(map[key]int, len(s.Packages))
	for i, p := range s.Packages {
		position[key{p.Package, p.Entry.Vers}] = i
	}
	g := &graph{edges: make([][]int, len(s.Packages))}
	for i, p := range s.Packages {
		for _, e := range p.Dependencies {
			g.edges[i] = append(g.edges[i], position[key{e.Package, e.Version}])
		}
		slices.Sort(g.edges[i])
		g.edges[i] = slices.Compact(g.edges[i])
	}
	return g
}

// groups returns the strongly connected components, each after those it depends
// on: Tarjan's algorithm, without recursion since a chain may be long.
func (g *graph) groups() [][]int {
	t := tarjan{
		graph: g, number: make([]int, len(g.edges)), low: make([]int, len(g.edges)),
		onStack: make([]bool, len(g.edges)), next: make([]int, len(g.edges)),
	}
	for root := range g.edges {
		if t.number[root] == 0 {
			t.walk(root)
		}
	}
	return t.found
}

type tarjan struct {
	*graph
	number, low, next []int
	onStack           []bool
	stack             []int
	count             int
	found             [][]int
}

func (t *tarjan) enter(n int) {
	t.count++
	t.number[n], t.low[n] = t.count, t.count
	t.stack = append(t.stack, n)
	t.onStack[n] = true
}

func (t *tarjan) walk(root int) {
	path := []int{root}
	t.enter(root)
	for len(path) > 0 {
		n := path[len(path)-1]
		if t.next[n] < len(t.edges[n]) {
			m := t.edges[n][t.next[n]]
			t.next[n]++
			switch {
			case t.number[m] == 0:
				t.enter(m)
				path = append(path, m)
			case t.onStack[m]:
				t.low[n] = min(t.low[n], t.number[m])
			}
			continue
		}
		path = path[:len(path)-1]
		if len(path) > 0 {
			parent := path[len(path)-1]
			t.low[parent] = min(t.low[parent], t.low[n])
		}
		if t.low[n] == t.number[n] {
			t.leave(n)
		}
	}
}

// leave takes the component of which n was met first off the stack.
func (t *tarjan) leave(n int) {
	start := slices.Index(t.stack, n)
	group := slices.Clone(t.stack[start:])
	t.stack = t.stack[:start]
	for _, m := range group {
		t.onStack[m] = false
	}
	slices.Sort(group)
	t.found = append(t.found, group)
}

// inside orders the members of one group.
func (g *graph) inside(group []int) []int {
	waiting := make(map[int]int, len(group))
	dependants := map[int][]int{}
	for _, n := range group {
		waiting[n] = 0
	}
	for _, n := range group {
		for _, m := range g.edges[n] {
			if _, member := waiting[m]; member && m != n {
				waiting[n]++
				dependants[m] = append(dependants[m], n)
			}
		}
	}
	order := make([]int, 0, len(group))
	for len(waiting) > 0 {
		best := -1
		for _, n := range group {
			if w, ok := waiting[n]; ok && (best < 0 || w < waiting[best]) {
				best = n
			}
		}
		delete(waiting, best)
		order = append(order, best)
		for _, n := range dependants[best] {
			if _, ok := waiting[n]; ok {
				waiting[n]--
			}
		}
	}
	return order
}

// cycle returns a shortest cycle through the first member of a group that is on
// one, nil if the group is a single package that does not need itself.
func (g *graph) cycle(group []int) []int {
	start := group[0]
	if len(group) == 1 && !slices.Contains(g.edges[start], start) {
		return nil
	}
	from := map[int]int{}
	queue := []int{start}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		for _, m := range g.edges[n] {
			if m == start {
				cycle := []int{start}
				for ; n != start; n = from[n] {
					cycle = append(cycle, n)
				}
				cycle = append(cycle, start)
				slices.Reverse(cycle)
				return cycle
			}
			if _, seen := from[m]; !seen {
				from[m] = n
				queue = append(queue, m)
			}
		}
	}
	return nil
}
