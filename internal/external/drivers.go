package external

import (
	_ "embed"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/strictyaml"
)

//go:embed drivers.yaml
var builtin []byte

// Drivers are the package managers that can be used. They are not changed once
// they are made.
type Drivers struct {
	// known are the drivers by name. Those that clyde brings are read when they are
	// first asked for: most runs need none.
	known func() map[string]*driver
}

// A driver is what is known of one package manager. Empty commands are things
// that it cannot do.
type driver struct {
	name      string
	platforms []index.Platform // where it is used; empty is everywhere
	needs     []string         // programs that have to be there
	ready     argv             // fails when the manager cannot work now
	root      bool
	prefix    bool // it installs into a folder
	timeout   time.Duration
	variables map[string]string // of its environment
	pass      []string          // patterns of variables that it gets from outside
	path      []string          // folders below the prefix with programs
	pin       string            // how it writes a name with an exact version
	fold      bool              // names that differ in case, "-", "_" and "." are the same

	prepare    argv   // makes the folder
	marker     string // file that is there when the folder is made
	program    bool   // a program of this name on PATH is the package too
	installed  *probe
	satisfied  *probe
	compare    argv // exit 0: the version that is there meets a clause
	operators  map[string]string
	candidates []*probe
	simulate   *trial
	install    []argv
	undo       []argv // takes away what was added
	restore    []argv // brings back what was changed
}

// A probe is a question to a package manager.
type probe struct {
	condition argv // the probe is left out when this fails
	run       argv
	lines     *regexp.Regexp // of one line of the answer, with the groups name and version
	json      *jsonPath
	anyExit   bool   // an answer counts whatever the exit status is
	only      string // "existing" or "new": asked only where the folder is there, or is not
}

// When a probe is asked that is not always.
const (
	onlyExisting = "existing"
	onlyNew      = "new"
)

// A trial is a package manager's own dry run.
type trial struct {
	probe                  // what would be added, by lines or json
	changed *regexp.Regexp // a line about a package that moves, with its version of now and, as "to", the one to come
	removed *regexp.Regexp // a line about a package that would go
}

// A jsonPath finds packages in a JSON answer: each element of the array, or
// member of the object, at the end of a path of keys.
type jsonPath struct {
	each    []string
	name    []string // in the element; none is the member's own name
	version []string
}

const (
	minTimeout     = time.Second
	maxTimeout     = 2 * time.Hour
	defaultTimeout = 10 * time.Minute
	mostDrivers    = 100
)

// Builtin returns the drivers that clyde brings.
func Builtin() *Drivers {
	return &Drivers{sync.OnceValue(func() map[string]*driver {
		all, err := parseDrivers("drivers.yaml", builtin)
		if err != nil {
			panic(err) // a test reads them
		}
		return all
	})}
}

// With returns these drivers and those of a file, which replace those of the
// same name. The error is [strictyaml.Problems]. The file must be one that the
// person or the machine has written, never one of a project or a package: what
// it says is run.
func (d *Drivers) With(file string, data []byte) (*Drivers, error) {
	more, err := parseDrivers(file, data)
	if err != nil {
		return nil, err
	}
	return &Drivers{sync.OnceValue(func() map[string]*driver {
		all := maps.Clone(d.known())
		maps.Copy(all, more)
		return all
	})}, nil
}

func parseDrivers(file string, data []byte) (map[string]*driver, error) {
	doc := strictyaml.Parse(file, data)
	root := doc.Root().Mapping("drivers")
	entries := root.Require("drivers", "add drivers: {NAME: {install: [[PROGRAM, ARGUMENT]]}}").Entries()
	if len(entries) > mostDrivers {
		root.Get("drivers").Report("", "has %d drivers; the limit is %d", len(entries), mostDrivers)
		entries = nil
	}
	all := map[string]*driver{}
	for _, entry := range entries {
		if !toolName().MatchString(entry.Name) {
			entry.Key.Report(`write 1 to 32 of a-z, 0-9 and "-" after a letter`, "%q is no name of a driver", entry.Name)
		}
		all[entry.Name] = parseDriver(entry.Name, entry.Value)
	}
	return all, doc.Err()
}

// Names returns the names of the drivers, sorted.
func (d *Drivers) Names() []string { return slices.Sorted(maps.Keys(d.known())) }

// driverKeys are the keys of a driver.
func driverKeys() []string {
	return []string{
		"platforms", "needs", "ready", "root", "prefix", "timeout", "environment", "pass", "path", "pin", "fold-names",
		"prepare", "program", "installed", "satisfied", "compare", "candidates", "simulate", "install", "undo", "restore",
	}
}

func parseDriver(name string, v strictyaml.Value) *driver {
	m := v.Mapping(driverKeys()...)
	d := &driver{
		name: name, platforms: platformsOf(m.Get("platforms")), needs: textsOf(m.Get("needs"), programName()),
		ready: commandOf(m.Get("ready")), root: m.Get("root").Bool(false), prefix: m.Get("prefix").Bool(false),
		timeout: m.Get("timeout").Duration(minTimeout, maxTimeout, defaultTimeout),
		pass:    passOf(m.Get("pass")), path: textsOf(m.Get("path"), belowPrefix()),
		pin: pinOf(m.Get("pin")), fold: m.Get("fold-names").Bool(false), program: m.Get("program").Bool(false),
		installed: probeOf(m.Get("installed")), satisfied: probeOf(m.Get("satisfied")),
		install: commandsOf(m.Get("install")), undo: commandsOf(m.Get("undo")), restore: commandsOf(m.Get("restore")),
		variables: map[string]string{},
	}
	for _, entry := range m.Get("environment").Entries() {
		if !variableName().MatchString(entry.Name) {
			entry.Key.Report("", "%q is no name of a variable", entry.Name)
		}
		d.variables[entry.Name] = entry.Value.Text()
	}
	if m.Has("prepare") {
		p := m.Get("prepare").Mapping("unless", "run")
		d.marker = textOf(p.Require("unless", `add unless: "{prefix}/FILE"`), belowPrefix())
		d.prepare = commandOf(p.Require("run", "add run: [PROGRAM, ARGUMENT]"))
	}
	d.parseCompare(m.Get("compare"))
	for _, item := range m.Get("candidates").List() {
		d.candidates = append(d.candidates, probeOf(item))
	}
	d.simulate = trialOf(m.Get("simulate"))
	if d.installed == nil && !d.program {
		v.Report("add installed: {run: [PROGRAM, \"{name}\"]}", "has no way to tell what is installed")
	}
	if !d.prefix && d.usesPrefix() {
		v.Report("add prefix: true", "uses {prefix} and is not said to install into a folder")
	}
	return d
}

func (d *driver) parseCompare(v strictyaml.Value) {
	if !v.Present() {
		return
	}
	m := v.Mapping("run", "operators")
	d.compare, d.operators = commandOf(m.Require("run", `add run: [PROGRAM, "{have}", "{operator}", "{version}"]`)), map[string]string{}
	for _, entry := range m.Get("operators").Entries() {
		d.operators[entry.Name] = entry.Value.Text()
	}
}

func (d *driver) usesPrefix() bool {
	all := slices.Concat(d.install, d.undo, d.restore, []argv{d.prepare})
	return slices.ContainsFunc(all, func(a argv) bool { return a.mentions("{prefix}") })
}

func probeOf(v strictyaml.Value) *probe {
	if !v.Present() {
		return nil
	}
	p := parseProbe(v.Mapping("if", "run", "lines", "json", "only", "any-exit"), "lines", "version")
	return &p
}

func trialOf(v strictyaml.Value) *trial {
	if !v.Present() {
		return nil
	}
	m := v.Mapping("if", "run", "added", "changed", "removed", "json", "only")
	return &trial{
		probe: parseProbe(m, "added", "name"), changed: patternOf(m.Get("changed"), "name", "version", "to"), removed: patternOf(m.Get("removed"), "name"),
	}
}

func parseProbe(m strictyaml.Mapping, lines, group string) probe {
	p := probe{
		condition: commandOf(m.Get("if")), run: commandOf(m.Require("run", "add run: [PROGRAM, ARGUMENT]")),
		lines: patternOf(m.Get(lines), group), only: m.Get("only").Text(), anyExit: m.Get("any-exit").Bool(false),
	}
	if p.only != "" && p.only != onlyExisting && p.only != onlyNew {
		m.Get("only").Report("write existing or new", "%q is not when to ask", p.only)
	}
	if m.Has("json") {
		path := m.Get("json").Mapping("each", "name", "version")
		p.json = &jsonPath{keysOf(path.Get("each")), keysOf(path.Get("name")), keysOf(path.Require("version", "add version: [KEY]"))}
	}
	return p
}

func keysOf(v strictyaml.Value) []string {
	var keys []string
	for _, item := range v.List() {
		keys = append(keys, item.Text())
	}
	return keys
}

// patternOf reads a regular expression that has all of the groups.
func patternOf(v strictyaml.Value, groups ...string) *regexp.Regexp {
	if !v.Present() {
		return nil
	}
	pattern, err := regexp.Compile(v.Text())
	if err != nil {
		v.Report("see https://github.com/google/re2/wiki/Syntax", "%v", err)
		return nil
	}
	for _, group := range groups {
		if pattern.SubexpIndex(group) < 0 {
			v.Report("write the part as (?P<"+group+">...)", "has no group %q", group)
		}
	}
	return pattern
}

func pinOf(v strictyaml.Value) string {
	text := v.Text()
	if text != "" && (!strings.HasPrefix(text, "{name}") || !strings.HasSuffix(text, "{version}")) {
		v.Report(`write one such as "{name}={version}"`, `does not begin with {name} and end with {version}`)
	}
	return text
}

func commandsOf(v strictyaml.Value) []argv {
	var all []argv
	for _, item := range v.List() {
		all = append(all, commandOf(item))
	}
	return all
}

// commandOf reads a command and checks its placeholders.
func commandOf(v strictyaml.Value) argv {
	var a argv
	for i, item := range v.List() {
		text := item.Text()
		for _, found := range placeholdersIn(text) {
			switch {
			case slices.Contains(lists(), found) && (text != found || i == 0):
				item.Report("", "%s has to be an argument of its own", found)
			case !slices.Contains(placeholders(), found) && !slices.Contains(lists(), found):
				item.Report("the placeholders are "+strings.Join(append(placeholders(), lists()...), ", "), "%s is no placeholder", found)
			}
		}
		if i == 0 && text != "" && !programName().MatchString(text) && !belowPrefix().MatchString(text) {
			item.Report(`write its name, an absolute path or "{prefix}/PATH"`, "%q is no program", text)
		}
		a = append(a, text)
	}
	if v.IsList() && len(a) == 0 {
		v.Report("write [PROGRAM, ARGUMENT]", "names no program")
	}
	return a
}

func platformsOf(v strictyaml.Value) []index.Platform {
	var all []index.Platform
	for _, item := range v.List() {
		p, err := index.ParsePlatform(item.Text())
		if err != nil && item.Text() != "" {
			item.Report("the platforms are linux, macos and windows with -x86_64 or -aarch64", "%s", err)
		}
		all = append(all, p)
	}
	return all
}
