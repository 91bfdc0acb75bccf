package client

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/hook"
)

// Config is what all sources of configuration say together; see [LoadConfig].
type Config struct {
	Registries []RegistryConfig // in lookup order
	Claims     Claims           // of those registries on names

	Jobs    int           // downloads and registries handled at a time
	Timeout time.Duration // longest wait for one answer of the network
	Offline bool          // open no network connection
	Cache   string        // folder of registry copies and archives
	Store   string        // folder of installed trees
	Audit   AuditConfig   // against what packages are audited
	Vendor  string        // folder that archives and registries are taken from, "" for none
	Mirrors Mirrors       // where what lies below some URLs is asked for instead
	Keep    int           // generations of a project kept beside the active one

	HookSandbox hook.Mode // whether hooks of packages run in a sandbox

	Platform index.Platform // to install for; zero is this machine's, see InstallPlatform

	Profiles map[string]Profile // by name, those that are built in among them

	Credentials *credential.Finder // of hosts

	helpers []credential.Helper // the user's before the machine's
	origins map[string]Origin   // of the settings that were set, by key
	entries []RegistryConfig    // also those that are hidden by others

	Project string // root folder of the project, "" outside of one
	Places  Places
}

// RegistryConfig is one configured registry.
type RegistryConfig struct {
	Name   string       // the alias
	URL    string       // the address; absolute when it is a path
	Kind   RegistryKind // "" when not said: then it is inferred from the URL
	Branch string       // of a git registry; "" is the branch its HEAD names
	Verify attest.Mode  // what is demanded of signatures, at least; "" when not said
	// Versions says how many versions of a package may be locked together, as
	// index.ClydeConfig does; "" leaves it to the registry.
	Versions string
	Claims   []string // patterns of names that no other registry is asked for, see [CheckClaim]
	// TTL is how long what was fetched of a registry is shown before it is asked
	// for again, for the kinds that are asked piece by piece; 0 leaves it to the
	// kind.
	TTL time.Duration
	// Fallback is asked, in this order, for packages that the registry does not
	// have.
	Fallback []FallbackConfig
	Origin   Origin
}

// Key is equal for two entries that name the same registry.
func (r RegistryConfig) Key() string {
	location, err := ParseLocation(r.URL, string(filepath.Separator))
	if err != nil {
		return r.URL // cannot be opened either
	}
	return location.Key() + "#" + r.Branch
}

// RegistryKind says how a registry is read.
type RegistryKind string

// The kinds that can be opened.
const (
	KindGit    RegistryKind = "git"
	KindDir    RegistryKind = "dir"
	KindSparse RegistryKind = "sparse" // files on a web server, in the layout of Cargo's sparse registries
	KindAPI    RegistryKind = "api"    // a server that answers questions
	// KindPackages is a folder of packages themselves: archives, and folders
	// with a manifest.
	KindPackages RegistryKind = "packages"
	KindReleases RegistryKind = "releases" // the releases of a repository on GitHub, Gitea or Forgejo
)

// Kinds are the kinds that can be opened.
func Kinds() []RegistryKind {
	return []RegistryKind{KindGit, KindSparse, KindAPI, KindDir, KindPackages, KindReleases}
}

// Origin says where a setting was written.
type Origin struct {
	Scope Scope
	File  string // "" for an environment variable or a flag
	Line  int
	Name  string // of the variable or flag, "" for a file
}

// String names the place, for people.
func (o Origin) String() string {
	switch {
	case o.Name != "":
		return o.Name
	case o.File == "":
		return "the " + string(o.Scope)
	case o.Line == 0:
		return o.File
	}
	return fmt.Sprintf("%s:%d", o.File, o.Line)
}

// Scope is a layer of configuration.
type Scope string

// The layers, weakest first.
const (
	ScopeDefault     Scope = "default"
	ScopeSystem      Scope = "system"
	ScopeUser        Scope = "user"
	ScopeProject     Scope = "project"
	ScopeEnvironment Scope = "environment"
	ScopeFlag        Scope = "flag"
)
