package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// AddRegistryOptions say which registry to configure.
type AddRegistryOptions struct {
	Address string       // as a person gave it
	Dir     string       // what a relative path is relative to, absolute
	Name    string       // "" infers it from the address
	Kind    RegistryKind // "" infers it from the address
	Branch  string       // of a git registry; "" is the one its HEAD names
	Claims  []string     // patterns of names that no other registry is asked for
	TTL     time.Duration
	// Fallback are addresses that are asked for what the registry does not have.
	Fallback []string
	Scope    Scope // ScopeUser or ScopeProject
	// IfNotExists makes it no error that this registry is already there.
	IfNotExists bool
}

// AddedRegistry is the outcome of adding a registry.
type AddedRegistry struct {
	Registry RegistryConfig
	Existed  bool // it was there already; nothing was done
	Status   Status
	Packages int  // how many it has
	Counted  bool // whether that is known
}

// Add configures a registry once it has answered: its first copy is fetched
// before the file is written, so that a mistyped address never gets there. The
// error is [ErrConflict] when the file has this registry already or the name
// belongs to another one, and otherwise those of [Registry].
func (c *Config) Add(ctx context.Context, opts AddRegistryOptions, a Access) (_ *AddedRegistry, err error) {
	entry, err := c.newEntry(opts)
	if err != nil {
		return nil, err
	}
	existing, err := c.existing(entry, opts)
	if err != nil {
		return nil, err
	}
	if existing != nil {
		return &AddedRegistry{Registry: *existing, Existed: true}, nil
	}
	r, err := OpenRegistry(c, entry, a)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if _, err := r.Update(ctx, UpdateOptions{}); err != nil {
		return nil, err
	}
	status, err := r.Status(ctx)
	if err != nil {
		return nil, err
	}
	packages, counted, err := r.Count(ctx)
	if err != nil {
		return nil, err
	}
	written := entry
	written.URL = c.writtenURL(opts.Scope, entry.URL)
	return &AddedRegistry{Registry: entry, Status: status, Packages: packages, Counted: counted}, c.addEntry(ctx, opts.Scope, written)
}

// writtenURL is the address as it stands in the file: a folder within the
// project is relative there, so that the project can be anywhere.
func (c *Config) writtenURL(scope Scope, url string) string {
	if scope != ScopeProject || !filepath.IsAbs(url) {
		return url
	}
	rel, err := filepath.Rel(c.Project, url)
	if err != nil || !filepath.IsLocal(rel) {
		return url
	}
	return "./" + filepath.ToSlash(rel)
}

// newEntry fills in what was not said.
func (c *Config) newEntry(opts AddRegistryOptions) (RegistryConfig, error) {
	entry := RegistryConfig{Name: opts.Name, Kind: opts.Kind, Branch: opts.Branch, Claims: opts.Claims, TTL: opts.TTL, Origin: Origin{Scope: opts.Scope}}
	for _, pattern := range opts.Claims {
		if err := CheckClaim(pattern); err != nil {
			return entry, err
		}
	}
	location, err := ParseLocation(opts.Address, opts.Dir)
	if err != nil {
		return entry, err
	}
	entry.URL = location.String()
	if entry.Origin.File, err = c.fileOf(opts.Scope); err != nil {
		return entry, err
	}
	if entry.Name == "" {
		if entry.Name = location.InferName(); entry.Name == "" {
			return entry, &Error{Class: ErrUsage, Message: fmt.Sprintf("no name can be made of %q", opts.Address), Remedy: "give one with --name"}
		}
	}
	if err := CheckAlias(entry.Name); err != nil {
		return entry, err
	}
	if err := addFallback(&entry, opts); err != nil {
		return entry, err
	}
	if entry.Kind != "" {
		return entry, checkKind(entry.Kind)
	}
	entry.Kind, err = location.InferKind()
	return entry, err
}

// Lookup is the entry of a configured registry, by its name, or else one made of
// an address, which is relative to dir.
func (c *Config) Lookup(address, dir string, kind RegistryKind) (RegistryConfig, error) {
	for _, r := range c.Registries {
		if r.Name == address && kind == "" {
			return r, nil
		}
	}
	location, err := ParseLocation(address, dir)
	if err != nil {
		return RegistryConfig{}, err
	}
	entry := RegistryConfig{Name: cmp.Or(location.InferName(), "registry"), URL: location.String(), Kind: kind}
	if entry.Kind != "" {
		return entry, checkKind(entry.Kind)
	}
	entry.Kind, err = location.InferKind()
	return entry, err
}

// addFallback takes over the addresses of the registries that are asked next.
func addFallback(entry *RegistryConfig, opts AddRegistryOptions) error {
	if opts.TTL != 0 && (opts.TTL < minTTL || opts.TTL > maxTTL) {
		return &Error{Class: ErrUsage, Message: fmt.Sprintf("%v is no time to live: it is from %v to %v", opts.TTL, minTTL, maxTTL)}
	}
	if len(opts.Fallback) > maxFallback {
		return &Error{Class: ErrUsage, Message: fmt.Sprintf("%d fallbacks are too many: the limit is %d", len(opts.Fallback), maxFallback)}
	}
	for _, address := range opts.Fallback {
		location, err := ParseLocation(address, opts.Dir)
		if err != nil {
			return err
		}
		entry.Fallback = append(entry.Fallback, FallbackConfig{URL: location.String()})
	}
	return nil
}

// existing reports the entry that makes adding another one needless, or what
// stands in the way of it. The same registry may be in the files of the user
// and of a project, but a name means one registry everywhere.
func (c *Config) existing(entry RegistryConfig, opts AddRegistryOptions) (*RegistryConfig, error) {
	for _, r := range c.entries {
		same := r.Key() == entry.Key()
		switch {
		case same && r.Origin.Scope == opts.Scope && opts.IfNotExists && (opts.Name == "" || opts.Name == r.Name):
			return &r, nil
		case same && r.Origin.Scope == opts.Scope:
			return nil, &Error{
				Class: ErrConflict, Message: fmt.Sprintf("%s is already configured as %q in %s", entry.URL, r.Name, r.Origin),
				Remedy: "use that name, or let this succeed with --if-not-exists",
			}
		case !same && r.Name == entry.Name:
			return nil, &Error{
				Class: ErrConflict, Message: fmt.Sprintf("another registry is called %q: %s", entry.Name, r.URL),
				Remedy: "give this one a name of its own with --name",
			}
		}
	}
	return nil, nil
}

// Remove takes the registry called name out of the file of the scope and, when
// no other file has it, its copy out of the cache. The error is [ErrNotFound]
// when the file has no such entry.
func (c *Config) Remove(ctx context.Context, scope Scope, name string, a Access) (_ RegistryConfig, err error) {
	in := func(s Scope) int {
		return slices.IndexFunc(c.entries, func(r RegistryConfig) bool { return r.Name == name && r.Origin.Scope == s })
	}
	at := in(scope)
	if at < 0 {
		return RegistryConfig{}, c.noEntry(scope, name, in)
	}
	entry := c.entries[at]
	if err := c.removeEntry(ctx, scope, name); err != nil {
		return entry, err
	}
	c.entries = slices.Delete(c.entries, at, at+1)
	if slices.ContainsFunc(c.entries, func(r RegistryConfig) bool { return r.Key() == entry.Key() }) {
		return entry, nil
	}
	r, err := OpenRegistry(c, entry, a)
	if err != nil {
		return entry, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if cached, ok := r.(interface{ forget(context.Context) error }); ok {
		return entry, cached.forget(ctx)
	}
	return entry, nil
}

// noEntry explains that the file of a scope has no such registry.
func (c *Config) noEntry(scope Scope, name string, in func(Scope) int) error {
	e := &Error{Class: ErrNotFound, Message: fmt.Sprintf("no registry named %q in the configuration of the %s", name, scope), Remedy: "see 'clyde registry list'"}
	switch {
	case scope == ScopeUser && in(ScopeProject) >= 0:
		e.Remedy = "it is in the project's: use --project"
	case scope == ScopeProject && in(ScopeUser) >= 0:
		e.Remedy = "it is in the user's: leave out --project"
	case in(ScopeEnvironment) >= 0:
		e.Remedy = "it comes from the environment variable " + c.entries[in(ScopeEnvironment)].Origin.Name
	case in(ScopeSystem) >= 0:
		e.Remedy = "it is in " + c.Places.SystemConfig + ", which whoever runs this machine edits"
	}
	return e
}
