package resolve

import (
	"strings"

	"github.com/clydepm/clyde/index"
)

// rootNeed is a dependency of the root with the package it names.
type rootNeed struct {
	Dependency
	family *family
	demand *demand
	need   *fact // the need of a version
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
		f, err := u.load(d.Package)
		if err != nil {
			return err
		}
		if f == nil {
			missing = append(missing, u.missing(d.Package))
			continue
		}
		u.roots = append(u.roots, &rootNeed{Dependency: d, family: f, demand: f.demand(d.Req.String())})
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
		f, err := u.load(id)
		switch {
		case err != nil:
			return nil, err
		case f == nil:
			missing = append(missing, u.missing(id))
		case f.member(version) != nil:
		case f.isYanked(version):
			return nil, &YankedError{Package: f.id, Version: version, Usable: f.newestVersion()}
		default:
			missing = append(missing, Missing{Package: f.id, Version: version, Nearest: f.versionsNear(version)})
		}
	}
	return missing, nil
}

// refuseYanked returns a [*YankedError] if the root asks for exactly one version
// and that version is yanked.
func (n *rootNeed) refuseYanked() error {
	text, exact := strings.CutPrefix(n.Req.String(), "=")
	if !exact || !isVersion(text) || len(n.demand.options) > 0 {
		return nil
	}
	for _, c := range n.family.yanked {
		if n.Req.Matches(c.version) {
			return &YankedError{Package: n.family.id, Version: c.Vers, Usable: n.family.newestVersion()}
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
	c := u.newFact(fact{kind: factNeed, family: n.family})
	n.need = c.fact
	u.rootClauses = append(u.rootClauses, u.requires(c, n.demand)...)
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
	line := &index.Dependency{Name: n.family.id.Name, Req: n.demand.text}
	for _, f := range uniqueSorted(features) {
		wanted := need{kind: needFeature, dep: line, want: f}
		c := u.newFact(fact{kind: factNeed, family: n.family, need: wanted})
		u.rootClauses = append(u.rootClauses, u.featureClauses(c, n.family, &c.fact.need)...)
	}
}
