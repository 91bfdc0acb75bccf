package index

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// AppendLine appends the canonical bytes of e to dst, without a newline: its
// members in the order of the fields of [Entry] and then the unknown ones by
// name, no spaces, the shortest string escapes and none for HTML. Empty members
// are left out, except name, vers, deps, cksum, features and yanked; features
// are sorted by name.
func (e *Entry) AppendLine(dst []byte) []byte {
	o := newObject(dst)
	o.string("name", e.Name)
	o.string("vers", e.Vers)
	o.key("deps")
	o.dst = appendArray(o.dst, e.Deps, appendDependency)
	o.string("cksum", e.Cksum)
	o.key("features")
	o.dst = appendFeatures(o.dst, e.Features)
	o.bool("yanked", e.Yanked)

	o.optionalString("links", e.Links)
	if e.V > 1 {
		o.int("v", int64(e.V))
	}
	if len(e.Features2) > 0 {
		o.key("features2")
		o.dst = appendFeatures(o.dst, e.Features2)
	}
	o.optionalString("pubtime", e.Pubtime)
	o.optionalString("dl", e.DL)
	o.optionalInt("size", e.Size)
	o.optionalString("license", e.License)
	o.optionalString("description", e.Description)
	o.optionalStrings("keywords", e.Keywords)
	o.optionalString("homepage", e.Homepage)
	o.optionalString("repository", e.Repository)
	o.optionalStrings("authors", e.Authors)
	o.optionalStrings("platforms", e.Platforms)
	if len(e.Builds) > 0 {
		o.key("builds")
		o.dst = appendArray(o.dst, e.Builds, appendBuild)
	}
	o.optionalStrings("external", e.External)
	if len(e.Hooks) > 0 {
		o.key("hooks")
		o.dst = appendArray(o.dst, e.Hooks, appendHook)
	}
	o.optionalString("type", e.Type)
	if e.Source != nil {
		o.key("source")
		o.dst = appendSource(o.dst, e.Source)
	}
	if e.Att != nil {
		o.key("att")
		o.dst = appendAttestation(o.dst, e.Att)
	}
	if e.Retired != nil {
		o.key("retired")
		o.dst = appendRetired(o.dst, e.Retired)
	}
	return o.end(e.Extra)
}

func appendDependency(dst []byte, d Dependency) []byte {
	o := newObject(dst)
	o.string("name", d.Name)
	o.string("req", d.Req)
	o.key("features")
	o.dst = appendArray(o.dst, d.Features, appendString)
	o.bool("optional", d.Optional)
	o.bool("default_features", d.DefaultFeatures)
	o.key("target")
	if d.Target == "" {
		o.dst = append(o.dst, "null"...)
	} else {
		o.dst = appendString(o.dst, d.Target)
	}
	o.string("kind", d.Kind)
	o.optionalString("registry", d.Registry)
	o.optionalString("package", d.Package)
	return o.end(d.Extra)
}

func appendBuild(dst []byte, b Build) []byte {
	o := newObject(dst)
	o.string("platform", b.Platform)
	o.string("dl", b.DL)
	o.string("cksum", b.Cksum)
	o.optionalInt("size", b.Size)
	return o.end(b.Extra)
}

func appendSource(dst []byte, s *Source) []byte {
	o := newObject(dst)
	o.optionalString("repository", s.Repository)
	o.optionalInt("repository_id", s.RepositoryID)
	o.optionalInt("owner_id", s.OwnerID)
	o.optionalString("ref", s.Ref)
	o.optionalString("commit", s.Commit)
	o.optionalString("tag_object", s.TagObject)
	return o.end(s.Extra)
}

func appendAttestation(dst []byte, a *Attestation) []byte {
	o := newObject(dst)
	o.string("url", a.URL)
	o.string("sha256", a.SHA256)
	if a.Provenance != nil {
		o.key("provenance")
		o.dst = appendAttestation(o.dst, a.Provenance)
	}
	return o.end(a.Extra)
}

func appendRetired(dst []byte, r *Retired) []byte {
	o := newObject(dst)
	o.string("reason", r.Reason)
	o.optionalString("message", r.Message)
	o.optionalString("since", r.Since)
	return o.end(r.Extra)
}

func appendFeatures(dst []byte, features map[string][]string) []byte {
	o := newObject(dst)
	for _, name := range sortedKeys(features) {
		o.key(name)
		o.dst = appendArray(o.dst, features[name], appendString)
	}
	return o.end(nil)
}

func sortedKeys(features map[string][]string) []string {
	return slices.Sorted(maps.Keys(features))
}

func appendArray[T any](dst []byte, values []T, appendValue func([]byte, T) []byte) []byte {
	dst = append(dst, '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, v)
	}
	return append(dst, ']')
}

// appendString writes s as JSON. The only error is invalid UTF-8, in place of
// which U+FFFD has then been written.
func appendString(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// objectWriter writes the members of one JSON object.
type objectWriter struct {
	dst   []byte
	empty bool
}

func newObject(dst []byte) objectWriter {
	return objectWriter{dst: append(dst, '{'), empty: true}
}

func (o *objectWriter) key(name string) {
	if !o.empty {
		o.dst = append(o.dst, ',')
	}
	o.empty = false
	o.dst = append(appendString(o.dst, name), ':')
}

func (o *objectWriter) string(name, value string) {
	o.key(name)
	o.dst = appendString(o.dst, value)
}

func (o *objectWriter) bool(name string, value bool) {
	o.key(name)
	o.dst = strconv.AppendBool(o.dst, value)
}

func (o *objectWriter) int(name string, value int64) {
	o.key(name)
	o.dst = strconv.AppendInt(o.dst, value, 10)
}

func (o *objectWriter) optionalString(name, value string) {
	if value != "" {
		o.string(name, value)
	}
}

func (o *objectWriter) optionalInt(name string, value int64) {
	if value != 0 {
		o.int(name, value)
	}
}

func (o *objectWriter) optionalStrings(name string, values []string) {
	if len(values) > 0 {
		o.key(name)
		o.dst = appendArray(o.dst, values, appendString)
	}
}

// end writes the unknown members and closes the object.
func (o *objectWriter) end(extra []Member) []byte {
	if !slices.IsSortedFunc(extra, compareMembers) {
		extra = slices.Clone(extra)
		slices.SortStableFunc(extra, compareMembers)
	}
	for _, m := range extra {
		o.key(m.Name)
		o.dst = append(o.dst, m.Value...)
	}
	return append(o.dst, '}')
}

func compareMembers(a, b Member) int { return strings.Compare(a.Name, b.Name) }
