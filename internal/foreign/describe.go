package foreign

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/clydepm/clyde/internal/manifest"
)

// Note is something that a foreign package says and that is not taken over as it
// is, while the package is.
type Note struct {
	Where  string `json:"where"` // file of the foreign archive
	Detail string `json:"detail"`
}

// Error says why a foreign archive is not taken.
type Error struct {
	Where, Detail, Remedy string
}

func (e *Error) Error() string { return e.Where + ": " + e.Detail }

// Hint says what to do instead.
func (e *Error) Hint() string { return e.Remedy }

// description is the manifest that is made for a foreign package.
type description struct {
	Name                 string                `yaml:"name"`
	Version              string                `yaml:"version"`
	Description          string                `yaml:"description,omitempty"`
	Homepage             string                `yaml:"homepage,omitempty"`
	Repository           string                `yaml:"repository,omitempty"`
	License              string                `yaml:"license,omitempty"`
	Authors              []string              `yaml:"authors,omitempty"`
	Keywords             []string              `yaml:"keywords,omitempty"`
	Platforms            []string              `yaml:"platforms,omitempty"`
	Dependencies         map[string]dependency `yaml:"dependencies,omitempty"`
	ExternalDependencies []string              `yaml:"external-dependencies,omitempty"`

	where string
	notes []Note
}

type dependency struct {
	Version  string `yaml:"version"`
	Package  string `yaml:"package,omitempty"`
	Optional bool   `yaml:"optional,omitempty"`
}

func (d *description) note(format string, args ...any) {
	d.notes = append(d.notes, Note{d.where, fmt.Sprintf(format, args...)})
}

func (d *description) refuse(format string, args ...any) error {
	return &Error{Where: d.where, Detail: fmt.Sprintf(format, args...)}
}

// text is the manifest's text. The error is an *Error when the manifest would not
// be valid.
func (d *description) text() ([]byte, error) {
	data, err := yaml.Marshal(d)
	if err != nil {
		return nil, err
	}
	data = append([]byte("# Made by 'clyde index import' from what the archive says.\n"), data...)
	if _, err := manifest.Parse(manifest.Path, data); err != nil {
		return nil, d.refuse("cannot be described: %s", strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
	}
	return data, nil
}

// accepts reports whether a manifest may say value under key.
func accepts(key string, value any) bool {
	data, err := yaml.Marshal(map[string]any{key: value})
	if err == nil {
		_, err = manifest.Parse(manifest.Path, data)
	}
	return err == nil
}

// describe sets what is said about a package for people, as far as a manifest may
// say it. The licence is noted when it is lost.
func (d *description) describe(text, homepage, repository, license string, authors, keywords []string) {
	text = strings.Join(strings.Fields(text), " ")
	for len(text) > 0 && !accepts("description", text) {
		runes := []rune(text)
		text = strings.TrimSpace(string(runes[:min(len(runes)-1, 900)]))
	}
	d.Description = text
	if homepage != "" && accepts("homepage", homepage) {
		d.Homepage = homepage
	}
	if repository != "" && accepts("repository", repository) {
		d.Repository = repository
	}
	switch {
	case license == "":
	case accepts("license", license):
		d.License = license
	default:
		d.note("its licence, %q, is no SPDX expression and is left out", license)
	}
	for _, a := range authors {
		if len(d.Authors) < 50 && a != "" && accepts("authors", []string{a}) && !slices.Contains(d.Authors, a) {
			d.Authors = append(d.Authors, a)
		}
	}
	for _, k := range keywords {
		k = strings.ToLower(k)
		if len(d.Keywords) < 10 && accepts("keywords", []string{k}) && !slices.Contains(d.Keywords, k) {
			d.Keywords = append(d.Keywords, k)
		}
	}
}
