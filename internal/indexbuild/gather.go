package indexbuild

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// version is one version of a package: its own archive, and its builds.
type version struct {
	*manifest.Manifest
	semver index.Version
	main   *found
	builds map[string]*found // by platform
}

// gather reads the manifests and sorts the archives by package and version.
func gather(s *scanned) ([]*version, []Problem) {
	g := &gatherer{byName: map[string]*version{}}
	for _, f := range s.archives {
		g.add(f)
	}
	var complete []*version
	for _, v := range g.versions {
		if v.main == nil {
			for _, platform := range sortedKeys(v.builds) {
				g.problem(v.builds[platform].Path, RuleIncomplete, "put the package's own archive beside it",
					"is the build of %s %s for %s, and the package's own archive %s is not there", v.Name, v.Version, platform, v.ArchiveName(""))
			}
			continue
		}
		complete = append(complete, v)
	}
	slices.SortFunc(complete, func(a, b *version) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.semver.Compare(b.semver), cmp.Compare(a.Version, b.Version))
	})
	return complete, g.problems
}

type gatherer struct {
	versions []*version
	byName   map[string]*version // name and version
	problems []Problem
}

func (g *gatherer) problem(where, rule, hint, format string, args ...any) {
	g.problems = append(g.problems, Problem{Where: where, Rule: rule, Detail: fmt.Sprintf(format, args...), Hint: hint})
}

func (g *gatherer) add(f *found) {
	m := g.parse(f)
	if m == nil {
		return
	}
	if folder := archive.Folder(m.Name, m.Version); f.Top != folder {
		g.problem(f.Path, RuleFolder, "make it with 'clyde pack', or take it over with 'clyde index import'",
			"its files are in the folder %q and not in %q", f.Top, folder)
		return
	}
	semver, err := index.ParseVersion(m.Version)
	if err != nil { // the manifest was parsed, so this cannot be
		g.problem(f.Path, RuleManifest, "", "%v", err)
		return
	}
	key := m.Name + " " + m.Version
	v := g.byName[key]
	if v == nil {
		v = &version{Manifest: m, semver: semver, builds: map[string]*found{}}
		g.byName[key] = v
		g.versions = append(g.versions, v)
	}
	if platform := platformOf(m, f); platform != "" {
		g.place(f, v.builds[platform], func() { v.builds[platform] = f })
		return
	}
	g.place(f, v.main, func() { v.Manifest, v.main = m, f })
}

// place puts an archive in its place unless another is there. A copy of the same
// bytes is no problem.
func (g *gatherer) place(f, there *found, put func()) {
	switch {
	case there == nil:
		put()
	case there.SHA256 != f.SHA256:
		g.problem(f.Path, RuleDuplicate, "keep the one that was published", "is another archive of the version that %s has, with sha256 %s and not %s", there.Path, f.SHA256, there.SHA256)
	}
}

// platformOf says which build an archive is by its name, "" for the package
// itself. The manifest is the same in all of them.
func platformOf(m *manifest.Manifest, f *found) string {
	for platform := range m.Artifacts {
		if path.Base(f.Path) == m.ArchiveName(platform) {
			return platform
		}
	}
	return ""
}

// parse reads the manifest of an archive, nil when it is no good.
func (g *gatherer) parse(f *found) *manifest.Manifest {
	if f.Manifest == "" {
		g.problem(f.Path, RuleManifest, "make it with 'clyde pack', or take it over with 'clyde index import'", "has no %s, or one of more than a megabyte", archive.ManifestPath)
		return nil
	}
	m, err := manifest.Parse(f.Path+":"+manifest.Path, []byte(f.Manifest))
	if err == nil {
		err = m.CheckPublishable()
	}
	if err != nil {
		g.problems = append(g.problems, manifestProblems(f.Path, err)...)
		return nil
	}
	return m
}

// manifestProblems are the problems of the manifest in an archive.
func manifestProblems(where string, err error) []Problem {
	var all strictyaml.Problems
	if !errors.As(err, &all) {
		return []Problem{{Where: where, Rule: RuleManifest, Detail: err.Error()}}
	}
	var problems []Problem
	for _, p := range all {
		p.File = manifest.Path
		problems = append(problems, Problem{Where: where, Rule: RuleManifest, Detail: strings.TrimSuffix(p.Error(), "\n"), Hint: p.Hint})
	}
	return problems
}
