package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/clydepm/clyde/internal/lockfile"
)

// Cleaned says what was removed, or would be.
type Cleaned struct {
	DryRun      bool           `json:"dry_run"`
	Projects    []string       `json:"projects"`      // that use the store, and prefixes of environments
	Gone        []string       `json:"projects_gone"` // that used it and are not there any more
	Generations []int          `json:"generations"`   // of the one project
	Entries     []CleanedEntry `json:"entries"`       // of the store
	Signatures  int            `json:"signatures"`    // that the store kept
	Cache       []string       `json:"cache"`         // files and folders
	Bytes       int64          `json:"bytes"`         // that are free now
}

// CleanedEntry is an entry of the store that nothing uses.
type CleanedEntry struct {
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Clean removes from the store what no project uses: neither a generation of it
// that is kept, nor its lock. The projects are those that were installed from
// this store; one whose folder is gone is forgotten. With dryRun nothing is
// removed. It waits for runs that install, and they wait for it.
func (s *Store) Clean(ctx context.Context, dryRun bool, report Reporter) (_ *Cleaned, err error) {
	c := &Cleaned{DryRun: dryRun, Projects: []string{}, Gone: []string{}, Generations: []int{}, Entries: []CleanedEntry{}, Cache: []string{}}
	if _, err := os.Stat(s.dir); errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	release, err := s.alone(ctx, report)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	used := storeUses{archives: map[string]bool{}, signatures: map[string]bool{}}
	users, err := s.users()
	if err != nil {
		return nil, err
	}
	for _, user := range users {
		here, err := used.add(user)
		if err != nil {
			return nil, err
		}
		if here {
			c.Projects = append(c.Projects, user.place())
			continue
		}
		c.Gone = append(c.Gone, user.place())
		if !dryRun {
			if err := os.Remove(s.userFile(user)); err != nil {
				return nil, err
			}
		}
	}
	if err := s.cleanEntries(ctx, c, used); err != nil {
		return nil, err
	}
	if err := s.cleanSignatures(c, used); err != nil {
		return nil, err
	}
	return c, s.cleanTemp(c)
}

// storeUses is what projects use of a store, by digest.
type storeUses struct{ archives, signatures map[string]bool }

// add notes what a project with its environments uses, or a prefix; false when
// there is none any more. What cannot be read is an error: nobody knows what it
// uses.
func (u storeUses) add(user storeUser) (here bool, err error) {
	if user.Prefix != "" {
		return u.addGenerations(Generations{home: user.Prefix})
	}
	p := OpenProject(user.Root)
	if here, err = u.addGenerations(p.Generations); err != nil || !here && !isFile(p.Lock()) {
		return here, err // a project with a lock may have fetched, and install later
	}
	all, err := p.Environments()
	if err != nil {
		return false, err
	}
	for _, e := range all {
		if _, err := u.addGenerations(p.at(e).Generations); err != nil {
			return false, err
		}
	}
	text, err := readOptional(p.Lock(), maxLock)
	if err != nil || text == nil {
		return true, err
	}
	lock, err := lockfile.Parse(p.Lock(), text)
	if err != nil {
		return false, &Error{Class: ErrConflict, Message: "what does " + user.Root + " use of the store? Its lock cannot be read", Err: err, Remedy: "repair " + p.Lock() + ", or remove it"}
	}
	for _, pkg := range lock.Packages {
		u.archives[pkg.Cksum] = true
		for _, b := range pkg.Builds {
			u.archives[b.Cksum] = true
		}
		if pkg.Verification != nil {
			u.signatures[pkg.Verification.Bundle] = true
		}
	}
	return true, nil
}

// addGenerations notes what generations use; false when their folder is gone.
func (u storeUses) addGenerations(g Generations) (here bool, err error) {
	if _, err := os.Stat(g.dir()); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("what does %s use of the store? %w", g.where(), err)
	}
	numbers, err := g.List()
	if err != nil {
		return false, err
	}
	for _, n := range numbers {
		ledger, err := g.Ledger(n)
		if err != nil {
			return false, err
		}
		for _, pkg := range ledger.Packages {
			u.archives[pkg.Cksum] = true
		}
	}
	return true, nil
}

// cleanEntries removes the entries that are not used. An entry loses its name
// before its files, so that an interrupted run leaves no half of one.
func (s *Store) cleanEntries(ctx context.Context, c *Cleaned, used storeUses) error {
	names, err := s.entries()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		digest := filepath.Base(filepath.Dir(name)) + filepath.Base(name)
		if !isDigest(digest) || used.archives[digest] {
			continue
		}
		size, err := sizeOf(name)
		if err != nil {
			return err
		}
		if !c.DryRun {
			if err := s.discard(name); err != nil {
				return err
			}
		}
		c.Entries = append(c.Entries, CleanedEntry{SHA256: digest, Bytes: size})
		c.Bytes += size
	}
	return nil
}

// entries lists the folders of all entries.
func (s *Store) entries() ([]string, error) {
	var names []string
	shards, err := os.ReadDir(filepath.Join(s.dir, "sha256"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, shard := range shards {
		dir := filepath.Join(s.dir, "sha256", shard.Name())
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return names, err
}

// discard renames an entry away and removes it.
func (s *Store) discard(name string) error {
	if err := os.MkdirAll(s.tempDir(), 0o755); err != nil {
		return err
	}
	trash, err := os.MkdirTemp(s.tempDir(), "unused-")
	if err != nil {
		return err
	}
	if err := os.Rename(name, filepath.Join(trash, "entry")); err != nil {
		return errors.Join(err, os.Remove(trash))
	}
	s.step("remove an unused store entry")
	return errors.Join(removeTree(trash), syncDir(filepath.Dir(name)))
}

// cleanSignatures removes the signatures that no lock names.
func (s *Store) cleanSignatures(c *Cleaned, used storeUses) error {
	dir := filepath.Dir(s.attestation("x"))
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		digest, _, _ := strings.Cut(e.Name(), ".")
		if used.signatures[digest] {
			continue
		}
		name := filepath.Join(dir, e.Name())
		size, err := sizeOf(name)
		if err != nil {
			return err
		}
		if !c.DryRun {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
		c.Signatures++
		c.Bytes += size
	}
	return nil
}

// cleanTemp removes what interrupted runs left, also what a later one could go on
// with, unless somebody is adding.
func (s *Store) cleanTemp(c *Cleaned) (err error) {
	lock := s.tempLock()
	alone, err := lock.TryLock()
	if err != nil || !alone {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	for _, dir := range []string{s.tempDir(), s.partialDir()} {
		size, err := sizeOf(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		c.Bytes += size
		if c.DryRun {
			continue
		}
		if err := clearFolder(dir); err != nil {
			return err
		}
	}
	return nil
}

// Forget removes the generations of the project but the active one, and reports
// which. With dryRun it only reports.
func (p *Project) Forget(ctx context.Context, dryRun bool, report Reporter) (numbers []int, err error) {
	if _, err := os.Stat(p.Generations.dir()); errors.Is(err, fs.ErrNotExist) {
		return []int{}, nil
	}
	numbers = []int{}
	err = p.exclusive(ctx, report, func() error {
		active, err := p.Generations.Active()
		if err != nil {
			return err
		}
		all, err := p.Generations.List()
		if err != nil {
			return err
		}
		for _, n := range all {
			if n != active {
				numbers = append(numbers, n)
			}
		}
		if dryRun {
			return nil
		}
		return p.Generations.prune(0)
	})
	return numbers, err
}

// sizeOf is the number of bytes of the files in a folder, or of a file.
func sizeOf(path string) (size int64, err error) {
	err = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
