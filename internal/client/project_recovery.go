package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// recovery says how a project was before a change and how it will be after it.
// It is on disk while the change is made. The change counts as made once the
// recovery is gone; until then [Project.recover] takes it back.
type recovery struct {
	Version int             `json:"journal"`
	From    int             `json:"from"` // the active generation, 0 for none
	To      int             `json:"to"`   // the one to activate, 0 to leave it
	Made    bool            `json:"made"` // To is made by this change
	Files   []recoveredFile `json:"files"`
}

// recoveredFile is a file of the .clyde folder with its bytes before and after.
type recoveredFile struct {
	Name   string `json:"name"`
	Absent bool   `json:"absent"` // it was not there before
	Before []byte `json:"before"`
	After  []byte `json:"after"`
}

// before is the content from before the change, nil when there was no file.
func (f recoveredFile) before() []byte {
	if f.Absent {
		return nil
	}
	return append([]byte{}, f.Before...)
}

const (
	recoveryName    = ".journal.json"
	recoveryVersion = 1
	maxRecovery     = 4 * maxLock
)

func (p *Project) recoveryPath() string { return filepath.Join(p.Generations.dir(), recoveryName) }

func (p *Project) writeRecovery(j *recovery) error {
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return replaceFile(p.Generations.dir(), p.recoveryPath(), data)
}

func (p *Project) forgetRecovery() error {
	return errors.Join(os.Remove(p.recoveryPath()), syncDir(p.Generations.dir()))
}

// recover takes back a change that an interrupted run began and did not
// finish, and clears its temporary files.
func (p *Project) recover() error {
	j, err := p.readRecovery()
	if err != nil {
		return err
	}
	if j != nil {
		p.step("take back")
		if err := p.takeBack(j); err != nil {
			return fmt.Errorf("take back what an interrupted run began: %w", err)
		}
		p.step("forget the journal taken back")
		if err := p.forgetRecovery(); err != nil {
			return err
		}
	}
	p.step("clear")
	return p.Generations.clear()
}

func (p *Project) readRecovery() (*recovery, error) {
	data, err := readOptional(p.recoveryPath(), maxRecovery)
	if data == nil || err != nil {
		return nil, err
	}
	var j recovery
	if err := json.Unmarshal(data, &j); err != nil || j.Version != recoveryVersion {
		return nil, &Error{
			Class: ErrIntegrity, Message: p.recoveryPath() + " is not a journal that this clyde can read", Err: err,
			Remedy: "compare .clyde/package.yaml and .clyde/lock.jsonl with what you expect, remove the journal and run 'clyde install'",
		}
	}
	return &j, nil
}

func (p *Project) takeBack(j *recovery) error {
	g := p.Generations
	active, err := g.Active()
	if err != nil {
		return err
	}
	if active != j.From {
		p.step("activate the generation of before")
		if err := g.activate(j.From); err != nil {
			return err
		}
	}
	for _, f := range j.Files {
		p.step("restore " + f.Name)
		if err := p.restore(f); err != nil {
			return err
		}
	}
	if !j.Made {
		return nil
	}
	p.step("remove the generation")
	return errors.Join(g.remove(j.To), g.pruneTrees())
}

// restore gives a file its bytes from before the change. Whatever somebody
// else wrote to it in the meantime stays.
func (p *Project) restore(f recoveredFile) error {
	name := filepath.Join(p.home(), filepath.Base(f.Name))
	now, err := readOptional(name, maxLock)
	if err != nil || now == nil || !bytes.Equal(now, f.After) {
		return err
	}
	if !f.Absent {
		return replaceFile(p.sharedDir(), name, f.Before)
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(filepath.Dir(name))
}
