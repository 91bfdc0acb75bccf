package lockfile

import (
	"cmp"

	"github.com/clydepm/clyde/index"
)

// Versions finds the locked packages that dependencies name. Of a registry that
// allows it several versions of a package may be locked.
type Versions struct {
	byName map[string][]*Package
}

// Versions prepares to look for packages of l, which must not change.
func (l *Lock) Versions() Versions {
	v := Versions{byName: make(map[string][]*Package, len(l.Packages))}
	for i := range l.Packages {
		key := index.Fold(l.Packages[i].Name)
		v.byName[key] = append(v.byName[key], &l.Packages[i])
	}
	return v
}

// Of returns the locked versions of a package.
func (v Versions) Of(name string) []*Package { return v.byName[index.Fold(name)] }

// Meeting returns the package that meets a dependency: of those that the
// requirement admits the one of the given version, if there is one given. It is
// nil unless there is exactly one.
func (v Versions) Meeting(name, req, version string) *Package {
	admitted := v.Admitted(name, req, version)
	if len(admitted) != 1 {
		return nil
	}
	return admitted[0]
}

// Admitted returns the locked versions of a package that a requirement admits,
// or the one of them that is given.
func (v Versions) Admitted(name, req, version string) []*Package {
	r, err := index.ParseRequirement(req)
	if err != nil {
		return nil
	}
	var admitted []*Package
	for _, p := range v.Of(name) {
		parsed, err := index.ParseVersion(p.Version)
		if err == nil && r.Matches(parsed) && (version == "" || version == p.Version) {
			admitted = append(admitted, p)
		}
	}
	return admitted
}

// compareVersions orders packages of one name by age, and those of
// which a version cannot be read as texts.
func compareVersions(a, b Package) int {
	v, errV := index.ParseVersion(a.Version)
	w, errW := index.ParseVersion(b.Version)
	if errV != nil || errW != nil {
		return cmp.Compare(a.Version, b.Version)
	}
	return cmp.Or(v.Compare(w), cmp.Compare(a.Version, b.Version))
}
