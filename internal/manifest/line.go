package manifest

import (
	"errors"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Facts are what an index line says beside what the manifest decides.
type Facts struct {
	Pubtime string
	Source  *index.Source
	Archive index.Build   // of the package itself; its Platform is ""
	Builds  []index.Build // in the order of the line
	// Registry returns the address of the registry that the manifest knows by an
	// alias, or "" when that is the index of the line itself.
	Registry func(alias string) (address string, err error)
}

// Line returns the index line of a version, all but its signature. There is no
// other derivation: what a publisher proposes and what a reviewer expects come
// from here. The error is [strictyaml.Problems] for dependencies from
// registries that facts do not know.
func (m *Manifest) Line(f Facts) (*index.Entry, error) {
	e := m.Entry()
	e.Pubtime, e.Source, e.Builds = f.Pubtime, f.Source, f.Builds
	e.Cksum, e.Size, e.DL = f.Archive.Cksum, f.Archive.Size, f.Archive.DL
	return e, m.resolveRegistries(e, f.Registry)
}

// resolveRegistries replaces the aliases of registries, which mean something on
// one machine only, by addresses.
func (m *Manifest) resolveRegistries(e *index.Entry, lookup func(string) (string, error)) error {
	var problems strictyaml.Problems
	for i := range e.Deps {
		dep := &e.Deps[i]
		if dep.Registry == "" {
			continue
		}
		address, err := lookup(dep.Registry)
		if err != nil {
			problems = append(problems, m.registryProblem(*dep, err))
			continue
		}
		dep.Registry = address
	}
	return problems.Err()
}

func (m *Manifest) registryProblem(dep index.Dependency, err error) strictyaml.Problem {
	p := strictyaml.Problem{File: m.File(), Field: "dependencies." + dep.Name + ".registry", Detail: err.Error()}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		p.Hint = hinted.Hint()
	}
	for _, d := range m.Dependencies {
		if d.Name == dep.Name && d.Kind == dep.Kind {
			p.Line, p.Column = d.Line, d.Column
			if d.Kind != index.KindNormal {
				p.Field = d.Kind + "-" + p.Field
			}
		}
	}
	return p
}

// ArchiveName returns the name of the archive of the package, or of its build
// for a platform: "hello-1.2.3.tar.gz", "hello-1.2.3-linux-x86_64.tar.gz".
func (m *Manifest) ArchiveName(platform string) string {
	return BuildName(m.Name, m.Version, platform)
}

// BuildName is [Manifest.ArchiveName] where there is no manifest.
func BuildName(name, version, platform string) string {
	archive := index.ArchiveName(name, version)
	if platform == "" {
		return archive
	}
	return strings.TrimSuffix(archive, ".tar.gz") + "-" + platform + ".tar.gz"
}
