package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A package whose hooks run when it is installed, and each package of an environment
// that is made of copies, gets a copy of its tree of its
// own, in which they may write: the trees of the store are read-only and shared
// by all projects. The copy lies beside the generations,
//
//	.clyde/generations/.trees/7/NAME        made by the run that made generation 7
//	.clyde/generations/.trees/7/NAME.json   its files, once the hooks have run
//
// or a folder in which the installer of its type puts what is installed instead,
// and later generations lead to the same copy for as long as the package stays,
// so that paths which a hook wrote down stay right. It is read-only once the
// hooks have run, and goes away with the last generation that leads to it.
const treesName = ".trees"

// owns reports whether a package has a copy of its own.
func (p LedgerPackage) owns() bool { return p.Hooks != nil && p.Hooks.Tree != 0 }

func (g Generations) ownTree(p LedgerPackage) string {
	return filepath.Join(g.dir(), treesName, strconv.Itoa(p.Hooks.Tree), PackagePath(p.Name))
}

// ownInventory is beside the tree: no package has a name that ends in ".json".
func (g Generations) ownInventory(p LedgerPackage) string { return g.ownTree(p) + ".json" }

// tree is where the files of an installed package are.
func (g Generations) tree(p LedgerPackage, store *Store) string {
	if p.owns() {
		return g.ownTree(p)
	}
	return store.Tree(p.Cksum)
}

// linkTarget is where the link of a package leads: to a copy of its own by a
// relative path, as it moves with the project, and into the store by an
// absolute one.
func linkTarget(p LedgerPackage, store *Store) string {
	if !p.owns() {
		return store.Tree(p.Cksum)
	}
	place := filepath.ToSlash(PackagePath(p.Name))
	up := strings.Repeat("../", 1+strings.Count(place, "/"))
	return filepath.FromSlash(up + path.Join(treesName, strconv.Itoa(p.Hooks.Tree), place))
}

// check is [Store.Check] for the files that are installed.
func (g Generations) check(p LedgerPackage, store *Store) error {
	if !p.owns() {
		return store.Check(p.Cksum)
	}
	inv, err := g.readOwnInventory(p)
	if err != nil {
		return err
	}
	_, err = inv.compare(g.ownTree(p), false)
	return err
}

// readOwnInventory reads the list of the files of a copy, which has to be the
// one that the ledger names.
func (g Generations) readOwnInventory(p LedgerPackage) (*inventory, error) {
	sum, err := hashFile(g.ownInventory(p))
	if err != nil {
		return nil, err
	}
	if sum != p.Hooks.Files {
		return nil, errors.New("the list of its files is not the one that was written down")
	}
	return readInventory(g.ownInventory(p))
}

// checkTrees looks whether the copies that a generation leads to are there. They
// cannot be fetched: hooks made them.
func (g Generations) checkTrees(n int, ledger *Ledger) error {
	for _, p := range ledger.Packages {
		if !p.owns() {
			continue
		}
		if err := g.check(p, nil); err != nil {
			return &Error{
				Class: ErrIntegrity, Message: fmt.Sprintf("generation %d has lost what the hooks of %s %s made", n, p.Name, p.Version), Err: err,
				Remedy: "go back to another generation, or run 'clyde install'",
			}
		}
	}
	return nil
}

// makeTrees makes the copies that a generation is the first to need.
func (p *Project) makeTrees(n int, ledger *Ledger, store *Store) error {
	g := p.Generations
	for _, l := range ledger.Packages {
		if l.Hooks == nil || !l.Hooks.fresh {
			continue
		}
		p.step("copy a package for its hooks")
		l.Hooks.Tree = n
		tree := g.ownTree(l)
		if err := removeTree(tree); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(tree), 0o755); err != nil {
			return err
		}
		if l.Hooks.staged() && l.Hooks.Allowed {
			if err := os.Mkdir(tree, 0o755); err != nil {
				return err
			}
			continue // its installer fills it
		}
		if err := copyTree(store.Tree(l.Cksum), tree); err != nil {
			return fmt.Errorf("copy %s for its hooks: %w", l.Name, err)
		}
	}
	return nil
}

// copyTree copies a tree of the store so that the copy can be written to. Files
// keep their times: tools that build compare them.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, rel), 0o755)
		}
		return copyFile(name, filepath.Join(to, rel))
	})
}

func copyFile(from, to string) (err error) {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm()|0o200)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, r); err != nil {
		return errors.Join(err, w.Close())
	}
	return errors.Join(w.Close(), os.Chtimes(to, info.ModTime(), info.ModTime()))
}

// sealTrees makes the copies read-only now that the hooks have run, lists their
// files, and writes what they are into the ledger of the generation.
func (p *Project) sealTrees(ctx context.Context, n int, ledger *Ledger, store *Store) error {
	g := p.Generations
	fresh := slices.DeleteFunc(slices.Clone(ledger.Packages), func(l LedgerPackage) bool { return l.Hooks == nil || !l.Hooks.fresh })
	if len(fresh) == 0 {
		return nil
	}
	for _, l := range fresh {
		p.step("seal what hooks made")
		if err := g.sealTree(ctx, l); err != nil {
			return fmt.Errorf("what the hooks of %s %s left behind: %w", l.Name, l.Version, err)
		}
	}
	p.step("look for pkg-config files that hooks made")
	if err := removeTree(filepath.Join(g.path(n), pkgConfigName)); err != nil {
		return err
	}
	if err := g.relocatePkgConfig(g.path(n), ledger, store); err != nil {
		return err
	}
	p.step("write the ledger")
	return replaceFile(g.dir(), filepath.Join(g.path(n), ledgerName), ledger.Bytes())
}

// sealTree is seal that leaves the folders writable, so that a project can be
// deleted like any other folder.
func (g Generations) sealTree(ctx context.Context, l LedgerPackage) error {
	inv, err := seal(ctx, g.ownTree(l))
	if err != nil {
		return err
	}
	_, folders, err := listTree(g.ownTree(l))
	for _, folder := range folders {
		err = errors.Join(err, os.Chmod(folder, 0o755))
	}
	if err != nil {
		return err
	}
	name := g.ownInventory(l)
	if err := removeIfThere(name); err != nil {
		return err
	}
	if err := inv.write(name); err != nil {
		return err
	}
	if l.Hooks.Files, err = hashFile(name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// pruneTrees removes the copies that no generation leads to.
func (g Generations) pruneTrees() error {
	entries, err := os.ReadDir(filepath.Join(g.dir(), treesName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	used, ok, err := g.usedTrees()
	if err != nil || !ok {
		return err
	}
	for _, e := range entries {
		if !used[e.Name()] {
			if err := removeTree(filepath.Join(g.dir(), treesName, e.Name())); err != nil {
				return err
			}
		}
	}
	if len(used) > 0 {
		return nil
	}
	return removeIfThere(filepath.Join(g.dir(), treesName))
}

// usedTrees are the numbers of the copies that generations lead to; not known
// when a ledger cannot be read.
func (g Generations) usedTrees() (used map[string]bool, ok bool, err error) {
	numbers, err := g.List()
	if err != nil {
		return nil, false, err
	}
	used = map[string]bool{}
	for _, n := range numbers {
		ledger, err := g.Ledger(n)
		if err != nil {
			return nil, false, nil //nolint:nilerr // what is installed is made anew then, and pruned later
		}
		for _, p := range ledger.Packages {
			if p.owns() {
				used[strconv.Itoa(p.Hooks.Tree)] = true
			}
		}
	}
	return used, true, nil
}
