package manifest

import (
	"errors"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/spdx"
	"github.com/clydepm/clyde/internal/spelling"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Keys returns the keys of a manifest, in the order of the template.
func Keys() []string {
	return []string{
		"name", "version", "type", "description", "homepage", "repository", "license", "authors", "keywords",
		"platforms", "dependencies", "dev-dependencies", "build-dependencies", "features", "external-dependencies",
		"include", "exclude", "allow-secrets", "hooks", "artifacts",
	}
}

// Limits on what a manifest may hold, so that one cannot make an index line or
// an error report of any size.
const (
	maxDescription  = 1000 // characters
	maxURL          = 2048
	maxLicense      = 256
	maxPattern      = 512
	maxAuthor       = 100
	maxKeywords     = 10
	maxAuthors      = 50
	maxExternals    = 64
	maxExternal     = 256
	maxItems        = 200 // of a list with no limit of its own
	maxDependencies = 500 // of one section
)

// Parse reads a manifest that the person knows as file. The error is
// [strictyaml.Problems], which has every problem of the manifest.
func Parse(file string, data []byte) (*Manifest, error) {
	doc := strictyaml.Parse(file, data)
	root := doc.Root().Mapping(Keys()...)
	m := &Manifest{file: file, positions: map[string]position{}}
	for _, key := range Keys() {
		if root.Has(key) {
			line, column := root.Get(key).Position()
			m.positions[key] = position{line, column}
		}
	}
	m.Name = parseName(root.Get("name"))
	m.Version = parseVersion(root.Get("version"))
	m.Type = parseType(root.Get("type"))
	m.Description = parseDescription(root.Get("description"))
	m.Homepage = parseURL(root.Get("homepage"), "https", "http")
	m.Repository = parseURL(root.Get("repository"), "https", "http", "git")
	m.License = parseLicense(root.Get("license"))
	m.Authors = unique(root.Get("authors"), maxAuthors, parseAuthor)
	m.Keywords = unique(root.Get("keywords"), maxKeywords, parseKeyword)
	m.Platforms = parsePlatforms(root.Get("platforms"))
	m.Dependencies = parseDependencies(root, m.Name)
	m.Features = parseFeatures(root.Get("features"), m.Dependencies)
	m.External = parseExternals(root.Get("external-dependencies"))
	m.Include = unique(root.Get("include"), maxItems, parsePattern)
	m.Exclude = unique(root.Get("exclude"), maxItems, parsePattern)
	m.AllowSecrets = unique(root.Get("allow-secrets"), maxItems, parsePattern)
	m.Hooks = parseHooks(root.Get("hooks"))
	m.Artifacts = parseArtifacts(root.Get("artifacts"))
	if m.Type != "" && !slices.Contains(BuiltInTypes(), m.Type) && len(m.Hooks) > 0 {
		root.Get("hooks").Report("leave the work to clyde-installer-"+m.Type+", or choose the type "+strings.Join(BuiltInTypes(), ", "),
			"a package of type %q has an installer, and no hooks", m.Type)
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return m, nil
}

// BuiltInTypes are the types of packages that clyde installs itself. Another one
// needs an installer.
func BuiltInTypes() []string { return []string{TypeFiles, TypeTool, TypeLibrary} }

// The built-in types. A package without a type puts on search paths what there is
// in it.
const (
	TypeFiles   = "files"   // nothing of it is on a search path
	TypeTool    = "tool"    // its programs are on PATH
	TypeLibrary = "library" // its headers, libraries, pkg-config and CMake files, and programs are found
)

// report adds err, with its own hint where it has one, at v.
func report(v strictyaml.Value, err error) {
	hint := ""
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		hint = hinted.Hint()
	}
	v.Report(hint, "%s", err)
}

func parseName(v strictyaml.Value) string {
	name := v.Text()
	if name == "" {
		return ""
	}
	if err := index.CheckName(name); err != nil {
		report(v, err)
	}
	return name
}

func parseVersion(v strictyaml.Value) string {
	if full := completeVersion(v.Written()); full != "" && !v.IsText() {
		v.Report(`write "`+full+`"`, "%s is a number in YAML, not text", v.Written())
		return ""
	}
	version := v.Text()
	if version == "" {
		return ""
	}
	_, err := index.ParseVersion(version)
	if err == nil {
		return version
	}
	if full := completeVersion(version); full != "" {
		v.Report(`write "`+full+`"`, "%s", err)
	} else {
		report(v, err)
	}
	return ""
}

// completeVersion returns the version that "v1.2" and the like most likely
// stand for, or "".
func completeVersion(version string) string {
	number := strings.TrimLeft(strings.TrimSpace(version), "vV=")
	for _, full := range []string{number, number + ".0", number + ".0.0"} {
		if _, err := index.ParseVersion(full); err == nil {
			return full
		}
	}
	return ""
}

func parseLicense(v strictyaml.Value) string {
	license := line(v, maxLicense)
	if license == "" {
		return ""
	}
	err := spdx.Check(license)
	var wrong *spdx.Error
	if !errors.As(err, &wrong) {
		return license
	}
	hint := wrong.Hint()
	if near := spelling.Nearest(wrong.Unknown, wrong.Known); hint == "" && near != "" {
		hint = `did you mean "` + near + `"?`
	}
	if hint == "" {
		hint = "see https://spdx.org/licenses/; a licence of your own is LicenseRef-NAME"
	}
	v.Report(hint, "%s", wrong)
	return license
}

func parsePlatforms(v strictyaml.Value) []index.Platform {
	platforms := unique(v, len(index.Platforms())+1, parsePlatform)
	if len(platforms) > 1 && slices.Contains(platforms, index.Platform{}) {
		v.Report(`keep "universal" alone or take it out`, `"universal" already means every platform`)
	}
	return platforms
}

func parsePlatform(v strictyaml.Value) index.Platform {
	text := v.Text()
	if text == "" {
		return index.Platform{}
	}
	p, err := index.ParsePlatform(text)
	if err != nil {
		v.Report(platformHint(text), "%s", err)
	}
	return p
}

// platformHint says which platform text means: one in Go's words or Docker's,
// such as darwin-arm64 or linux/amd64, or one that is nearly right.
func platformHint(text string) string {
	near := spelling.Nearest(text, platformNames())
	system, machine, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(text), "/", "-"), "-")
	if p, ok := index.PlatformOf(system, machine); ok {
		near = p.String()
	}
	if near != "" {
		return `did you mean "` + near + `"?`
	}
	return "the platforms are " + strings.Join(platformNames(), ", ")
}

func platformNames() []string {
	names := []string{index.Platform{}.String()}
	for _, p := range index.Platforms() {
		names = append(names, p.String())
	}
	return names
}

// unique reads the items of a list, none of them twice and no more than limit.
func unique[T comparable](v strictyaml.Value, limit int, parse func(strictyaml.Value) T) []T {
	items := v.List()
	if len(items) > limit {
		v.Report("", "has %d items; the limit is %d", len(items), limit)
		items = items[:limit]
	}
	var parsed []T
	var zero T
	for _, item := range items {
		if !item.Present() {
			continue
		}
		value := parse(item)
		if value != zero && slices.Contains(parsed, value) {
			item.Report("remove it", "is already in the list")
		}
		parsed = append(parsed, value)
	}
	return parsed
}
