package review

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/manifest"
)

// examination compares one added version with what was found outside the index.
type examination struct {
	*judge
	Addition
	ev       *Evidence
	owners   *Owners // in force; nil when there are none
	contents *archive.Contents
	builds   map[string]*archive.Contents // by platform
	manifest *manifest.Manifest           // nil when the archive has none that can be used
	before   *archive.Contents            // of the previous version; nil when it is not known
	verified *attest.Verified             // nil when there was nothing to verify
}

// wantEvidence says that a change must not be merged on a judgement without
// evidence, where that is wanted: by the policy, or because the package has
// owners or a signature, which nothing else can be held to.
func (j *judge) wantEvidence(owners *Owners) {
	signed := slices.ContainsFunc(j.delta.Added, func(e *index.Entry) bool { return e.Att != nil })
	wanted := j.policy.Evidence == EvidenceRequired || j.policy.Evidence == "" && (owners != nil || signed)
	if j.in.Evidence == nil && wanted {
		j.needs = append(j.needs, Need{Check: "evidence/present", Why: "nobody looked at the release, the archive and the signature, so this judgement is not enough to merge"})
	}
}

// examine judges the evidence about one version.
func (j *judge) examine(a Addition, owners *Owners) error {
	x := &examination{judge: j, Addition: a, owners: owners, builds: map[string]*archive.Contents{}}
	x.ev = j.in.Evidence[a.Entry.Vers]
	if x.ev == nil {
		if j.in.Evidence != nil {
			j.add("evidence/present", j.at(a.Entry, ""), "propose fewer versions at once", "nothing was gathered about this version")
		}
		x.compare()
		return nil
	}
	if x.ev.Early {
		x.skipEarly()
	}
	x.missing()
	for _, read := range []func() error{x.readArchive, x.readBuilds, x.readPrevious} {
		if err := read(); err != nil {
			return err
		}
	}
	if err := x.signature(); err != nil {
		return err
	}
	x.rederive()
	x.tag()
	x.times()
	x.recorded()
	x.compare()
	return nil
}

// skipEarly tells of the rules that wait for what is uploaded, and for what the
// publisher does not fetch.
func (x *examination) skipEarly() {
	for _, id := range []string{"evidence/release", "evidence/bundle", "evidence/provenance"} {
		x.skipped[id] = "nothing is uploaded yet"
	}
	if x.Previous != nil {
		for _, id := range []string{"content/compared", "content/hooks", "content/native"} {
			x.skipped[id] = "the index compares it with the version before"
		}
	}
}

// missing reports what could not be had.
func (x *examination) missing() {
	members := map[string]string{
		"repository": "source.repository", "tag": "source.ref", "release": "source.ref",
		"archive": "dl", "bundle": "att.url", "provenance": "att.provenance.url",
	}
	for _, m := range x.ev.Missing {
		member, single := members[m.What]
		switch {
		case single:
			x.add("evidence/"+m.What, x.at(x.Entry, member), "", "the %s could not be had: %s", m.What, m.Detail)
		case m.What == "previous":
			x.add("content/compared", x.at(x.Entry, ""), "", "the archive of %s could not be had: %s", x.Previous.Vers, m.Detail)
		default:
			x.add("evidence/builds", x.at(x.Entry, m.What), "", "the archive could not be had: %s", m.Detail)
		}
	}
}

// inspect reads an archive by the rules of extraction. The result is nil, and
// said, when no client would extract it.
func (x *examination) inspect(f *File, field string) (*archive.Contents, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	c, err := archive.Inspect(context.Background(), r, archive.DefaultLimits())
	if unsafe, ok := errors.AsType[*archive.UnsafeError](err); ok {
		x.add("content/archive", x.at(x.Entry, field), "make it with 'clyde pack'", "%s", unsafe)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if want := archive.Folder(x.Entry.Name, x.Entry.Vers); c.Top != want {
		x.add("content/archive", x.at(x.Entry, field), "make it with 'clyde pack'", "its one folder is %q and not %q", c.Top, want)
	}
	return c, nil
}

// readArchive reads the archive and the manifest in it.
func (x *examination) readArchive() error {
	if x.ev.Archive == nil {
		return nil
	}
	var err error
	if x.contents, err = x.inspect(x.ev.Archive, ""); err != nil || x.contents == nil {
		return err
	}
	if x.contents.Manifest == nil {
		x.add("evidence/manifest", x.at(x.Entry, ""), "make the archive with 'clyde pack'", "the archive has no %s", manifest.Path)
		return nil
	}
	m, err := manifest.Parse(manifest.Path, x.contents.Manifest)
	if err == nil {
		err = m.CheckPublishable()
	}
	if err != nil {
		x.add("evidence/manifest", x.at(x.Entry, ""), "publish what 'clyde check' accepts", "%s", firstLine(err))
		return nil
	}
	x.manifest = m
	return nil
}

func (x *examination) readBuilds() error {
	for _, platform := range slices.Sorted(maps.Keys(x.ev.Builds)) {
		c, err := x.inspect(x.ev.Builds[platform], "builds "+platform)
		if err != nil {
			return err
		}
		if c != nil {
			x.builds[platform] = c
		}
	}
	return nil
}

// readPrevious reads the archive of the version before. One that is not as
// published, or not sound, is nothing to compare with.
func (x *examination) readPrevious() error {
	if x.ev.Previous == nil || x.Previous == nil {
		return nil
	}
	r, err := x.ev.Previous.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	c, err := archive.Inspect(context.Background(), r, archive.DefaultLimits())
	if unsafe, ok := errors.AsType[*archive.UnsafeError](err); ok {
		x.add("content/compared", x.at(x.Entry, ""), "", "%s: %s", x.Previous.Vers, unsafe)
		return nil
	}
	if err != nil {
		return err
	}
	if c.SHA256 != x.Previous.Cksum {
		x.add("content/compared", x.at(x.Entry, ""), "yank it, and find out who replaced it", "the archive of %s is not any more what was published", x.Previous.Vers)
		return nil
	}
	x.before = c
	return nil
}

// tag checks that the line is about a tag which stands for its version.
func (x *examination) tag() {
	if x.Entry.Source == nil || x.Entry.Source.Ref == "" && x.ev.Early {
		return
	}
	ref := x.Entry.Source.Ref
	name, ok := strings.CutPrefix(ref, "refs/tags/")
	if !ok {
		x.add("evidence/tag", x.at(x.Entry, "source.ref"), "publish from a tag", "%q is no tag, so it can be moved to any commit", ref)
		return
	}
	if patterns := x.tagPatterns(); !attest.TagFits(patterns, name, x.Entry) {
		x.add("evidence/tag", x.at(x.Entry, "source.ref"), "", "the tag %q does not stand for %s %s; it has to be like %s", name, x.Entry.Name, x.Entry.Vers, strings.Join(patterns, ", "))
	}
}

// tagPatterns are those of the publishers that the line may come from.
func (x *examination) tagPatterns() []string {
	var patterns []string
	if x.owners != nil {
		for _, p := range x.owners.Publishers {
			if p.Key == "" && p.matches(x.Entry) {
				patterns = append(patterns, p.Tags...)
			}
		}
	}
	if len(patterns) == 0 {
		return attest.DefaultTags()
	}
	return patterns
}

// Bounds of a time of publishing, which is when the line was made.
const (
	beforeRelease   = 48 * time.Hour // that a draft may wait for its publication
	beforeSignature = 48 * time.Hour
)

// times checks that the line was made when its release and its signature were.
func (x *examination) times() {
	made, err := time.Parse(time.RFC3339, x.Entry.Pubtime)
	if err != nil {
		return // a line without a time
	}
	say := func(what string, at time.Time) {
		x.add("evidence/time", x.at(x.Entry, "pubtime"), "", "%s, but %s at %s", x.Entry.Pubtime, what, at.UTC().Format(index.TimeLayout))
	}
	if r := x.ev.Release; r != nil && !r.Published.IsZero() && made.Before(r.Published.Add(-beforeRelease)) {
		say("it was released", r.Published)
	}
	if x.verified == nil || x.verified.SignedAt.IsZero() {
		return
	}
	if at := x.verified.SignedAt; at.Before(made.Add(-clockSkew)) || at.After(made.Add(beforeSignature)) {
		say("it was signed", at)
	}
}

// several is a list for a sentence, cut short.
func several(what string, items []string) string {
	const most = 5
	if len(items) > most {
		return fmt.Sprintf("%s %s and %d more", what, strings.Join(items[:most], ", "), len(items)-most)
	}
	return what + " " + strings.Join(items, ", ")
}

// appliesEvidence reports whether a rule about evidence had anything to check.
func (j *judge) appliesEvidence(id string) bool {
	return j.delta.Kind == index.KindPublish && j.whyNoEvidence(id) == ""
}

// whyNoEvidence says why a rule about evidence had nothing to check, "" when it
// had or is none.
func (j *judge) whyNoEvidence(id string) string {
	if j.delta.Kind != index.KindPublish || id == "identity/downgrade" || id == "content/external" || id == "content/host" {
		return ""
	}
	family, _, _ := strings.Cut(id, "/")
	switch family {
	case "evidence", "content":
		if j.in.Evidence == nil {
			return "nobody gathered evidence"
		}
		return j.skipped[id]
	case "bundle", "signature", "statement", "identity", "provenance":
		return j.whyNoSignature(id)
	}
	return ""
}

func (j *judge) whyNoSignature(id string) string {
	ofNew := id == "identity/recorded" || id == "identity/pinned" || id == "identity/fork"
	switch {
	case j.in.Evidence == nil:
		return "nobody gathered evidence"
	case ofNew && !j.delta.First:
		return "the package is not new"
	case !ofNew && len(j.signers) == 0:
		return "no signature was seen"
	case !ofNew:
		return j.skipped[id]
	}
	return ""
}
