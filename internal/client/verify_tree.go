package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
)

// TreeReport is what was found about an installed tree.
type TreeReport struct {
	Generation int           `json:"generation"`
	Platform   string        `json:"platform"`
	Packages   int           `json:"packages"`
	Files      int           `json:"files"` // that were read and compared
	Hooked     []HookedTree  `json:"hooked"`
	Problems   []TreeProblem `json:"problems"`
	Warnings   []string      `json:"warnings"` // what could not be proved
}

// HookedTree is a package in which hooks have run. What they made is in no
// archive: nothing but the ledger says that it is as they left it.
type HookedTree struct {
	Package string   `json:"package"`
	Version string   `json:"version"`
	Made    []string `json:"made"`    // files that are not in the archive
	Changed []string `json:"changed"` // files that are, with another content
	Gone    []string `json:"gone"`    // files of the archive that hooks removed
}

// TreeProblem is one thing that is not as it was installed.
type TreeProblem struct {
	Package string `json:"package,omitempty"` // "" when it belongs to none
	Version string `json:"version,omitempty"`
	Path    string `json:"path"` // within the package, or below .clyde/packages
	Problem Fault  `json:"problem"`
	Detail  string `json:"detail,omitempty"`
}

// Fault says in which way something differs.
type Fault string

// The ways in which an installed tree differs from lock and ledger.
const (
	FaultChanged Fault = "changed"
	FaultMissing Fault = "missing"
	FaultExtra   Fault = "extra"
	FaultForeign Fault = "foreign" // the lock was made from another history of a registry
)

// VerifyTree compares what is installed with the ledger and the lock: the
// packages that the lock asks for on the platform of the ledger, the links of
// the generation and what was derived for it, and every file of every package,
// which is read and hashed. It changes nothing. The error is [ErrNotFound] when
// nothing is installed.
//
// The digests of the files were written down when the archives, whose digests
// the lock has, were extracted. Whoever can write to the store could replace
// them as well: this finds damage and edits, and does not stand against such an
// attacker. A clean installation from a new store does.
func (in *Installer) VerifyTree(ctx context.Context) (*TreeReport, error) {
	g := in.Project.Generations
	active, err := g.Active()
	if err != nil {
		return nil, err
	}
	if active == 0 {
		return nil, &Error{Class: ErrNotFound, Message: "nothing is installed in " + in.Project.Root, Remedy: "run 'clyde install'"}
	}
	ledger, err := g.Ledger(active)
	if errors.Is(err, fs.ErrNotExist) {
		err = &Error{Class: ErrIntegrity, Message: fmt.Sprintf("generation %d, which is active, has no ledger", active), Remedy: "run 'clyde install' to make a new generation"}
	}
	if err != nil {
		return nil, err
	}
	r := &TreeReport{Generation: active, Platform: ledger.Platform, Packages: len(ledger.Packages), Hooked: []HookedTree{}, Problems: []TreeProblem{}, Warnings: []string{}}
	if err := in.compareLock(ctx, r, ledger); err != nil {
		return nil, err
	}
	if err := in.compareGeneration(r, ledger); err != nil {
		return nil, err
	}
	if err := in.compareFiles(ctx, r, ledger); err != nil {
		return nil, err
	}
	slices.SortStableFunc(r.Problems, func(a, b TreeProblem) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Path, b.Path))
	})
	return r, nil
}

// compareLock compares the ledger with what the lock asks for on its platform,
// and the lock with the histories of those registries that are here.
func (in *Installer) compareLock(ctx context.Context, r *TreeReport, ledger *Ledger) error {
	p := &plan{}
	if err := in.loadLock(p); err != nil {
		return err
	}
	platform, err := index.ParsePlatform(ledger.Platform)
	if err != nil {
		return &Error{Class: ErrIntegrity, Message: "the ledger of the active generation", Err: err, Remedy: "run 'clyde install' to make a new generation"}
	}
	want := &Ledger{}
	if p.lock != nil {
		p.part = ledger.part(p.lock)
		on := *in
		on.Platform = platform
		if want, err = on.ledgerFor(p); err != nil {
			return err
		}
		warnings, err := in.proveLock(ctx, p.lock, false)
		if err != nil && !errors.Is(err, ErrIntegrity) {
			return err
		}
		if err != nil {
			r.Problems = append(r.Problems, TreeProblem{Path: lockfile.Path, Problem: FaultForeign, Detail: err.Error()})
		}
		r.Warnings = append(r.Warnings, warnings...)
	}
	installed := map[string]LedgerPackage{}
	for _, have := range ledger.Packages {
		installed[have.Name] = have
	}
	problem := func(l LedgerPackage, fault Fault, detail string) {
		r.Problems = append(r.Problems, TreeProblem{Package: l.Name, Version: l.Version, Path: ".", Problem: fault, Detail: detail})
	}
	for _, l := range want.Packages {
		have, ok := installed[l.Name]
		delete(installed, l.Name)
		switch {
		case !ok:
			problem(l, FaultMissing, "is in "+lockfile.Path+" and not installed")
		case have.Version != l.Version:
			problem(have, FaultChanged, lockfile.Path+" has version "+l.Version)
		case have.Cksum != l.Cksum:
			problem(have, FaultChanged, lockfile.Path+" has another archive, sha256:"+l.Cksum)
		}
	}
	for _, have := range installed {
		problem(have, FaultExtra, "is installed and not in "+lockfile.Path)
	}
	return nil
}

// compareGeneration makes the active generation again elsewhere and compares
// links and derived files with those that are there.
func (in *Installer) compareGeneration(r *TreeReport, ledger *Ledger) (err error) {
	again, err := os.MkdirTemp("", "clyde-generation-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeTree(again)) }()
	if err := in.Project.Generations.fill(again, ledger, in.store()); err != nil {
		return err
	}
	want, err := generationFiles(again)
	if err != nil {
		return err
	}
	have, err := generationFiles(in.Project.Generations.path(r.Generation))
	if err != nil {
		return err
	}
	delete(have, filesName)
	problem := func(path string, fault Fault, detail string) {
		r.Problems = append(r.Problems, TreeProblem{Path: path, Problem: fault, Detail: detail})
	}
	for path, content := range want {
		now, ok := have[path]
		delete(have, path)
		switch {
		case !ok:
			problem(path, FaultMissing, "")
		case now != content && path != ledgerName:
			problem(path, FaultChanged, "")
		}
	}
	for path := range have {
		problem(path, FaultExtra, "clyde did not put it there")
	}
	return nil
}

// generationFiles is what a generation holds, by path: where links lead to,
// and the digests of files.
func generationFiles(dir string) (map[string]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		content := d.Type().String()
		switch {
		case d.Type()&(fs.ModeSymlink|fs.ModeIrregular) != 0:
			content, err = os.Readlink(path)
		case d.Type().IsRegular():
			content, err = hashFile(path)
		}
		files[filepath.ToSlash(rel)] = content
		return err
	})
	return files, err
}

// compareFiles reads the files of all packages.
func (in *Installer) compareFiles(ctx context.Context, r *TreeReport, ledger *Ledger) error {
	store, g := in.store(), in.Project.Generations
	found := make([][]TreeProblem, len(ledger.Packages))
	files := make([]int, len(ledger.Packages))
	hooked := make([]*HookedTree, len(ledger.Packages))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, in.Config.Jobs))
	for i, p := range ledger.Packages {
		group.Go(func() error {
			if p.owns() {
				found[i], files[i], hooked[i] = g.ownFaults(p, store)
			} else {
				found[i], files[i] = store.faults(p)
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i := range found {
		r.Problems = append(r.Problems, found[i]...)
		r.Files += files[i]
		if hooked[i] != nil && ledger.Packages[i].Hooks.ran() {
			r.Hooked = append(r.Hooked, *hooked[i])
		}
	}
	return nil
}

// faults lists what is wrong with the files of an installed package, and how
// many there should be.
func (s *Store) faults(p LedgerPackage) (problems []TreeProblem, files int) {
	inv, err := readInventory(filepath.Join(s.entry(p.Cksum), inventoryName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []TreeProblem{p.problem(".", FaultMissing, "is not in the store")}, 0
	case err != nil:
		return []TreeProblem{p.problem(".", FaultChanged, inventoryName+" of the store: "+err.Error())}, 0
	}
	return p.differing(inv, s.Tree(p.Cksum)), len(inv.Files)
}

// ownFaults is faults for a package with a copy of its own, and says what hooks
// did to it.
func (g Generations) ownFaults(p LedgerPackage, store *Store) (problems []TreeProblem, files int, hooked *HookedTree) {
	inv, err := g.readOwnInventory(p)
	if err != nil {
		return []TreeProblem{p.problem(".", FaultChanged, "what its hooks made: "+err.Error())}, 0, nil
	}
	problems = p.differing(inv, g.ownTree(p))
	archived, err := readInventory(filepath.Join(store.entry(p.Cksum), inventoryName))
	if err != nil {
		problems = append(problems, p.problem(".", FaultMissing, "is not in the store, so that nothing tells what hooks made"))
		return problems, len(inv.Files), nil
	}
	return problems, len(inv.Files), hookedTree(p, archived, inv)
}

func hookedTree(p LedgerPackage, archived, now *inventory) *HookedTree {
	h := &HookedTree{Package: p.Name, Version: p.Version, Made: []string{}, Changed: []string{}, Gone: []string{}}
	was := make(map[string]storedFile, len(archived.Files))
	for _, f := range archived.Files {
		was[f.Path] = f
	}
	for _, f := range now.Files {
		old, ok := was[f.Path]
		delete(was, f.Path)
		switch {
		case !ok:
			h.Made = append(h.Made, f.Path)
		case old.SHA256 != f.SHA256 || old.Executable != f.Executable:
			h.Changed = append(h.Changed, f.Path)
		}
	}
	h.Gone = append(h.Gone, slices.Sorted(maps.Keys(was))...)
	return h
}

func (p LedgerPackage) problem(path string, fault Fault, detail string) TreeProblem {
	return TreeProblem{Package: p.Name, Version: p.Version, Path: path, Problem: fault, Detail: detail}
}

// differing compares the files of a package with the list of them.
func (p LedgerPackage) differing(inv *inventory, tree string) (problems []TreeProblem) {
	for path, err := range inv.differences(tree, true) {
		switch {
		case errors.Is(err, errMissing):
			problems = append(problems, p.problem(path, FaultMissing, ""))
		case errors.Is(err, errExtra):
			problems = append(problems, p.problem(path, FaultExtra, ""))
		default:
			problems = append(problems, p.problem(path, FaultChanged, err.Error()))
		}
	}
	return problems
}
