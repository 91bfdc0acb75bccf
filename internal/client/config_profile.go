package client

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/spelling"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Profile says which part of a project is installed, and what may run for it.
type Profile struct {
	Name string

	Dev         bool           // with what only development dependencies need
	AllFeatures bool           // with all optional dependencies
	Features    []string       // features and optional dependencies that are on, unless all are
	Platform    index.Platform // to install for; zero leaves it to the setting

	Permission Permission // what may run unasked, and what is left out
	Managers   []string   // package managers that externals may come from, in the order they are used; nil for all

	Origins map[string]Origin // where each key was written; a key without one is built in
}

// The profiles that every configuration has.
const (
	ProfileDevelopment = "development"
	ProfileProduction  = "production"
	ProfileTesting     = "testing"
)

// builtinProfiles are the profiles before any file says something of them.
// Production leaves out what only development needs, and what users get only when
// they ask for it; testing adds to that what tests need.
func builtinProfiles() map[string]Profile {
	of := func(name string, dev, all bool) Profile {
		p := Profile{Name: name, Dev: dev, AllFeatures: all, Origins: map[string]Origin{}}
		if !all {
			p.Features = []string{lockfile.DefaultFeature}
		}
		return p
	}
	return map[string]Profile{
		ProfileDevelopment: of(ProfileDevelopment, true, true),
		ProfileProduction:  of(ProfileProduction, false, false),
		ProfileTesting:     of(ProfileTesting, true, false),
	}
}

// newProfile is one of a person's own before it says anything: as development.
func newProfile(name string) Profile {
	p := builtinProfiles()[ProfileDevelopment]
	p.Name = name
	return p
}

// Profile is the profile called name. The error is [ErrNotFound].
func (c *Config) Profile(name string) (Profile, error) {
	if p, ok := c.Profiles[name]; ok {
		return p, nil
	}
	known := slices.Sorted(maps.Keys(c.Profiles))
	e := &Error{Class: ErrNotFound, Message: fmt.Sprintf("there is no profile %q", name), Remedy: "there are " + strings.Join(known, ", ") + "; more are written under profiles: in config.yaml"}
	if near := spelling.Nearest(name, known); near != "" {
		e.Remedy = "did you mean " + near + "?"
	}
	return Profile{}, e
}

// namePattern is what environments and profiles are called.
var namePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`) })

const nameRule = `write 1 to 32 of a-z, 0-9, "-" and "_", beginning with a letter`

// parseProfiles reads the member "profiles" of a configuration file. What it
// returns is applied over the profiles of weaker layers, key by key. That
// programs of packages run unasked is not a project's to say: whoever clones one
// would have allowed it.
func parseProfiles(v strictyaml.Value, origin Origin) []func(map[string]Profile) {
	var changes []func(map[string]Profile)
	for _, entry := range v.Entries() {
		if !namePattern().MatchString(entry.Name) {
			entry.Key.Report(nameRule, "%q cannot be the name of a profile", entry.Name)
			continue
		}
		sets := parseProfile(entry.Value, origin)
		changes = append(changes, func(all map[string]Profile) {
			p, ok := all[entry.Name]
			if !ok {
				p = newProfile(entry.Name)
			}
			p.Origins = maps.Clone(p.Origins)
			for _, set := range sets {
				set(&p)
			}
			all[entry.Name] = p
		})
	}
	return changes
}

func parseProfile(v strictyaml.Value, origin Origin) []func(*Profile) {
	m := v.Mapping("dev", "features", "platform", "allow-hooks", "hooks", "externals", "managers")
	var sets []func(*Profile)
	add := func(key string, read func(strictyaml.Value) func(*Profile)) {
		value := m.Get(key)
		if !value.Present() {
			return
		}
		at := origin
		at.Line, _ = value.Position()
		set := read(value)
		sets = append(sets, func(p *Profile) { set(p); p.Origins[key] = at })
	}
	add("dev", func(v strictyaml.Value) func(*Profile) {
		dev := v.Bool(true)
		return func(p *Profile) { p.Dev = dev }
	})
	add("features", func(v strictyaml.Value) func(*Profile) {
		all, names := allOrNames(v)
		return func(p *Profile) { p.AllFeatures, p.Features = all, names }
	})
	add("platform", func(v strictyaml.Value) func(*Profile) {
		platform := platformValue(v)
		return func(p *Profile) { p.Platform = platform }
	})
	add("allow-hooks", func(v strictyaml.Value) func(*Profile) {
		if origin.Scope == ScopeProject {
			v.Report("set it in your own configuration, or allow it for one run with --allow-hooks", "is not a setting of a project")
		}
		all, requests := allOrRequests(v)
		return func(p *Profile) { p.Permission.AllHooks, p.Permission.Hooks = all, requests }
	})
	add("hooks", func(v strictyaml.Value) func(*Profile) {
		on := v.Bool(true)
		return func(p *Profile) { p.Permission.NoHooks = !on }
	})
	add("externals", func(v strictyaml.Value) func(*Profile) {
		on := v.Bool(true)
		return func(p *Profile) { p.Permission.NoExternals = !on }
	})
	add("managers", func(v strictyaml.Value) func(*Profile) {
		managers := managerNames(v)
		return func(p *Profile) { p.Managers = managers }
	})
	return sets
}

// managerNames reads a list of package managers, each once.
func managerNames(v strictyaml.Value) []string {
	names := []string{}
	for _, item := range v.List() {
		name := item.Text()
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || slices.Contains(names, name) {
			item.Report("write package managers such as [apt, npm], each once, in the order in which they are used", "%q is not the name of a package manager, given once", name)
		}
		names = append(names, name)
	}
	return names
}

// allOrNames reads the word all or a list of names.
func allOrNames(v strictyaml.Value) (all bool, names []string) {
	if v.IsText() {
		if v.Text() != "all" {
			v.Report("write all, or a list such as [one, two]", "%q is not all", v.Written())
		}
		return true, nil
	}
	names = []string{}
	for _, item := range v.List() {
		names = append(names, item.Text())
	}
	return false, names
}

// allOrRequests reads the word all or a list of packages, with or without the
// versions that are meant.
func allOrRequests(v strictyaml.Value) (all bool, requests []Request) {
	if v.IsText() {
		all, _ = allOrNames(v)
		return all, nil
	}
	for _, item := range v.List() {
		text := item.Text()
		r, err := ParseRequest(text)
		if err != nil && text != "" {
			item.Report(hintOf(err), "%v", err)
		}
		requests = append(requests, r)
	}
	return false, requests
}

// platformValue reads a platform that something can be installed for.
func platformValue(v strictyaml.Value) index.Platform {
	p, err := ParseInstallPlatform(v.Text())
	if err != nil && v.Text() != "" {
		v.Report("", "%v", err)
	}
	return p
}

// selection is the part of a lock that a profile asks for on a platform.
func (p Profile) selection(lock *lockfile.Lock, platform index.Platform) (lockfile.Selection, error) {
	s := lockfile.Selection{Platform: platform, Dev: p.Dev}
	if p.AllFeatures {
		for _, r := range lock.Requirements {
			if r.Optional {
				s.Optional = append(s.Optional, r.Name)
			}
		}
		return s, nil
	}
	var err error
	if s.Optional, err = lock.OptionalOf(p.Features); err != nil {
		origin := p.Origins["features"]
		place := cmp.Or(origin.File, "built in")
		if origin.Line > 0 {
			place = fmt.Sprintf("%s:%d", origin.File, origin.Line)
		}
		return s, &Error{Class: ErrUsage, Message: fmt.Sprintf("profile %s (%s)", p.Name, place), Err: err, Remedy: hintOf(err)}
	}
	return s, nil
}
