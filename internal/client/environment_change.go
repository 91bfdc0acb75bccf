package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// An environment is there when its folder has its name, and gone when it has lost
// it: each is one rename. What a change does before or after that rename, a run
// that follows an interrupted one takes back or finishes.

// CreateEnvironment makes an environment, in which nothing is installed yet. The
// error is [ErrConflict] when there is one of that name, and [ErrRefused] when
// something lies in the folder of its prefix.
func (p *Project) CreateEnvironment(ctx context.Context, e Environment, report Reporter) error {
	if err := CheckEnvironmentName(e.Name); err != nil {
		return err
	}
	return p.exclusive(ctx, report, func() error {
		all, err := p.Environments()
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(have Environment) bool { return have.Name == e.Name }) {
			return &Error{Class: ErrConflict, Message: fmt.Sprintf("there is an environment %q already", e.Name), Remedy: "choose another name, or remove it with 'clyde env remove " + e.Name + "'"}
		}
		err = p.createEnvironment(e)
		if err != nil {
			err = errors.Join(err, p.recoverEnvironments())
		}
		return err
	})
}

func (p *Project) createEnvironment(e Environment) error {
	made, err := p.checkPrefix(e.Prefix)
	if err != nil {
		return err
	}
	p.step("make the folder of environments")
	if err := os.MkdirAll(p.environmentsDir(), 0o755); err != nil {
		return err
	}
	err = writeNewFile(filepath.Join(p.environmentsDir(), ".gitignore"), []byte(environmentsIgnore), 0o644)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	beginning := p.environmentDir(beginningPrefix + e.Name)
	p.step("begin an environment")
	if err := os.Mkdir(beginning, 0o755); err != nil {
		return err
	}
	p.step("describe an environment")
	if err := writeJSON(filepath.Join(beginning, environmentName), recordOf(e, made)); err != nil {
		return err
	}
	if err := errors.Join(syncDir(beginning), syncDir(p.environmentsDir())); err != nil {
		return err
	}
	if err := p.claimPrefix(e); err != nil {
		return err
	}
	p.step("name an environment")
	return errors.Join(os.Rename(beginning, p.environmentDir(e.Name)), syncDir(p.environmentsDir()))
}

const environmentsIgnore = "# What 'clyde env create' and 'clyde install' make on each machine.\n*\n"

func recordOf(e Environment, made bool) environmentRecord {
	r := environmentRecord{Version: environmentVersion, Name: e.Name, Profile: e.Profile, Prefix: e.Prefix, Copies: e.Copies, Made: made}
	if e.Platform != (index.Platform{}) {
		r.Platform = e.Platform.String()
	}
	return r
}

// writeJSON writes a new file.
func writeJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeNewFile(name, append(data, '\n'), 0o644)
}

// checkPrefix refuses a prefix in which something lies: removing the environment
// could not tell it from its own. It reports whether the folder is to be made.
func (p *Project) checkPrefix(prefix string) (made bool, err error) {
	if prefix == "" {
		return false, nil
	}
	if rel, err := filepath.Rel(p.home(), prefix); err == nil && filepath.IsLocal(rel) {
		return false, &Error{Class: ErrRefused, Message: prefix + " is in the .clyde folder of the project", Remedy: "choose another folder, or leave --prefix out"}
	}
	entries, err := os.ReadDir(prefix)
	if errors.Is(err, fs.ErrNotExist) {
		parent, err := os.Stat(filepath.Dir(prefix))
		if err == nil && parent.IsDir() {
			return true, nil
		}
		return false, &Error{Class: ErrNotFound, Message: "there is no folder " + filepath.Dir(prefix), Remedy: "make it first"}
	}
	if err != nil {
		return false, &Error{Class: ErrRefused, Message: "the prefix cannot be used", Err: err, Remedy: "choose an empty folder, or one that is not there yet"}
	}
	if len(entries) > 0 {
		return false, &Error{
			Class: ErrRefused, Message: fmt.Sprintf("%s is not empty: it has %q", prefix, entries[0].Name()),
			Remedy: "choose an empty folder, or one that is not there yet",
		}
	}
	return false, nil
}

// claimPrefix writes into the prefix whose it is.
func (p *Project) claimPrefix(e Environment) error {
	if e.Prefix == "" {
		return nil
	}
	p.step("make the prefix")
	if err := os.Mkdir(e.Prefix, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	p.step("claim the prefix")
	err := writeJSON(filepath.Join(e.Prefix, claimName), claim{Version: environmentVersion, Project: p.Root, Environment: e.Name})
	return errors.Join(err, syncDir(e.Prefix))
}

// RemoveEnvironment removes an environment with everything that is installed in
// it. The error is [ErrRefused] for the default and the current one.
func (p *Project) RemoveEnvironment(ctx context.Context, name string, report Reporter) error {
	return p.exclusive(ctx, report, func() error {
		if _, err := p.In(name); err != nil {
			return err
		}
		current, err := p.Current()
		switch {
		case err != nil:
			return err
		case name == DefaultEnvironment:
			return &Error{Class: ErrRefused, Message: "every project has the environment " + DefaultEnvironment, Remedy: "remove packages from the manifest with 'clyde remove'"}
		case name == current:
			return &Error{Class: ErrRefused, Message: fmt.Sprintf("%q is the current environment", name), Remedy: "use another one first: clyde env use " + DefaultEnvironment}
		}
		ending := p.environmentDir(endingPrefix + name)
		p.step("take an environment its name")
		if err := errors.Join(os.Rename(p.environmentDir(name), ending), syncDir(p.environmentsDir())); err != nil {
			return err
		}
		return p.recoverEnvironments()
	})
}

// UseEnvironment makes an environment the current one.
func (p *Project) UseEnvironment(ctx context.Context, name string, report Reporter) error {
	return p.exclusive(ctx, report, func() error {
		if _, err := p.In(name); err != nil {
			return err
		}
		file := filepath.Join(p.environmentsDir(), currentName)
		p.step("say which environment is current")
		if name == DefaultEnvironment {
			return removeIfThere(file)
		}
		return replaceFile(p.sharedDir(), file, []byte(name+"\n"))
	})
}

// recoverEnvironments takes back environments that were not made whole and
// finishes the removal of others.
func (p *Project) recoverEnvironments() error {
	entries, err := os.ReadDir(p.environmentsDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	left := 0
	for _, entry := range entries {
		switch name := entry.Name(); {
		case strings.HasPrefix(name, beginningPrefix), strings.HasPrefix(name, endingPrefix):
			if err := p.discardEnvironment(name); err != nil {
				return err
			}
		case name != ".gitignore":
			left++
		}
	}
	if left > 0 {
		return nil
	}
	p.step("remove the folder of environments")
	return errors.Join(removeIfThere(filepath.Join(p.environmentsDir(), ".gitignore")), os.Remove(p.environmentsDir()))
}

// discardEnvironment removes what is left of an environment that has no name.
func (p *Project) discardEnvironment(folder string) error {
	e, made, err := p.readEnvironment(folder)
	if err == nil && e.Prefix != "" && p.claims(e) {
		if err := p.clearPrefix(e, made); err != nil {
			return err
		}
	} else if err == nil && made {
		_ = os.Remove(e.Prefix) // empty, or somebody else's
	}
	p.step("remove what is left of an environment")
	return removeTree(p.environmentDir(folder))
}

// claims reports whether a prefix says that it is of this environment. An empty
// claim is one that was interrupted: the prefix had nothing in it before.
func (p *Project) claims(e Environment) bool {
	data, err := readBounded(filepath.Join(e.Prefix, claimName), maxEnvironment)
	if err != nil || len(data) == 0 {
		return err == nil
	}
	var c claim
	return json.Unmarshal(data, &c) == nil && c.Project == p.Root && c.Environment == e.Name
}

// clearPrefix removes what clyde made in a prefix, and the folder itself when it
// was made for the environment and nothing else lies in it.
func (p *Project) clearPrefix(e Environment, made bool) error {
	g := p.at(e).Generations
	p.step("deactivate what is installed in a prefix")
	for _, name := range []string{g.activePath(), filepath.Join(g.home, nextName)} {
		if err := removeIfThere(name); err != nil {
			return err
		}
	}
	p.step("remove the generations of a prefix")
	if err := removeTree(g.dir()); err != nil {
		return err
	}
	p.step("give up the prefix")
	if err := removeIfThere(filepath.Join(e.Prefix, claimName)); err != nil {
		return err
	}
	if made {
		_ = os.Remove(e.Prefix) // fails when somebody put something there
	}
	return nil
}
