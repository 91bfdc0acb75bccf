package client

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/spelling"
)

// View is what a project's lock and installed tree say. Looking changes
// nothing.
type View struct {
	Name, Version string         // of the project; the folder's name when it has none
	Requires      []string       // names of the packages that the manifest asks for
	Lock          *lockfile.Lock // nil when nothing was locked yet
	Installed     *Ledger        // nil when nothing is installed
}

// View reads the project. The error is [ErrConflict] when the lock cannot be
// used, and [strictyaml.Problems] when the manifest is wrong.
func (p *Project) View() (*View, error) {
	v := &View{Name: filepath.Base(p.Root)}
	text, err := readOptional(p.Manifest(), maxManifest)
	if err != nil {
		return nil, err
	}
	if text != nil {
		m, err := manifest.Parse(manifest.Path, text)
		if err != nil {
			return nil, err
		}
		v.Name, v.Version = cmp.Or(m.Name, v.Name), m.Version
		for _, d := range m.Dependencies {
			v.Requires = append(v.Requires, d.Name)
		}
	}
	var read plan
	if err := (&Installer{Project: p}).loadLock(&read); err != nil {
		return nil, err
	}
	v.Lock = read.locked
	v.Installed, err = p.Generations.activeLedger()
	return v, err
}

// activeLedger is the ledger of the active generation, nil when there is none.
func (g Generations) activeLedger() (*Ledger, error) {
	active, err := g.Active()
	if err != nil || active == 0 {
		return nil, err
	}
	ledger, err := g.Ledger(active)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return ledger, err
}

// locked is the lock; the error says how to come by one.
func (v *View) locked() (*lockfile.Lock, error) {
	if v.Lock == nil {
		return nil, &Error{Class: ErrNotFound, Message: "nothing is locked yet: there is no " + lockfile.Path, Remedy: "run 'clyde install'"}
	}
	return v.Lock, nil
}

// Listed is a package that is locked or installed.
type Listed struct {
	Name      string `json:"name"`
	Version   string `json:"version"` // as locked, or else as installed
	Registry  string `json:"registry"`
	Direct    bool   `json:"direct"`              // the manifest asks for it
	Installed string `json:"installed,omitempty"` // version that is installed, "" when none is
	State     State  `json:"state"`
}

// State says how lock and installed tree agree on a package.
type State string

// The states of a package.
const (
	StateInstalled     State = "installed"      // as locked
	StateMissing       State = "not installed"  // locked and needed on this platform
	StateOtherVersion  State = "differs"        // another version is installed than is locked
	StateOtherPlatform State = "other platform" // locked, and not needed on this platform
	StateNotLocked     State = "not locked"     // installed, but no longer in the lock
)

// List lists what is locked or installed, by name.
func (v *View) List(platform index.Platform) ([]Listed, error) {
	var all []Listed
	if v.Lock != nil {
		needed, err := v.needed(platform)
		if err != nil {
			return nil, err
		}
		for _, p := range v.Lock.Packages {
			l := Listed{Name: p.Name, Version: p.Version, Registry: p.Registry, Direct: v.isDirect(p), State: StateOtherPlatform}
			if needed[nameAndVersion(p.Name, p.Version)] {
				l.State = StateMissing
			}
			all = append(all, l)
		}
	}
	if v.Installed != nil {
		for _, p := range v.Installed.Packages {
			all = listInstalled(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b Listed) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return all, nil
}

// listInstalled adds an installed package to the locked ones: to its version, if
// that is locked, or else to another one.
func listInstalled(all []Listed, p LedgerPackage) []Listed {
	at := -1
	for i, l := range all {
		if index.Fold(l.Name) == index.Fold(p.Name) && (at < 0 || l.Version == p.Version) {
			at = i
		}
	}
	if at < 0 {
		return append(all, Listed{Name: p.Name, Version: p.Version, Registry: p.Registry, Installed: p.Version, State: StateNotLocked})
	}
	l := &all[at]
	l.Installed, l.State = p.Version, StateInstalled
	if l.Version != p.Version || l.Registry != p.Registry {
		l.State = StateOtherVersion
	}
	return all
}

func nameAndVersion(name, version string) string { return index.Fold(name) + " " + version }

// needed is the packages that an installation on the platform takes from the
// lock: the part that was installed last time, or else all of it.
func (v *View) needed(platform index.Platform) (map[string]bool, error) {
	part := newProfile(ProfileDevelopment)
	if v.Installed != nil {
		part = v.Installed.part(v.Lock)
	}
	selection, err := part.selection(v.Lock, platform)
	if err != nil {
		return nil, err
	}
	selected, err := v.Lock.Select(selection)
	if err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for _, p := range selected {
		needed[nameAndVersion(p.Name, p.Version)] = true
	}
	return needed, nil
}

// isDirect reports whether the manifest asks for this version of a package.
func (v *View) isDirect(p lockfile.Package) bool {
	return slices.ContainsFunc(v.Lock.Requirements, func(r lockfile.Requirement) bool {
		return index.Fold(r.PackageName()) == index.Fold(p.Name) && meets(p, r.Req, r.Version)
	})
}

// meets reports whether a locked package is what a dependency on its name takes.
func meets(p lockfile.Package, req, version string) bool {
	if version != "" {
		return version == p.Version
	}
	r, errReq := index.ParseRequirement(req)
	v, errVersion := index.ParseVersion(p.Version)
	return errReq == nil && errVersion == nil && r.Matches(v)
}

// notLocked explains that a name is not in the lock.
func (v *View) notLocked(name string) error {
	var names []string
	for _, p := range v.Lock.Packages {
		names = append(names, p.Name)
	}
	e := &Error{Class: ErrNotFound, Message: "nothing called \"" + name + "\" is locked", Remedy: "see 'clyde list'"}
	if near := spelling.Nearest(name, names); near != "" {
		e.Remedy = "did you mean " + near + "?"
	}
	return e
}
