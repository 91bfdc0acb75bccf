package index

import (
	"maps"
	"slices"
	"strings"
)

// MinVersion and MaxVersion bound the format version "v" of the lines that this
// package understands. A line without "v" is of version 1. Version 2 is needed
// by a line with Cargo's newer feature syntax; see [FeatureVersion].
const (
	MinVersion = 1
	MaxVersion = 2
)

// Kinds of a [Dependency].
const (
	KindNormal = "normal"
	KindDev    = "dev"
	KindBuild  = "build"
)

// Entry is one line of an index: one published version of a package.
type Entry struct {
	Name     string
	Vers     string
	Deps     []Dependency
	Cksum    string // SHA-256 of the archive: 64 lower-case hex digits
	Features map[string][]string
	Yanked   bool
	Links    string // the native library that the package links; one package of a solution may link it

	V         int                 // format version of the line, at least 1 when read; 0 is written as 1
	Features2 map[string][]string // Cargo's: features in the newer syntax, which older readers must not see

	Pubtime     string // RFC 3339, UTC
	DL          string // absolute URL of the archive; "" leaves it to [Config.DownloadURL]
	Size        int64  // of the archive, in bytes
	License     string // SPDX expression
	Description string
	Keywords    []string
	Homepage    string
	Repository  string
	Authors     []string
	Platforms   []string // of [Platform]; empty means every platform
	Builds      []Build  // prebuilt archives
	External    []string // packages of other package managers, such as "apt:libfoo-dev"
	Hooks       []Hook   // none: the line tells nothing of them
	Type        string   // how the package is installed: "library", "tool", the name of an installer
	Source      *Source
	Att         *Attestation
	Retired     *Retired

	Extra []Member // members that this package does not know, sorted by name
}

// Member is a member of a JSON object that this package does not know.
type Member struct {
	Name  string
	Value []byte // compact JSON
}

// Dependency is a requirement of one package on another, in Cargo's form.
type Dependency struct {
	Name            string // the name by which the dependant knows it
	Req             string // a [Requirement]
	Features        []string
	Optional        bool
	DefaultFeatures bool
	Target          string // a target of [TargetMatches]; "" for every platform
	Kind            string // KindNormal, KindDev or KindBuild
	Registry        string // URL of the index that has it; "" for the dependant's own
	Package         string // its name in that index, if it is not Name

	Extra []Member
}

// PackageName returns the name under which the index has the dependency.
func (d Dependency) PackageName() string {
	if d.Package != "" {
		return d.Package
	}
	return d.Name
}

// Build is a prebuilt archive for one platform.
type Build struct {
	Platform, DL, Cksum string
	Size                int64
	Extra               []Member
}

// Source says from which commit of which repository a version was made. The
// numeric IDs are the forge's own and survive renames.
type Source struct {
	Repository            string
	RepositoryID, OwnerID int64
	Ref, Commit           string
	TagObject             string // object of an annotated tag
	Extra                 []Member
}

// Attestation names the signature bundle of a version and its digest, and those
// of the bundle that says how it was built, if there is one.
type Attestation struct {
	URL, SHA256 string
	Provenance  *Attestation // has no provenance of its own
	Extra       []Member
}

func (a *Attestation) clone() *Attestation {
	if a == nil {
		return nil
	}
	c := *a
	c.Provenance = a.Provenance.clone()
	c.Extra = cloneMembers(a.Extra)
	return &c
}

// Retired says why a version, which still installs, should not be used.
type Retired struct {
	Reason  string // renamed, deprecated, security, invalid or other
	Message string
	Since   string // RFC 3339, UTC
	Extra   []Member
}

// AllFeatures returns the features of a version: "features" together with
// Cargo's "features2". The result shares its slices with e.
func (e *Entry) AllFeatures() map[string][]string {
	if len(e.Features2) == 0 {
		return e.Features
	}
	all := maps.Clone(e.Features)
	if all == nil {
		all = make(map[string][]string, len(e.Features2))
	}
	for name, values := range e.Features2 {
		all[name] = append(slices.Clip(all[name]), values...)
	}
	return all
}

// FeatureVersion returns the format version that a line with these features
// needs: 2 if one of them uses "dep:name" or "name?/feature", else 1.
func FeatureVersion(features map[string][]string) int {
	for _, values := range features {
		for _, value := range values {
			if strings.HasPrefix(value, "dep:") || strings.Contains(value, "?/") {
				return 2
			}
		}
	}
	return 1
}

// Clone returns a deep copy of e.
func (e *Entry) Clone() *Entry {
	c := *e
	c.Deps = slices.Clone(e.Deps)
	for i := range c.Deps {
		c.Deps[i].Features = slices.Clone(c.Deps[i].Features)
		c.Deps[i].Extra = cloneMembers(c.Deps[i].Extra)
	}
	c.Features = cloneFeatures(e.Features)
	c.Features2 = cloneFeatures(e.Features2)
	c.Keywords = slices.Clone(e.Keywords)
	c.Authors = slices.Clone(e.Authors)
	c.Platforms = slices.Clone(e.Platforms)
	c.External = slices.Clone(e.External)
	c.Hooks = cloneHooks(e.Hooks)
	c.Builds = slices.Clone(e.Builds)
	for i := range c.Builds {
		c.Builds[i].Extra = cloneMembers(c.Builds[i].Extra)
	}
	if e.Source != nil {
		source := *e.Source
		source.Extra = cloneMembers(source.Extra)
		c.Source = &source
	}
	c.Att = e.Att.clone()
	c.Retired = e.Retired.clone()
	c.Extra = cloneMembers(e.Extra)
	return &c
}

func (r *Retired) clone() *Retired {
	if r == nil {
		return nil
	}
	c := *r
	c.Extra = cloneMembers(r.Extra)
	return &c
}

func cloneFeatures(features map[string][]string) map[string][]string {
	c := maps.Clone(features)
	for name, values := range c {
		c[name] = slices.Clone(values)
	}
	return c
}

func cloneMembers(members []Member) []Member {
	c := slices.Clone(members)
	for i := range c {
		c[i].Value = slices.Clone(c[i].Value)
	}
	return c
}
