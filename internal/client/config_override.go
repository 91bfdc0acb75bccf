package client

import (
	"fmt"
	"slices"
	"strings"
)

// registryPrefix begins the names of the variables that say where registries are:
// CLYDE_REGISTRY_MY_CORP is the address of the registry my-corp.
const registryPrefix = "CLYDE_REGISTRY_"

// registryKey begins the keys that do so on the command line: registry.my-corp.
const registryKey = "registry."

// override takes over the registries that the environment and the command line
// give addresses to; the latter win. A registry that is configured keeps what else
// is said of it, but for what goes with its old address; any other is added before
// all that are configured.
func (c *Config) override(opts LoadOptions) error {
	var environ []string
	if opts.Environ != nil {
		environ = slices.Sorted(slices.Values(opts.Environ()))
	}
	for _, pair := range environ {
		variable, address, _ := strings.Cut(pair, "=")
		rest, ours := strings.CutPrefix(variable, registryPrefix)
		if !ours || address == "" {
			continue
		}
		origin := Origin{Scope: ScopeEnvironment, Name: variable}
		if err := c.place(c.aliasFor(rest), address, opts.Dir, origin); err != nil {
			return &Error{Class: ErrUsage, Message: variable, Err: err, Remedy: hintOf(err)}
		}
	}
	for _, pair := range opts.Set {
		key, address, _ := strings.Cut(pair, "=")
		name, ours := strings.CutPrefix(key, registryKey)
		if !ours {
			continue
		}
		origin := Origin{Scope: ScopeFlag, Name: "--config " + key}
		if err := c.place(name, address, opts.Dir, origin); err != nil {
			return &Error{Class: ErrUsage, Message: origin.Name, Err: err, Remedy: hintOf(err)}
		}
	}
	return c.arrange().Err()
}

// aliasFor is the registry that a variable's name is about: the one that is
// configured and written so in capitals, or one called like that with hyphens.
func (c *Config) aliasFor(rest string) string {
	for _, r := range c.entries {
		if strings.EqualFold(strings.NewReplacer("-", "_", ".", "_").Replace(r.Name), rest) {
			return r.Name
		}
	}
	return strings.ReplaceAll(strings.ToLower(rest), "_", "-")
}

// place gives the registry called name an address.
func (c *Config) place(name, address, base string, origin Origin) error {
	if err := CheckAlias(name); err != nil {
		return err
	}
	location, err := ParseLocation(address, base)
	if err != nil {
		return err
	}
	entry := RegistryConfig{Name: name}
	same := func(r RegistryConfig) bool { return r.Name == name }
	if i := slices.IndexFunc(c.entries, same); i >= 0 {
		entry = c.entries[i]
		for _, hidden := range c.entries[i+1:] {
			if same(hidden) {
				entry.Claims = append(slices.Clip(entry.Claims), hidden.Claims...)
			}
		}
		if entry.URL != location.String() {
			entry.Kind, entry.Branch, entry.Fallback = "", "", nil
		}
	}
	entry.URL, entry.Origin = location.String(), origin
	if len(c.entries) >= maxRegistries {
		return fmt.Errorf("there are more than %d registries", maxRegistries)
	}
	c.entries = append([]RegistryConfig{entry}, slices.DeleteFunc(c.entries, same)...)
	return nil
}
