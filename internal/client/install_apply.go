package client

import (
	"context"
	"fmt"
	"slices"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
)

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
	active, err := in.Project.active()
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
	pkg := LedgerPackage{Name: l.Name, Version: l.Version, Registry: l.Registry, Cksum: l.Cksum, DL: l.DL, Size: l.Size, Type: l.Type}
	for _, b := range l.Builds {
		if b.Platform == platform {
			pkg.Platform, pkg.Cksum, pkg.DL, pkg.Size = b.Platform, b.Cksum, b.DL, b.Size
		}
	}
	return pkg
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
