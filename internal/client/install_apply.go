package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/manifest"
)

// carryOut makes a plan come true: downloads first, then the change of the
// project in one.
func (in *Installer) carryOut(ctx context.Context, p *plan) (_ *Outcome, err error) {
	g := in.Project.Generations
	active, before, err := in.installedNow()
	if err != nil {
		return nil, err
	}
	var warnings []string
	if p.lock != p.locked && !p.opts.DryRun {
		// A new lock records what was found about the signatures in it.
		if p.lock, warnings, err = in.verify(ctx, p.lock, func(string) bool { return true }); err != nil {
			return nil, err
		}
	}
	if p.opts.LockOnly {
		return in.lockOnly(ctx, p, active, before, warnings)
	}
	c, err := in.changeFor(p, active)
	if err != nil {
		return nil, err
	}
	s := outcomeOf(before, c.ledger)
	s.Generation, s.DryRun = active, p.opts.DryRun
	s.Lock = lockChanges(p.locked, p.lock)
	if p.opts.DryRun {
		return s, nil
	}
	store := in.store()
	release, err := store.use(ctx, in.Project.Root, in.Report)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if in.nothingToDo(p, c, active, before, store) {
		s.UpToDate = true
		return s, nil
	}
	if p.lock == p.locked {
		if _, warnings, err = in.verify(ctx, p.lock, c.ledger.has); err != nil {
			return nil, err
		}
	}
	s.Warnings = append(s.Warnings, warnings...)
	sound := store.Check
	if p.opts.Clean {
		sound = store.Verify
	}
	if s.Downloaded, err = in.downloader().Ensure(ctx, store, c.ledger.archives(), sound); err != nil {
		return nil, err
	}
	s.Warnings = append(s.Warnings, in.standing(ctx, p.lock, s)...)
	s.Warnings = append(s.Warnings, hookWarnings(store, c.ledger, s.Tree)...)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := in.Project.apply(ctx, c, store, in.Config.Keep); err != nil {
		return nil, err
	}
	s.Generation, err = g.Active()
	return s, err
}

// lockOnly writes manifest and lock and leaves what is installed as it is.
func (in *Installer) lockOnly(ctx context.Context, p *plan, active int, before *Ledger, warnings []string) (*Outcome, error) {
	s := outcomeOf(before, before)
	s.Platform, s.Generation, s.DryRun = in.Platform.String(), active, p.opts.DryRun
	s.Lock, s.Warnings = lockChanges(p.locked, p.lock), append(s.Warnings, warnings...)
	c := p.writes()
	s.UpToDate = c.manifest == nil && (c.lock == nil || bytes.Equal(c.lock, p.lockText))
	if s.UpToDate || s.DryRun {
		return s, nil
	}
	return s, in.Project.apply(ctx, c, in.store(), in.Config.Keep)
}

// writes are the files that a plan changes.
func (p *plan) writes() (c change) {
	if p.edited {
		c.manifest = p.manifestText
	}
	if p.lock != p.locked {
		c.lock = p.lock.Bytes()
	}
	return c
}

// installedNow is the active generation and its ledger. A ledger that cannot
// be read is like none: what is installed is made anew.
func (in *Installer) installedNow() (int, *Ledger, error) {
	active, err := in.Project.Generations.Active()
	if err != nil || active == 0 {
		return 0, &Ledger{}, err
	}
	ledger, err := in.Project.Generations.Ledger(active)
	if err != nil {
		in.Report.Note("installing anew: " + err.Error())
		ledger = &Ledger{}
	}
	return active, ledger, nil
}

// changeFor is what a plan changes in the project.
func (in *Installer) changeFor(p *plan, active int) (change, error) {
	c := p.writes()
	text := p.lockText
	if c.lock != nil {
		text = c.lock
	}
	ledger, err := in.ledgerFor(p)
	if err != nil {
		return c, err
	}
	ledger.Previous, ledger.Lock = active, digestOf(text)
	c.ledger = ledger
	return c, nil
}

// ledgerFor chooses what of the lock is installed on the platform, and as
// which archive. Without a profile the project's own optional dependencies are:
// whoever works on it may turn them on.
func (in *Installer) ledgerFor(p *plan) (*Ledger, error) {
	selected, err := p.selected(in.Platform)
	if err != nil {
		return nil, err
	}
	ledger := &Ledger{Version: ledgerVersion, Platform: in.Platform.String(), Packages: []LedgerPackage{}}
	ledger.setPart(p.part)
	for i, l := range selected {
		if i > 0 && selected[i-1].Name == l.Name {
			return nil, sideBySideError(selected[i-1], l, in.Platform)
		}
		ledger.Packages = append(ledger.Packages, ledgerPackage(l, in.Platform.String()))
	}
	return ledger, nil
}

// selected is what of the lock is needed on a platform.
func (p *plan) selected(platform index.Platform) ([]lockfile.Package, error) {
	selection, err := p.part.selection(p.lock, platform)
	if err != nil {
		return nil, err
	}
	selected, err := p.lock.Select(selection)
	if err != nil {
		return nil, &Error{Class: ErrConflict, Message: lockfile.Path, Err: err, Remedy: "run 'clyde update' to make it again"}
	}
	return selected, nil
}

// sideBySideError refuses to install two versions of one package: a tree has one
// place for each name, and a program one library of each.
func sideBySideError(a, b lockfile.Package, platform index.Platform) error {
	return &Error{
		Class:   ErrRefused,
		Message: fmt.Sprintf("%s %s and %s are both needed on %s, and a tree has one version of each package", a.Name, a.Version, b.Version, platform),
		Remedy:  "ask for versions that agree ('clyde why " + a.Name + "' says who needs it), or only write the lock with --lock-only",
	}
}

// ledgerPackage takes the archive that was built for the platform, and else
// the package's own.
func ledgerPackage(l lockfile.Package, platform string) LedgerPackage {
	pkg := LedgerPackage{Name: l.Name, Version: l.Version, Registry: l.Registry, Cksum: l.Cksum, DL: l.DL, Size: l.Size}
	for _, b := range l.Builds {
		if b.Platform == platform {
			pkg.Platform, pkg.Cksum, pkg.DL, pkg.Size = b.Platform, b.Cksum, b.DL, b.Size
		}
	}
	return pkg
}

// nothingToDo reports whether the project already is as the change would make
// it.
func (in *Installer) nothingToDo(p *plan, c change, active int, before *Ledger, store *Store) bool {
	return active != 0 && !p.opts.Clean && c.manifest == nil &&
		(c.lock == nil || bytes.Equal(c.lock, p.lockText)) &&
		before.sameContent(c.ledger) && in.Project.Generations.sound(active, before, store)
}

// standing warns of versions among those that a run brings which were yanked
// or retired. A registry that is not configured here, or cannot answer, is
// passed over: the lock is enough to install.
func (in *Installer) standing(ctx context.Context, lock *lockfile.Lock, s *Outcome) []string {
	var warnings []string
	for _, c := range brought(s) {
		i := slices.IndexFunc(lock.Packages, func(l lockfile.Package) bool { return l.Name == c.Name && l.Version == c.After })
		if i < 0 {
			continue
		}
		l := lock.Packages[i]
		i = slices.IndexFunc(lock.Registries, func(r lockfile.Registry) bool { return r.Name == l.Registry })
		r, err := in.Registries.ByURL(lock.Registries[i].URL)
		if err != nil {
			continue
		}
		file, err := r.Package(ctx, l.Name)
		if err != nil {
			in.Report.Note(fmt.Sprintf("cannot tell whether %s was yanked: %v", l.Name, err))
			continue
		}
		for _, e := range file.Entries {
			if e.Vers != l.Version {
				continue
			}
			if e.Yanked {
				warnings = append(warnings, fmt.Sprintf("%s %s was yanked by its publisher; 'clyde update %s' moves to another version", e.Name, e.Vers, e.Name))
			}
			if e.Retired != nil {
				warnings = append(warnings, retiredWarning(e.Name, e.Vers, e.Retired.Reason, e.Retired.Message))
			}
		}
	}
	return warnings
}

func retiredWarning(name, version, reason, message string) string {
	text := fmt.Sprintf("%s %s is retired (%s)", name, version, reason)
	if message != "" {
		text += ": " + message
	}
	return text
}

// brought are the packages that come or move, in the tree or the lock.
func brought(s *Outcome) []PackageChange {
	all := slices.Concat(s.Tree, s.Lock)
	sortChanges(all)
	all = slices.DeleteFunc(all, func(c PackageChange) bool { return c.After == "" })
	return slices.CompactFunc(all, func(a, b PackageChange) bool { return a.Name == b.Name })
}

// hookWarnings says of which packages that come or move a hook was not run.
func hookWarnings(store *Store, ledger *Ledger, changes []PackageChange) []string {
	var warnings []string
	for _, c := range changes {
		i := slices.IndexFunc(ledger.Packages, func(p LedgerPackage) bool { return p.Name == c.Name })
		if i < 0 {
			continue
		}
		text, err := readBounded(filepath.Join(store.Tree(ledger.Packages[i].Cksum), filepath.FromSlash(manifest.Path)), maxManifest)
		if err != nil {
			continue // an archive made elsewhere need not have one
		}
		m, err := manifest.Parse(manifest.Path, text)
		if err != nil || len(m.Hooks) == 0 {
			continue
		}
		names := slices.DeleteFunc(manifest.HookNames(), func(name string) bool { _, ok := m.Hooks[name]; return !ok })
		warnings = append(warnings, fmt.Sprintf("%s %s has hooks (%s); this version of clyde does not run hooks", c.Name, c.After, strings.Join(names, ", ")))
	}
	return warnings
}
