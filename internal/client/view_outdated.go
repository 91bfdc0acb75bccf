package client

import (
	"context"
	"errors"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
)

// Outdated is a locked package that is not the newest, or that should not be
// used any more.
type Outdated struct {
	Name       string `json:"name"`
	Registry   string `json:"registry"`
	Current    string `json:"current"`
	Compatible string `json:"compatible"` // newest that everything which needs it admits
	Latest     string `json:"latest"`     // newest release
	Direct     bool   `json:"direct"`     // the manifest asks for it
	Yanked     bool   `json:"yanked,omitempty"`
	Retired    string `json:"retired,omitempty"` // why the current version is
}

// Outdated compares the lock with what the registries show. Nothing is
// fetched but first copies. Failures of registries are joined into the error,
// beside what the others say.
func (v *View) Outdated(ctx context.Context, registries *Registries) ([]Outdated, error) {
	lock, err := v.locked()
	if err != nil {
		return nil, err
	}
	requirements := v.requirements()
	var all []Outdated
	var failed []error
	seen := map[string]bool{} // a registry that fails is reported once
	for _, p := range lock.Packages {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		o, err := v.outdated(ctx, registries, p, requirements[nameAndVersion(p.Name, p.Version)])
		switch {
		case err == nil && o != nil:
			all = append(all, *o)
		case err != nil && !seen[err.Error()]:
			seen[err.Error()] = true
			failed = append(failed, err)
		}
	}
	return all, errors.Join(failed...)
}

// outdated compares one package; nil when there is nothing to say.
func (v *View) outdated(ctx context.Context, registries *Registries, p lockfile.Package, reqs []index.Requirement) (*Outdated, error) {
	r, err := registries.ByURL(v.registryURL(p.Registry))
	if err != nil {
		return nil, err
	}
	file, err := r.Package(ctx, p.Name)
	if err != nil && !isNoPackage(err) {
		return nil, err
	}
	o := &Outdated{
		Name: p.Name, Registry: p.Registry, Current: p.Version, Direct: v.isDirect(p),
		Compatible: p.Version, Latest: p.Version,
	}
	for _, e := range file.Entries {
		if e.Vers == p.Version {
			o.Yanked, o.Retired = e.Yanked, retiredReason(e)
		}
		version, err := index.ParseVersion(e.Vers)
		if err != nil || e.Yanked {
			continue
		}
		if admitted(reqs, version) && compareVersions(e.Vers, o.Compatible) > 0 {
			o.Compatible = e.Vers
		}
		if !version.Prerelease() && compareVersions(e.Vers, o.Latest) > 0 {
			o.Latest = e.Vers
		}
	}
	if compareVersions(o.Compatible, o.Latest) > 0 {
		o.Latest = o.Compatible // a prerelease that the project asks for
	}
	if o.Compatible == o.Current && o.Latest == o.Current && !o.Yanked && o.Retired == "" {
		return nil, nil
	}
	return o, nil
}

func retiredReason(e *index.Entry) string {
	if e.Retired == nil {
		return ""
	}
	return e.Retired.Reason
}

func admitted(reqs []index.Requirement, v index.Version) bool {
	for _, r := range reqs {
		if !r.Matches(v) {
			return false
		}
	}
	return true
}

// requirements is all that is required of each package, by name and version.
func (v *View) requirements() map[string][]index.Requirement {
	all, versions := map[string][]index.Requirement{}, v.Lock.Versions()
	add := func(name, text, version string) {
		req, err := index.ParseRequirement(text)
		if met := versions.Meeting(name, text, version); err == nil && met != nil { // the lock was checked when it was read
			key := nameAndVersion(met.Name, met.Version)
			all[key] = append(all[key], req)
		}
	}
	for _, r := range v.Lock.Requirements {
		add(r.PackageName(), r.Req, r.Version)
	}
	for _, p := range v.Lock.Packages {
		for _, d := range p.Dependencies {
			add(d.Name, d.Req, d.Version)
		}
	}
	return all
}

// registryURL is the address that the lock has for an alias.
func (v *View) registryURL(alias string) string {
	for _, r := range v.Lock.Registries {
		if r.Name == alias {
			return r.URL
		}
	}
	return ""
}
