package index

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// readVectors decodes a file of testdata/vectors, refusing members that no test reads.
func readVectors[T any](t testing.TB, name string) (vectors T) {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	d := json.NewDecoder(file)
	d.DisallowUnknownFields()
	if err := d.Decode(&vectors); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return vectors
}

type nameVectors struct {
	About string
	Cases []struct {
		Name   string
		Valid  bool
		Rule   string
		Lookup bool
	}
}

type versionVectors struct {
	About string
	Valid []struct {
		Text                string
		Major, Minor, Patch uint64
		Pre, Build          string
	}
	Invalid []string
	Order   [][]string
}

type requirementVectors struct {
	About string
	Cases []struct {
		Req, Canonical   string
		Matches, Rejects []string
	}
	Invalid []string
}

type targetVectors struct {
	About string
	Cases []struct {
		Target    string
		Platforms []string
	}
	Invalid []string
	Written []struct {
		Platforms []string
		Target    string
	}
	NotPlatforms []string `json:"not_platforms"`
}

func TestNames(t *testing.T) {
	vectors := readVectors[nameVectors](t, "names.json")
	for _, c := range vectors.Cases {
		rule := ""
		if err, ok := errors.AsType[*NameError](CheckName(c.Name)); ok {
			rule = err.Rule
			if err.Hint() == "" {
				t.Errorf("CheckName(%q): no hint", c.Name)
			}
		}
		if c.Valid != (rule == "") || rule != c.Rule {
			t.Errorf("CheckName(%q) breaks rule %q, want %q", c.Name, rule, c.Rule)
		}
		if err := CheckLookupName(c.Name); (err == nil) != c.Lookup {
			t.Errorf("CheckLookupName(%q) = %v, want ok = %v", c.Name, err, c.Lookup)
		}
	}
}

func TestFold(t *testing.T) {
	vectors := readVectors[struct {
		About string
		Cases []struct {
			Key   string
			Names []string
		}
	}](t, "fold.json")
	for _, c := range vectors.Cases {
		for _, name := range c.Names {
			if got := Fold(name); got != c.Key {
				t.Errorf("Fold(%q) = %q, want %q", name, got, c.Key)
			}
		}
	}
}

func TestPaths(t *testing.T) {
	vectors := readVectors[struct {
		About       string
		Cases       []struct{ Name, Path, Owners, Archive string }
		NoPath      []string `json:"no_path"`
		NotPackages []string `json:"not_packages"`
		NotOwners   []string `json:"not_owners"`
	}](t, "paths.json")
	for _, c := range vectors.Cases {
		path, err := Path(c.Name)
		if err != nil || path != c.Path {
			t.Errorf("Path(%q) = %q, %v; want %q", c.Name, path, err, c.Path)
		}
		if name, ok := NameOf(c.Path); !ok || name != lower(c.Name) {
			t.Errorf("NameOf(%q) = %q, %v; want %q", c.Path, name, ok, lower(c.Name))
		}
		owners, err := OwnersPath(c.Name)
		if err != nil || owners != c.Owners {
			t.Errorf("OwnersPath(%q) = %q, %v; want %q", c.Name, owners, err, c.Owners)
		}
		if name, ok := OwnersOf(c.Owners); !ok || name != lower(c.Name) {
			t.Errorf("OwnersOf(%q) = %q, %v; want %q", c.Owners, name, ok, lower(c.Name))
		}
		if got := ArchiveName(c.Name, "1.2.3-rc.1+5"); got != c.Archive {
			t.Errorf("ArchiveName(%q) = %q, want %q", c.Name, got, c.Archive)
		}
	}
	for _, name := range vectors.NoPath {
		if path, err := Path(name); err == nil {
			t.Errorf("Path(%q) = %q, want an error", name, path)
		}
		if path, err := OwnersPath(name); err == nil {
			t.Errorf("OwnersPath(%q) = %q, want an error", name, path)
		}
	}
	for _, path := range vectors.NotPackages {
		if name, ok := NameOf(path); ok {
			t.Errorf("NameOf(%q) = %q, want none", path, name)
		}
	}
	for _, path := range vectors.NotOwners {
		if name, ok := OwnersOf(path); ok {
			t.Errorf("OwnersOf(%q) = %q, want none", path, name)
		}
	}
}

func TestVersions(t *testing.T) {
	vectors := readVectors[versionVectors](t, "versions.json")
	for _, c := range vectors.Valid {
		v, err := ParseVersion(c.Text)
		if want := (Version{c.Major, c.Minor, c.Patch, c.Pre, c.Build}); err != nil || v != want {
			t.Errorf("ParseVersion(%q) = %+v, %v; want %+v", c.Text, v, err, want)
		}
		if v.String() != c.Text {
			t.Errorf("ParseVersion(%q).String() = %q", c.Text, v)
		}
		if v.Prerelease() != (c.Pre != "") {
			t.Errorf("ParseVersion(%q).Prerelease() = %v", c.Text, v.Prerelease())
		}
	}
	for _, text := range vectors.Invalid {
		if v, err := ParseVersion(text); err == nil {
			t.Errorf("ParseVersion(%q) = %v, want an error", text, v)
		}
	}
	for i, row := range vectors.Order {
		for j, other := range vectors.Order {
			for _, a := range row {
				for _, b := range other {
					if got := mustVersion(t, a).Compare(mustVersion(t, b)); sign(got) != sign(i-j) {
						t.Errorf("%q compared with %q is %d", a, b, got)
					}
				}
			}
		}
	}
}

func sign(n int) int { return max(-1, min(1, n)) }

func mustVersion(t interface{ Fatal(...any) }, s string) Version {
	v, err := ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRequirements(t *testing.T) {
	vectors := readVectors[requirementVectors](t, "requirements.json")
	for _, c := range vectors.Cases {
		for _, text := range []string{c.Req, c.Canonical} {
			r, err := ParseRequirement(text)
			if err != nil || r.String() != c.Canonical {
				t.Errorf("ParseRequirement(%q) = %q, %v; want %q", text, r, err, c.Canonical)
				continue
			}
			for _, v := range c.Matches {
				if !r.Matches(mustVersion(t, v)) {
					t.Errorf("%q does not match %s", text, v)
				}
			}
			for _, v := range c.Rejects {
				if r.Matches(mustVersion(t, v)) {
					t.Errorf("%q matches %s", text, v)
				}
			}
		}
	}
	for _, text := range vectors.Invalid {
		if r, err := ParseRequirement(text); err == nil {
			t.Errorf("ParseRequirement(%q) = %q, want an error", text, r)
		}
	}
}

func TestTargets(t *testing.T) {
	vectors := readVectors[targetVectors](t, "targets.json")
	for _, c := range vectors.Cases {
		for _, p := range Platforms() {
			got, err := TargetMatches(c.Target, p)
			if want := slices.Contains(c.Platforms, p.String()); err != nil || got != want {
				t.Errorf("TargetMatches(%q, %s) = %v, %v; want %v", c.Target, p, got, err, want)
			}
		}
	}
	for _, target := range vectors.Invalid {
		if got, err := TargetMatches(target, Platform{"linux", "x86_64"}); err == nil {
			t.Errorf("TargetMatches(%q) = %v, want an error", target, got)
		}
	}
	for _, c := range vectors.Written {
		var platforms []Platform
		for _, text := range c.Platforms {
			p, err := ParsePlatform(text)
			if err != nil {
				t.Fatal(err)
			}
			platforms = append(platforms, p)
		}
		got := TargetFor(platforms)
		if got != c.Target {
			t.Errorf("TargetFor(%v) = %q, want %q", platforms, got, c.Target)
		}
		for _, p := range Platforms() {
			match, err := TargetMatches(got, p)
			if want := got == "" || slices.Contains(platforms, p); err != nil || match != want {
				t.Errorf("TargetMatches(%q, %s) = %v, %v; want %v", got, p, match, err, want)
			}
		}
	}
	for _, text := range vectors.NotPlatforms {
		if p, err := ParsePlatform(text); err == nil {
			t.Errorf("ParsePlatform(%q) = %v, want an error", text, p)
		}
	}
}

type lineVectors struct {
	About string
	Reads []struct{ About, In, Out string }
	// Unreadable has In or, if that is not UTF-8, Base64.
	Unreadable []struct{ About, Rule, Field, In, Base64 string }
	Newer      []struct {
		In string
		V  int64
	}
	Published []struct {
		About, Name, Line string
		Rules             []string
	}
}

func TestLines(t *testing.T) {
	vectors := readVectors[lineVectors](t, "lines.json")
	for _, c := range vectors.Reads {
		e, err := ParseLine([]byte(c.In))
		if err != nil {
			t.Errorf("%s: %v", c.About, err)
			continue
		}
		out := e.AppendLine(nil)
		if string(out) != c.Out {
			t.Errorf("%s:\n got %s\nwant %s", c.About, out, c.Out)
		}
		again, err := ParseLine(out)
		if err != nil || !reflect.DeepEqual(again, e) && c.In == c.Out {
			t.Errorf("%s: read again: %+v, %v; want %+v", c.About, again, err, e)
		}
		if clone := e.Clone(); !reflect.DeepEqual(clone, e) {
			t.Errorf("%s: the clone differs: %+v", c.About, clone)
		}
	}
	for _, c := range vectors.Unreadable {
		line := []byte(c.In)
		if c.Base64 != "" {
			var err error
			if line, err = base64.StdEncoding.DecodeString(c.Base64); err != nil {
				t.Fatal(err)
			}
		}
		_, err := ParseLine(line)
		e, ok := errors.AsType[*LineError](err)
		if !ok || e.Rule != c.Rule || e.Field != c.Field {
			t.Errorf("%s: %#v, want rule %q in field %q", c.About, err, c.Rule, c.Field)
		}
	}
	for _, c := range vectors.Newer {
		_, err := ParseLine([]byte(c.In))
		if e, ok := errors.AsType[*NewerVersionError](err); !ok || e.V != c.V {
			t.Errorf("%s: %v, want version %d", c.In, err, c.V)
		}
	}
}

func TestPublishedLines(t *testing.T) {
	for _, c := range readVectors[lineVectors](t, "lines.json").Published {
		violations := CheckLine([]byte(c.Line), c.Name)
		if got := rules(violations); !slices.Equal(got, c.Rules) {
			t.Errorf("%s: rules %q, want %q\n%v", c.About, got, c.Rules, violations)
		}
	}
}

// rules returns the rules of violations, sorted.
func rules(violations []Violation) []string {
	rules := []string{}
	for _, v := range violations {
		rules = append(rules, v.Rule)
	}
	slices.Sort(rules)
	return rules
}

type vectorFile struct{ Mode, Text string }

type vectorTree map[string]vectorFile

func (tree vectorTree) fs() fstest.MapFS {
	files := make(fstest.MapFS, len(tree))
	for path, file := range tree {
		modes := map[string]fs.FileMode{"100644": 0o644, "100755": 0o755, "120000": fs.ModeSymlink | 0o777, "160000": fs.ModeIrregular}
		files[path] = &fstest.MapFile{Data: []byte(file.Text), Mode: modes[file.Mode]}
	}
	return files
}

type deltaVectors struct {
	About string
	Cases []struct {
		About         string
		Before, After vectorTree
		Want          *deltaSummary
		Rules         []string
	}
}

type deltaSummary struct {
	Kind           Kind
	Package        string
	First          bool
	Added, Changed []string
	Owners         bool
}

func summarize(d Delta) deltaSummary {
	s := deltaSummary{Kind: d.Kind, Package: d.Package, First: d.First, Added: []string{}, Changed: []string{}, Owners: d.Owners != nil}
	for _, e := range d.Added {
		s.Added = append(s.Added, e.Vers)
	}
	for _, c := range d.Changed {
		s.Changed = append(s.Changed, c.Version)
	}
	return s
}

func TestDeltas(t *testing.T) {
	for _, c := range readVectors[deltaVectors](t, "deltas.json").Cases {
		changes, err := Changes(c.Before.fs(), c.After.fs())
		if err != nil {
			t.Errorf("%s: %v", c.About, err)
			continue
		}
		delta, violations := Classify(changes)
		if got := rules(violations); !slices.Equal(got, c.Rules) {
			t.Errorf("%s: rules %q, want %q\n%v", c.About, got, c.Rules, violations)
		}
		if c.Want != nil && !reflect.DeepEqual(summarize(delta), *c.Want) {
			t.Errorf("%s: %+v, want %+v", c.About, summarize(delta), *c.Want)
		}
		if len(violations) > 0 && !reflect.DeepEqual(delta, Delta{}) {
			t.Errorf("%s: a delta beside violations: %+v", c.About, delta)
		}
		for _, v := range violations {
			if strings.TrimSpace(v.Detail) == "" || v.Path == "" && v.Rule != "delta/empty" {
				t.Errorf("%s: a violation without place or detail: %+v", c.About, v)
			}
		}
	}
}

// TestRequirementMatrix runs what Rust's semver crate says, and so cargo.
func TestRequirementMatrix(t *testing.T) {
	vectors := readVectors[struct {
		About    string
		Versions []string
		Cases    []struct{ Req, Canonical, Matches string }
		Invalid  []string
	}](t, "requirements-matrix.json")
	versions := make([]Version, len(vectors.Versions))
	for i, text := range vectors.Versions {
		versions[i] = mustVersion(t, text)
	}
	for _, c := range vectors.Cases {
		r, err := ParseRequirement(c.Req)
		if err != nil || r.String() != c.Canonical {
			t.Errorf("ParseRequirement(%q) = %q, %v; want %q", c.Req, r, err, c.Canonical)
			continue
		}
		for i, v := range versions {
			if got, want := r.Matches(v), bit(t, c.Matches, i); got != want {
				t.Errorf("%q matches %s: %v, want %v", c.Req, v, got, want)
			}
		}
	}
	for _, text := range vectors.Invalid {
		if r, err := ParseRequirement(text); err == nil {
			t.Errorf("ParseRequirement(%q) = %q, want an error", text, r)
		}
	}
}

// bit returns bit i of hexadecimal digits, counted from the highest bit of the first.
func bit(t *testing.T, digits string, i int) bool {
	n, err := strconv.ParseUint(digits[i/4:i/4+1], 16, 8)
	if err != nil {
		t.Fatal(err)
	}
	return n&(8>>(i%4)) != 0
}
