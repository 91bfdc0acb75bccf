package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/external"
	"github.com/clydepm/clyde/internal/hook"
	"github.com/clydepm/clyde/internal/journal"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/plugin"
)

// Installer carries out what a person asks for a project: it resolves, writes
// the lock, and installs. Each of its methods takes the lock of the project
// and leaves manifest, lock and tree as they were when it fails.
type Installer struct {
	Project    *Project
	Config     *Config
	Registries *Registries
	Platform   index.Platform // to install for
	Profile    *Profile       // which part of the project to install; nil is all of it
	HTTP       *http.Client
	Wait       func(ctx context.Context, d time.Duration) error // between attempts, nil really waits
	Report     Reporter

	Permission Permission // to start programs without asking
	Consent    Consent    // asks a person; nil when nobody is there

	Hooks     *hook.Runner      // runs the hooks of packages, and installers of types
	Types     plugin.Search     // where installers of types are looked for
	Externals *external.Drivers // install what packages need from elsewhere
	Now       func() time.Time  // for the journal

	source *Source // that the last resolution read from, nil before it
}

// InstallOptions say how far an installation may go.
type InstallOptions struct {
	Locked bool // the lock has to fit the manifest and is not rewritten
	NoDev  bool // leave out what only development dependencies need
	Clean  bool // read every file in the store again and make a new generation
	DryRun bool // make the plan, and write nothing but what registries answer into the cache

	LockOnly bool // write manifest and lock, and install nothing
}

// part is which part of the project a run installs.
func (in *Installer) part(opts InstallOptions) Profile {
	p := newProfile(ProfileDevelopment)
	if in.Profile != nil {
		p = *in.Profile
	}
	p.Dev = p.Dev && !opts.NoDev
	return p
}

// Outcome is what a run did, or would do.
type Outcome struct {
	Environment string `json:"environment"` // that was meant
	Place       string `json:"place"`       // of its packages

	UpToDate   bool            `json:"up_to_date"` // there was nothing to do
	DryRun     bool            `json:"dry_run"`    // nothing was written
	Generation int             `json:"generation"` // that is active now
	Platform   string          `json:"platform"`   // that was installed for
	Packages   int             `json:"packages"`   // how many are installed
	Downloaded int             `json:"downloaded"` // how many archives were fetched
	Tree       []PackageChange `json:"changes"`    // of the installed packages, by name
	Lock       []PackageChange `json:"lock_changes"`
	Warnings   []string        `json:"warnings"`       // what a person should look at
	Plan       *Plan           `json:"plan,omitempty"` // of a dry run
}

// PackageChange is one package before and after.
type PackageChange struct {
	Name     string `json:"name"`
	Registry string `json:"registry"`
	Before   string `json:"before,omitempty"` // version, "" when it was not there
	After    string `json:"after,omitempty"`  // version, "" when it is gone
}

// Install brings lock and tree in line with the manifest. When the lock fits
// the manifest nothing is resolved; otherwise what is locked moves only where
// it must. With Locked it fails with [ErrConflict] and says what drifted. A
// package that is locked from elsewhere than from the registry that claims its
// name is a [ClaimedError].
func (in *Installer) Install(ctx context.Context, opts InstallOptions) (*Outcome, error) {
	return in.changing(ctx, opts, func(p *plan) error { return in.lockFor(ctx, p, opts) })
}

// lockFor decides the lock: the one that is there if it fits the manifest.
func (in *Installer) lockFor(ctx context.Context, p *plan, opts InstallOptions) error {
	p.opts = opts
	if err := in.load(p); err != nil {
		return err
	}
	drift := in.drift(ctx, p)
	if len(drift) == 0 {
		return in.Config.Claims.checkLock(p.lock)
	}
	if opts.Locked {
		return driftError(p, drift)
	}
	if err := in.refreshIfPossible(ctx); err != nil {
		return err
	}
	return in.resolve(ctx, p, movement{})
}

// Update moves locked packages to the newest versions that the manifest admits:
// those named, or all of them. Precise is the version that the one named
// package is to take.
func (in *Installer) Update(ctx context.Context, names []string, precise string, opts InstallOptions) (*Outcome, error) {
	if precise != "" && len(names) != 1 {
		return nil, &Error{Class: ErrUsage, Message: "a precise version needs the name of one package", Remedy: "write 'clyde update NAME --precise VERSION'"}
	}
	return in.changing(ctx, opts, func(p *plan) error {
		if err := in.load(p); err != nil {
			return err
		}
		if err := in.refresh(ctx); err != nil {
			return err
		}
		move, err := in.movementOf(p, names, precise)
		if err != nil {
			return err
		}
		return in.resolve(ctx, p, move)
	})
}

// Rollback makes an older generation the active one again; 0 is the one that
// was active before. Manifest and lock stay. What the store has lost of it is
// fetched again. No hook runs: what hooks made is part of the generation.
func (in *Installer) Rollback(ctx context.Context, number int) (*Outcome, error) {
	var s *Outcome
	log := journal.Begin(in.Now)
	err := in.exclusive(ctx, log, func() (err error) {
		s, err = in.rollBack(ctx, log, number)
		return err
	})
	return s, err
}

func (in *Installer) rollBack(ctx context.Context, log *journal.Run, number int) (_ *Outcome, err error) {
	g := in.Project.Generations
	active, err := g.Active()
	if err != nil {
		return nil, err
	}
	before := &Ledger{}
	if active != 0 {
		if before, err = g.Ledger(active); err != nil {
			return nil, err
		}
	}
	if number == 0 {
		number = before.Previous
	}
	target, err := in.kept(number)
	if err != nil {
		return nil, err
	}
	store := in.store()
	release, err := store.use(ctx, in.Project.Root, in.Report)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if err := g.checkTrees(number, target); err != nil {
		return nil, err
	}
	fetched, err := in.logged(log).Ensure(ctx, store, target.archives(), store.Check)
	if err != nil {
		return nil, err
	}
	s := outcomeOf(before, target)
	s.Generation, s.Downloaded, s.UpToDate = number, fetched, number == active
	if !s.UpToDate {
		in.keepLog(log)
		err = in.Project.apply(ctx, change{activate: number, log: log}, store, in.Config.Keep)
	}
	return s, err
}

// kept is the ledger of a generation that is to be activated.
func (in *Installer) kept(number int) (*Ledger, error) {
	numbers, err := in.Project.Generations.List()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(numbers, number) {
		message := "there is no earlier generation to go back to"
		if number != 0 {
			message = fmt.Sprintf("there is no generation %d", number)
		}
		return nil, &Error{Class: ErrNotFound, Message: message, Remedy: "see 'clyde rollback --list'"}
	}
	return in.Project.Generations.Ledger(number)
}

func (in *Installer) store() *Store {
	store := OpenStore(in.Config.Store)
	store.step, store.prefix = in.Project.step, in.Project.Environment.Prefix
	return store
}

func (in *Installer) downloader() *Downloader {
	return &Downloader{HTTP: in.HTTP, Wait: in.Wait, Offline: in.Config.Offline, Jobs: in.Config.Jobs, Timeout: in.Config.Timeout, Vendor: in.Config.Vendor, Mirrors: in.Config.Mirrors, Report: in.Report}
}

// outcomeOf compares two installations.
func outcomeOf(before, after *Ledger) *Outcome {
	return &Outcome{
		Platform: after.Platform, Packages: len(after.Packages),
		Tree: treeChanges(before, after), Lock: []PackageChange{}, Warnings: []string{},
	}
}

// treeChanges lists the packages that differ between two installations.
func treeChanges(before, after *Ledger) []PackageChange {
	old := make(map[string]LedgerPackage)
	for _, p := range before.Packages {
		old[p.Name] = p
	}
	changes := []PackageChange{}
	for _, p := range after.Packages {
		was, ok := old[p.Name]
		delete(old, p.Name)
		if !ok || was.Version != p.Version || was.Registry != p.Registry || was.Cksum != p.Cksum {
			changes = append(changes, PackageChange{Name: p.Name, Registry: p.Registry, Before: was.Version, After: p.Version})
		}
	}
	for _, p := range old {
		changes = append(changes, PackageChange{Name: p.Name, Registry: p.Registry, Before: p.Version})
	}
	sortChanges(changes)
	return changes
}

// lockChanges lists the packages whose version or registry differs between two
// locks; before may be nil.
func lockChanges(before, after *lockfile.Lock) []PackageChange {
	changes := []PackageChange{}
	if before == after {
		return changes
	}
	c := lockfile.Compare(before, after)
	for _, p := range c.Added {
		changes = append(changes, PackageChange{Name: p.Name, Registry: p.Registry, After: p.Version})
	}
	for _, p := range c.Removed {
		changes = append(changes, PackageChange{Name: p.Name, Registry: p.Registry, Before: p.Version})
	}
	for _, p := range c.Changed {
		if p.Moved() {
			changes = append(changes, PackageChange{Name: p.After.Name, Registry: p.After.Registry, Before: p.Before.Version, After: p.After.Version})
		}
	}
	sortChanges(changes)
	return changes
}

func sortChanges(changes []PackageChange) {
	slices.SortFunc(changes, func(a, b PackageChange) int { return cmp.Compare(a.Name, b.Name) })
}
