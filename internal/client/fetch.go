package client

import (
	"context"
	"errors"
	"slices"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
)

// FetchOptions say what is brought into the store.
type FetchOptions struct {
	Platforms []index.Platform // what installations on these take; none: everything that the lock has
	NoDev     bool             // leave out what only development dependencies need
	Locked    bool             // the lock has to fit the manifest and is not rewritten
}

// Fetched is what was brought into the store.
type Fetched struct {
	Platforms  []string        `json:"platforms"` // empty: all that the lock has
	Packages   int             `json:"packages"`
	Archives   int             `json:"archives"` // that the store has now
	Bytes      int64           `json:"bytes"`    // of those archives, as far as the lock says
	Downloaded int             `json:"downloaded"`
	Lock       []PackageChange `json:"lock_changes"`
	Warnings   []string        `json:"warnings"`
}

// Fetch brings the archives that the lock names, and their signatures, into the
// store, so that they can be installed without a network. Where the lock does
// not fit the manifest it is made first, as Install does; nothing is installed.
func (in *Installer) Fetch(ctx context.Context, opts FetchOptions) (*Fetched, error) {
	var fetched *Fetched
	err := in.Project.exclusive(ctx, in.Report, func() error {
		p := &plan{}
		err := in.lockFor(ctx, p, InstallOptions{Locked: opts.Locked, NoDev: opts.NoDev})
		if err == nil {
			fetched, err = in.fetch(ctx, p, opts)
		}
		return err
	})
	return fetched, err
}

func (in *Installer) fetch(ctx context.Context, p *plan, opts FetchOptions) (_ *Fetched, err error) {
	f := &Fetched{Platforms: []string{}, Lock: lockChanges(p.locked, p.lock)}
	meant, archives, err := p.archivesFor(opts)
	if err != nil {
		return nil, err
	}
	for _, platform := range opts.Platforms {
		f.Platforms = append(f.Platforms, platform.String())
	}
	f.Packages, f.Archives = len(meant), len(archives)
	for _, a := range archives {
		f.Bytes += a.Size
	}
	fits := p.lock == p.locked
	lock, warnings, err := in.verify(ctx, p.lock, func(name string) bool { return !fits || hasPackage(meant, name) })
	if err != nil {
		return nil, err
	}
	f.Warnings = warn(append([]string{}, p.warnings...), warnings...)
	store := in.store()
	release, err := store.use(ctx, in.Project.Root, in.Report)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if f.Downloaded, err = in.downloader().Ensure(ctx, store, archives, store.Check); err != nil || fits {
		return f, err
	}
	return f, in.Project.apply(ctx, change{lock: lock.Bytes()}, store, in.Config.Keep)
}

// archivesFor lists the archives that are meant, each once, and which packages
// they are of, each version once.
func (p *plan) archivesFor(opts FetchOptions) (packages []lockfile.Package, archives []Archive, err error) {
	platforms := opts.Platforms
	if len(platforms) == 0 && opts.NoDev {
		platforms = index.Platforms()
	}
	needed := p.lock.Packages
	if len(platforms) > 0 {
		needed = nil
	}
	for _, platform := range platforms {
		selected, err := p.selected(platform)
		if err != nil {
			return nil, nil, err
		}
		needed = append(needed, selected...)
	}
	var all []LedgerPackage
	have := map[string]bool{}
	for _, l := range needed {
		if id := l.Name + " " + l.Version; !have[id] {
			have[id] = true
			packages = append(packages, l)
		}
	}
	for _, l := range packages {
		all = append(all, chosen(l, opts.Platforms)...)
	}
	seen := map[string]bool{}
	for _, l := range all {
		if !seen[l.Cksum] {
			seen[l.Cksum] = true
			archives = append(archives, l.archive())
		}
	}
	return packages, archives, nil
}

// chosen is a package with the archives that installations on the platforms
// take: for none, its own and all that were built.
func chosen(l lockfile.Package, platforms []index.Platform) []LedgerPackage {
	if len(platforms) == 0 {
		all := []LedgerPackage{ledgerPackage(l, "")}
		for _, b := range l.Builds {
			all = append(all, ledgerPackage(l, b.Platform))
		}
		return all
	}
	var all []LedgerPackage
	for _, platform := range platforms {
		all = append(all, ledgerPackage(l, platform.String()))
	}
	return all
}

func hasPackage(packages []lockfile.Package, name string) bool {
	return slices.ContainsFunc(packages, func(p lockfile.Package) bool { return p.Name == name })
}
