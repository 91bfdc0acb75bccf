package resolve_test

import (
	"errors"
	"testing"

	"github.com/clydepm/clyde/internal/resolve"
)

// TestResolve holds the situations that Dart's and Cargo's own test suites know
// to be tricky, and the rules of this package.
func TestResolve(t *testing.T) {
	for _, tt := range []struct {
		name, index, root, want string // want "" means a conflict
	}{{
		name:  "no dependencies",
		index: "a 1.0.0",
		want:  "",
	}, {
		name:  "newest version of a tree",
		index: "a 1.0.0 : aa 1 ; ab 1\na 1.1.0 : aa 1 ; ab 1\naa 1.0.0\nab 1.2.0\nab 2.0.0",
		root:  "a 1",
		want:  "a 1.1.0, aa 1.0.0, ab 1.2.0",
	}, {
		name: "shared dependency with overlapping requirements",
		index: `
			a 1.0.0 : shared >=2.0.0,<4.0.0
			b 1.0.0 : shared >=3.0.0,<5.0.0
			shared 2.0.0
			shared 3.0.0
			shared 3.6.9
			shared 4.0.0
			shared 5.0.0`,
		root: "a =1.0.0\nb =1.0.0",
		want: "a 1.0.0, b 1.0.0, shared 3.6.9",
	}, {
		name: "a dependency chooses an older version of another",
		index: `
			foo 1.0.0
			foo 1.0.1 : bang =1.0.0
			foo 1.0.2 : bar =1.0.0
			bar 1.0.0 : foo <=1.0.1
			bang 1.0.0`,
		root: "foo <=1.0.2\nbar =1.0.0",
		want: "bang 1.0.0, bar 1.0.0, foo 1.0.1",
	}, {
		name: "a cycle",
		index: `
			foo 1.0.0
			foo 2.0.0 : bar 1
			bar 1.0.0 : foo *`,
		root: "foo *",
		want: "bar 1.0.0, foo 2.0.0",
	}, {
		name: "avoids a conflict before it decides",
		index: `
			foo 1.0.0
			foo 1.1.0 : bar 2
			bar 1.0.0
			bar 1.1.0
			bar 2.0.0`,
		root: "foo 1\nbar 1",
		want: "bar 1.1.0, foo 1.0.0",
	}, {
		name: "resolves a conflict",
		index: `
			foo 1.0.0
			foo 2.0.0 : bar 1
			bar 1.0.0 : foo 1`,
		root: "foo >=1.0.0",
		want: "foo 1.0.0",
	}, {
		name: "resolves a conflict with a partial satisfier",
		index: `
			foo 1.0.0
			foo 1.1.0 : left 1 ; right 1
			left 1.0.0 : shared >=1.0.0
			right 1.0.0 : shared <2.0.0
			shared 1.0.0 : target 1
			shared 2.0.0
			target 1.0.0
			target 2.0.0`,
		root: "foo 1\ntarget 2",
		want: "foo 1.0.0, target 2.0.0",
	}, {
		name: "rolls back through a partial satisfier",
		index: `
			a 1.0.0
			a 2.0.0
			b 1.0.0 : a 1
			c 1.0.0 : b *
			c 2.0.0 : d *
			d 1.0.0 : x 0`,
		root: "c *\na 2",
		want: "",
	}, {
		name: "circular requirement on an older version",
		index: `
			a 1.0.0
			a 2.0.0 : b =1.0.0
			b 1.0.0 : a =1.0.0`,
		root: "a >=1.0.0",
		want: "a 1.0.0",
	}, {
		name: "disjoint constraints",
		index: `
			foo 1.0.0 : shared <=2.0.0
			bar 1.0.0 : shared >3.0.0
			shared 2.0.0
			shared 4.0.0`,
		root: "foo =1.0.0\nbar =1.0.0",
	}, {
		name: "no version matches",
		index: `
			foo 2.0.0
			foo 2.1.3`,
		root: "foo 1",
	}, {
		name: "disjoint root constraints",
		index: `
			foo 1.0.0
			foo 2.0.0`,
		root: "foo 1\nfoo 2",
	}, {
		name: "linear error",
		index: `
			foo 1.0.0 : bar 2
			bar 2.0.0 : baz 3
			baz 1.0.0
			baz 3.0.0`,
		root: "foo 1\nbaz 1",
	}, {
		name: "branching error",
		index: `
			foo 1.0.0 : a 1 ; b 1
			foo 1.1.0 : x 1 ; y 1
			a 1.0.0 : b 2
			b 1.0.0
			b 2.0.0
			x 1.0.0 : y 2
			y 1.0.0
			y 2.0.0`,
		root: "foo 1",
	}, {
		name: "backjumps after a partial satisfier",
		index: `
			a 1.0.0
			a 2.0.0 : c 1
			b 1.0.0 : c 2
			b 2.0.0 : c 3
			c 1.0.0
			c 2.0.0
			c 3.0.0`,
		root: "a *\nb *",
		want: "a 1.0.0, b 2.0.0, c 3.0.0",
	}, {
		name: "backjumps to the nearer unsatisfied package",
		index: `
			a 1.0.0 : c =1.0.0
			a 2.0.0 : c =2.0.0
			b 1.0.0
			b 2.0.0
			b 3.0.0
			c 1.0.0`,
		root: "a *\nb *",
		want: "a 1.0.0, b 3.0.0, c 1.0.0",
	}, {
		name: "a dependency that no registry has makes a version unusable",
		index: `
			foo 1.0.0
			foo 1.1.0 : nowhere 1`,
		root: "foo 1",
		want: "foo 1.0.0",
	}, {
		name: "a requirement that cannot be read makes a version unusable",
		index: `
			foo 1.0.0
			foo 1.1.0 : bar banana
			bar 1.0.0`,
		root: "foo 1",
		want: "foo 1.0.0",
	}, {
		name:  "prereleases are left out",
		index: "a 1.0.0\na 1.1.0-alpha.1\na 2.0.0-rc.1",
		root:  "a >=1.0.0",
		want:  "a 1.0.0",
	}, {
		name:  "prereleases that are named",
		index: "a 1.0.0\na 1.1.0-alpha.1\na 1.1.0-beta.1\na 1.2.0-rc.1",
		root:  "a ^1.1.0-alpha.1",
		want:  "a 1.1.0-beta.1",
	}, {
		name:  "yanked versions are left out",
		index: "a 1.0.0\na 1.1.0 yanked",
		root:  "a 1",
		want:  "a 1.0.0",
	}, {
		name:  "yanked versions stay when locked",
		index: "a 1.0.0\na 1.1.0 yanked\na 1.2.0",
		root:  "a 1\nlock a 1.1.0",
		want:  "a 1.1.0",
	}, {
		name:  "yanked versions go when updated",
		index: "a 1.0.0\na 1.1.0 yanked",
		root:  "a 1\nlock a 1.1.0\nupdate a",
		want:  "a 1.0.0",
	}, {
		name:  "development dependencies of others do not count",
		index: "a 1.0.0 : nowhere 1 kind=dev",
		root:  "a 1",
		want:  "a 1.0.0",
	}, {
		name:  "build dependencies and those of other platforms count",
		index: "a 1.0.0 : b 1 kind=build ; c 1 target=cfg(windows)\nb 1.0.0\nc 1.0.0",
		root:  "a 1",
		want:  "a 1.0.0, b 1.0.0, c 1.0.0",
	}, {
		name:  "optional dependencies stay off",
		index: "a 1.0.0 : b 1 optional\nb 1.0.0",
		root:  "a 1",
		want:  "a 1.0.0",
	}, {
		name:  "an optional dependency is a feature",
		index: "a 1.0.0 : b 1 optional\nb 1.0.0",
		root:  "a 1 features=b",
		want:  "a 1.0.0 [b], b 1.0.0",
	}, {
		name:  "dep: hides the feature of that name",
		index: "a 1.0.0 : b 1 optional\na 1.1.0 +x=dep:b : b 1 optional\nb 1.0.0",
		root:  "a 1 features=b",
		want:  "a 1.0.0 [b], b 1.0.0",
	}, {
		name:  "default features",
		index: "a 1.0.0 +default=x +x=dep:b : b 1 optional\nb 1.0.0",
		root:  "a 1",
		want:  "a 1.0.0 [default x], b 1.0.0",
	}, {
		name:  "no default features",
		index: "a 1.0.0 +default=x +x=dep:b : b 1 optional\nb 1.0.0",
		root:  "a 1 nodefault",
		want:  "a 1.0.0",
	}, {
		name: "features unite over all who ask",
		index: `
			a 1.0.0 : c 1 nodefault features=x
			b 1.0.0 : c 1 nodefault features=y
			c 1.0.0 +x= +y= +z=`,
		root: "a 1\nb 1",
		want: "a 1.0.0, b 1.0.0, c 1.0.0 [x y]",
	}, {
		name:  "a feature of a dependency turns it on",
		index: "a 1.0.0 +x=b/y : b 1 optional\nb 1.0.0 +y=",
		root:  "a 1 features=x",
		want:  "a 1.0.0 [b x], b 1.0.0 [y]",
	}, {
		name:  "a weak feature does not",
		index: "a 1.0.0 +x=b?/y +w=dep:b : b 1 optional\nb 1.0.0 +y=",
		root:  "a 1 features=x",
		want:  "a 1.0.0 [x]",
	}, {
		name:  "a weak feature counts when something else turns the dependency on",
		index: "a 1.0.0 +x=b?/y +w=dep:b : b 1 optional\nb 1.0.0 +y=",
		root:  "a 1 features=x,w",
		want:  "a 1.0.0 [w x], b 1.0.0 [y]",
	}, {
		name:  "versions without the feature are no candidates",
		index: "a 1.0.0 +x=\na 1.1.0\nb 1.0.0 : a 1 features=x",
		root:  "b 1\na 1",
		want:  "a 1.0.0 [x], b 1.0.0",
	}, {
		name:  "a feature that no version has",
		index: "a 1.0.0 +x=",
		root:  "a 1 features=y",
	}, {
		name:  "features that need conflicting versions",
		index: "a 1.0.0 +x=dep:b +y=dep:c : b 1 optional ; c 1 optional\nb 1.0.0 : d 1\nc 1.0.0 : d 2\nd 1.0.0\nd 2.0.0",
		root:  "a 1 features=x,y",
	}, {
		name:  "a feature of a renamed dependency",
		index: "a 1.0.0 +x=json/fast : json 1 package=fast-json\nfast-json 1.0.0 +fast=",
		root:  "a 1 features=x",
		want:  "a 1.0.0 [x], fast-json 1.0.0 [fast]",
	}, {
		name:  "features of the root are all on",
		index: "a 1.0.0 +x=",
		root:  "a 1\nfeature f=a/x",
		want:  "a 1.0.0 [x]",
	}, {
		name:  "two packages cannot link one library",
		index: "a 1.0.0 links=z\nb 1.0.0 links=z\nb 0.9.0",
		root:  "a 1\nb *",
		want:  "a 1.0.0, b 0.9.0",
	}, {
		name:  "nothing moves when something is added",
		index: "a 1.0.0\na 1.1.0\nb 1.0.0\nb 1.1.0 : a ^1.1",
		root:  "a 1\nb 1\nlock a 1.0.0",
		want:  "a 1.0.0, b 1.0.0",
	}, {
		name:  "only what must move does",
		index: "a 1.0.0\na 1.1.0\nb 1.1.0 : a ^1.1\nc 1.0.0\nc 1.1.0",
		root:  "a 1\nb 1\nc 1\nlock a 1.0.0\nlock c 1.0.0",
		want:  "a 1.1.0, b 1.1.0, c 1.0.0",
	}, {
		name:  "an update pushes its dependencies along",
		index: "a 1.0.0\na 1.1.0\nb 1.0.0 : a 1\nb 1.1.0 : a ^1.1\nc 1.0.0\nc 1.1.0",
		root:  "a 1\nb 1\nc 1\nlock a 1.0.0\nlock b 1.0.0\nlock c 1.0.0\nupdate b",
		want:  "a 1.1.0, b 1.1.0, c 1.0.0",
	}, {
		name:  "an update leaves dependencies that still fit",
		index: "a 1.0.0\na 1.1.0\nb 1.0.0 : a 1\nb 1.1.0 : a 1",
		root:  "b 1\nlock a 1.0.0\nlock b 1.0.0\nupdate b",
		want:  "a 1.0.0, b 1.1.0",
	}, {
		name:  "an update stays within what locked dependants admit",
		index: "a 1.0.0\na 1.1.0\na 2.0.0\nb 1.0.0 : a 1\nb 2.0.0 : a 2",
		root:  "b *\nlock a 1.0.0\nlock b 1.0.0\nupdate a",
		want:  "a 1.1.0, b 1.0.0",
	}, {
		name:  "update of everything",
		index: "a 1.0.0\na 1.1.0\nb 1.0.0\nb 1.1.0",
		root:  "a 1\nb 1\nlock a 1.0.0\nlock b 1.0.0\nupdate-all",
		want:  "a 1.1.0, b 1.1.0",
	}, {
		name:  "a precise version",
		index: "a 1.0.0\na 1.1.0\na 1.2.0\nb 1.0.0\nb 1.1.0",
		root:  "a 1\nb 1\nlock a 1.0.0\nlock b 1.0.0\nprecise a 1.1.0",
		want:  "a 1.1.0, b 1.0.0",
	}, {
		name:  "a precise version that nothing admits",
		index: "a 1.0.0\na 2.0.0",
		root:  "a 1\nprecise a 2.0.0",
	}, {
		name:  "names differ in case only",
		index: "Inflector 1.0.0\na 1.0.0 : inflector 1",
		root:  "a 1\nInflector 1",
		want:  "Inflector 1.0.0, a 1.0.0",
	}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			w.load(t, "main", tt.index)
			sol, err := resolve.Resolve(t.Context(), w, rootOptions(t, tt.root))
			if tt.want == "" && tt.root != "" {
				var conflict *resolve.Conflict
				if !errors.As(err, &conflict) {
					t.Fatalf("got %v, %v; want a conflict", sol, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := brief(sol); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
