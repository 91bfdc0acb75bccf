package resolve

import (
	"context"

	"github.com/clydepm/clyde/index"
)

// Package names a package of a registry. Registry is the client's alias.
type Package struct {
	Registry, Name string
}

// Dependency is a requirement of the root.
type Dependency struct {
	Package         Package
	Req             index.Requirement
	Features        []string
	DefaultFeatures bool
	Optional        bool   // resolved like any other; kept on the edge
	Kind            string // index.KindNormal (also ""), index.KindDev or index.KindBuild
	Target          string // platforms it is for, as in an index line; "" for all
	Alias           string // the name by which the root knows it, if it is another
}

// Source is where metadata comes from.
type Source interface {
	// Versions returns the versions of a package, in any order. The error
	// matches [ErrNotFound] if the registry has no such package. Any other
	// error ends the resolution.
	Versions(ctx context.Context, p Package) (*index.Releases, error)

	// Locate returns the alias of the registry that a line of package from
	// names in a dependency. It is not asked about "", from's own. The error
	// matches [ErrNotFound] if no such registry is configured.
	Locate(ctx context.Context, from Package, registry string) (alias string, err error)
}

// Suggester is a [Source] that can tell which names are close to one that does
// not exist.
type Suggester interface {
	Nearest(ctx context.Context, p Package) []string
}

// Coexister is a [Source] of which some registries allow incompatible versions
// of a package to be selected side by side, as Cargo does.
type Coexister interface {
	// Coexist reports whether the registry of this alias does.
	Coexist(ctx context.Context, registry string) (bool, error)
}

// DefaultMaxSteps bounds the decisions and derivations of one Resolve.
const DefaultMaxSteps = 1_000_000

// Options says what to resolve.
type Options struct {
	Root         string // what explanations call the root; "" is "this project"
	Dependencies []Dependency
	// Features are the root's own features. All of them are taken to be on,
	// so that the lock holds whichever is chosen later.
	Features map[string][]string

	Locked    map[Package][]string // versions that each package has now
	Chosen    map[Held]string      // which of several the lock has for a dependency
	Update    map[Package]bool     // packages that are to move to the newest version possible
	UpdateAll bool                 // all packages are
	Precise   map[Package]string   // packages that must take this version, or none compatible with it, if they are selected

	MaxSteps int // 0 is [DefaultMaxSteps]
}

// Held names a dependency in the lock that several locked versions satisfy.
type Held struct {
	Package Package // the dependant, its name in lower case; zero is the root
	Version string
	Needs   Package // its name in lower case
	Req     string  // as it is written in the line; of the root, as [index.Requirement.String] has it
}

// Solution is a consistent choice of versions.
type Solution struct {
	Root     []Edge     // in the order of Options.Dependencies
	Packages []Selected // sorted by name and version
}

// Selected is one package of a solution.
type Selected struct {
	Package      Package
	Entry        *index.Entry
	Features     []string // that are on and that the version defines, sorted
	Dependencies []Edge   // that are active, in the order of the line
}

// Edge is an active dependency on a selected package.
type Edge struct {
	Package  Package
	Version  string
	Name     string // by which the dependant knows it
	Req      string // that Version satisfies
	Kind     string
	Target   string
	Optional bool
}

// Lookup returns the selected package of a name, the first if there are
// several versions.
func (s *Solution) Lookup(name string) (Selected, bool) {
	for _, p := range s.Packages {
		if index.Fold(p.Package.Name) == index.Fold(name) {
			return p, true
		}
	}
	return Selected{}, false
}

// Resolve chooses versions for everything that opts.Dependencies need.
//
// It returns a [*Conflict] if no choice satisfies all requirements, a
// [*NotFoundError] if the root asks for packages or precise versions that do not
// exist, a [*YankedError] if it asks for exactly a yanked version, and a
// [*StepLimitError] if the search was given up. Errors of the source are
// returned wrapped.
func Resolve(ctx context.Context, src Source, opts Options) (*Solution, error) {
	u, err := newUniverse(ctx, src, opts)
	if err != nil {
		return nil, err
	}
	r := &resolution{u: u, budget: opts.MaxSteps}
	if r.budget <= 0 {
		r.budget = DefaultMaxSteps
	}
	r.limit = r.budget
	done, err := r.solve()
	if err != nil {
		return nil, err
	}
	return done.solution()
}
