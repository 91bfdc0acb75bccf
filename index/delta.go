package index

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Kind is what a change of an index means as a whole.
type Kind string

// The kinds of changes.
const (
	KindPublish  Kind = "publish"  // lines appended to one package
	KindYank     Kind = "yank"     // lines of one package yanked
	KindUnyank   Kind = "unyank"   // lines of one package no longer yanked
	KindRetire   Kind = "retire"   // lines of one package retired, or retired for another reason
	KindUnretire Kind = "unretire" // lines of one package no longer retired
	KindOwners   Kind = "owners"   // owners of one package changed
	KindTransfer Kind = "transfer" // one package handed over: who could publish it may not, and somebody else may
	KindRegister Kind = "register" // a package that has no version yet gets, changes or loses its registered sources
	KindSquash   Kind = "squash"   // the history is cut off, with a record in config.json; never without a person
	KindPolicy   Kind = "policy"   // files that govern the index changed; never to be accepted without a person
)

// Delta is the meaning of a change.
type Delta struct {
	Kind    Kind
	Package string         // as its lines spell it, in lower case for KindOwners, KindTransfer and KindRegister; "" if the change is about no package
	First   bool           // the change creates the package
	Added   []*Entry       // KindPublish: the new lines; equal dependencies and features of them are one
	Changed []StatusChange // KindYank, KindUnyank, KindRetire, KindUnretire
	Owners  *FileChange    // KindOwners, KindTransfer, and KindPublish of a new package that brings its owners
	Grants  bool           // KindOwners, KindTransfer: somebody may publish who could not before
	Source  *FileChange    // KindRegister
	Policy  []FileChange   // KindPolicy
	Squash  *Squash        // KindSquash: the new record
}

// StatusChange is a published line whose status changed.
type StatusChange struct {
	Version       string
	Before, After *Entry
}

// Classify says what the difference between two trees means. It fails closed:
// whatever is not exactly one of the allowed changes is a violation, and then
// the Delta is not to be used.
//
// A change is about one package and of one kind: lines are appended, or
// "yanked" of some lines turns, or "retired" does, or the owners change, or a
// package to come is registered. Only a change that creates a package may bring
// its owners along. A change of the files that govern the index (config.json,
// policy.yaml, overrides/, trust/, the workflows
// of its host, and the README, LICENSE and CODEOWNERS beside them) is about
// these alone. The record of a squash in config.json changes by a squash, and a
// squash changes nothing else; that the history is cut off is for the caller to
// see, who has the commits. What may stand in an owners or policy file is not
// judged here, nor whether a new name is too close to an old one. Of an owners
// file only those who may publish are compared: a change that replaces one of
// them by somebody else, or that lets anyone publish, is a transfer.
func Classify(changes []FileChange) (Delta, []Violation) {
	if len(changes) == 0 {
		return Delta{}, []Violation{{Rule: "delta/empty", Detail: "nothing is changed"}}
	}
	c := &classifier{}
	for _, change := range changes {
		c.sort(change)
	}
	c.judge()
	return c.delta, c.violations
}

// classifier sorts changes by what their path is for, and judges each group.
type classifier struct {
	packages, owners, sources, policy []FileChange

	delta      Delta
	violations []Violation
}

func (c *classifier) add(rule, path, hint, format string, args ...any) {
	c.violations = append(c.violations, Violation{Rule: rule, Path: path, Detail: fmt.Sprintf(format, args...), Hint: hint})
}

func (c *classifier) sort(change FileChange) {
	if change.Before.equal(change.After) {
		c.add("delta/empty", change.Path, "", "the file is not changed")
		return
	}
	c.checkMode(change)
	_, isPackage := NameOf(change.Path)
	_, isOwners := OwnersOf(change.Path)
	_, isSource := SourceOf(change.Path)
	switch {
	case isPackage:
		c.packages = append(c.packages, change)
	case isOwners:
		c.owners = append(c.owners, change)
	case isSource:
		c.sources = append(c.sources, change)
	case isPolicyPath(change.Path):
		c.policy = append(c.policy, change)
	default:
		c.add("delta/path", change.Path, "", "no file of an index has this path")
	}
}

// checkMode accepts only plain files that nobody may execute, before and after.
func (c *classifier) checkMode(change FileChange) {
	for _, side := range []struct {
		when string
		blob *Blob
	}{{"was", change.Before}, {"is", change.After}} {
		if side.blob != nil && side.blob.Mode != 0o644 {
			c.add("delta/mode", change.Path, "commit it as a plain file of mode 100644", "the file %s %s", side.when, describeMode(side.blob.Mode))
		}
	}
}

func describeMode(mode fs.FileMode) string {
	switch mode {
	case fs.ModeSymlink:
		return "a symbolic link"
	case 0o755:
		return "executable"
	default:
		return fmt.Sprintf("no plain file (%s)", mode)
	}
}

// isPolicyPath reports whether a path is of a file that governs the index. No
// such file but config.json may end in ".json": clients that search an index by
// its files would take it for a package.
func isPolicyPath(path string) bool {
	switch path {
	case ConfigPath, PolicyPath, "README.md", "LICENSE", "CONTRIBUTING.md", "CODEOWNERS", ".gitattributes", ".gitignore":
		return true
	}
	if IsOverridePath(path) {
		return true
	}
	folder, _, below := strings.Cut(path, "/")
	folders := []string{"trust", ".github", ".gitea", ".forgejo"}
	return below && fs.ValidPath(path) && slices.Contains(folders, folder) && !strings.HasSuffix(lower(path), ".json")
}

// IsOverridePath reports whether a path is that of an override, a file
// overrides/NAME.yaml where NAME has lower-case letters, digits, "-", "_" and
// "." only. What stands in such a file is for those who judge changes.
func IsOverridePath(path string) bool {
	name, below := strings.CutPrefix(path, "overrides/")
	name, isYAML := strings.CutSuffix(name, ".yaml")
	if !below || !isYAML || len(name) > maxNameLength || CheckLookupName(name) != nil {
		return false
	}
	return name == lower(name) && !strings.Contains(name, "/")
}

// judge decides which kind of change the groups make, and checks that kind.
func (c *classifier) judge() {
	switch {
	case len(c.policy) > 0 && len(c.packages)+len(c.owners)+len(c.sources) > 0:
		c.add("delta/mixed", c.policy[0].Path, "propose it on its own", "the files that govern the index change together with a package")
	case len(c.packages) > 1:
		c.add("delta/one-package", c.packages[1].Path, "propose one package at a time", "%d packages change at once", len(c.packages))
	case len(c.owners) > 1:
		c.add("delta/one-package", c.owners[1].Path, "propose one package at a time", "the owners of %d packages change at once", len(c.owners))
	case len(c.sources) > 0 && len(c.packages)+len(c.owners) > 0:
		c.add("delta/mixed", c.sources[0].Path, "propose it on its own", "a registration changes together with a package")
	case len(c.sources) > 1:
		c.add("delta/one-package", c.sources[1].Path, "propose one package at a time", "%d registrations change at once", len(c.sources))
	case len(c.sources) == 1:
		name, _ := SourceOf(c.sources[0].Path)
		c.delta = Delta{Kind: KindRegister, Package: name, Source: &c.sources[0]}
	case len(c.policy) > 0:
		c.judgePolicy()
	case len(c.packages) == 1:
		c.judgePackage(c.packages[0])
	case len(c.owners) == 1:
		c.judgeOwners(c.owners[0])
	}
	if len(c.violations) == 0 && c.delta.Kind == "" {
		c.add("delta/empty", "", "", "nothing is changed")
	}
	if len(c.violations) > 0 {
		c.delta = Delta{}
	}
}

func (c *classifier) judgePolicy() {
	c.delta = Delta{Kind: KindPolicy, Policy: c.policy}
	for _, change := range c.policy {
		switch {
		case change.After == nil && (change.Path == ConfigPath || change.Path == PolicyPath):
			c.add("delta/delete", change.Path, "", "an index cannot be without this file")
		case change.After != nil && change.Path == ConfigPath:
			c.judgeConfig(change)
		}
	}
}

// judgeConfig checks a config.json, and tells a squash from a change of the
// policy by it.
func (c *classifier) judgeConfig(change FileChange) {
	after, err := ParseConfig(change.After.Data)
	if err != nil {
		c.add("config/invalid", change.Path, "", "%s", err)
		return
	}
	if change.Before == nil {
		c.checkSquash(change.Path, after.Clyde.Squash) // of an index whose history is not at hand
		return
	}
	before, err := ParseConfig(change.Before.Data)
	if err != nil {
		before = &Config{} // what cannot be read is repaired, and brings no squash along
	}
	if after.Clyde.Squash.equal(before.Clyde.Squash) {
		return
	}
	switch squash := after.Clyde.Squash; {
	case squash == nil:
		c.add("delta/squash", change.Path, "leave the record in", "the record of the last squash is gone")
	case len(c.policy) > 1 || !OnlySquash(before, after):
		c.add("delta/squash", change.Path, "make the squash on its own with 'clyde index squash'", "the record of a squash changes together with something else")
	case c.checkSquash(change.Path, squash):
		c.delta = Delta{Kind: KindSquash, Squash: squash}
	}
}

// checkSquash reports whether the members of a record, if there is one, can be.
func (c *classifier) checkSquash(path string, squash *Squash) bool {
	if squash == nil {
		return true
	}
	err := squash.Check()
	if err != nil {
		c.add("delta/squash", path, "", "%s", err)
	}
	return err == nil
}

func (c *classifier) judgeOwners(change FileChange) {
	name, _ := OwnersOf(change.Path)
	c.delta = Delta{Kind: KindOwners, Package: name, Owners: &change}
	if change.After == nil {
		c.add("delta/delete", change.Path, "change the owners instead", "the owners of a package cannot be deleted")
		return
	}
	if change.Before != nil {
		var transfer bool
		if c.delta.Grants, transfer = handover(change.Before.Data, change.After.Data); transfer {
			c.delta.Kind = KindTransfer
		}
	}
}

// judgePackage checks a change of one package's file, and of its owners if they
// come along.
func (c *classifier) judgePackage(change FileChange) {
	name, _ := NameOf(change.Path)
	if change.After == nil {
		c.add("delta/delete", change.Path, "yank or retire its versions instead", "the file of a package cannot be deleted")
		return
	}
	p := packageChange{path: change.Path, name: name}
	if change.Before != nil {
		p.before = change.Before.Data
	}
	p.after = change.After.Data
	p.judge()
	c.delta = p.delta
	c.violations = append(c.violations, p.violations...)
	if len(c.owners) == 1 {
		c.judgeFirstOwners(c.owners[0], name)
	}
}

func (c *classifier) judgeFirstOwners(change FileChange, name string) {
	owned, _ := OwnersOf(change.Path)
	switch {
	case owned != name:
		c.add("delta/one-package", change.Path, "propose one package at a time", "the owners of %s change together with the package %s", owned, name)
	case !c.delta.First || change.Before != nil:
		c.add("delta/mixed", change.Path, "propose it on its own", "the owners change together with the lines of a package that exists already")
	}
	c.delta.Owners = &change
}
