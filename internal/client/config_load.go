package client

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/spelling"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Bounds and defaults of the settings.
const (
	maxJobs        = 64
	defaultTimeout = 60 * time.Second
	minTimeout     = time.Second
	maxTimeout     = time.Hour
	maxRegistries  = 100
)

// LoadOptions are what a configuration depends on beside its files.
type LoadOptions struct {
	Dir     string              // where the search for the project begins, absolute
	Getenv  func(string) string // environment
	Environ func() []string     // all of it, for variables whose names are not known; may be nil
	Set     []string            // KEY=VALUE of --config, later ones win
	Offline bool                // --offline
}

// LoadConfig reads all layers of configuration; see the package comment for
// their order. All problems of all files come back at once as
// [strictyaml.Problems]; a wrong variable or flag is [ErrUsage].
func LoadConfig(opts LoadOptions) (*Config, error) {
	places, err := PlacesOf(opts.Getenv)
	if err != nil {
		return nil, err
	}
	c := &Config{
		Jobs: min(max(runtime.NumCPU(), 4), maxJobs), Timeout: defaultTimeout, Keep: defaultKeep,
		Cache: places.Cache, Store: places.Store, Places: places, Profiles: builtinProfiles(), origins: map[string]Origin{},
	}
	c.Project, _ = FindProject(opts.Dir)
	if err := c.loadFiles(); err != nil {
		return nil, err
	}
	if err := c.override(opts); err != nil {
		return nil, err
	}
	c.findCredentials(opts.Getenv)
	for _, s := range settings() {
		if value := opts.Getenv(s.variable); value != "" {
			if err := s.fromText(c, value); err != nil {
				return nil, &Error{Class: ErrUsage, Message: s.variable + ": " + err.Error(), Remedy: hintOf(err)}
			}
			c.origins[s.key] = Origin{Scope: ScopeEnvironment, Name: s.variable}
		}
	}
	for _, pair := range opts.Set {
		if err := c.set(pair); err != nil {
			return nil, err
		}
	}
	if opts.Offline {
		c.Offline = true
		c.origins["offline"] = Origin{Scope: ScopeFlag, Name: "--offline"}
	}
	return c, nil
}

// loadFiles reads the files, weakest first, and joins their registries.
func (c *Config) loadFiles() error {
	layers := []struct {
		scope Scope
		file  string
	}{{ScopeSystem, c.Places.SystemConfig}, {ScopeUser, c.Places.UserConfig}}
	if c.Project != "" {
		layers = append(layers, struct {
			scope Scope
			file  string
		}{ScopeProject, filepath.Join(c.Project, ".clyde", "config.yaml")})
	}
	var problems strictyaml.Problems
	var registries []RegistryConfig // strongest layer first
	for _, layer := range layers {
		data, err := readConfigFile(layer.file)
		if err != nil {
			return err
		}
		parsed, err := c.parseFile(layer.scope, layer.file, data)
		var found strictyaml.Problems
		switch {
		case errors.As(err, &found):
			problems = append(problems, found...)
		case err != nil:
			return err
		default:
			parsed.apply(c)
			c.helpers = append(parsed.helpers, c.helpers...)
			registries = append(parsed.registries, registries...)
		}
	}
	c.entries = registries
	return append(problems, c.arrange()...).Err()
}

// arrange decides which entries are shown, and what they claim.
func (c *Config) arrange() (problems strictyaml.Problems) {
	c.Registries = dropHidden(c.entries)
	for i, shown := range c.Registries {
		for _, r := range c.entries {
			if r.Verify != "" && r.Key() == shown.Key() { // hiding an entry takes no demand away
				c.Registries[i].Verify = attest.Strongest(c.Registries[i].Verify, r.Verify)
			}
		}
	}
	c.Claims, problems = claimsOf(c.entries, c.Registries)
	return append(problems, c.redirected()...)
}

// readConfigFile reads a configuration file; an absent one is empty.
func readConfigFile(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// dropHidden keeps the first registry of each name and of each address, for
// one that is configured twice would make all its packages ambiguous.
func dropHidden(all []RegistryConfig) []RegistryConfig {
	var kept []RegistryConfig
	names, addresses := map[string]bool{}, map[string]bool{}
	for _, r := range all {
		key := r.Key()
		if names[r.Name] || addresses[key] {
			continue
		}
		names[r.Name], addresses[key] = true, true
		kept = append(kept, r)
	}
	return kept
}

// set applies one KEY=VALUE.
func (c *Config) set(pair string) error {
	key, value, ok := strings.Cut(pair, "=")
	if !ok {
		return &Error{Class: ErrUsage, Message: fmt.Sprintf("--config %q is not KEY=VALUE", pair)}
	}
	if strings.HasPrefix(key, registryKey) {
		return nil // see override
	}
	known := []string{registryKey + "NAME"}
	for _, s := range settings() {
		if s.key == key {
			if err := s.fromText(c, value); err != nil {
				return &Error{Class: ErrUsage, Message: "--config " + key + ": " + err.Error(), Remedy: hintOf(err)}
			}
			c.origins[key] = Origin{Scope: ScopeFlag, Name: "--config " + key}
			return nil
		}
		known = append(known, s.key)
	}
	remedy := "settings are " + strings.Join(known, ", ")
	if near := spelling.Nearest(key, known); near != "" {
		remedy = "did you mean " + near + "?"
	}
	return &Error{Class: ErrUsage, Message: fmt.Sprintf("--config: there is no setting %q", key), Remedy: remedy}
}

// parsedFile is what one file says.
type parsedFile struct {
	registries []RegistryConfig
	audit      AuditConfig
	helpers    []credential.Helper
	profiles   []func(map[string]Profile)
	mirrors    Mirrors
	settings   []func(*Config)
}

func (p *parsedFile) apply(c *Config) {
	for _, set := range p.settings {
		set(c)
	}
	for _, change := range p.profiles {
		change(c.Profiles)
	}
	c.Mirrors = append(slices.Clip(p.mirrors), c.Mirrors...)
	c.Audit.Database = cmp.Or(p.audit.Database, c.Audit.Database)
	c.Audit.Ignore = append(c.Audit.Ignore, p.audit.Ignore...)
}

// parseFile reads the bytes of one configuration file. The error is
// [strictyaml.Problems].
func (c *Config) parseFile(scope Scope, file string, data []byte) (*parsedFile, error) {
	doc := strictyaml.Parse(file, data)
	known := []string{"registries", "mirrors", "audit", "credential-helpers", "profiles"}
	for _, s := range settings() {
		known = append(known, s.key)
	}
	root := doc.Root().Mapping(known...)
	parsed := &parsedFile{}
	for _, s := range settings() {
		value := root.Get(s.key)
		switch {
		case !value.Present():
		case scope != ScopeProject && s.shared:
			value.Report("set it in a project's .clyde/config.yaml", "is a setting of a project")
		case scope == ScopeProject && s.personal:
			value.Report("set it in the user's configuration or with "+s.variable, "is not a setting of a project")
		default:
			origin := Origin{Scope: scope, File: file}
			origin.Line, _ = value.Position()
			apply := s.fromYAML(value, filepath.Dir(file))
			parsed.settings = append(parsed.settings, func(c *Config) {
				apply(c)
				if c.origins != nil {
					c.origins[s.key] = origin
				}
			})
		}
	}
	parsed.registries = c.parseRegistries(root.Get("registries"), scope, file)
	base := filepath.Dir(file)
	if scope == ScopeProject {
		base = c.Project
	}
	parsed.mirrors = parseMirrors(root.Get("mirrors"), Origin{Scope: scope, File: file}, base)
	if v := root.Get("credential-helpers"); v.Present() {
		parsed.helpers = parseHelpers(v)
		if scope == ScopeProject {
			v.Report("set it in the user's configuration", "is not a setting of a project, which could have any program run with it")
		}
	}
	if v := root.Get("audit"); v.Present() {
		parsed.audit = parseAudit(v, Origin{Scope: scope, File: file}, base)
	}
	if v := root.Get("profiles"); v.Present() {
		parsed.profiles = parseProfiles(v, Origin{Scope: scope, File: file})
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return parsed, nil
}

func (c *Config) parseRegistries(list strictyaml.Value, scope Scope, file string) []RegistryConfig {
	items := list.List()
	if len(items) > maxRegistries {
		list.Report("", "has %d entries; the limit is %d", len(items), maxRegistries)
		return nil
	}
	base := filepath.Dir(file)
	if scope == ScopeProject {
		base = c.Project
	}
	var all []RegistryConfig
	for _, item := range items {
		r := parseRegistry(item, base)
		r.Origin = Origin{Scope: scope, File: file}
		r.Origin.Line, _ = item.Position()
		for _, earlier := range all {
			switch {
			case r.Name != "" && earlier.Name == r.Name:
				item.Report("give one of them another name", "the name %q is already used on line %d", r.Name, earlier.Origin.Line)
			case r.URL != "" && earlier.Key() == r.Key():
				item.Report("keep one of them", "the same registry is already on line %d as %q", earlier.Origin.Line, earlier.Name)
			}
		}
		all = append(all, r)
	}
	return all
}

func parseRegistry(item strictyaml.Value, base string) RegistryConfig {
	m := item.Mapping("name", "url", "type", "branch", "verify", "versions", "claims", "ttl", "fallback")
	var r RegistryConfig
	if v := m.Require("name", "write name: ALIAS"); v.Present() {
		r.Name = v.Text()
		if err := CheckAlias(r.Name); r.Name != "" && err != nil {
			v.Report(hintOf(err), "%v", err)
		}
	}
	r.URL = addressOf(m.Require("url", "write url: URL or a path"), base)
	r.Kind = kindOf(m.Get("type"))
	if v := m.Get("ttl"); v.Present() {
		r.TTL = v.Duration(minTTL, maxTTL, 0)
	}
	r.Fallback = parseFallback(m.Get("fallback"), base)
	if v := m.Get("branch"); v.Present() {
		r.Branch = v.Text()
	}
	if v := m.Get("verify"); v.Present() {
		r.Verify = attest.Mode(v.Text())
		if r.Verify != "" && !slices.Contains(attest.Modes(), string(r.Verify)) {
			v.Report("write one of "+strings.Join(attest.Modes(), ", "), "%q says nothing about signatures", r.Verify)
		}
	}
	if v := m.Get("claims"); v.Present() {
		r.Claims = parseClaims(v)
	}
	if v := m.Get("versions"); v.Present() {
		r.Versions = v.Text()
		if known := []string{index.OneVersion, index.CargoVersions}; r.Versions != "" && !slices.Contains(known, r.Versions) {
			v.Report("write one of "+strings.Join(known, ", "), "%q does not say how many versions of a package may be locked together", r.Versions)
		}
	}
	return r
}

// checkKind reports a kind that there is not.
func checkKind(kind RegistryKind) error {
	var known []string
	for _, k := range Kinds() {
		if k == kind {
			return nil
		}
		known = append(known, string(k))
	}
	remedy := "write one of " + strings.Join(known, ", ")
	if near := spelling.Nearest(string(kind), known); near != "" {
		remedy = "did you mean " + near + "?"
	}
	return &Error{Class: ErrUsage, Message: fmt.Sprintf("%q is not a kind of registry", kind), Remedy: remedy}
}

func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// setting is one setting with a single value.
type setting struct {
	key      string              // in a file and in --config
	variable string              // in the environment
	personal bool                // says where on this machine things go; a project may not decide that
	shared   bool                // says what a project has; nobody's file for all projects may decide that
	show     func(c *Config) any // the value, as JSON has it
	fromText func(c *Config, text string) error
	fromYAML func(v strictyaml.Value, base string) func(*Config)
}

// settings is the list of all settings but "registries".
func settings() []setting {
	return []setting{
		{
			key: "jobs", variable: "CLYDE_JOBS",
			show: func(c *Config) any { return c.Jobs },
			fromText: func(c *Config, text string) error {
				n, err := strconv.Atoi(text)
				if err != nil || n < 1 || n > maxJobs {
					return fmt.Errorf("%q is not a number from 1 to %d", text, maxJobs)
				}
				c.Jobs = n
				return nil
			},
			fromYAML: func(v strictyaml.Value, _ string) func(*Config) {
				n := v.Int(1, maxJobs, 1)
				return func(c *Config) { c.Jobs = n }
			},
		},
		{
			key: "timeout", variable: "CLYDE_TIMEOUT",
			show: func(c *Config) any { return c.Timeout.String() },
			fromText: func(c *Config, text string) error {
				d, err := time.ParseDuration(text)
				if err != nil || d < minTimeout || d > maxTimeout {
					return fmt.Errorf("%q is not a duration from %v to %v, such as 90s", text, minTimeout, maxTimeout)
				}
				c.Timeout = d
				return nil
			},
			fromYAML: func(v strictyaml.Value, _ string) func(*Config) {
				d := v.Duration(minTimeout, maxTimeout, defaultTimeout)
				return func(c *Config) { c.Timeout = d }
			},
		},
		{
			key: "offline", variable: "CLYDE_OFFLINE",
			show: func(c *Config) any { return c.Offline },
			fromText: func(c *Config, text string) error {
				on, err := strconv.ParseBool(text)
				if err != nil {
					return fmt.Errorf("%q is not true or false", text)
				}
				c.Offline = on
				return nil
			},
			fromYAML: func(v strictyaml.Value, _ string) func(*Config) {
				on := v.Bool(false)
				return func(c *Config) { c.Offline = on }
			},
		},
		folderSetting("cache", "CLYDE_CACHE", func(c *Config) *string { return &c.Cache }),
		folderSetting("store", "CLYDE_STORE", func(c *Config) *string { return &c.Store }),
		keepSetting(), platformSetting(), vendorSetting(), hookSandboxSetting(),
	}
}

// folderSetting is a setting that names a folder. In a file a relative path is
// relative to the file's folder; elsewhere there is nothing it could be
// relative to.
func folderSetting(key, variable string, place func(*Config) *string) setting {
	return setting{
		key: key, variable: variable, personal: true,
		show: func(c *Config) any { return *place(c) },
		fromText: func(c *Config, text string) error {
			if !filepath.IsAbs(text) {
				return fmt.Errorf("%q is not an absolute path", text)
			}
			*place(c) = filepath.Clean(text)
			return nil
		},
		fromYAML: func(v strictyaml.Value, base string) func(*Config) {
			dir := v.Text()
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(base, dir)
			}
			return func(c *Config) { *place(c) = filepath.Clean(dir) }
		},
	}
}
