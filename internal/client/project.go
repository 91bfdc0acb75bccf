package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/clydepm/clyde/internal/journal"
)

// Project is the folder whose .clyde folder holds a manifest, a lock and the
// installed tree.
type Project struct {
	Root        string      // absolute
	Environment Environment // that is installed, looked at and run
	Generations Generations // of that environment

	// step is called before each step that changes what is on disk. The tests
	// of interrupted runs end the process there.
	step func(name string)

	pending []pendingRecovery // that a dry run reads through
}

// OpenProject returns the project at root, with its default environment; nothing
// needs to be there yet.
func OpenProject(root string) *Project {
	return &Project{
		Root: root, Environment: Environment{Name: DefaultEnvironment},
		Generations: GenerationsOf(root), step: func(string) {},
	}
}

// home is the folder of the manifest and the lock.
func (p *Project) home() string { return filepath.Join(p.Root, ".clyde") }

// Manifest is the path of the manifest.
func (p *Project) Manifest() string { return filepath.Join(p.home(), "package.yaml") }

// Lock is the path of the lock.
func (p *Project) Lock() string { return filepath.Join(p.home(), "lock.jsonl") }

// Bounds of the files of a project.
const (
	maxManifest = 1 << 20
	maxLock     = 64 << 20
)

// readOptional reads a file that need not be there: nil when it is not.
func readOptional(name string, limit int64) ([]byte, error) {
	data, err := readBounded(name, limit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && data == nil {
		data = []byte{} // an empty file is there
	}
	return data, err
}

// exclusive runs do while no other process changes the project. A wait is told
// to report. What an interrupted run left undone is put right first. Where do
// fails in a folder that was no project before, it is none afterwards.
func (p *Project) exclusive(ctx context.Context, report Reporter, do func() error) (err error) {
	_, statErr := os.Lstat(p.sharedDir())
	lock, err := p.takeLock(ctx, report)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && errors.Is(statErr, fs.ErrNotExist) {
			p.unprepare()
		}
		err = errors.Join(err, lock.Unlock())
	}()
	if err := p.recoverAll(); err != nil {
		return err
	}
	if err := p.prepareEnvironment(); err != nil {
		return err
	}
	return do()
}

// prepareEnvironment makes the folder of the generations of an environment, unless
// that was removed while this process waited.
func (p *Project) prepareEnvironment() error {
	if p.Environment.Name == DefaultEnvironment {
		return nil
	}
	now, err := p.In(p.Environment.Name)
	if err != nil {
		return err
	}
	if now.Environment != p.Environment {
		return &Error{Class: ErrConflict, Message: "the environment " + p.Environment.Name + " was made anew meanwhile", Remedy: "try again"}
	}
	return os.MkdirAll(p.Generations.dir(), 0o755)
}

// recoverAll puts right what runs on any environment left undone: they share
// manifest and lock.
func (p *Project) recoverAll() error {
	if err := p.recoverEnvironments(); err != nil {
		return err
	}
	all, err := p.Environments()
	if err != nil {
		return err
	}
	for _, e := range all {
		q := p.at(e)
		if _, err := os.Lstat(q.Generations.dir()); errors.Is(err, fs.ErrNotExist) {
			continue // nothing was installed in it yet
		}
		if err := q.recover(); err != nil {
			return err
		}
	}
	return nil
}

// reading runs do while no other process changes the project, and writes
// nothing. What an interrupted run left undone is read as the next run will put
// it right.
func (p *Project) reading(ctx context.Context, report Reporter, do func() error) (err error) {
	lock := flock.New(p.lockPath(), flock.SetFlag(os.O_RDONLY))
	got, err := lock.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return do()
	case err != nil:
		return err
	case !got:
		report.Note("waiting for another clyde that is changing " + p.Root)
		if _, err := lock.TryRLockContext(ctx, lockRetry); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if p.pending, err = p.pendingRecoveries(); err != nil {
		return err
	}
	if len(p.pending) > 0 {
		report.Note("the next run takes back what an interrupted one began; this is as if it had")
	}
	defer func() { p.pending = nil }()
	return do()
}

// pendingRecovery is what the next run will take back in an environment.
type pendingRecovery struct {
	environment string
	*recovery
}

func (p *Project) pendingRecoveries() (pending []pendingRecovery, err error) {
	all, err := p.Environments()
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		j, err := p.at(e).readRecovery()
		if err != nil {
			return nil, err
		}
		if j != nil {
			pending = append(pending, pendingRecovery{e.Name, j})
		}
	}
	return pending, nil
}

// content is what a file of the project holds, nil when it is not there.
func (p *Project) content(name string, limit int64) ([]byte, error) {
	now, err := readOptional(name, limit)
	if err != nil {
		return nil, err
	}
	for _, j := range p.pending {
		for _, f := range j.Files {
			if f.Name == filepath.Base(name) && bytes.Equal(now, f.After) {
				return f.before(), nil
			}
		}
	}
	return now, nil
}

// active is the number of the active generation.
func (p *Project) active() (int, error) {
	for _, j := range p.pending {
		if j.environment == p.Environment.Name {
			return j.From, nil
		}
	}
	return p.Generations.Active()
}

// takeLock waits for the lock of the project. A process that ended by removing
// its folder again took the lock's file with it; then there is a new one.
func (p *Project) takeLock(ctx context.Context, report Reporter) (*flock.Flock, error) {
	for {
		if err := p.prepare(); err != nil {
			return nil, err
		}
		lock := flock.New(p.lockPath())
		got, err := lock.TryLock()
		if err == nil && !got {
			report.Note("waiting for another clyde that is changing " + p.Root)
			_, err = lock.TryLockContext(ctx, lockRetry)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue // the folder went away in between
		}
		if err != nil {
			return nil, err
		}
		held, err := lock.Stat()
		if named, nameErr := os.Stat(p.lockPath()); err == nil && nameErr == nil && os.SameFile(held, named) {
			return lock, nil
		}
		if err := lock.Unlock(); err != nil {
			return nil, err
		}
	}
}

// sharedDir is the folder of what all environments of the project share, such as
// its lock against other processes.
func (p *Project) sharedDir() string  { return filepath.Join(p.home(), generationsName) }
func (p *Project) lockPath() string   { return filepath.Join(p.sharedDir(), ".lock") }
func (p *Project) ignorePath() string { return filepath.Join(p.home(), ".gitignore") }

// ignoreText keeps what is made again out of version control.
const ignoreText = "# What clyde install makes again.\n/generations/\n/packages\n/" + nextName + "\n"

// prepare makes the folder of what is shared.
func (p *Project) prepare() error {
	if err := os.MkdirAll(p.sharedDir(), 0o755); err != nil {
		return err
	}
	err := writeNewFile(p.ignorePath(), []byte(ignoreText), 0o644)
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return err
}

// unprepare takes back what prepare made. Folders that hold something else
// stay: removing them fails. So does the journal of a run that did something
// before it failed, for whoever wants to know why, and what keeps it out of
// version control.
func (p *Project) unprepare() {
	for _, name := range []string{p.lockPath(), p.Generations.ExternalPrefix()} {
		_ = os.Remove(name)
	}
	if !didSomething(p.JournalPath()) {
		_ = os.Remove(p.JournalPath())
	}
	if os.Remove(p.sharedDir()) != nil {
		return
	}
	if text, err := readBounded(p.ignorePath(), maxManifest); err == nil && string(text) == ignoreText {
		_ = os.Remove(p.ignorePath())
	}
	_ = os.Remove(p.home())
}

// change is what one run does to a project. Everything that can go wrong for
// a reason outside the disk, but for hooks, has happened before there is one.
type change struct {
	manifest, lock []byte  // new content; nil leaves the file as it is
	ledger         *Ledger // of the new generation; nil leaves the tree as it is
	activate       int     // an existing generation to go back to; 0 is none

	// Hooks run in these, once the new generation is whole and before it is
	// active, and once it is. Nil for none.
	beforeActivation, afterActivation func(to int) error
	log                               *journal.Run // nil for none
}

// apply carries out a change so that it is done whole or not at all: manifest,
// lock and tree are switched while a record of how they were is on disk, and
// the removal of that record is what makes the change final.
func (p *Project) apply(ctx context.Context, c change, store *Store, keep int) error {
	g := p.Generations
	active, err := g.Active()
	if err != nil {
		return err
	}
	j := &recovery{Version: recoveryVersion, From: active, To: c.activate}
	if c.ledger != nil {
		if j.To, err = g.nextNumber(); err != nil {
			return err
		}
		j.Made = true
	}
	if err := p.record(j, c); err != nil {
		return err
	}
	if err := p.carryOut(ctx, j, c, store); err != nil {
		undo := c.log.Step(stepUndo, "")
		return errors.Join(err, undo.Done(p.recover(), ""))
	}
	p.step("prune")
	return g.prune(keep)
}

func (g Generations) nextNumber() (int, error) {
	numbers, err := g.List()
	if err != nil || len(numbers) == 0 {
		return 1, err
	}
	return numbers[len(numbers)-1] + 1, nil
}

// record writes down how a project is before a change.
func (p *Project) record(j *recovery, c change) error {
	for _, f := range []struct {
		name string
		data []byte
	}{{p.Manifest(), c.manifest}, {p.Lock(), c.lock}} {
		if f.data == nil {
			continue
		}
		before, err := readOptional(f.name, maxLock)
		if err != nil {
			return err
		}
		if !bytes.Equal(before, f.data) || before == nil {
			j.Files = append(j.Files, recoveredFile{Name: filepath.Base(f.name), Before: before, Absent: before == nil, After: f.data})
		}
	}
	p.step("write the journal")
	return p.writeRecovery(j)
}

// carryOut makes the change that was recorded.
func (p *Project) carryOut(ctx context.Context, j *recovery, c change, store *Store) error {
	if j.Made {
		step := c.log.Step(stepExtract, "")
		if err := step.Done(p.makeGeneration(j.To, c.ledger, store), fmt.Sprintf("generation %d", j.To)); err != nil {
			return err
		}
	}
	if c.beforeActivation != nil {
		if err := c.beforeActivation(j.To); err != nil {
			return err
		}
	}
	activate := c.log.Step(stepActivate, "")
	if err := activate.Done(p.switchTo(j), j.switched()); err != nil {
		return err
	}
	if c.afterActivation != nil {
		if err := c.afterActivation(j.To); err != nil {
			return err
		}
	}
	final := c.log.Step(stepLedger, "")
	return final.Done(p.conclude(ctx, j, c.ledger, store), "")
}

// switched says what a change switches.
func (j *recovery) switched() string {
	var words []string
	for _, f := range j.Files {
		words = append(words, f.Name)
	}
	if j.To != 0 {
		words = append(words, fmt.Sprintf("generation %d", j.To))
	}
	return strings.Join(words, ", ")
}

// makeGeneration makes a generation that is not active yet.
func (p *Project) makeGeneration(n int, ledger *Ledger, store *Store) error {
	g := p.Generations
	if err := p.makeTrees(n, ledger, store); err != nil {
		return err
	}
	p.step("build the generation")
	made, err := g.build(ledger, store)
	if err != nil {
		return err
	}
	p.step("name the generation")
	return errors.Join(os.Rename(made, g.path(n)), syncDir(g.dir()))
}

// switchTo changes files and active generation.
func (p *Project) switchTo(j *recovery) error {
	g := p.Generations
	for _, f := range j.Files {
		p.step("write " + f.Name)
		if err := replaceFile(p.sharedDir(), filepath.Join(p.home(), f.Name), f.After); err != nil {
			return err
		}
	}
	if j.To == 0 {
		return nil
	}
	p.step("activate the generation")
	return g.activate(j.To)
}

// conclude writes down what hooks made and makes the change final.
func (p *Project) conclude(ctx context.Context, j *recovery, ledger *Ledger, store *Store) error {
	if j.Made {
		if err := p.sealTrees(ctx, j.To, ledger, store); err != nil {
			return err
		}
	}
	p.step("forget the journal")
	return p.forgetRecovery()
}

// digestOf is the SHA-256 of data in hex.
func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
