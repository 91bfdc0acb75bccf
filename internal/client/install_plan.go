package client

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/resolve"
	"github.com/clydepm/clyde/internal/spelling"
)

// plan is what a run found and decided before it changes anything.
type plan struct {
	opts InstallOptions
	part Profile // of the project that is installed

	manifestText []byte // as it is to be
	manifest     *manifest.Manifest
	edited       bool // manifestText is not what the file has

	lockText []byte         // as it is, nil when there is none
	locked   *lockfile.Lock // as it is, nil when there is none
	lock     *lockfile.Lock // as it is to be

	disowned bool     // the lock as it is was made from another history
	warnings []string // about that history
}

// load reads manifest and lock. What the manifest asks for must be written
// down; an absent lock is none.
func (in *Installer) load(p *plan) error {
	text, err := in.Project.content(in.Project.Manifest(), maxManifest)
	if err != nil {
		return err
	}
	if text == nil {
		return &Error{
			Class: ErrNotFound, Message: "there is no " + manifest.Path + " in " + in.Project.Root,
			Remedy: "add a package with 'clyde add NAME', or start one of your own with 'clyde init'",
		}
	}
	p.manifestText = text
	if p.manifest, err = manifest.Parse(manifest.Path, text); err != nil {
		return err
	}
	return in.loadLock(p)
}

func (in *Installer) loadLock(p *plan) error {
	p.part = in.part(p.opts)
	var err error
	if p.lockText, err = in.Project.content(in.Project.Lock(), maxLock); err != nil || p.lockText == nil {
		return err
	}
	p.locked, err = lockfile.Parse(lockfile.Path, p.lockText)
	var problems lockfile.Problems
	if errors.As(err, &problems) {
		return &Error{Class: ErrConflict, Message: "the lock cannot be used", Err: problems, Remedy: problems.Hint()}
	}
	p.lock = p.locked
	return err
}

// drift lists what the manifest asks for otherwise than the lock was made for.
func (in *Installer) drift(ctx context.Context, p *plan) []string {
	if p.locked == nil {
		return []string{"there is no " + lockfile.Path}
	}
	var lines []string
	for _, d := range p.locked.Drift(in.requirements(ctx, p), p.manifest.Features) {
		lines = append(lines, d.String())
	}
	return lines
}

func driftError(p *plan, drift []string) error {
	e := &Error{
		Class: ErrConflict, Message: drift[0] + ", and a locked installation does not write one",
		Remedy: "run 'clyde install' and commit " + lockfile.Path,
	}
	if p.locked != nil {
		e.Message = lockfile.Path + " does not fit " + manifest.Path + ":\n  " + strings.Join(drift, "\n  ")
	}
	return e
}

// requirements are the dependencies of the manifest in the terms of the lock:
// a dependency without a pin is in the registry where the lock has it.
func (in *Installer) requirements(ctx context.Context, p *plan) []lockfile.Requirement {
	var all []lockfile.Requirement
	for _, d := range p.manifest.Dependencies {
		all = append(all, requirementOf(d, in.lockAlias(ctx, p, d)))
	}
	return all
}

func requirementOf(d manifest.Dependency, registry string) lockfile.Requirement {
	return lockfile.Requirement{
		Name: d.Name, Req: d.Req, Registry: registry, Package: d.Package, Features: d.Features,
		NoDefaultFeatures: d.NoDefaultFeatures, Optional: d.Optional, Target: index.TargetFor(d.Platforms), Kind: d.Kind,
	}
}

// lockAlias is the name by which the lock knows the registry of a dependency.
// A pin counts by the URL it stands for: on another machine the same registry
// may have another name.
func (in *Installer) lockAlias(ctx context.Context, p *plan, d manifest.Dependency) string {
	if d.Registry == "" {
		if r, ok := p.lockedRequirement(d); ok {
			return r.Registry
		}
		return ""
	}
	if r, err := in.Registries.Locate(ctx, d.PackageName(), d.Registry, ""); err == nil {
		return p.aliasOf(r.Config())
	}
	return d.Registry
}

// lockedRequirement is what the lock was made for under the same name.
func (p *plan) lockedRequirement(d manifest.Dependency) (lockfile.Requirement, bool) {
	if p.locked == nil {
		return lockfile.Requirement{}, false
	}
	for _, r := range p.locked.Requirements {
		if r.PackageName() == d.PackageName() {
			return r, true
		}
	}
	return lockfile.Requirement{}, false
}

// aliasOf is the name of a configured registry in the lock: the one that the
// lock has for its URL, or else its own.
func (p *plan) aliasOf(r RegistryConfig) string {
	if p.locked != nil {
		for _, have := range p.locked.Registries {
			if sameRegistry(have.URL, r.URL) {
				return have.Name
			}
		}
	}
	return r.Name
}

func sameRegistry(a, b string) bool {
	return RegistryConfig{URL: a}.Key() == RegistryConfig{URL: b}.Key()
}

// urlOf is the URL that the lock has for a registry's alias, "" if none.
func (p *plan) urlOf(alias string) string {
	if p.locked != nil {
		for _, r := range p.locked.Registries {
			if r.Name == alias {
				return r.URL
			}
		}
	}
	return ""
}

// movement says which locked packages may move though nothing makes them.
type movement struct {
	names   map[string]bool // folded; nil is none
	all     bool
	precise string // version for the one name
}

// renews reports whether a person asked for news.
func (m movement) renews() bool { return m.all || m.names != nil }

// movementOf checks the names that a person gave against the lock.
func (in *Installer) movementOf(p *plan, names []string, precise string) (movement, error) {
	if len(names) == 0 {
		return movement{all: true}, nil
	}
	move := movement{names: make(map[string]bool), precise: precise}
	for _, name := range names {
		if p.locked == nil {
			return move, &Error{Class: ErrNotFound, Message: "nothing is locked yet", Remedy: "run 'clyde install'"}
		}
		if _, ok := p.locked.Lookup(name); !ok {
			return move, notOneOf("package", name, "the lock", lockedNames(p.locked))
		}
		move.names[index.Fold(name)] = true
	}
	return move, nil
}

func lockedNames(l *lockfile.Lock) []string {
	var names []string
	for _, p := range l.Packages {
		names = append(names, p.Name)
	}
	return names
}

// notOneOf says that a name is not among those known, with the nearest.
func notOneOf(what, name, where string, known []string) error {
	e := &Error{Class: ErrNotFound, Message: fmt.Sprintf("no %s %q in %s", what, name, where)}
	switch near := spelling.Nearest(name, known); {
	case near != "":
		e.Remedy = "did you mean " + near + "?"
	case len(known) == 0:
		e.Remedy = "there is none; 'clyde add' brings one"
	default:
		e.Remedy = "see 'clyde list'"
	}
	return e
}

// resolve decides the lock that the manifest asks for.
func (in *Installer) resolve(ctx context.Context, p *plan, move movement) error {
	prove := in.proveLocked
	if move.renews() {
		prove = in.disown
	}
	if err := prove(ctx, p); err != nil {
		return err
	}
	needs, err := in.needs(ctx, p)
	if err != nil {
		return err
	}
	source := in.Registries.Source()
	in.source = source
	opts := resolve.Options{Root: p.manifest.Name, Dependencies: needs, Features: p.manifest.Features, UpdateAll: move.all}
	in.lockedVersions(p, move, &opts)
	solution, err := resolve.Resolve(ctx, source, opts)
	if err != nil {
		return classified(source.Explain(err))
	}
	p.lock, err = in.lockOf(ctx, p, needs, solution)
	return err
}

// needs gives every dependency of the manifest its registry. All that cannot
// be found are reported at once.
func (in *Installer) needs(ctx context.Context, p *plan) ([]resolve.Dependency, error) {
	var needs []resolve.Dependency
	var failures []error
	for _, d := range p.manifest.Dependencies {
		url := ""
		if r, ok := p.lockedRequirement(d); ok {
			url = p.urlOf(r.Registry)
		}
		r, err := in.Registries.Locate(ctx, d.PackageName(), d.Registry, url)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s:%d:%d: %w", manifest.Path, d.Line, d.Column, err))
			continue
		}
		req, err := index.ParseRequirement(d.Req)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s:%d:%d: %w", manifest.Path, d.Line, d.Column, err))
			continue
		}
		needs = append(needs, resolve.Dependency{
			Package: resolve.Package{Registry: r.Config().Name, Name: d.PackageName()}, Req: req,
			Features: d.Features, DefaultFeatures: !d.NoDefaultFeatures, Optional: d.Optional,
			Kind: d.Kind, Target: index.TargetFor(d.Platforms), Alias: d.Name,
		})
	}
	return needs, errors.Join(failures...)
}

// lockedVersions tells the resolver what is locked and what of it may move. A
// package whose registry is not configured here, or must not be asked for it, is
// resolved anew.
func (in *Installer) lockedVersions(p *plan, move movement, opts *resolve.Options) {
	if p.locked == nil {
		return
	}
	opts.Locked = make(map[resolve.Package][]string)
	opts.Update = make(map[resolve.Package]bool)
	opts.Precise = make(map[resolve.Package]string)
	in.chosenVersions(p, opts)
	for _, l := range p.locked.Packages {
		r, err := in.Registries.ByURL(p.urlOf(l.Registry))
		if err != nil || in.Config.Claims.Check(r.Config().Name, l.Name) != nil {
			continue
		}
		id := resolve.Package{Registry: r.Config().Name, Name: l.Name}
		opts.Locked[id] = append(opts.Locked[id], l.Version)
		if move.names[index.Fold(l.Name)] {
			opts.Update[id] = true
			if move.precise != "" {
				opts.Precise[id] = move.precise
			}
		}
	}
}

// chosenVersions tells the resolver which of several locked versions each
// dependency has.
func (in *Installer) chosenVersions(p *plan, opts *resolve.Options) {
	opts.Chosen = make(map[resolve.Held]string)
	id := func(alias, name string) (resolve.Package, bool) {
		r, err := in.Registries.ByURL(p.urlOf(alias))
		if err != nil {
			return resolve.Package{}, false
		}
		return resolve.Package{Registry: r.Config().Name, Name: strings.ToLower(name)}, true
	}
	for _, r := range p.locked.Requirements {
		needs, ok := id(r.Registry, r.PackageName())
		req, err := index.ParseRequirement(r.Req)
		if r.Version != "" && ok && err == nil {
			opts.Chosen[resolve.Held{Needs: needs, Req: req.String()}] = r.Version
		}
	}
	versions := p.locked.Versions()
	for _, l := range p.locked.Packages {
		for _, d := range l.Dependencies {
			met := versions.Meeting(d.Name, d.Req, d.Version)
			if d.Version == "" || met == nil {
				continue
			}
			from, ok := id(l.Registry, l.Name)
			needs, known := id(met.Registry, met.Name)
			if ok && known {
				opts.Chosen[resolve.Held{Package: from, Version: l.Version, Needs: needs, Req: d.Req}] = d.Version
			}
		}
	}
}

// classified gives an error of the resolver its class.
func classified(err error) error {
	var missing *resolve.NotFoundError
	var yanked *resolve.YankedError
	var conflict *resolve.Conflict
	e := &Error{Message: strings.TrimSuffix(err.Error(), ".")}
	switch {
	case errors.As(err, &missing):
		e.Class = ErrNotFound
	case errors.As(err, &yanked):
		e.Class = ErrRefused
	case errors.As(err, &conflict):
		e.Class = ErrConflict
	default:
		return err
	}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		e.Remedy = hinted.Hint()
	}
	return e
}

// refresh asks the registries for news, unless no connection may be opened.
func (in *Installer) refresh(ctx context.Context) error {
	if in.Config.Offline {
		return nil
	}
	all := in.Registries.All()
	failures := make([]error, len(all))
	in.Registries.Each(ctx, all, func(ctx context.Context, i int, r Registry) {
		if _, err := r.Update(ctx, UpdateOptions{}); err != nil {
			failures[i] = fmt.Errorf("registry %s: %w", r.Config().Name, err)
		}
	})
	return errors.Join(failures...)
}

// refreshIfPossible is refresh for a run that can go on with what was known
// before, as far as the network is to blame.
func (in *Installer) refreshIfPossible(ctx context.Context) error {
	err := in.refresh(ctx)
	if errors.Is(err, ErrIntegrity) || ctx.Err() != nil || !errors.Is(err, ErrNetwork) {
		return err
	}
	in.Report.Note("cannot ask for news, going on with what is known: " + err.Error())
	return nil
}
