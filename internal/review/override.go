package review

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// overridesFolder holds the overrides, one file each.
const overridesFolder = "overrides"

// maxOverrides bounds how many overrides an index has.
const maxOverrides = 1000

// maxOverride bounds how long an override can hold, so that none is forgotten.
const maxOverride = 365 * 24 * time.Hour

// Override permits one package to break one rule for a while, a file
// overrides/NAME.yaml:
//
//	package: hello
//	version: 1.2.0            # optional: this version only
//	rule: license/changed     # one that is not fixed
//	reason: relicensed with the consent of all authors
//	by: ann                   # who answers for it
//	expires: "2026-03-01T00:00:00Z"
//
// It is read from the base, so it cannot come in the change that needs it.
type Override struct {
	File    string
	Package string
	Version string // "" for every version
	Rule    string
	Reason  string
	By      string
	Expires time.Time
}

// ParseOverride reads an override. The error is [strictyaml.Problems].
func ParseOverride(file string, data []byte) (*Override, error) {
	doc := strictyaml.Parse(file, data)
	m := doc.Root().Mapping("package", "version", "rule", "reason", "by", "expires")
	o := &Override{
		File:    file,
		Package: overridePackage(m.Require("package", "name the package")),
		Version: overrideVersion(m.Get("version")),
		Rule:    overrideRule(m.Require("rule", "name the rule that may be broken")),
		Reason:  oneLine(m.Require("reason", "say why this is right")),
		By:      overrideBy(m.Require("by", "name the account that answers for it")),
		Expires: parseTime(m.Require("expires", "write a time such as 2027-01-31T00:00:00Z")),
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return o, nil
}

func overridePackage(v strictyaml.Value) string {
	name := v.Text()
	if err := index.CheckLookupName(name); name != "" && err != nil {
		v.Report("write a package name", "%s", err)
	}
	return name
}

func overrideVersion(v strictyaml.Value) string {
	if !v.Present() {
		return ""
	}
	text := v.Text()
	if _, err := index.ParseVersion(text); text != "" && err != nil {
		v.Report("write a full version such as 1.2.0", "%s", err)
	}
	return text
}

func overrideRule(v strictyaml.Value) string {
	var adjustable []string
	for _, r := range Rules() {
		if !r.Fixed {
			adjustable = append(adjustable, r.ID)
		}
	}
	id := v.Text()
	if r := rule(id); id != "" && r.Summary != "" && r.Fixed {
		v.Report("repair what breaks it", "rule %q is fixed: it keeps the index intact", id)
		return id
	}
	return oneOf(v, "", adjustable...)
}

func overrideBy(v strictyaml.Value) string {
	name := v.Text()
	if name != "" && !account().MatchString(name) {
		v.Report("write the account's name without \"@\"", "%q is not an account name", name)
	}
	return name
}

// readOverrides reads every override of a tree.
func readOverrides(tree fs.FS) ([]*Override, error) {
	entries, err := readDir(tree, overridesFolder)
	if err != nil {
		return nil, err
	}
	if len(entries) > maxOverrides {
		return nil, fmt.Errorf("%s: more than %d overrides", overridesFolder, maxOverrides)
	}
	var all []*Override
	for _, e := range entries {
		name := path.Join(overridesFolder, e.Name())
		if !index.IsOverridePath(name) {
			continue // a README
		}
		data, err := fs.ReadFile(tree, name)
		if err != nil {
			return nil, err
		}
		override, err := ParseOverride(name, data)
		if err != nil {
			return nil, err
		}
		all = append(all, override)
	}
	return all, nil
}

// overriddenBy finds the override in force that permits the package of the
// change to break a rule.
func (j *judge) overriddenBy(id string) *Override {
	i := slices.IndexFunc(j.overrides, func(o *Override) bool {
		return o.Rule == id && j.concerns(o) && !o.Expired(j.in.Now)
	})
	if i < 0 {
		return nil
	}
	return j.overrides[i]
}

// concerns reports whether an override is about what changes. One for a version
// covers a change only if that has no other versions.
func (j *judge) concerns(o *Override) bool {
	if j.delta.Package == "" || !strings.EqualFold(o.Package, j.delta.Package) {
		return false
	}
	if o.Version == "" {
		return true
	}
	versions := j.change().Versions
	return len(versions) > 0 && !slices.ContainsFunc(versions, func(v string) bool { return v != o.Version })
}

// Expired reports whether the override has no effect any more.
func (o *Override) Expired(now time.Time) bool { return !now.Before(o.Expires) }

// ExpiredFinding says, without a status, that it has none.
func (o *Override) ExpiredFinding() Finding {
	return Finding{
		Check: "policy/expired", Where: o.File, Hint: "remove the file, or renew it in a change of its own",
		Detail: fmt.Sprintf("the override of %s for %s expired at %s and has no effect", o.Rule, o.Package, o.Expires.Format(index.TimeLayout)),
	}
}

// expiredOverrides says which overrides of the package have no effect any more.
func (j *judge) expiredOverrides() {
	for _, o := range j.overrides {
		if j.concerns(o) && o.Expired(j.in.Now) {
			f := o.ExpiredFinding()
			j.add(f.Check, f.Where, f.Hint, "%s", f.Detail)
		}
	}
}

// override checks an override that a change adds or replaces.
func (j *judge) override(change index.FileChange) {
	o, err := ParseOverride(change.Path, change.After.Data)
	switch {
	case err != nil:
		j.add("policy/valid", change.Path, "", "%s", firstLine(err))
		return
	case o.Expired(j.in.Now):
		j.add("policy/expired", change.Path, "write a time to come", "the override has expired at %s already", o.Expires.Format(index.TimeLayout))
	case o.Expires.After(j.in.Now.Add(maxOverride)):
		j.add("policy/valid", change.Path, "write a time within a year; it can be renewed", "the override would hold until %s", o.Expires.Format(index.TimeLayout))
	}
}
