package external

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/clydepm/clyde/internal/process"
)

// Install carries a step out and looks whether the package is there then. What
// the manager writes goes to out. After an error the step has to be undone:
// a part of it may have come. The error is a [*CommandError], the context's, or
// one that says what is still missing.
func (d *Drivers) Install(ctx context.Context, s Step, out io.Writer) error {
	if !s.Needed() {
		return nil
	}
	driver, err := d.of(s)
	if err != nil {
		return err
	}
	if s.Prefix != "" {
		if err := os.MkdirAll(s.Prefix, 0o755); err != nil { //nolint:gosec // programs in it are for everybody, as those of the system
			return err
		}
	}
	v := values{prefix: s.Prefix, requirement: s.Requirement}
	for _, command := range s.Install {
		if driver.prepare != nil && slices.Equal(command, driver.elevated(driver.prepare.expand(v))) && exists(v.below(driver.marker)) {
			continue
		}
		if err := driver.carryOut(ctx, command, out); err != nil {
			return fmt.Errorf("%s: %w", s.Requirement, err)
		}
	}
	return driver.confirm(ctx, s, v)
}

// confirm looks whether the package is there after all.
func (d *driver) confirm(ctx context.Context, s Step, v values) error {
	all, err := d.inventory(ctx, v, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Requirement, err)
	}
	have, there := d.find(all, s.Requirement.Base())
	switch {
	case !there && d.installed != nil:
		return fmt.Errorf("%s: %s ended well, and yet it does not list the package", s.Requirement, d.name)
	case s.Candidate != "" && have.Version != "" && d.pin != "" && have.Version != s.Candidate:
		return fmt.Errorf("%s: %s installed version %s, not %s", s.Requirement, d.name, have.Version, s.Candidate)
	}
	return nil
}

// Undo takes away what a step brought, and brings back what it moved where the
// manager can. Of what the step was to bring, only what is there is taken away,
// so that a step can be undone that did a part of its work, and twice. The
// commands come from the driver and the names in the step, not from s.Undo.
func (d *Drivers) Undo(ctx context.Context, s Step, out io.Writer) error {
	driver, err := d.of(s)
	if err != nil || !s.Needed() {
		return err
	}
	if s.NewPrefix {
		return removeFolder(s)
	}
	for _, p := range slices.Concat(s.Added, s.Changed) {
		if err := p.check(); err != nil || p.Name == "" {
			return fmt.Errorf("%s: the step is not one of a plan: %w", s.Requirement, err)
		}
	}
	added, changed, err := driver.came(ctx, s)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Requirement, err)
	}
	var failures []error
	for _, command := range driver.undoing(s, added, changed) {
		if err := driver.carryOut(ctx, command, out); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", s.Requirement, err))
		}
	}
	return errors.Join(failures...)
}

// removeFolder removes the folder that a step has made. It is one of clyde's
// own, PREFIX/MANAGER.
func removeFolder(s Step) error {
	if !filepath.IsAbs(s.Prefix) || filepath.Base(s.Prefix) != s.Driver {
		return fmt.Errorf("%s: %q is not a folder of %s", s.Requirement, s.Prefix, s.Driver)
	}
	return os.RemoveAll(s.Prefix)
}

// came are what of a step is there now and was not before, and what is there in
// another version than before.
func (d *driver) came(ctx context.Context, s Step) (added, changed []Package, err error) {
	for _, p := range s.Added {
		now, there, err := d.now(ctx, s, p)
		if err != nil {
			return nil, nil, err
		}
		if there {
			added = append(added, Package{p.Name, now.Version})
		}
	}
	for _, p := range s.Changed {
		now, there, err := d.now(ctx, s, p)
		if err != nil {
			return nil, nil, err
		}
		if !there || now.Version != p.Version {
			changed = append(changed, p)
		}
	}
	return added, changed, nil
}

func (d *driver) now(ctx context.Context, s Step, p Package) (Package, bool, error) {
	all, err := d.inventory(ctx, values{prefix: s.Prefix, requirement: Requirement{Tool: s.Requirement.Tool, Name: p.Name}}, nil)
	if err != nil {
		return Package{}, false, err
	}
	now, there := d.find(all, p.Name)
	return now, there, nil
}

// of is the driver of a step.
func (d *Drivers) of(s Step) (*driver, error) {
	driver, ok := d.known()[s.Driver]
	if !ok {
		return nil, fmt.Errorf("%s: there is no driver %q any more", s.Requirement, s.Driver)
	}
	return driver, nil
}

// carryOut runs a command that changes something.
func (d *driver) carryOut(ctx context.Context, command []string, out io.Writer) error {
	end := process.NewTail(mostErrors)
	both := io.MultiWriter(out, end)
	result, err := d.run(ctx, command, both, both)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case isTimeout(err):
		return &CommandError{Command: command, How: err.Error(), Output: end.Bytes()}
	case err != nil:
		return err
	case result.Exit != 0:
		return &CommandError{Command: command, How: result.String(), Output: end.Bytes()}
	}
	return nil
}

// Path returns the folders with programs of the packages that were installed
// into folders below a prefix, for a search path.
func (d *Drivers) Path(prefix string) []string {
	if !exists(prefix) {
		return nil
	}
	var all []string
	for _, name := range d.Names() {
		for _, folder := range d.known()[name].path {
			path := values{prefix: filepath.Join(prefix, name)}.below(folder)
			if exists(path) {
				all = append(all, path)
			}
		}
	}
	return all
}
