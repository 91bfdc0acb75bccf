package client

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Generations are the installed trees of one environment of a project: in the
// folder .clyde/generations for the default one; see the package comment.
type Generations struct {
	home string // the folder that holds them, absolute: the project's .clyde folder, or an environment's
}

// GenerationsOf returns the generations of the default environment of the project
// at root.
func GenerationsOf(root string) Generations {
	return Generations{home: filepath.Join(root, ".clyde")}
}

const (
	generationsName = "generations"
	activeName      = "packages" // the link to the active generation
	nextName        = ".packages-next"
)

func (g Generations) dir() string        { return filepath.Join(g.home, generationsName) }
func (g Generations) path(n int) string  { return filepath.Join(g.dir(), strconv.Itoa(n)) }
func (g Generations) activePath() string { return filepath.Join(g.home, activeName) }

// Packages is the folder in which the active generation's packages appear.
func (g Generations) Packages() string { return g.activePath() }

// PackagePath is where a package appears below the folder of a generation. A
// scoped one has an '@' before it, so that scope "a" and package "a" do not
// meet.
func PackagePath(name string) string {
	if strings.Contains(name, "/") {
		name = "@" + name
	}
	return filepath.FromSlash(name)
}

// List gives the numbers of all generations, oldest first.
func (g Generations) List() ([]int, error) {
	entries, err := os.ReadDir(g.dir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var numbers []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > 0 && e.Name() == strconv.Itoa(n) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, err
}

// Active is the number of the active generation, 0 when nothing is installed.
// The error is of the class [ErrRefused] when something that clyde did not
// make is in the place of the link.
func (g Generations) Active() (int, error) {
	info, err := os.Lstat(g.activePath())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if info.Mode()&(fs.ModeSymlink|fs.ModeIrregular) == 0 {
		return 0, g.foreign("is not a link")
	}
	target, err := os.Readlink(g.activePath())
	if err != nil {
		return 0, err
	}
	number, ok := strings.CutPrefix(filepath.ToSlash(target), generationsName+"/")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 {
		return 0, g.foreign(fmt.Sprintf("leads to %q", target))
	}
	return n, nil
}

func (g Generations) foreign(what string) error {
	return &Error{
		Class: ErrRefused, Message: fmt.Sprintf("%s %s; clyde did not make it", g.activePath(), what),
		Remedy: "move it out of the way",
	}
}

// Ledger reads what generation n holds. The error is [fs.ErrNotExist] when
// there is no such generation.
func (g Generations) Ledger(n int) (*Ledger, error) {
	return readLedger(filepath.Join(g.path(n), ledgerName))
}

// build makes a whole generation in a temporary folder and returns it.
func (g Generations) build(ledger *Ledger, store *Store) (string, error) {
	made, err := os.MkdirTemp(g.dir(), tempPrefix)
	if err != nil {
		return "", err
	}
	err = g.fill(made, ledger, store)
	if err == nil {
		err = errors.Join(writeNewFile(filepath.Join(made, filesName), filesOf(ledger, store), 0o444), syncDir(made))
	}
	if err != nil {
		return "", errors.Join(err, removeTree(made))
	}
	return made, nil
}

func (g Generations) fill(made string, ledger *Ledger, store *Store) error {
	folders := []string{made}
	for _, p := range ledger.Packages {
		link := filepath.Join(made, PackagePath(p.Name))
		if dir := filepath.Dir(link); !slices.Contains(folders, dir) {
			if err := os.Mkdir(dir, 0o755); err != nil {
				return err
			}
			folders = append(folders, dir)
		}
		if err := linkTree(linkTarget(p, store), link); err != nil {
			return err
		}
	}
	if err := g.relocatePkgConfig(made, ledger, store); err != nil {
		return err
	}
	if err := writeNewFile(filepath.Join(made, ledgerName), ledger.Bytes(), 0o444); err != nil {
		return err
	}
	for _, dir := range folders {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return os.Chmod(made, 0o755)
}

// sound reports whether generation n leads to sound store entries. It looks at
// every file of all packages, and so at several packages at a time.
func (g Generations) sound(n int, ledger *Ledger, store *Store) bool {
	known := g.knownFiles(n, store)
	intact := func(p LedgerPackage) bool {
		if !leadsTo(filepath.Join(g.path(n), PackagePath(p.Name)), linkTarget(p, store)) {
			return false
		}
		return !p.owns() && store.untouched(p.Cksum, known[p.Cksum]) || g.check(p, store) == nil
	}
	var unsound atomic.Bool
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range ledger.Packages {
		group.Go(func() error {
			if !unsound.Load() && !intact(p) {
				unsound.Store(true)
			}
			return nil
		})
	}
	_ = group.Wait() // the functions return nil
	return !unsound.Load()
}

// activate makes generation n the active one, by one rename; 0 is none.
func (g Generations) activate(n int) error {
	next := filepath.Join(g.home, nextName)
	if err := removeIfThere(next); err != nil {
		return err
	}
	if n == 0 {
		return errors.Join(removeIfThere(g.activePath()), syncDir(g.home))
	}
	if err := linkTree(filepath.Join(generationsName, strconv.Itoa(n)), next); err != nil {
		return err
	}
	if err := replaceLink(next, g.activePath()); err != nil {
		return err
	}
	return syncDir(g.home)
}

// prune removes the oldest generations until keep are left beside the active
// one. A generation gets another name first, so that an interrupted removal
// leaves no half of one under its number.
func (g Generations) prune(keep int) error {
	numbers, err := g.List()
	if err != nil {
		return err
	}
	active, err := g.Active()
	if err != nil {
		return err
	}
	numbers = slices.DeleteFunc(numbers, func(n int) bool { return n == active })
	for _, n := range numbers[:max(0, len(numbers)-keep)] {
		if err := g.remove(n); err != nil {
			return err
		}
	}
	return g.pruneTrees()
}

func (g Generations) remove(n int) error {
	trash, err := os.MkdirTemp(g.dir(), tempPrefix)
	if err != nil {
		return err
	}
	err = os.Rename(g.path(n), filepath.Join(trash, "generation"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, removeTree(trash))
}

// clear removes what an interrupted run left behind.
func (g Generations) clear() error {
	entries, err := os.ReadDir(g.dir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempPrefix) {
			if err := removeTree(filepath.Join(g.dir(), e.Name())); err != nil {
				return err
			}
		}
	}
	return removeIfThere(filepath.Join(g.home, nextName))
}
