package foreign

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// npmManifest is what is read of a package.json. What may have several forms is
// kept as it is.
type npmManifest struct {
	Name             string
	Version          string
	Description      json.RawMessage
	Homepage         json.RawMessage
	Repository       json.RawMessage
	License          json.RawMessage
	Licenses         json.RawMessage
	Author           json.RawMessage
	Keywords         json.RawMessage
	OS               json.RawMessage
	CPU              json.RawMessage
	Scripts          map[string]json.RawMessage
	Dependencies     map[string]string
	Optional         map[string]string          `json:"optionalDependencies"`
	Peer             map[string]string          `json:"peerDependencies"`
	PeerMeta         map[string]json.RawMessage `json:"peerDependenciesMeta"`
	Bundled          json.RawMessage            `json:"bundledDependencies"`
	BundleAsWellThis json.RawMessage            `json:"bundleDependencies"`
}

// describeNPM makes the description of a tarball of npm.
func describeNPM(where string, data []byte) (*description, error) {
	d := &description{where: where}
	var m npmManifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, d.refuse("package.json: %v", err)
	}
	var err error
	if d.Name, err = npmName(m.Name); err != nil {
		return nil, d.refuse("%v", err)
	}
	version, err := index.ParseVersion(strings.TrimLeft(m.Version, "v= "))
	if err != nil {
		return nil, d.refuse("%v", err)
	}
	d.Version = version.String()
	d.describe(text(m.Description), text(m.Homepage), npmRepository(m.Repository), npmLicense(m),
		[]string{npmPerson(m.Author)}, texts(m.Keywords))
	if d.Platforms, err = npmPlatforms(texts(m.OS), texts(m.CPU)); err != nil {
		return nil, d.refuse("%v", err)
	}
	for _, script := range []string{"preinstall", "install", "postinstall"} {
		if _, ok := m.Scripts[script]; ok {
			d.note("its script %q is not run when it is installed", script)
		}
	}
	return d, d.needNPM(&m)
}

// needNPM takes over the dependencies.
func (d *description) needNPM(m *npmManifest) error {
	bundled := append(texts(m.Bundled), texts(m.BundleAsWellThis)...)
	if string(m.Bundled) == "true" || string(m.BundleAsWellThis) == "true" {
		bundled = slices.Concat(bundled, sortedKeys(m.Dependencies), sortedKeys(m.Optional))
	}
	d.Dependencies = map[string]dependency{}
	for _, section := range []struct {
		needs    map[string]string
		optional func(name string) bool
	}{
		{m.Optional, func(string) bool { return true }},
		{m.Dependencies, func(string) bool { return false }},
		{m.Peer, func(name string) bool { return npmOptionalPeer(m.PeerMeta[name]) }},
	} {
		for _, name := range sortedKeys(section.needs) {
			if slices.Contains(bundled, name) {
				continue
			}
			if err := d.needOneNPM(name, section.needs[name], section.optional(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// needOneNPM takes over one dependency, unless the name is there: in npm what is
// optional beats what is needed, and that beats what is for peers.
func (d *description) needOneNPM(name, spec string, optional bool) error {
	key, err := npmName(name)
	if err != nil {
		return d.refuse("dependency %q: %v", name, err)
	}
	if _, ok := d.Dependencies[key]; ok {
		return nil
	}
	dep := dependency{Optional: optional}
	spec = strings.TrimSpace(spec)
	if target, ok := strings.CutPrefix(spec, "npm:"); ok {
		at := strings.LastIndexByte(target, '@')
		if at <= 0 {
			at, target = len(target), target+"@*"
		}
		spec = target[at+1:]
		if dep.Package, err = npmName(target[:at]); err != nil {
			return d.refuse("dependency %q: %v", name, err)
		}
	}
	if spec == "latest" {
		d.note("dependency %s: the tag \"latest\" is taken for any version", name)
		spec = "*"
	}
	var narrowed bool
	dep.Version, narrowed, err = npmRange(spec)
	if err != nil {
		return d.refuse("dependency %s: %q is no range of versions: %v", name, spec, err)
	}
	if narrowed {
		d.note("dependency %s: of %q only %q is taken", name, spec, dep.Version)
	}
	d.Dependencies[key] = dep
	return nil
}

func npmOptionalPeer(meta json.RawMessage) bool {
	var m struct{ Optional bool }
	return json.Unmarshal(meta, &m) == nil && m.Optional
}

// npmName is the name of a package of npm in an index.
func npmName(name string) (string, error) {
	mapped := strings.TrimPrefix(name, "@")
	if mapped == name {
		mapped = plainName(name)
	} else if scope, base, ok := strings.Cut(mapped, "/"); ok {
		mapped = scope + "/" + plainName(base)
	}
	return mapped, index.CheckName(mapped)
}

// maxName is the longest part of a name that the format has.
const maxName = 64

// plainName shortens a name that is too long, and replaces each "." that the format does not have at its place.
func plainName(name string) string {
	if len(name) > maxName {
		sum := sha256.Sum256([]byte(name))
		digest := hex.EncodeToString(sum[:4])
		name = strings.TrimRight(name[:maxName-len(digest)-1], "-._") + "-" + digest
	}
	b := []byte(name)
	for i := range b {
		if b[i] == '.' && (i < 4 || b[i-1] == '.') {
			b[i] = '-'
		}
	}
	return string(b)
}

// npmPlatforms are the platforms of "os" and "cpu", nil for all.
func npmPlatforms(systems, processors []string) ([]string, error) {
	oses := npmChoice(systems, map[string]string{"linux": "linux", "darwin": "macos", "win32": "windows"})
	archs := npmChoice(processors, map[string]string{"x64": "x86_64", "arm64": "aarch64"})
	var platforms []string
	for _, os := range oses {
		for _, arch := range archs {
			platforms = append(platforms, os+"-"+arch)
		}
	}
	if len(platforms) == 0 {
		return nil, &Error{Where: "platforms", Detail: "it is for " + strings.Join(append(systems, processors...), ", ") + ", none of which is a platform of clyde"}
	}
	if len(platforms) == len(allOSes())*len(allArchs()) {
		return nil, nil
	}
	slices.Sort(platforms)
	return platforms, nil
}

func allOSes() []string  { return []string{"linux", "macos", "windows"} }
func allArchs() []string { return []string{"aarch64", "x86_64"} }

// npmChoice is what a list of npm permits of what is known: all but those after
// "!", or those that are named.
func npmChoice(list []string, known map[string]string) []string {
	named := slices.ContainsFunc(list, func(s string) bool { return s != "any" && !strings.HasPrefix(s, "!") })
	var chosen []string
	for _, word := range sortedKeys(known) {
		switch {
		case slices.Contains(list, "!"+word):
		case !named || slices.Contains(list, word):
			chosen = append(chosen, known[word])
		}
	}
	return chosen
}

// npmLicense is the licence in any of the forms that npm has had.
func npmLicense(m npmManifest) string {
	if s := text(m.License); s != "" {
		return s
	}
	type typed struct{ Type string }
	var one typed
	if json.Unmarshal(m.License, &one) == nil && one.Type != "" {
		return one.Type
	}
	var several []typed
	_ = json.Unmarshal(m.Licenses, &several) // any other form says nothing
	var types []string
	for _, l := range several {
		types = append(types, l.Type)
	}
	return strings.Join(types, " OR ")
}

// npmRepository is the address of the repository as a manifest may have it.
func npmRepository(raw json.RawMessage) string {
	address := text(raw)
	if address == "" {
		var r struct{ URL string }
		_ = json.Unmarshal(raw, &r) // any other form says nothing
		address = r.URL
	}
	address = strings.TrimPrefix(address, "git+")
	if rest, ok := strings.CutPrefix(address, "github:"); ok {
		address = rest
	}
	if rest, ok := strings.CutPrefix(address, "git@github.com:"); ok {
		address = rest
	}
	if rest, ok := strings.CutPrefix(address, "ssh://git@github.com/"); ok {
		address = rest
	}
	if address != "" && strings.Count(address, "/") == 1 && !strings.Contains(address, ":") {
		address = "https://github.com/" + strings.TrimSuffix(address, ".git")
	}
	if !accepts("repository", address) {
		return ""
	}
	return address
}

// npmPerson is "Name <email>", or the name alone.
func npmPerson(raw json.RawMessage) string {
	s := text(raw)
	if s == "" {
		var p struct{ Name, Email string }
		_ = json.Unmarshal(raw, &p) // any other form says nothing
		s = p.Name
		if p.Email != "" {
			s += " <" + p.Email + ">"
		}
	}
	s, _, _ = strings.Cut(s, "(") // the address of a page
	s = strings.TrimSpace(s)
	if !accepts("authors", []string{s}) {
		s, _, _ = strings.Cut(s, " <")
	}
	return s
}

// text is a JSON string, "" for anything else.
func text(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

// texts are a JSON string or a list of them, nil for anything else.
func texts(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	if s := text(raw); s != "" {
		return []string{s}
	}
	return nil
}
