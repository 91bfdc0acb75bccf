package client

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/resolve"
)

// lockOf writes down a solution. When it has the same packages as the lock, for
// the same requirements, the lock stays as it is.
func (in *Installer) lockOf(ctx context.Context, p *plan, needs []resolve.Dependency, solution *resolve.Solution) (*lockfile.Lock, error) {
	lock := &lockfile.Lock{Features: p.manifest.Features}
	versions := versionsIn(solution)
	aliases, err := in.lockRegistries(ctx, p, needs, solution, lock)
	if err != nil {
		return nil, err
	}
	configs := make(map[string]*index.Config)
	for name := range aliases {
		r, err := in.Registries.Get(name)
		if err != nil {
			return nil, err
		}
		if configs[name], err = r.Index(ctx); err != nil {
			return nil, err
		}
	}
	for i, d := range p.manifest.Dependencies {
		r := requirementOf(d, aliases[needs[i].Package.Registry])
		r.Version = versions.ambiguous(solution.Root[i])
		lock.Requirements = append(lock.Requirements, r)
	}
	lock.Packages = make([]lockfile.Package, 0, len(solution.Packages))
	for _, s := range solution.Packages {
		pkg, err := lockedPackage(s, aliases[s.Package.Registry], configs[s.Package.Registry], versions)
		if err != nil {
			return nil, err
		}
		lock.Packages = append(lock.Packages, pkg)
	}
	keepVerifications(p.locked, lock)
	if p.locked != nil && !p.disowned && lockfile.Compare(p.locked, lock).Same() && len(p.locked.Drift(lock.Requirements, lock.Features)) == 0 && sameRegistries(p.locked, lock) {
		return p.locked, nil
	}
	return lock, nil
}

// keepVerifications takes over what was found about packages that stay. What is
// verified anew replaces it.
func keepVerifications(before, after *lockfile.Lock) {
	if before == nil {
		return
	}
	versions := before.Versions()
	for i, p := range after.Packages {
		for _, was := range versions.Of(p.Name) {
			if was.Version == p.Version && was.Registry == p.Registry && was.Cksum == p.Cksum {
				after.Packages[i].Verification = was.Verification
			}
		}
	}
}

// sameRegistries reports whether two locks name the same registries, at
// whatever commit.
func sameRegistries(a, b *lockfile.Lock) bool {
	names := func(l *lockfile.Lock) map[string]string {
		m := make(map[string]string)
		for _, r := range l.Registries {
			m[r.Name] = r.Kind + " " + r.URL + " " + r.Verify + " " + r.Versions
		}
		return m
	}
	return maps.Equal(names(a), names(b))
}

// lockRegistries puts the registries that a solution uses into the lock and
// reports their names there by their names here.
func (in *Installer) lockRegistries(ctx context.Context, p *plan, needs []resolve.Dependency, solution *resolve.Solution, lock *lockfile.Lock) (map[string]string, error) {
	used := make(map[string]bool)
	for _, n := range needs {
		used[n.Package.Registry] = true
	}
	for _, s := range solution.Packages {
		used[s.Package.Registry] = true
	}
	aliases, taken := make(map[string]string), make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(used)) {
		r, err := in.Registries.Get(name)
		if err != nil {
			return nil, err
		}
		status, err := r.Status(ctx)
		if err != nil {
			return nil, err
		}
		mode, err := verifyMode(ctx, r)
		if err != nil {
			return nil, err
		}
		versions := ""
		side, err := coexist(ctx, r)
		if err != nil {
			return nil, err
		}
		if side {
			versions = index.CargoVersions
		}
		alias := p.aliasOf(r.Config())
		for n := 2; taken[alias]; n++ {
			alias = fmt.Sprintf("%s-%d", name, n)
		}
		aliases[name], taken[alias] = alias, true
		lock.Registries = append(lock.Registries, lockfile.Registry{Name: alias, URL: r.Config().URL, Kind: string(r.Config().Kind), Commit: status.Commit, Verify: string(mode), Versions: versions})
	}
	return aliases, nil
}

func lockedPackage(s resolve.Selected, alias string, config *index.Config, versions selectedVersions) (lockfile.Package, error) {
	dl, err := config.DownloadURL(s.Entry)
	if err != nil {
		return lockfile.Package{}, &Error{Class: ErrRefused, Message: fmt.Sprintf("registry %s: %s %s", s.Package.Registry, s.Entry.Name, s.Entry.Vers), Err: err}
	}
	if !isDigest(s.Entry.Cksum) {
		return lockfile.Package{}, &Error{
			Class: ErrRefused, Message: fmt.Sprintf("registry %s says no checksum of %s %s", s.Package.Registry, s.Entry.Name, s.Entry.Vers),
			Remedy: "without one nobody knows which bytes are meant; tell the registry",
		}
	}
	pkg := lockfile.Package{
		Name: s.Entry.Name, Version: s.Entry.Vers, Registry: alias, Cksum: s.Entry.Cksum, DL: dl,
		Size: s.Entry.Size, Features: s.Features, External: s.Entry.External, Type: s.Entry.Type,
	}
	if field, fault := index.CheckHooks(s.Entry.Hooks); field != "" {
		return lockfile.Package{}, &Error{
			Class: ErrRefused, Message: fmt.Sprintf("registry %s: %s %s: %s: %s", s.Package.Registry, s.Entry.Name, s.Entry.Vers, field, fault),
			Remedy: "no archive can have such a hook; tell the registry",
		}
	}
	for _, h := range s.Entry.Hooks {
		pkg.Hooks = append(pkg.Hooks, lockfile.Hook{Phase: h.Phase, Run: h.Run, Timeout: h.Timeout, Platforms: h.Platforms})
	}
	for _, b := range s.Entry.Builds {
		pkg.Builds = append(pkg.Builds, lockfile.Build{Platform: b.Platform, DL: b.DL, Cksum: b.Cksum, Size: b.Size})
	}
	pkg.Dependencies = make([]lockfile.Dependency, 0, len(s.Dependencies))
	for _, e := range s.Dependencies {
		pkg.Dependencies = append(pkg.Dependencies, lockfile.Dependency{
			Name: e.Package.Name, Req: e.Req, Target: e.Target, Kind: e.Kind, Optional: e.Optional, Version: versions.ambiguous(e),
		})
	}
	return pkg, nil
}

// selectedVersions are the versions of a solution, by package.
type selectedVersions map[resolve.Package][]string

func versionsIn(solution *resolve.Solution) selectedVersions {
	versions := make(selectedVersions, len(solution.Packages))
	for _, s := range solution.Packages {
		versions[s.Package] = append(versions[s.Package], s.Entry.Vers)
	}
	return versions
}

// ambiguous is the version that a dependency takes if its requirement admits
// another one that is selected too, else "".
func (v selectedVersions) ambiguous(e resolve.Edge) string {
	if len(v[e.Package]) < 2 {
		return ""
	}
	req, err := index.ParseRequirement(e.Req)
	if err != nil {
		return "" // the resolver has read it
	}
	admitted := 0
	for _, text := range v[e.Package] {
		if version, err := index.ParseVersion(text); err == nil && req.Matches(version) {
			admitted++
		}
	}
	if admitted < 2 {
		return ""
	}
	return e.Version
}
