package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/manifest"
)

// newManifest is the start of a manifest for a project that only consumes.
const newManifest = "# The packages that this project needs. 'clyde add' and 'clyde remove' edit it.\n"

// Request is a package that a person asks for: "name" or "name@requirement".
type Request struct {
	Name string
	Req  string // "" for the newest release
}

// String is the request as [ParseRequest] reads it.
func (r Request) String() string {
	if r.Req == "" {
		return r.Name
	}
	return r.Name + "@" + r.Req
}

// ParseRequest reads "name" or "name@requirement". The error is [ErrUsage].
func ParseRequest(text string) (Request, error) {
	name, req, pinned := strings.Cut(text, "@")
	r := Request{Name: name, Req: strings.TrimSpace(req)}
	if err := index.CheckLookupName(name); err != nil {
		return r, usageOf(text, err)
	}
	if !pinned {
		return r, nil
	}
	if _, err := index.ParseRequirement(r.Req); err != nil {
		return r, usageOf(text, err)
	}
	return r, nil
}

func usageOf(text string, err error) error {
	e := &Error{Class: ErrUsage, Message: fmt.Sprintf("%q", text), Err: err, Remedy: `write NAME or NAME@REQUIREMENT, such as fmt or fmt@^9.1`}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		e.Remedy = cmp.Or(hinted.Hint(), e.Remedy)
	}
	return e
}

// DependencyOptions say how packages are added. What is zero stays as it is for a
// dependency that the manifest has.
type DependencyOptions struct {
	Kind     string // index.KindNormal, KindDev, KindBuild or ""
	Registry string // pin
	Optional bool
	Features []string
	InstallOptions
}

// Add puts dependencies into the manifest, which is made where there is none,
// and installs. Without a requirement the newest release that is not yanked
// is taken, as "^VERSION". Asking for exactly a yanked version is [ErrRefused].
func (in *Installer) Add(ctx context.Context, requests []Request, opts DependencyOptions) (*Outcome, error) {
	return in.changing(ctx, opts.InstallOptions, func(p *plan) error {
		if err := in.loadOrBegin(p); err != nil {
			return err
		}
		if err := in.refreshIfPossible(ctx); err != nil {
			return err
		}
		var failures []error
		for _, r := range requests {
			d, err := in.dependencyFor(ctx, p, r, opts)
			if err == nil {
				err = p.edit(func(text []byte) ([]byte, error) { return manifest.SetDependency(text, d) })
			}
			failures = append(failures, err)
		}
		if err := errors.Join(failures...); err != nil {
			return err
		}
		return in.resolve(ctx, p, movement{})
	})
}

// Remove takes dependencies out of the manifest, whatever section they are in,
// and installs what is left.
func (in *Installer) Remove(ctx context.Context, names []string, opts InstallOptions) (*Outcome, error) {
	return in.changing(ctx, opts, func(p *plan) error {
		if err := in.load(p); err != nil {
			return err
		}
		var failures []error
		for _, name := range names {
			i := slices.IndexFunc(p.manifest.Dependencies, func(d manifest.Dependency) bool { return index.Fold(d.Name) == index.Fold(name) })
			if i < 0 {
				failures = append(failures, notOneOf("dependency", name, manifest.Path, dependencyNames(p.manifest)))
				continue
			}
			d := p.manifest.Dependencies[i]
			failures = append(failures, p.edit(func(text []byte) ([]byte, error) {
				after, _, err := manifest.RemoveDependency(text, d.Kind, d.Name)
				return after, err
			}))
		}
		if err := errors.Join(failures...); err != nil {
			return err
		}
		return in.resolve(ctx, p, movement{})
	})
}

func dependencyNames(m *manifest.Manifest) []string {
	var names []string
	for _, d := range m.Dependencies {
		names = append(names, d.Name)
	}
	return names
}

// loadOrBegin is load that begins a manifest where there is none.
func (in *Installer) loadOrBegin(p *plan) error {
	err := in.load(p)
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	p.manifestText, p.edited = []byte(newManifest), true
	if p.manifest, err = manifest.Parse(manifest.Path, p.manifestText); err != nil {
		return err
	}
	return in.loadLock(p)
}

// edit changes the text of the manifest and reads it again.
func (p *plan) edit(change func(text []byte) ([]byte, error)) error {
	text, err := change(p.manifestText)
	if err != nil {
		if errors.Is(err, manifest.ErrCannotEdit) {
			return &Error{Class: ErrRefused, Message: manifest.Path, Err: err}
		}
		return err
	}
	m, err := manifest.Parse(manifest.Path, text)
	if err != nil {
		return err
	}
	p.edited = p.edited || string(text) != string(p.manifestText)
	p.manifestText, p.manifest = text, m
	return nil
}

// dependencyFor is what a request comes to in the manifest.
func (in *Installer) dependencyFor(ctx context.Context, p *plan, r Request, opts DependencyOptions) (manifest.Dependency, error) {
	d := manifest.Dependency{Name: r.Name, Kind: index.KindNormal}
	have := slices.IndexFunc(p.manifest.Dependencies, func(have manifest.Dependency) bool { return index.Fold(have.Name) == index.Fold(r.Name) })
	if have >= 0 {
		d = p.manifest.Dependencies[have]
	}
	d.Kind, d.Registry = cmp.Or(opts.Kind, d.Kind), cmp.Or(opts.Registry, d.Registry)
	d.Optional = d.Optional || opts.Optional
	if len(opts.Features) > 0 {
		d.Features = opts.Features
	}
	lockedURL := ""
	if l, ok := p.lockedRequirement(d); ok {
		lockedURL = p.urlOf(l.Registry)
	}
	registry, err := in.Registries.Locate(ctx, d.PackageName(), d.Registry, lockedURL)
	if err != nil {
		return d, err
	}
	file, err := registry.Package(ctx, d.PackageName())
	if err != nil {
		return d, err
	}
	if have < 0 && len(file.Entries) > 0 {
		d.Name = file.Entries[0].Name // as its publisher writes it
	}
	if r.Req != "" || have < 0 {
		d.Req, err = requirementFor(d.Name, r.Req, file.Entries)
	}
	return d, err
}

// requirementFor is the requirement to write down: the one asked for, or else
// one on the newest release.
func requirementFor(name, asked string, entries []*index.Entry) (string, error) {
	if asked != "" {
		return asked, refuseYanked(name, asked, entries)
	}
	newest, yanked, prerelease := newestRelease(entries)
	switch {
	case newest != "":
		return "^" + newest, nil
	case prerelease != "":
		return "", &Error{Class: ErrNotFound, Message: fmt.Sprintf("%s has no release yet, only prereleases", name), Remedy: "ask for one by its version: clyde add " + name + "@" + prerelease}
	case yanked:
		return "", &Error{Class: ErrRefused, Message: fmt.Sprintf("every version of %s was yanked by its publisher", name), Remedy: "look for another package with 'clyde search'"}
	}
	return "", &Error{Class: ErrNotFound, Message: fmt.Sprintf("%s has no version that this clyde can read", name), Remedy: "use a newer clyde"}
}

// newestRelease finds the newest version that is neither yanked nor a
// prerelease; if there is none, whether any was yanked, and the newest
// prerelease.
func newestRelease(entries []*index.Entry) (release string, yanked bool, prerelease string) {
	var newest, newestPre index.Version
	for _, e := range entries {
		v, err := index.ParseVersion(e.Vers)
		switch {
		case err != nil:
		case e.Yanked:
			yanked = true
		case v.Prerelease():
			if prerelease == "" || v.Compare(newestPre) > 0 {
				prerelease, newestPre = e.Vers, v
			}
		case release == "" || v.Compare(newest) > 0:
			release, newest = e.Vers, v
		}
	}
	return release, yanked, prerelease
}

// refuseYanked refuses a request for a version that was yanked: "1.2.3" and
// "=1.2.3" ask for it, "1.2" and "^1.2.3" ask for a range.
func refuseYanked(name, asked string, entries []*index.Entry) error {
	version := strings.TrimSpace(strings.TrimPrefix(asked, "="))
	for _, e := range entries {
		if e.Vers != version || !e.Yanked {
			continue
		}
		refusal := &Error{Class: ErrRefused, Message: fmt.Sprintf("%s %s is yanked: its publisher withdrew it", name, version)}
		if newest, _, _ := newestRelease(entries); newest != "" {
			refusal.Remedy = "the newest version that is not yanked is " + newest
		}
		return refusal
	}
	return nil
}
