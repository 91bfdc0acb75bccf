package osv

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/clydepm/clyde/index"
)

// Ecosystem is the name of clyde packages in reports.
const Ecosystem = "clyde"

// MaxRecord bounds the bytes of one report.
const MaxRecord = 8 << 20

// Record is one report.
type Record struct {
	SchemaVersion string          `json:"schema_version"`
	ID            string          `json:"id"`
	Modified      string          `json:"modified"`
	Withdrawn     string          `json:"withdrawn"`
	Aliases       []string        `json:"aliases"`
	Summary       string          `json:"summary"`
	Details       string          `json:"details"`
	Severity      []Severity      `json:"severity"`
	Affected      []Affected      `json:"affected"`
	References    []Reference     `json:"references"`
	Specific      json.RawMessage `json:"database_specific"`
}

// Severity is a score, such as a CVSS vector.
type Severity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

// Reference is a page about a report.
type Reference struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

// Affected is a package and its affected versions.
type Affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
		Purl      string `json:"purl"`
	} `json:"package"`
	Severity []Severity `json:"severity"`
	Ranges   []Range    `json:"ranges"`
	Versions []string   `json:"versions"`
}

// Range is a range of versions.
type Range struct {
	Type   string  `json:"type"`
	Events []Event `json:"events"`
}

// Event is where a range begins or ends; one of the members is set.
type Event struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
	Limit        string `json:"limit"`
}

// Parse reads one report. A report without an ID, or of another major version
// of the format, is an error.
func Parse(data []byte) (*Record, error) {
	if len(data) > MaxRecord {
		return nil, fmt.Errorf("has %d bytes; the limit is %d", len(data), MaxRecord)
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, err
	}
	switch major, _, _ := strings.Cut(r.SchemaVersion, "."); {
	case r.ID == "":
		return nil, errors.New("has no id: it is no OSV report")
	case r.SchemaVersion != "" && major != "1":
		return nil, fmt.Errorf("%s: OSV version %s is not known", r.ID, r.SchemaVersion)
	}
	return &r, nil
}

// Package is a version of a package to look for.
type Package struct {
	Name     string
	Version  index.Version
	Registry string // its address

	// SameRegistry compares two addresses of registries.
	SameRegistry func(a, b string) bool
}

// Match is a report about a version.
type Match struct {
	Record *Record
	Fixed  []string // versions that end the ranges which the version is in, ascending
	// Severity is the most specific score: of the package, or of the report.
	Severity string
}

// Match says whether a report is about a version of a package. The error says
// what of the report cannot be understood; then nobody knows whether it is.
func (r *Record) Match(p Package) (*Match, error) {
	if r.Withdrawn != "" {
		return nil, nil
	}
	var found *Match
	for i, a := range r.Affected {
		if !a.isAbout(p) {
			continue
		}
		affected, fixed, err := a.affects(p.Version)
		if err != nil {
			return nil, fmt.Errorf("%s: affected[%d]: %w", r.ID, i, err)
		}
		if !affected {
			continue
		}
		if found == nil {
			found = &Match{Record: r, Severity: r.severity(a)}
		}
		for _, f := range fixed {
			found.Fixed = append(found.Fixed, f.String())
		}
	}
	return found, nil
}

func (a Affected) isAbout(p Package) bool {
	base, where, scoped := strings.Cut(a.Package.Ecosystem, ":")
	if base == Ecosystem && index.Fold(a.Package.Name) == index.Fold(p.Name) {
		return !scoped || p.SameRegistry(where, p.Registry)
	}
	if a.Package.Purl == "" {
		return false
	}
	purl, err := packageurl.FromString(a.Package.Purl)
	if err != nil || purl.Type != Ecosystem {
		return false
	}
	name := purl.Name
	if purl.Namespace != "" {
		name = purl.Namespace + "/" + name
	}
	at, pinned := purl.Qualifiers.Map()["repository_url"]
	return index.Fold(name) == index.Fold(p.Name) && (!pinned || p.SameRegistry(at, p.Registry))
}

// affects says whether a version is affected, and which versions repair it.
func (a Affected) affects(v index.Version) (affected bool, fixed []index.Version, err error) {
	affected = slices.Contains(a.Versions, v.String())
	for _, r := range a.Ranges {
		if r.Type != "SEMVER" && r.Type != "ECOSYSTEM" {
			continue
		}
		within, ends, err := r.contains(v)
		if err != nil {
			return false, nil, err
		}
		if within {
			affected, fixed = true, append(fixed, ends...)
		}
	}
	slices.SortFunc(fixed, index.Version.Compare)
	return affected, fixed, nil
}

// step is an event at its version; first is before every version.
type step struct {
	at    index.Version
	first bool
	event Event
}

// contains walks the events in the order of their versions.
func (r Range) contains(v index.Version) (within bool, fixed []index.Version, err error) {
	steps, limits, err := r.steps()
	if err != nil {
		return false, nil, err
	}
	if len(limits) > 0 && !slices.ContainsFunc(limits, func(limit index.Version) bool { return v.Compare(limit) < 0 }) {
		return false, nil, nil
	}
	for _, s := range steps {
		switch order := v.Compare(s.at); {
		case s.event.Introduced != "":
			within = within || s.first || order >= 0
		case s.event.Fixed != "":
			if order >= 0 {
				within = false
			} else if within {
				return true, []index.Version{s.at}, nil
			}
		case order > 0:
			within = false // behind the last affected
		}
	}
	return within, nil, nil
}

func (r Range) steps() (steps []step, limits []index.Version, err error) {
	for _, e := range r.Events {
		text := e.Introduced + e.Fixed + e.LastAffected + e.Limit
		if e.Introduced == "0" && text == "0" {
			steps = append(steps, step{first: true, event: e})
			continue
		}
		if e.Limit == "*" && text == "*" {
			continue // bounds nothing
		}
		at, err := index.ParseVersion(text)
		if err != nil {
			return nil, nil, fmt.Errorf("event %q: %w", text, err)
		}
		if e.Limit != "" {
			limits = append(limits, at)
			continue
		}
		steps = append(steps, step{at: at, event: e})
	}
	slices.SortStableFunc(steps, func(a, b step) int {
		switch {
		case a.first != b.first && a.first:
			return -1
		case a.first != b.first:
			return 1
		}
		return a.at.Compare(b.at)
	})
	return steps, limits, nil
}

// severity is a word of the database, or else a score.
func (r *Record) severity(a Affected) string {
	var specific struct {
		Severity string `json:"severity"`
	}
	// What a database says of its own may have any form.
	if json.Unmarshal(r.Specific, &specific) == nil && specific.Severity != "" {
		return strings.ToLower(specific.Severity)
	}
	for _, s := range slices.Concat(a.Severity, r.Severity) {
		return s.Score
	}
	return ""
}

// URL is the page about the report, "" when it names none.
func (r *Record) URL() string {
	for _, kind := range []string{"ADVISORY", "REPORT", "WEB"} {
		for _, ref := range r.References {
			if ref.Type == kind && (strings.HasPrefix(ref.URL, "https://") || strings.HasPrefix(ref.URL, "http://")) {
				return ref.URL
			}
		}
	}
	return ""
}

// Is reports whether an ID is that of the report, or another name of it.
func (r *Record) Is(id string) bool { return r.ID == id || slices.Contains(r.Aliases, id) }
