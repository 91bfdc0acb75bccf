package resolve

import (
	"strings"

	"github.com/clydepm/clyde/index"
)

// rootNeed is a dependency of the root with the package it names.
type rootNeed struct {
	Dependency
	pkg    *pkg
	clause *incompatibility // the need of a version
}

func (n *rootNeed) alias() string {
	if n.Alias != "" {
		return n.Alias
	}
	return n.Package.Name
}

// loadRoot reads what the root asks for and states it, so that problems of the
// request itself are reported before any search.
func (u *universe) loadRoot() error {
	var missing []Missing
	for _, d := range u.opts.Dependencies {
		p, err := u.load(d.Package)
		if err != nil {
			return err
		}
		if p == nil {
			missing = append(missing, u.missing(d.Package))
			continue
		}
		u.roots = append(u.roots, &rootNeed{Dependency: d, pkg: p})
	}
	missing, err := u.missingPrecise(missing)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return &NotFoundError{Missing: missing}
	}
	for _, n := range u.roots {
		if err := n.refuseYanked(); err != nil {
			return err
		}
		u.stateRoot(n)
	}
	return nil
}

func (u *universe) missing(p Package) Missing {
	m := Missing{Package: p}
	if s, ok := u.src.(Suggester); ok {
		m.Nearest = s.Nearest(u.ctx, p)
	}
	return m
}

// missingPrecise adds the precise versions that do not exist, and refuses those
// that are yanked.
func (u *universe) missingPrecise(missing []Missing) ([]Missing, error) {
	for _, id := range sortedPackages(u.opts.Precise) {
		version := u.opts.Precise[id]
		p, err := u.load(id)
		switch {
		case err != nil:
			return nil, err
		case p == nil:
			missing = append(missing, u.missing(id))
		case p.stateOf(version) > 0:
		case p.isYanked(version):
			return nil, &YankedError{Package: p.id, Version: version, Usable: p.newestVersion()}
		default:
			missing = append(missing, Missing{Package: p.id, Version: version, Nearest: p.versionsNear(version)})
		}
	}
	return missing, nil
}

func (p *pkg) isYanked(version string) bool {
	for _, c := range p.yanked {
		if c.entry.Vers == version {
			return true
		}
	}
	return false
}

// newestVersion returns the newest candidate, a release if there is one.
func (p *pkg) newestVersion() string {
	newest := ""
	for i, v := range p.versions {
		if newest == "" || !v.Prerelease() || p.versions[max(0, p.stateOf(newest)-1)].Prerelease() {
			newest = p.entries[i].Vers
		}
	}
	return newest
}

// versionsNear returns the candidates just below and above a version.
func (p *pkg) versionsNear(version string) []string {
	v, err := index.ParseVersion(version)
	if err != nil || len(p.versions) == 0 {
		return nil
	}
	above := 0
	for above < len(p.versions) && p.versions[above].Compare(v) < 0 {
		above++
	}
	var near []string
	if above > 0 {
		near = append(near, p.entries[above-1].Vers)
	}
	if above < len(p.entries) {
		near = append(near, p.entries[above].Vers)
	}
	return near
}

// refuseYanked returns a [*YankedError] if the root asks for exactly one version
// and that version is yanked.
func (n *rootNeed) refuseYanked() error {
	text, exact := strings.CutPrefix(n.Req.String(), "=")
	if !exact || !isVersion(text) || !n.pkg.match(n.Req.String(), n.Req).empty() {
		return nil
	}
	for _, c := range n.pkg.yanked {
		if n.Req.Matches(c.version) {
			return &YankedError{Package: n.pkg.id, Version: c.entry.Vers, Usable: n.pkg.newestVersion()}
		}
	}
	return nil
}

func isVersion(text string) bool {
	_, err := index.ParseVersion(text)
	return err == nil
}

// stateRoot adds what the root needs through one dependency.
func (u *universe) stateRoot(n *rootNeed) {
	add := func(c *incompatibility) {
		if c != nil {
			u.rootClauses = append(u.rootClauses, c)
		}
	}
	version := &incompatibility{fact: &fact{kind: factNeed}}
	n.clause = version.requires(n.pkg, n.Req.String(), n.Req)
	add(n.clause)
	features := n.Features
	if n.DefaultFeatures {
		features = append(features[:len(features):len(features)], defaultFeature)
	}
	for _, values := range u.opts.Features {
		for _, value := range values {
			name, want, ok := strings.Cut(value, "/")
			if ok && strings.TrimSuffix(name, "?") == n.alias() {
				features = append(features[:len(features):len(features)], want)
			}
		}
	}
	for _, f := range uniqueSorted(features) {
		need := &incompatibility{fact: &fact{kind: factNeed, other: n.pkg, need: need{kind: needFeature, want: f}}}
		add(u.featureClause(need, n.pkg, f))
	}
}
