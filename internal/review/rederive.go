package review

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/manifest"
)

// rederive makes the line again, from the manifest in the archive and what was
// found, and requires equal bytes. Each member that differs is a finding.
func (x *examination) rederive() {
	if x.manifest == nil {
		return
	}
	derived, err := x.manifest.Line(x.facts())
	if err != nil {
		x.add("evidence/line", x.at(x.Entry, "deps"), "leave out registry, or have the keepers of the index declare that index under content.registries of its policy", "%s", firstLine(err))
		return
	}
	derived.Att = x.attestation()
	want, got := derived.AppendLine(nil), x.Entry.AppendLine(nil)
	if bytes.Equal(want, got) {
		return
	}
	for _, d := range differences(want, got) {
		x.add(ruleOfMember(d.member), x.at(x.Entry, d.member), "publish with clyde, which makes the line from the package", "%s in the line, and %s by what was found", d.got, d.want)
	}
}

// ruleOfMember says which rule a member breaks that is not as derived.
func ruleOfMember(member string) string {
	top, below, _ := strings.Cut(member, ".")
	top, _, _ = strings.Cut(top, "[")
	switch top {
	case "cksum", "size", "dl":
		return "evidence/archive"
	case "builds":
		return "evidence/builds"
	case "att":
		if strings.HasPrefix(below, "provenance") {
			return "evidence/provenance"
		}
		return "evidence/bundle"
	case "source":
		if slices.Contains([]string{"ref", "commit", "tag_object"}, below) {
			return "evidence/tag"
		}
		return "evidence/repository"
	}
	return "evidence/line"
}

// facts are what was found, in place of what the line says of it. The line
// itself decides the time, which has bounds of its own.
func (x *examination) facts() manifest.Facts {
	c := x.contents
	return manifest.Facts{
		Pubtime: x.Entry.Pubtime,
		Source:  x.source(),
		Archive: index.Build{
			DL:    x.place(x.Entry.DL, index.ArchiveName(x.Entry.Name, x.Entry.Vers), c.SHA256),
			Cksum: c.SHA256, Size: c.Size,
		},
		Builds:   x.buildFacts(),
		Registry: x.registry,
	}
}

// source is what the repository and the tag are found to be. A line may leave
// the source out; then nothing was looked for.
func (x *examination) source() *index.Source {
	said := x.Entry.Source
	if said == nil {
		return nil
	}
	found := &index.Source{Ref: said.Ref}
	if r := x.ev.Repository; r != nil {
		found.Repository, found.RepositoryID, found.OwnerID = r.URL, r.RepositoryID, r.OwnerID
	}
	switch {
	case x.ev.Tag != nil:
		found.Commit, found.TagObject = x.ev.Tag.Commit, x.ev.Tag.Object
	case x.ev.Early: // a draft's tag is made when it is published
		found.Commit, found.TagObject = said.Commit, said.TagObject
	}
	return found
}

// buildFacts are the builds that the line should have: those that the manifest
// makes, and those that lie with the release.
func (x *examination) buildFacts() []index.Build {
	platforms := map[string]bool{}
	for platform := range x.manifest.Artifacts {
		platforms[platform] = true
	}
	if x.ev.Early {
		platforms = map[string]bool{}
		for platform := range x.ev.Builds {
			platforms[platform] = true
		}
	}
	if x.ev.Release != nil {
		for _, p := range append(index.Platforms(), index.Platform{}) {
			if _, ok := x.asset(x.manifest.ArchiveName(p.String())); ok {
				platforms[p.String()] = true
			}
		}
	}
	var builds []index.Build
	for _, platform := range slices.Sorted(maps.Keys(platforms)) {
		b := index.Build{Platform: platform}
		if c := x.builds[platform]; c != nil {
			b.Cksum, b.Size = c.SHA256, c.Size
			b.DL = x.place(x.ev.Builds[platform].URL, x.manifest.ArchiveName(platform), c.SHA256)
		}
		builds = append(builds, b)
	}
	return builds
}

// attestation is where the signature and the provenance are found, and what is
// there.
func (x *examination) attestation() *index.Attestation {
	said := x.Entry.Att
	if said == nil || x.ev.Early && x.ev.Bundle == nil {
		return said // which stands for one that is not made yet
	}
	name := index.ArchiveName(x.Entry.Name, x.Entry.Vers)
	found := x.kept(said, name+".sigstore.json", x.ev.Bundle)
	provenance := name + ".provenance.sigstore.json"
	if said.Provenance != nil {
		found.Provenance = x.kept(said.Provenance, provenance, x.ev.Provenance)
	} else if address, ok := x.asset(provenance); ok {
		found.Provenance = &index.Attestation{URL: address} // which the line must not leave out
	}
	return found
}

func (x *examination) kept(said *index.Attestation, name string, bundle []byte) *index.Attestation {
	digest := digestOf(bundle)
	return &index.Attestation{URL: x.place(said.URL, name, digest), SHA256: digest}
}

// place is where a file has to be. With a release it is that release's. What is
// put elsewhere is found by its name, in a folder that may be named by its
// digest.
func (x *examination) place(said, name, digest string) string {
	if address, ok := x.asset(name); ok {
		return address
	}
	folder, last, ok := cutLast(said)
	if !ok {
		return said
	}
	if unescaped, err := url.PathUnescape(last); err != nil || !slices.Contains(keptAs(name), unescaped) {
		last = url.PathEscape(name)
	}
	if above, parent, ok := cutLast(folder); ok && len(parent) == len(digest) && strings.Trim(parent, "0123456789abcdef") == "" {
		folder = above + "/" + digest
	}
	return folder + "/" + last
}

func cutLast(address string) (folder, last string, ok bool) {
	i := strings.LastIndexByte(address, '/')
	if i < 0 {
		return "", "", false
	}
	return address[:i], address[i+1:], true
}

// keptAs are the names under which a file may be kept: forges make "." of "+".
func keptAs(name string) []string { return []string{name, strings.ReplaceAll(name, "+", ".")} }

// asset is where the release has a file.
func (x *examination) asset(name string) (string, bool) {
	if x.ev.Release == nil {
		return "", false
	}
	for _, kept := range keptAs(name) {
		if address, ok := x.ev.Release.Assets[kept]; ok {
			return address, true
		}
	}
	return "", false
}

// registry is the address of the index that a manifest knows by an alias: this
// one, by the name that it gives itself, or one that its policy declares. What
// else a publisher calls an index is known to the publisher alone, whose
// signature then has to vouch for it.
func (x *examination) registry(alias string) (string, error) {
	if address, ok := x.policy.Content.Registries[alias]; ok {
		return address, nil
	}
	if x.config().Clyde.Name == alias {
		return "", nil
	}
	if address, ok := x.saidRegistry(alias); ok && (x.vouched() || x.ev.Early) {
		return address, nil
	}
	return "", fmt.Errorf("the index knows no registry %q", alias)
}

// saidRegistry is the one address that the line has for the dependencies of
// which the manifest has the alias.
func (x *examination) saidRegistry(alias string) (string, bool) {
	addresses := map[string]bool{}
	for i, d := range x.manifest.Entry().Deps {
		if d.Registry == alias && i < len(x.Entry.Deps) {
			addresses[x.Entry.Deps[i].Registry] = true
		}
	}
	for address := range addresses {
		return address, len(addresses) == 1
	}
	return "", false
}

// vouched reports whether a good signature of a recorded signer covers the line.
func (x *examination) vouched() bool {
	return x.verified != nil && !slices.ContainsFunc(x.verified.Checks, failedCheck)
}

// config is that of the base or, where there is none yet, of the head.
func (j *judge) config() *index.Config {
	if j.configured == nil {
		j.configured = &index.Config{}
		for _, tree := range j.trees() {
			data, err := fs.ReadFile(tree, index.ConfigPath)
			if err != nil {
				continue
			}
			if c, err := index.ParseConfig(data); err == nil {
				j.configured = c
				break
			}
		}
	}
	return j.configured
}

// difference is a member in which two lines differ, with its values.
type difference struct{ member, want, got string }

// differences compares two lines member by member, also within objects and
// lists, sorted by the member's path.
func differences(want, got []byte) []difference {
	left, right := map[string]string{}, map[string]string{}
	if err := errors.Join(flatten(want, left), flatten(got, right)); err != nil {
		return []difference{{"", "another line", "a line that cannot be compared"}} // no line is like that
	}
	var all []difference
	for member := range left {
		if left[member] != right[member] {
			all = append(all, difference{member, excerpt(left[member]), excerpt(right[member])})
		}
	}
	for member := range right {
		if _, ok := left[member]; !ok {
			all = append(all, difference{member, excerpt(""), excerpt(right[member])})
		}
	}
	slices.SortFunc(all, func(a, b difference) int { return strings.Compare(a.member, b.member) })
	return all
}

// excerpt shows a value in a finding.
func excerpt(value string) string {
	const most = 120
	if value == "" {
		return "nothing"
	}
	if len(value) > most {
		value = strings.ToValidUTF8(value[:most], "") + "…"
	}
	return value
}

// flatten lists the values of a line by their paths, "deps[0].req".
func flatten(line []byte, into map[string]string) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	return flattenValue("", value, into)
}

func flattenValue(at string, value any, into map[string]string) error {
	switch v := value.(type) {
	case map[string]any:
		if at != "" {
			at += "."
		}
		for name, inner := range v {
			if err := flattenValue(at+name, inner, into); err != nil {
				return err
			}
		}
	case []any:
		for i, inner := range v {
			if err := flattenValue(fmt.Sprintf("%s[%d]", at, i), inner, into); err != nil {
				return err
			}
		}
	default:
		text, err := json.Marshal(v)
		into[at] = string(text)
		return err
	}
	return nil
}
