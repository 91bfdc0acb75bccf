package packagefolder

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Version is one version of a package: its own archive, and its builds.
type Version struct {
	*manifest.Manifest
	SemVer index.Version
	Main   *Archive
	Builds map[string]*Archive // by platform
}

// Versions reads the manifests and sorts the archives by package and version.
func Versions(s *Scanned) ([]*Version, []Problem) {
	g := &gatherer{byName: map[string]*Version{}}
	for _, f := range s.Archives {
		g.add(f)
	}
	var complete []*Version
	for _, v := range g.versions {
		if v.Main == nil {
			for _, platform := range v.Platforms() {
				g.problem(v.Builds[platform].Path, RuleIncomplete, "put the package's own archive beside it",
					"is the build of %s %s for %s, and the package's own archive %s is not there", v.Name, v.Version, platform, v.ArchiveName(""))
			}
			continue
		}
		complete = append(complete, v)
	}
	slices.SortFunc(complete, func(a, b *Version) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.SemVer.Compare(b.SemVer), cmp.Compare(a.Version, b.Version))
	})
	return complete, g.problems
}

// Platforms are those that the version has builds for, sorted.
func (v *Version) Platforms() []string { return slices.Sorted(maps.Keys(v.Builds)) }

// Facts are what a line says beside the manifest. Address is that of an archive
// below the folder; registry is as in manifest.Facts.
func (v *Version) Facts(address func(a *Archive) string, registry func(alias string) (string, error)) manifest.Facts {
	build := func(platform string, a *Archive) index.Build {
		return index.Build{Platform: platform, DL: address(a), Cksum: a.SHA256, Size: a.size()}
	}
	f := manifest.Facts{Pubtime: pubtime(v.Main), Archive: build("", v.Main), Registry: registry}
	for _, platform := range v.Platforms() {
		f.Builds = append(f.Builds, build(platform, v.Builds[platform]))
	}
	return f
}

// size is that of the archive.
func (a *Archive) size() int64 {
	if a.Unpacked {
		return a.Packed
	}
	return a.Size
}

// pubtime is the time of publishing as far as an archive tells.
func pubtime(a *Archive) string {
	if !a.Newest.After(archive.ModTime()) || a.Newest.Year() > 9999 {
		return ""
	}
	return a.Newest.UTC().Format(index.TimeLayout)
}

type gatherer struct {
	versions []*Version
	byName   map[string]*Version // name and version
	problems []Problem
}

func (g *gatherer) problem(where, rule, hint, format string, args ...any) {
	g.problems = append(g.problems, Problem{Where: where, Rule: rule, Detail: fmt.Sprintf(format, args...), Hint: hint})
}

func (g *gatherer) add(f *Archive) {
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
		v = &Version{Manifest: m, SemVer: semver, Builds: map[string]*Archive{}}
		g.byName[key] = v
		g.versions = append(g.versions, v)
	}
	if platform := platformOf(m, f); platform != "" {
		g.place(f, v.Builds[platform], func() { v.Builds[platform] = f })
		return
	}
	g.place(f, v.Main, func() { v.Manifest, v.Main = m, f })
}

// place puts an archive in its place unless another is there. A copy of the same
// bytes is no problem.
func (g *gatherer) place(f, there *Archive, put func()) {
	switch {
	case there == nil:
		put()
	case there.SHA256 != f.SHA256:
		g.problem(f.Path, RuleDuplicate, "keep the one that was published", "is another archive of the version that %s has, with sha256 %s and not %s", there.Path, f.SHA256, there.SHA256)
	}
}

// platformOf says which build an archive is by its name, "" for the package
// itself. The manifest is the same in all of them.
func platformOf(m *manifest.Manifest, f *Archive) string {
	for platform := range m.Artifacts {
		if path.Base(f.Path) == m.ArchiveName(platform) {
			return platform
		}
	}
	return ""
}

// parse reads the manifest of an archive, nil when it is no good.
func (g *gatherer) parse(f *Archive) *manifest.Manifest {
	if f.Manifest == "" {
		g.problem(f.Path, RuleManifest, "make it with 'clyde pack', or take it over with 'clyde index import'", "has no %s, or one of more than a megabyte", archive.ManifestPath)
		return nil
	}
	m, err := manifest.Parse(f.Path+":"+manifest.Path, []byte(f.Manifest))
	if err == nil {
		err = m.CheckPublishable()
	}
	if err != nil {
		g.problems = append(g.problems, ManifestProblems(f.Path, err)...)
		return nil
	}
	return m
}

// ManifestProblems are the problems of the manifest in an archive.
func ManifestProblems(where string, err error) []Problem {
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
