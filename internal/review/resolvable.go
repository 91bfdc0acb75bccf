package review

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/resolve"
)

// mostSteps bounds the resolution of one version. Whoever proposes a version
// must not be able to keep the reviewer busy with it.
const mostSteps = 20_000

// mostRead bounds how many packages one resolution may read.
const mostRead = 5_000

// resolvable checks that a version can be installed: that its dependencies, and
// theirs, can be chosen together from the index as it would be. What lies in
// other indexes is left out of it.
func (j *judge) resolvable(e *index.Entry) error {
	if len(ownOnly(e).Deps) == 0 {
		return nil // and the configuration need not be read
	}
	version, err := index.ParseRequirement("=" + e.Vers)
	if err != nil {
		return nil //nolint:nilerr // reported with the line
	}
	source := &packages{tree: j.in.Head, added: e, coexist: j.config().Clyde.Versions == index.CargoVersions, read: map[string]*index.Releases{}}
	_, err = resolve.Resolve(context.Background(), source, resolve.Options{
		Root:         "whoever installs it",
		Dependencies: []resolve.Dependency{{Package: resolve.Package{Name: e.Name}, Req: version, DefaultFeatures: true}},
		MaxSteps:     mostSteps,
	})
	switch {
	case err == nil:
		return nil
	case source.failed != nil:
		return source.failed
	}
	detail := firstLine(err)
	if conflict, ok := errors.AsType[*resolve.Conflict](err); ok {
		detail = cut(strings.Join(strings.Fields(conflict.Explanation()), " "))
	}
	if _, ok := errors.AsType[*resolve.StepLimitError](err); ok || errors.Is(err, errTooMany) {
		j.add("dependency/search", j.at(e, "deps"), "", "whether its dependencies can be chosen together was not found out: %s", detail)
		return nil
	}
	j.add("dependency/resolve", j.at(e, "deps"), "require versions that go together", "%s", detail)
	return nil
}

// errTooMany ends a resolution that reads too much of the index.
var errTooMany = errors.New("it needs too many packages")

// packages are those of a tree, without what they need of other indexes.
type packages struct {
	tree    fs.FS
	added   *index.Entry
	coexist bool // incompatible versions of a package do, in this index
	read    map[string]*index.Releases
	failed  error // of the tree
}

// Coexist says how clients resolve the index. It is a [resolve.Coexister].
func (p *packages) Coexist(context.Context, string) (bool, error) { return p.coexist, nil }

// Versions reads the lines of a package. Of the one that is judged there is only
// the version that is, so that nothing else satisfies a dependency on it.
func (p *packages) Versions(_ context.Context, pkg resolve.Package) (*index.Releases, error) {
	key := index.Fold(pkg.Name)
	if key == index.Fold(p.added.Name) {
		return index.ReleasesOf([]*index.Entry{ownOnly(p.added)}), nil
	}
	if have, ok := p.read[key]; ok {
		return have, nil
	}
	if len(p.read) == mostRead {
		return nil, errTooMany
	}
	lines, err := versionsOf(p.tree, pkg.Name)
	if err != nil {
		p.failed = err
		return nil, err
	}
	if len(lines) == 0 {
		return nil, resolve.ErrNotFound
	}
	for i, e := range lines {
		lines[i] = ownOnly(e)
	}
	p.read[key] = index.ReleasesOf(lines)
	return p.read[key], nil
}

// Locate is not asked: no dependency is left that names another index.
func (p *packages) Locate(context.Context, resolve.Package, string) (string, error) {
	return "", resolve.ErrNotFound
}

// ownOnly is a line without its dependencies on other indexes.
func ownOnly(e *index.Entry) *index.Entry {
	elsewhere := func(d index.Dependency) bool { return d.Registry != "" }
	if !slices.ContainsFunc(e.Deps, elsewhere) {
		return e
	}
	own := *e
	own.Deps = slices.DeleteFunc(slices.Clone(e.Deps), elsewhere)
	// A feature may turn such a dependency on; it is not asked for here.
	return &own
}
