package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/spelling"
)

// DefaultEnvironment is the environment that every project has, in .clyde/packages.
const DefaultEnvironment = "default"

// Environment is a named installed tree of a project, with generations of its own.
// All environments of a project share its manifest and its lock.
type Environment struct {
	Name     string
	Profile  string         // which part of the project is installed; "" is all of it
	Platform index.Platform // to install for; zero leaves it to profile and setting
	Prefix   string         // where it is, absolute; "" is below .clyde/environments
	Copies   bool           // of packages lie in it, not links into the store
}

// environmentRecord is an environment as it is written down, in the file
// .clyde/environments/NAME/environment.json.
type environmentRecord struct {
	Version  int    `json:"environment"`
	Name     string `json:"name"`
	Profile  string `json:"profile,omitempty"`
	Platform string `json:"platform,omitempty"`
	Prefix   string `json:"prefix,omitempty"`
	Copies   bool   `json:"copies,omitzero"`
	Made     bool   `json:"made,omitzero"` // the folder of the prefix was made for it
}

// claim is the file of a prefix that says whose it is.
type claim struct {
	Version     int    `json:"environment"`
	Project     string `json:"project"` // absolute
	Environment string `json:"name"`
}

const (
	environmentVersion = 1
	maxEnvironment     = 64 << 10
	environmentsName   = "environments"
	environmentName    = "environment.json"
	claimName          = ".clyde-environment.json"
	currentName        = ".current"
	beginningPrefix    = ".new-"  // of an environment that is being made
	endingPrefix       = ".gone-" // of one that is being removed
)

func (p *Project) environmentsDir() string { return filepath.Join(p.home(), environmentsName) }

// environmentDir is the folder of an environment in the project.
func (p *Project) environmentDir(name string) string { return filepath.Join(p.environmentsDir(), name) }

// Environments lists the environments of the project: the default one, and then
// the others by name.
func (p *Project) Environments() ([]Environment, error) {
	all := []Environment{{Name: DefaultEnvironment}}
	entries, err := os.ReadDir(p.environmentsDir())
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") || !entry.IsDir() {
			continue
		}
		e, _, err := p.readEnvironment(entry.Name())
		if err != nil {
			return nil, err
		}
		e.Name = entry.Name()
		all = append(all, e)
	}
	return all, err
}

// readEnvironment reads what is written down in a folder of environments.
func (p *Project) readEnvironment(folder string) (e Environment, made bool, err error) {
	name := filepath.Join(p.environmentDir(folder), environmentName)
	data, err := readBounded(name, maxEnvironment)
	if err != nil {
		return e, false, err
	}
	damaged := func(err error) error {
		return &Error{Class: ErrIntegrity, Message: name + " does not describe an environment", Err: err, Remedy: "remove the folder " + filepath.Dir(name) + " and make the environment again"}
	}
	var r environmentRecord
	if err := json.Unmarshal(data, &r); err != nil || r.Version != environmentVersion || CheckEnvironmentName(r.Name) != nil || r.Prefix != "" && !filepath.IsAbs(r.Prefix) {
		return e, false, damaged(err)
	}
	e = Environment{Name: r.Name, Profile: r.Profile, Prefix: r.Prefix, Copies: r.Copies}
	if r.Platform != "" {
		if e.Platform, err = index.ParsePlatform(r.Platform); err != nil {
			return e, false, damaged(err)
		}
	}
	return e, r.Made, nil
}

// CheckEnvironmentName reports whether an environment may be called name. It is
// the name of a folder, so what Windows cannot hold is no name.
func CheckEnvironmentName(name string) error {
	if !namePattern().MatchString(name) || index.CheckName(name) != nil {
		return &Error{Class: ErrUsage, Message: fmt.Sprintf("%q cannot be the name of an environment", name), Remedy: nameRule}
	}
	return nil
}

// In is the project with the environment called name. The error is [ErrNotFound].
func (p *Project) In(name string) (*Project, error) {
	all, err := p.Environments()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range all {
		if e.Name == name {
			return p.at(e), nil
		}
		names = append(names, e.Name)
	}
	failure := &Error{
		Class: ErrNotFound, Message: fmt.Sprintf("there is no environment %q in %s", name, p.Root),
		Remedy: "see 'clyde env list', or make it with 'clyde env create " + name + "'",
	}
	if near := spelling.Nearest(name, names); near != "" {
		failure.Remedy = "did you mean " + near + "?"
	}
	return nil, failure
}

// at is the project with one of its environments.
func (p *Project) at(e Environment) *Project {
	q := *p
	q.Environment, q.Generations = e, Generations{home: p.placeOf(e)}
	return &q
}

// placeOf is the folder of the generations of an environment.
func (p *Project) placeOf(e Environment) string {
	switch {
	case e.Prefix != "":
		return e.Prefix
	case e.Name == DefaultEnvironment:
		return p.home()
	}
	return p.environmentDir(e.Name)
}

// Current is the name of the environment that commands mean when they are told of
// none.
func (p *Project) Current() (string, error) {
	data, err := readOptional(filepath.Join(p.environmentsDir(), currentName), maxEnvironment)
	if err != nil || data == nil {
		return DefaultEnvironment, err
	}
	name := strings.TrimSpace(string(data))
	if name != DefaultEnvironment && CheckEnvironmentName(name) != nil {
		return "", &Error{Class: ErrIntegrity, Message: "the project does not say which environment is the current one", Remedy: "say it with 'clyde env use NAME'"}
	}
	return name, nil
}

// Place is where the packages of the environment appear: relative to the project
// with slashes, or absolute when it is elsewhere.
func (p *Project) Place() string {
	packages := p.Generations.Packages()
	if rel, err := filepath.Rel(p.Root, packages); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return packages
}

// EnvironmentState is an environment and what is installed in it.
type EnvironmentState struct {
	Name       string   `json:"name"`
	Current    bool     `json:"current"`
	Profile    string   `json:"profile,omitempty"`
	Platform   string   `json:"platform,omitempty"` // what it was installed for, or is to be
	Place      string   `json:"place"`              // of the packages
	Copies     bool     `json:"copies"`
	Generation int      `json:"generation"` // 0 when nothing is installed
	Packages   int      `json:"packages"`
	Standing   Standing `json:"state"`
}

// Standing says how an environment stands to the lock of its project.
type Standing string

// The ways in which an environment stands to the lock.
const (
	StandingEmpty  Standing = "empty"  // nothing is installed
	StandingLocked Standing = "locked" // it was installed from the lock as it is
	StandingBehind Standing = "behind" // the lock has changed since
)

// States tells of all environments.
func (p *Project) States() ([]EnvironmentState, error) {
	all, err := p.Environments()
	if err != nil {
		return nil, err
	}
	current, err := p.Current()
	if err != nil {
		return nil, err
	}
	lock, err := readOptional(p.Lock(), maxLock)
	if err != nil {
		return nil, err
	}
	var states []EnvironmentState
	for _, e := range all {
		state, err := p.at(e).state(lock)
		if err != nil {
			return nil, err
		}
		state.Current = e.Name == current
		states = append(states, state)
	}
	return states, nil
}

func (p *Project) state(lock []byte) (EnvironmentState, error) {
	e := p.Environment
	s := EnvironmentState{Name: e.Name, Profile: e.Profile, Place: p.Place(), Copies: e.Copies, Standing: StandingEmpty}
	if e.Platform != (index.Platform{}) {
		s.Platform = e.Platform.String()
	}
	var err error
	if s.Generation, err = p.Generations.Active(); err != nil || s.Generation == 0 {
		return s, err
	}
	ledger, err := p.Generations.activeLedger()
	if err != nil || ledger == nil {
		return s, err
	}
	s.Platform, s.Packages, s.Standing = ledger.Platform, len(ledger.Packages), StandingBehind
	if ledger.Lock == digestOf(lock) {
		s.Standing = StandingLocked
	}
	return s, nil
}

// EnvironmentDiff is what differs between two environments.
type EnvironmentDiff struct {
	A       EnvironmentState `json:"a"`
	B       EnvironmentState `json:"b"`
	Changes []PackageChange  `json:"changes"` // from a to b, by name
}

// DiffEnvironments compares what is installed in two environments. The error is
// [ErrNotFound] when there is no such environment.
func (p *Project) DiffEnvironments(a, b string) (*EnvironmentDiff, error) {
	lock, err := readOptional(p.Lock(), maxLock)
	if err != nil {
		return nil, err
	}
	d := &EnvironmentDiff{}
	var ledgers [2]*Ledger
	for i, side := range []struct {
		name  string
		state *EnvironmentState
	}{{a, &d.A}, {b, &d.B}} {
		q, err := p.In(side.name)
		if err != nil {
			return nil, err
		}
		if *side.state, err = q.state(lock); err != nil {
			return nil, err
		}
		if ledgers[i], err = q.Generations.activeLedger(); err != nil {
			return nil, err
		}
		if ledgers[i] == nil {
			ledgers[i] = &Ledger{}
		}
	}
	d.Changes = treeChanges(ledgers[0], ledgers[1])
	return d, nil
}

// where names the environment of the generations in a message.
func (g Generations) where() string {
	if filepath.Base(g.home) == ".clyde" {
		return filepath.Dir(g.home)
	}
	return g.home
}

// SelectEnvironments is the project once for each environment that is named, each
// once. None is the current one.
func (p *Project) SelectEnvironments(names []string) ([]*Project, error) {
	if len(names) == 0 {
		current, err := p.Current()
		if err != nil {
			return nil, err
		}
		names = []string{current}
	}
	var all []*Project
	var failures []error
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue
		}
		q, err := p.In(name)
		failures = append(failures, err)
		all = append(all, q)
	}
	return all, errors.Join(failures...)
}

// PartFor is which part of a project is installed in an environment, and for which
// platform. The profile called name takes the place of the environment's unless it
// is "". A nil profile is all of the project.
func (c *Config) PartFor(e Environment, name string) (*Profile, index.Platform, error) {
	platform, err := c.InstallPlatform()
	var profile *Profile
	if name = cmp.Or(name, e.Profile); name != "" {
		p, failure := c.Profile(name)
		if failure != nil {
			return nil, platform, failure
		}
		profile = &p
		if p.Platform != (index.Platform{}) {
			platform, err = p.Platform, nil
		}
	}
	if e.Platform != (index.Platform{}) {
		platform, err = e.Platform, nil
	}
	return profile, platform, err
}
