package client

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
)

// testLock makes a lock from lines "name version: dependency, dependency"; the
// first line is what the project needs.
func testLock(lines ...string) *lockfile.Lock {
	l := &lockfile.Lock{Registries: []lockfile.Registry{{Name: "main", URL: "/idx", Kind: "dir"}}}
	for i, line := range lines {
		head, needs, _ := strings.Cut(line, ":")
		name, version, _ := strings.Cut(head, " ")
		p := lockfile.Package{Name: name, Version: version, Registry: "main"}
		for _, need := range strings.Fields(strings.ReplaceAll(needs, ",", " ")) {
			if i == 0 {
				l.Requirements = append(l.Requirements, lockfile.Requirement{Name: need, Req: "*", Registry: "main"})
				continue
			}
			p.Dependencies = append(p.Dependencies, lockfile.Dependency{Name: need, Req: "*"})
		}
		if i > 0 {
			l.Packages = append(l.Packages, p)
		}
	}
	return l
}

func treeText(n *Node) string {
	text := n.Name
	if n.Repeated {
		text += "*"
	}
	var below []string
	for _, c := range n.Needs {
		below = append(below, treeText(c))
	}
	if len(below) > 0 {
		text += "(" + strings.Join(below, " ") + ")"
	}
	return text
}

func TestTree(t *testing.T) {
	cycle := testLock(": a", "a 1.0.0: b", "b 1.0.0: a, c", "c 1.0.0:")
	deep := testLock(": x, a", "a 1.0.0: b", "b 1.0.0: x", "x 1.0.0: y", "y 1.0.0:")
	// Every package needs all later ones: as many paths as subsets.
	var dense []string
	dense = append(dense, ": p0")
	for i := range 40 {
		var needs []string
		for j := i + 1; j < 40; j++ {
			needs = append(needs, fmt.Sprintf("p%d", j))
		}
		dense = append(dense, fmt.Sprintf("p%d 1.0.0: %s", i, strings.Join(needs, ", ")))
	}
	for _, test := range []struct {
		lock  *lockfile.Lock
		depth int
		want  string
	}{
		{cycle, 0, "root(a(b(a* c)))"},
		{cycle, 1, "root(a)"},
		{cycle, 2, "root(a(b))"},
		{deep, 0, "root(x(y) a(b(x*)))"},
		{testLock(""), 0, "root"},
	} {
		root, err := (&View{Name: "root", Lock: test.lock}).Tree(test.depth)
		if err != nil || treeText(root) != test.want {
			t.Errorf("depth %d: %s %v, want %s", test.depth, treeText(root), err, test.want)
		}
	}
	root, err := (&View{Name: "root", Lock: testLock(dense...)}).Tree(0)
	if err != nil || strings.Count(treeText(root), "p") > 40*40 {
		t.Errorf("a dense lock unfolds to %d nodes, %v", strings.Count(treeText(root), "p"), err)
	}
}

func TestWhy(t *testing.T) {
	lock := testLock(": a, x", "a 1.0.0: b", "b 1.0.0: a, x", "c 1.0.0: x", "x 1.0.0: b, z", "z 1.0.0:", "alone 1.0.0:")
	v := &View{Name: "root", Lock: lock}
	text := func(name string) string {
		paths, err := v.Why(name)
		if err != nil {
			return err.Error()
		}
		var all []string
		for _, path := range paths {
			var names []string
			for _, s := range path {
				names = append(names, s.Name)
			}
			all = append(all, strings.Join(names, ">"))
		}
		return strings.Join(all, " ")
	}
	for name, want := range map[string]string{
		"a":     "root>a root>x>b>a",
		"x":     "root>x root>a>b>x",
		"z":     "root>x>z",
		"b":     "root>a>b root>x>b",
		"alone": "nothing needs alone any more",
		"zz":    `nothing called "zz" is locked`,
	} {
		if got := text(name); got != want {
			t.Errorf("why %s: %q, want %q", name, got, want)
		}
	}
	if _, err := (&View{}).Why("a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no lock: %v", err)
	}
}

func TestListStates(t *testing.T) {
	lock := testLock(": a, b, w", "a 1.0.0:", "b 2.0.0:", "w 1.0.0: c", "c 1.0.0:")
	lock.Requirements[2].Target = `cfg(target_os = "windows")`
	v := &View{Lock: lock, Installed: &Ledger{Packages: []LedgerPackage{
		{Name: "b", Version: "1.0.0", Registry: "main"}, {Name: "old", Version: "0.1.0", Registry: "main"},
	}}}
	list, err := v.List(index.Platform{OS: "linux", Arch: "x86_64"})
	must(t, err)
	want := []Listed{
		{Name: "a", Version: "1.0.0", Registry: "main", Direct: true, State: StateMissing},
		{Name: "b", Version: "2.0.0", Registry: "main", Direct: true, Installed: "1.0.0", State: StateOtherVersion},
		{Name: "c", Version: "1.0.0", Registry: "main", State: StateOtherPlatform},
		{Name: "old", Version: "0.1.0", Registry: "main", Installed: "0.1.0", State: StateNotLocked},
		{Name: "w", Version: "1.0.0", Registry: "main", Direct: true, State: StateOtherPlatform},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	v.Installed.Packages = append(v.Installed.Packages, LedgerPackage{Name: "A", Version: "1.0.0", Registry: "main"})
	list, err = v.List(index.Platform{OS: "linux", Arch: "x86_64"})
	if err != nil || list[0].State != StateInstalled {
		t.Errorf("%+v %v", list, err)
	}
}
