package client

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/indexcache"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/resolve"
	"github.com/clydepm/clyde/internal/sbom"
)

// Bill lists what the lock has, for all platforms. Licences, descriptions and
// addresses are from the lines in the registries; where one of those cannot be
// asked, bills lack them, and the error says so, beside the bill.
func (v *View) Bill(ctx context.Context, registries *Registries) (*sbom.Bill, error) {
	lock, err := v.locked()
	if err != nil {
		return nil, err
	}
	versions := lock.Versions()
	b := &sbom.Bill{Root: sbom.Component{ID: sbom.ID{Name: v.Name, Version: v.Version}}}
	for _, r := range lock.Requirements {
		if p := versions.Meeting(r.PackageName(), r.Req, r.Version); p != nil {
			b.Root.Needs = append(b.Root.Needs, sbom.ID{Name: p.Name, Version: p.Version})
		}
	}
	scopes := v.scopes(versions)
	var failures []error
	for _, p := range lock.Packages {
		id := sbom.ID{Name: p.Name, Version: p.Version}
		c := sbom.Component{ID: id, Registry: v.registryURL(p.Registry), Cksum: p.Cksum, Download: p.DL, Scope: scopes[id]}
		for _, d := range p.Dependencies {
			if need := versions.Meeting(d.Name, d.Req, d.Version); need != nil {
				c.Needs = append(c.Needs, sbom.ID{Name: need.Name, Version: need.Version})
			}
		}
		if err := describe(ctx, registries, &c); err != nil {
			failures = append(failures, err)
		}
		b.Components = append(b.Components, c)
	}
	return b, errors.Join(failures...)
}

// scopes says what each locked package is there for: what the project needs, on
// any platform; else what its optional dependencies need; else development.
func (v *View) scopes(versions lockfile.Versions) map[sbom.ID]sbom.Scope {
	scopes := map[sbom.ID]sbom.Scope{}
	var reach func(p *lockfile.Package, scope sbom.Scope)
	reach = func(p *lockfile.Package, scope sbom.Scope) {
		if p == nil {
			return // the lock was checked when it was read
		}
		id := sbom.ID{Name: p.Name, Version: p.Version}
		if scopes[id] != "" {
			return
		}
		scopes[id] = scope
		for _, d := range p.Dependencies {
			reach(versions.Meeting(d.Name, d.Req, d.Version), scope)
		}
	}
	for _, scope := range []sbom.Scope{sbom.Required, sbom.Optional, sbom.Excluded} {
		for _, r := range v.Lock.Requirements {
			is := sbom.Required
			switch {
			case r.Kind == index.KindDev:
				is = sbom.Excluded
			case r.Optional:
				is = sbom.Optional
			}
			if is == scope {
				reach(versions.Meeting(r.PackageName(), r.Req, r.Version), scope)
			}
		}
	}
	return scopes
}

// describe adds what the line of a version says.
func describe(ctx context.Context, registries *Registries, c *sbom.Component) error {
	r, err := registries.ByURL(c.Registry)
	if err != nil {
		return err
	}
	file, err := r.Package(ctx, c.Name)
	if err != nil {
		return err
	}
	for _, e := range file.Entries {
		if e.Vers == c.Version {
			describeBy(e, c)
		}
	}
	return nil
}

func describeBy(e *index.Entry, c *sbom.Component) {
	c.License, c.Description, c.Homepage, c.Repository = e.License, e.Description, e.Homepage, e.Repository
	if e.Source != nil {
		c.Repository, c.Commit = e.Source.Repository, e.Source.Commit
	}
}

// PackageBill lists what a version of a package is made of today: itself, and
// what resolving its dependencies chooses. The version "" is the newest.
func PackageBill(ctx context.Context, registries *Registries, r Registry, name, version string) (*sbom.Bill, error) {
	file, err := r.Package(ctx, name)
	if err != nil {
		return nil, err
	}
	if version == "" {
		if newest := indexcache.Newest(file.Entries); newest != nil {
			version = newest.Vers
		}
	}
	req, err := index.ParseRequirement("=" + version)
	if err != nil {
		return nil, &Error{Class: ErrUsage, Message: "\"" + version + "\" is not a version", Err: err}
	}
	if !slices.ContainsFunc(file.Entries, func(e *index.Entry) bool { return e.Vers == version }) {
		return nil, &Error{Class: ErrNotFound, Message: fmt.Sprintf("registry %s has no version %s of %s", r.Config().Name, version, name), Remedy: "see 'clyde info " + name + "'"}
	}
	root := resolve.Package{Registry: r.Config().Name, Name: name}
	source := registries.Source()
	solution, err := resolve.Resolve(ctx, source, resolve.Options{
		Root:         "the bill of materials",
		Dependencies: []resolve.Dependency{{Package: root, Req: req, DefaultFeatures: true, Kind: index.KindNormal}},
	})
	if err != nil {
		return nil, classified(source.Explain(err))
	}
	b := &sbom.Bill{}
	for _, s := range solution.Packages {
		c, err := selectedComponent(ctx, registries, s)
		if err != nil {
			return nil, err
		}
		if index.Fold(c.Name) == index.Fold(name) && c.Version == version {
			c.Scope, b.Root = "", c
			continue
		}
		b.Components = append(b.Components, c)
	}
	return b, nil
}

func selectedComponent(ctx context.Context, registries *Registries, s resolve.Selected) (sbom.Component, error) {
	c := sbom.Component{ID: sbom.ID{Name: s.Entry.Name, Version: s.Entry.Vers}, Cksum: s.Entry.Cksum, Scope: sbom.Required}
	r, err := registries.Get(s.Package.Registry)
	if err != nil {
		return c, err
	}
	config, err := r.Index(ctx)
	if err != nil {
		return c, err
	}
	if c.Download, err = config.DownloadURL(s.Entry); err != nil {
		return c, err
	}
	c.Registry = r.Config().URL
	describeBy(s.Entry, &c)
	for _, e := range s.Dependencies {
		c.Needs = append(c.Needs, sbom.ID{Name: e.Package.Name, Version: e.Version})
	}
	return c, nil
}
