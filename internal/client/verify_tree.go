package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	Problems   []TreeProblem `json:"problems"`
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
	r := &TreeReport{Generation: active, Platform: ledger.Platform, Packages: len(ledger.Packages), Problems: []TreeProblem{}}
	if err := in.compareLock(r, ledger); err != nil {
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

// compareLock compares the ledger with what the lock asks for on its platform.
func (in *Installer) compareLock(r *TreeReport, ledger *Ledger) error {
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
	store := in.store()
	found := make([][]TreeProblem, len(ledger.Packages))
	files := make([]int, len(ledger.Packages))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, in.Config.Jobs))
	for i, p := range ledger.Packages {
		group.Go(func() error {
			found[i], files[i] = store.faults(p)
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i := range found {
		r.Problems = append(r.Problems, found[i]...)
		r.Files += files[i]
	}
	return nil
}

// faults lists what is wrong with the files of an installed package, and how
// many there should be.
func (s *Store) faults(p LedgerPackage) (problems []TreeProblem, files int) {
	add := func(path string, fault Fault, detail string) {
		problems = append(problems, TreeProblem{Package: p.Name, Version: p.Version, Path: path, Problem: fault, Detail: detail})
	}
	inv, err := readInventory(filepath.Join(s.entry(p.Cksum), inventoryName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		add(".", FaultMissing, "is not in the store")
		return problems, 0
	case err != nil:
		add(".", FaultChanged, inventoryName+" of the store: "+err.Error())
		return problems, 0
	}
	for path, err := range inv.differences(s.Tree(p.Cksum), true) {
		switch {
		case errors.Is(err, errMissing):
			add(path, FaultMissing, "")
		case errors.Is(err, errExtra):
			add(path, FaultExtra, "")
		default:
			add(path, FaultChanged, err.Error())
		}
	}
	return problems, len(inv.Files)
}
