package client

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/clydepm/clyde/internal/lockfile"
)

// proveLock holds the commits that a lock names against the histories of the
// registries that are configured here. What nobody could be asked is a warning, and
// so is a git repository without a commit, which clyde locks none of;
// a commit of another history is [ErrIntegrity]. A registry that was never
// fetched is fetched if fetch is set.
func (in *Installer) proveLock(ctx context.Context, lock *lockfile.Lock, fetch bool) (warnings []string, err error) {
	var failures []error
	for _, r := range lock.Registries {
		registry, err := in.Registries.ByURL(r.URL)
		if err != nil {
			continue // of which nothing is taken, either
		}
		if r.Commit == "" {
			if registry.Config().Kind == KindGit { // others may have none
				warnings = append(warnings, fmt.Sprintf("the lock names no commit of %s, so that nobody can prove from which history it is; 'clyde update' writes one down", r.Name))
			}
			continue
		}
		err = registry.Prove(ctx, r.Commit, fetch)
		var unproved *UnprovedError
		if errors.As(err, &unproved) {
			warnings = append(warnings, err.Error())
			continue
		}
		failures = append(failures, err)
	}
	return warnings, errors.Join(failures...)
}

// proveLocked is proveLock for a plan that makes its lock anew out of the one
// that is there.
func (in *Installer) proveLocked(ctx context.Context, p *plan) error {
	if p.locked == nil {
		return nil
	}
	warnings, err := in.proveLock(ctx, p.locked, true)
	p.warnings = append(p.warnings, warnings...)
	return err
}

// disown is proveLocked for a run that asks for the newest of everything: a lock
// of another history is made again, and that is told.
func (in *Installer) disown(ctx context.Context, p *plan) error {
	err := in.proveLocked(ctx, p)
	if !errors.Is(err, ErrIntegrity) {
		return err
	}
	p.disowned = true
	p.warnings = append(p.warnings, err.Error()+"; it was made again from the registry as it is now")
	return nil
}

// warn appends warnings that are not there yet.
func warn(warnings []string, more ...string) []string {
	for _, text := range more {
		if !slices.Contains(warnings, text) {
			warnings = append(warnings, text)
		}
	}
	return warnings
}
