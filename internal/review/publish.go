package review

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// clockSkew is how far a publisher's clock may be ahead of the reviewer's.
const clockSkew = 15 * time.Minute

// publish checks the lines that a change adds. Their form is checked already,
// by [index.Classify]; this is what needs the rest of the index.
func (j *judge) publish() error {
	if j.delta.First {
		if err := errors.Join(j.newName(), j.firstOwners()); err != nil {
			return err
		}
	}
	if err := j.owners(j.delta.Owners); err != nil {
		return err
	}
	owners, err := j.ownersInForce()
	if err != nil {
		return err
	}
	known, err := versionsOf(j.in.Base, j.delta.Package)
	if err != nil {
		return err
	}
	j.wantEvidence(owners)
	for _, e := range j.delta.Added {
		j.notFuture(e, "pubtime", e.Pubtime)
		j.newVersion(e, known)
		j.source(e, owners)
		j.attested(e, known, owners)
		j.order(e, known)
		if err := j.dependencies(e); err != nil {
			return err
		}
		if err := j.examine(Addition{e, previous(known, e)}, owners); err != nil {
			return err
		}
		known = append(known, e)
	}
	return nil
}

// attested checks that a version is signed where it must be: once a package has
// been signed it stays so, and owners that name only keys can be held to nothing
// else, whatever the policy says.
func (j *judge) attested(e *index.Entry, known []*index.Entry, owners *Owners) {
	const hint = "sign it, for example with 'clyde publish --sign-key FILE'"
	mode := attest.Strongest(j.policy.Verify)
	if owners != nil && owners.signOnly(j.in.Now) {
		mode = attest.Require
	}
	switch err := attest.CheckAttested(index.ReleasesOf(known).List, e, mode); {
	case errors.Is(err, attest.ErrDowngrade):
		j.add("identity/downgrade", j.at(e, "att"), hint, "%s", err)
	case err != nil:
		j.add("attestation/present", j.at(e, "att"), hint, "%s", err)
	}
}

// at is the place of an entry in a finding.
func (j *judge) at(e *index.Entry, field string) string {
	file, err := index.Path(e.Name)
	if err != nil {
		file = e.Name
	}
	place := file + " " + e.Vers
	if field != "" {
		place += ": " + field
	}
	return place
}

func (j *judge) notFuture(e *index.Entry, field, text string) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return // absent; a line with a malformed time is no line
	}
	if t.After(j.in.Now.Add(clockSkew)) {
		j.add("time/future", j.at(e, field), "set the clock of the machine that publishes", "%s is later than now, %s", text, j.in.Now.UTC().Format(time.RFC3339))
	}
}

// order compares the time that a line claims with that of the line before it, as
// far as nothing better is known: the time of a
// release bounds it more narrowly. Publishers who meet may come in any order.
func (j *judge) order(e *index.Entry, known []*index.Entry) {
	if len(known) == 0 || j.bounded(e) {
		return
	}
	before := known[len(known)-1]
	was, err := time.Parse(time.RFC3339, before.Pubtime)
	if err != nil {
		return // absent
	}
	made, err := time.Parse(time.RFC3339, e.Pubtime)
	if err == nil && made.Before(was.Add(-clockSkew)) {
		j.add("time/order", j.at(e, "pubtime"), "publish it with the present time, unless this is meant",
			"%s is earlier than that of %s, which is there already: %s", e.Pubtime, before.Vers, before.Pubtime)
	}
}

// bounded reports whether evidence bounds the time of a line; see times.
func (j *judge) bounded(e *index.Entry) bool {
	ev := j.in.Evidence[e.Vers]
	return ev != nil && ev.Release != nil && !ev.Release.Published.IsZero()
}

// versionsOf reads the lines of a package, none when there is no such package.
func versionsOf(tree fs.FS, name string) ([]*index.Entry, error) {
	if valid := index.CheckLookupName(name) == nil; tree == nil || !valid {
		return nil, nil // there is no such package
	}
	file, err := index.Path(name)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(tree, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return index.ParseFile(data).Entries, nil
}

// newVersion compares a version with those before it.
func (j *judge) newVersion(e *index.Entry, known []*index.Entry) {
	version, err := index.ParseVersion(e.Vers)
	if err != nil {
		return
	}
	var newest index.Version // of the release line
	for _, k := range known {
		v, err := index.ParseVersion(k.Vers)
		if err == nil && sameLine(v, version) && !v.Prerelease() && v.Compare(newest) > 0 {
			newest = v
		}
	}
	if newest.Compare(version) > 0 {
		j.add("version/order", j.at(e, ""), fmt.Sprintf("publish a version above %s, unless this is meant", newest), "%s of the same release line is there already", newest)
	}
	previous, before := newestBelow(known, e)
	if previous == nil {
		return
	}
	if expected, ok := gap(before, version); ok {
		j.add("version/gap", j.at(e, ""), "", "the version before is %s; %s was skipped", before, expected)
	}
	if e.License != previous.License {
		j.add("license/changed", j.at(e, "license"), "", "%s, and %s has %s", orNone(e.License), previous.Vers, orNone(previous.License))
	}
}

func orNone(s string) string {
	if s == "" {
		return "no licence"
	}
	return fmt.Sprintf("%q", s)
}

// sameLine reports whether a caret requirement on one version permits the other
// of the two, whichever is newer.
func sameLine(a, b index.Version) bool {
	switch {
	case a.Major != b.Major:
		return false
	case a.Major > 0:
		return true
	case a.Minor != b.Minor:
		return false
	default:
		return a.Minor > 0 || a.Patch == b.Patch
	}
}

// gap reports the version that would have followed before, when version goes
// beyond the next patch, minor and major release.
func gap(before, version index.Version) (string, bool) {
	switch {
	case version.Major > before.Major+1:
		return fmt.Sprintf("%d.0.0", before.Major+1), true
	case version.Major == before.Major && version.Minor > before.Minor+1:
		return fmt.Sprintf("%d.%d.0", before.Major, before.Minor+1), true
	case version.Major == before.Major && version.Minor == before.Minor && version.Patch > before.Patch+1:
		return fmt.Sprintf("%d.%d.%d", before.Major, before.Minor, before.Patch+1), true
	}
	return "", false
}

// ownersInForce is the owners file by which a new line is judged: the one of
// the base, or for a new package the one that comes with it.
func (j *judge) ownersInForce() (*Owners, error) {
	file, err := index.OwnersPath(j.delta.Package)
	if err != nil {
		return nil, err
	}
	tree := j.in.Base
	if j.delta.First {
		tree = j.in.Head
	}
	owners, err := readOwners(tree, file)
	if problems, ok := errors.AsType[strictyaml.Problems](err); ok {
		// Without readable owners nothing can be compared with them.
		j.add("owners/valid", file, "repair the file first", "%s", firstLine(problems))
		return nil, nil
	}
	return owners, err
}

func (j *judge) source(e *index.Entry, owners *Owners) {
	if owners == nil || owners.permits(e, j.in.Now) || e.Att == nil && owners.signOnly(j.in.Now) {
		return
	}
	const hint = "publish from a repository that the owners file names, or change that file first"
	if e.Source == nil {
		j.add("owners/source", j.at(e, "source"), hint, "the line has no source, and its owners name the repositories that may publish")
		return
	}
	j.add("owners/source", j.at(e, "source"), hint, "%q (repository %d of owner %d) is none of the repositories that its owners name",
		e.Source.Repository, e.Source.RepositoryID, e.Source.OwnerID)
}

// dependencies checks the dependencies on packages of this index, each on its
// own and then all together.
func (j *judge) dependencies(e *index.Entry) error {
	sound := true
	for i, d := range e.Deps {
		at := j.at(e, fmt.Sprintf("deps[%d]", i))
		if d.Registry != "" {
			j.elsewhere(at+".registry", d)
			continue
		}
		ok, err := j.dependency(at, d)
		if err != nil {
			return err
		}
		sound = sound && ok
	}
	if !sound {
		return nil
	}
	return j.resolvable(e)
}

// elsewhere checks a dependency on another index.
func (j *judge) elsewhere(at string, d index.Dependency) {
	if !j.policy.Content.declares(d.Registry) {
		j.add("dependency/registry", at, "declare the index under content.registries of the policy", "%s comes from %q, which the policy does not declare", d.Name, d.Registry)
	}
}

// dependency reports whether a dependency can be had by itself.
func (j *judge) dependency(at string, d index.Dependency) (bool, error) {
	req, err := index.ParseRequirement(d.Req)
	if err != nil {
		return false, fmt.Errorf("%s: %w", at, err) // the line was checked before
	}
	name := d.PackageName()
	versions, err := versionsOf(j.in.Head, name)
	if err != nil {
		return false, err
	}
	if len(versions) == 0 {
		j.add("dependency/exists", at, "publish it first, or name the registry it is in", "there is no package %s in this index", name)
		return false, nil
	}
	matching := slices.DeleteFunc(versions, func(v *index.Entry) bool {
		version, err := index.ParseVersion(v.Vers)
		return err != nil || !req.Matches(version)
	})
	switch {
	case len(matching) == 0:
		j.add("dependency/version", at, "require a version that is there", "no version of %s satisfies %s", name, d.Req)
		return false, nil
	case !slices.ContainsFunc(matching, func(v *index.Entry) bool { return !v.Yanked }):
		j.add("dependency/yanked", at, "require a version that is not yanked", "every version of %s that satisfies %s is yanked", name, d.Req)
		return false, nil
	}
	return true, nil
}
