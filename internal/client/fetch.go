package client

import (
	"context"
	"errors"

	"github.com/clydepm/clyde/index"
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
	meant, archives, err := in.archivesFor(p, opts)
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
	lock, warnings, err := in.verify(ctx, p.lock, func(name string) bool { return !fits || meant[name] })
	if err != nil {
		return nil, err
	}
	f.Warnings = append([]string{}, warnings...)
	store := in.store()
	release, err := store.use(ctx, in.Project.Root, in.Report)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if f.Downloaded, err = in.downloader().Ensure(ctx, store, archives, store.Check); err != nil || fits {
		return f, err
	}
	return f, in.Project.apply(change{lock: lock.Bytes()}, store, in.Config.Keep)
}

// archivesFor lists the archives that are meant, each once, and the names of
// their packages.
func (in *Installer) archivesFor(p *plan, opts FetchOptions) (names map[string]bool, archives []Archive, err error) {
	names = map[string]bool{}
	seen := map[string]bool{}
	add := func(l LedgerPackage) {
		names[l.Name] = true
		if !seen[l.Cksum] {
			seen[l.Cksum] = true
			archives = append(archives, l.archive())
		}
	}
	for _, platform := range opts.Platforms {
		on := *in
		on.Platform = platform
		ledger, err := on.ledgerFor(p)
		if err != nil {
			return nil, nil, err
		}
		for _, l := range ledger.Packages {
			add(l)
		}
	}
	if len(opts.Platforms) > 0 {
		return names, archives, nil
	}
	ledgers, err := in.everything(p)
	for _, l := range ledgers {
		add(l)
	}
	return names, archives, err
}

// everything is each package of the lock with its own archive and all builds of
// it, without what is for development alone where that is left out.
func (in *Installer) everything(p *plan) ([]LedgerPackage, error) {
	wanted := func(string) bool { return true }
	if p.opts.NoDev {
		reached := map[string]bool{}
		for _, platform := range index.Platforms() {
			on := *in
			on.Platform = platform
			ledger, err := on.ledgerFor(p)
			if err != nil {
				return nil, err
			}
			for _, l := range ledger.Packages {
				reached[l.Name] = true
			}
		}
		wanted = func(name string) bool { return reached[name] }
	}
	var all []LedgerPackage
	for _, l := range p.lock.Packages {
		if !wanted(l.Name) {
			continue
		}
		own := LedgerPackage{Name: l.Name, Version: l.Version, Registry: l.Registry, Cksum: l.Cksum, DL: l.DL, Size: l.Size}
		all = append(all, own)
		for _, b := range l.Builds {
			build := own
			build.Platform, build.Cksum, build.DL, build.Size = b.Platform, b.Cksum, b.DL, b.Size
			all = append(all, build)
		}
	}
	return all, nil
}
