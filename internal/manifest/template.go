package manifest

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/clydepm/clyde/index"
)

// SchemaURL is where editors find the JSON Schema of a manifest.
const SchemaURL = "https://raw.githubusercontent.com/clydepm/clyde/main/schemas/package.v1.schema.json"

// A Starter is what is known of a package before it has a manifest. Empty
// fields become commented examples.
type Starter struct {
	Name, Version, License, Repository string
}

// Template returns a commented manifest to start from, for a package of that
// name and version.
func Template(name, version string) []byte {
	return Starter{Name: name, Version: version}.Text()
}

// Text returns the commented manifest. It is valid as written if the fields
// are.
func (s Starter) Text() []byte {
	var b strings.Builder
	b.WriteString("# yaml-language-server: $schema=" + SchemaURL + "\n")
	b.WriteString(`#
# This file describes the package to clyde. Check it with: clyde check
# Every key, with examples: https://github.com/clydepm/clyde/blob/main/docs/manifest.md

`)
	b.WriteString(field("name", s.Name, "my-package"))
	b.WriteString(field("version", s.Version, "0.1.0"))
	b.WriteString(`
# One sentence for search results.
# description: What this package is for

# An SPDX expression, such as MIT or "Apache-2.0 OR MIT".
`)
	b.WriteString(field("license", s.License, "MIT"))
	b.WriteString(field("repository", s.Repository, "https://git.example.org/project"))
	b.WriteString(`# homepage: https://example.org/
# authors:
#   - Name <name@example.org>
# keywords: [one, two]

# What the package needs to work; "^1.2" is 1.2 or later, but below 2.
# To add one: clyde add NAME
dependencies:

# What only its developers need, and what building it needs.
# dev-dependencies:
#   catch2: "^3"
# build-dependencies:
#   cmake-rules: "~2.1"

# Packages of other package managers: apt, brew, conda, docker, npm, pip.
# external-dependencies:
#   - apt:libssl-dev

# The archive has every file that git does not ignore, but for these.
# exclude: [docs/**, "**/*_test.cc"]
`)
	return []byte(b.String())
}

// field returns a key with its value, or as a comment with an example. A
// version is always quoted, as a reminder: 1.10 without quotes is a number.
func field(key, value, example string) string {
	style := yaml.Style(0)
	if key == "version" {
		style = yaml.DoubleQuotedStyle
	}
	if value == "" {
		return "# " + key + ": " + quoted(example, style) + "\n"
	}
	return key + ": " + quoted(value, style) + "\n"
}

// NameFor returns a valid package name that is made from any text, such as the
// name of a folder.
func NameFor(text string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-', r == '_':
			return r
		default:
			return '-'
		}
	}, strings.ToLower(text))
	name = strings.TrimLeft(name, "-_0123456789")
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	name = strings.TrimRight(name[:min(len(name), 64)], "-_")
	if index.CheckName(name) == nil {
		return name
	}
	if named := name + "-package"; name != "" && index.CheckName(named) == nil {
		return named
	}
	return "my-package"
}
