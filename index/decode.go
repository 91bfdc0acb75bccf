package index

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxLineSize bounds a line, in bytes, without its newline.
const MaxLineSize = 1 << 20

// LineError reports a line that cannot be read.
type LineError struct {
	Rule   string // stable id of the rule that is broken, such as "line/json"
	Field  string // the member at fault, such as "deps[2].req"; "" for the whole line
	Detail string
}

func (e *LineError) Error() string {
	if e.Field == "" {
		return e.Detail
	}
	return e.Field + ": " + e.Detail
}

// NewerVersionError reports a line of a format version after [MaxVersion]. A
// reader skips such a line.
type NewerVersionError struct {
	V    int64
	Name string // as far as it can be told
	Vers string
}

func (e *NewerVersionError) Error() string {
	return fmt.Sprintf("%s %s is written in version %d of the index format, and this program knows versions up to %d", e.Name, e.Vers, e.V, MaxVersion)
}

// Hint says what to do about it.
func (e *NewerVersionError) Hint() string { return "use a newer release of clyde to see this version" }

// ParseLine reads one line of an index, as lenient as a reader of an existing
// index must be: members may be unknown (they are kept), in any order, and
// spaced; every member but "name" and "vers" may be missing or null; the kind of
// a dependency may be missing, which means "normal". It does not look into
// requirements, targets, URLs and digests, and it takes a version that only
// resembles SemVer.
//
// A line is a [*LineError] if it is not a JSON object whose known members have
// their types, if it has a member twice at any level or invalid UTF-8, and if
// its name or version could not be part of a path. A line of a newer format is a
// [*NewerVersionError].
func ParseLine(line []byte) (*Entry, error) { return newLineDecoder(line).entry() }

// lineDecoder reads the values of one line, collecting problems: a value of a
// wrong type is skipped, broken JSON ends the reading. It can be used for one
// line after another.
type lineDecoder struct {
	text    string // the line
	at      int    // what is read next
	plain   bool   // text is printable ASCII
	escapes bool   // text has a backslash

	names   []string          // of members, of the objects that are being read
	deps    []Dependency      // scratch
	builds  []Build           // scratch
	pieces  []string          // what strings returns parts of
	texts   map[string]string // texts of quoted strings with escapes; nil unless many lines are read, which repeat them much
	checked string            // a name that is in order
	lines   room[Entry]
	lists   room[Dependency]

	shares         bool // equal values of one line and the next are one
	depsBefore     before[[]Dependency]
	depBefore      []before[Dependency] // by their places
	featuresBefore before[map[string][]string]

	places   *jsontext.Decoder // reads text up to at, when the name of a field is asked for
	problems []*LineError
	broken   bool
	newer    *NewerVersionError
}

// before is a value of the line before, and its text.
type before[T any] struct {
	text  string
	value T
}

// shared reads a value, or takes that of the line before if the text is the same
// and the decoder shares: versions of a package repeat each other.
func shared[T any](d *lineDecoder, last *before[T], read func() T) T {
	if !d.shares {
		return read()
	}
	d.peek()
	if last.text != "" && strings.HasPrefix(d.text[d.at:], last.text) {
		d.at += len(last.text)
		return last.value
	}
	start, problems := d.at, len(d.problems)
	value := read()
	*last = before[T]{}
	if !d.broken && len(d.problems) == problems && d.text[start] != 'n' {
		*last = before[T]{d.text[start:d.at], value}
	}
	return value
}

// Bounds of what a lineDecoder keeps.
const (
	maxKeptTexts = 4096 // of lineDecoder.texts
	manyPieces   = 512  // of lineDecoder.pieces, after which new ones are made
)

// newFileDecoder returns a decoder for the lines of a file, to be reset to each.
func newFileDecoder() *lineDecoder { return &lineDecoder{texts: make(map[string]string)} }

// entry reads the line and returns what ParseLine does.
func (d *lineDecoder) entry() (*Entry, error) {
	e := d.line()
	if d.newer != nil {
		return nil, d.newer
	}
	if len(d.problems) > 0 {
		return nil, d.problems[0]
	}
	return e, nil
}

// line reads the whole line. The entry has a meaning only if there are no problems.
func (d *lineDecoder) line() *Entry {
	e := &d.lines.take(1)[0]
	*e = Entry{V: 1}
	if d.broken {
		return e
	}
	if c := d.peek(); strings.IndexByte("[\"-0123456789tfn", c) >= 0 {
		d.problem("line/json", "", "a line must be a JSON object")
		return e
	}
	var version int64
	e.Extra = d.object(func(name string) bool { return d.entryMember(e, &version, name) })
	d.end()
	if d.broken {
		return e
	}
	if version > MaxVersion {
		d.newer = &NewerVersionError{V: version, Name: e.Name, Vers: e.Vers}
		return e
	}
	if version > 0 {
		e.V = int(version)
	}
	d.checkIdentity(e)
	return e
}

// checkIdentity refuses a line of which it cannot be told what it is about.
func (d *lineDecoder) checkIdentity(e *Entry) {
	if e.Name == "" || e.Name != d.checked {
		if err := CheckLookupName(e.Name); err != nil {
			d.problem("line/name", "name", err.Error())
		} else {
			d.checked = e.Name
		}
	}
	if !resemblesVersion(e.Vers) {
		d.problem("line/version", "vers", fmt.Sprintf("%q is not a version", e.Vers))
	}
}

// resemblesVersion reports whether s has the form of a version, so that it can be
// part of a file name. Old indexes have versions such as "0.0.1-001", which are
// not quite SemVer.
func resemblesVersion(s string) bool {
	odd := strings.ContainsFunc(s, func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune(".-+", r) })
	return s != "" && isDigit(rune(s[0])) && len(s) <= maxVersionLength && !odd
}

// entryMember decodes one member into its field.
//
//nolint:gocyclo // one case for each member of a line
func (d *lineDecoder) entryMember(e *Entry, version *int64, name string) bool {
	switch name {
	case "name":
		e.Name = d.string()
	case "vers":
		e.Vers = d.string()
	case "deps":
		e.Deps = shared(d, &d.depsBefore, d.dependencies)
	case "cksum":
		e.Cksum = d.string()
	case "features":
		e.Features = shared(d, &d.featuresBefore, d.features)
	case "yanked":
		e.Yanked = d.bool(false)
	case "links":
		e.Links = d.string()
	case "v":
		if *version = d.int(); *version < 0 {
			d.problem("line/type", "v", "must not be negative")
		}
	case "features2":
		e.Features2 = d.features()
	case "pubtime":
		e.Pubtime = d.string()
	case "dl":
		e.DL = d.string()
	case "size":
		e.Size = d.int()
	case "license":
		e.License = d.string()
	case "description":
		e.Description = d.string()
	case "keywords":
		e.Keywords = d.strings()
	case "homepage":
		e.Homepage = d.string()
	case "repository":
		e.Repository = d.string()
	case "authors":
		e.Authors = d.strings()
	case "platforms":
		e.Platforms = d.strings()
	case "builds":
		d.builds = decodeArray(d, d.builds[:0], d.build)
		e.Builds = append([]Build(nil), d.builds...)
	case "external":
		e.External = d.strings()
	case "hooks":
		e.Hooks = decodeArray(d, nil, d.hook)
	case "type":
		e.Type = d.string()
	case "source":
		e.Source = optional(d, d.source)
	case "att":
		e.Att = optional(d, d.attestation)
	case "retired":
		e.Retired = optional(d, d.retired)
	default:
		return false
	}
	return true
}

func (d *lineDecoder) dependencies() []Dependency {
	number := 0
	d.deps = decodeArray(d, d.deps[:0], func() Dependency {
		if !d.shares {
			return d.dependency()
		}
		number++
		if number > len(d.depBefore) {
			d.depBefore = append(d.depBefore, before[Dependency]{})
		}
		return shared(d, &d.depBefore[number-1], d.dependency)
	})
	if len(d.deps) == 0 {
		return nil
	}
	deps := d.lists.take(len(d.deps))
	copy(deps, d.deps)
	return deps
}

func (d *lineDecoder) dependency() Dependency {
	start := d.at
	dep := Dependency{Kind: KindNormal, DefaultFeatures: true}
	if d.usualDependency(&dep) {
		return dep
	}
	d.at, dep = start, Dependency{Kind: KindNormal, DefaultFeatures: true}
	dep.Extra = d.object(func(name string) bool {
		switch name {
		case "name":
			dep.Name = d.string()
		case "req":
			dep.Req = d.string()
		case "features":
			dep.Features = d.strings()
		case "optional":
			dep.Optional = d.bool(false)
		case "default_features":
			dep.DefaultFeatures = d.bool(true)
		case "target":
			dep.Target = d.string()
		case "kind":
			dep.Kind = d.dependencyKind()
		case "registry":
			dep.Registry = d.string()
		case "package":
			dep.Package = d.string()
		default:
			return false
		}
		return true
	})
	return dep
}

// usualDependency reads a dependency that is written as nearly all are: members
// in the order of Cargo, without spaces, the last three left out or null. It
// reports false if this one is not.
func (d *lineDecoder) usualDependency(dep *Dependency) bool {
	usual := d.literal(`{"name":`) && d.isString(&dep.Name) &&
		d.literal(`,"req":`) && d.isString(&dep.Req) &&
		d.literal(`,"features":`) && d.isStrings(&dep.Features) &&
		d.literal(`,"optional":`) && d.isBool(&dep.Optional) &&
		d.literal(`,"default_features":`) && d.isBool(&dep.DefaultFeatures) &&
		d.literal(`,"target":`) && (d.null() || d.isString(&dep.Target)) &&
		d.literal(`,"kind":`) && d.isKind(&dep.Kind)
	return usual && d.isOptional(`,"registry":`, &dep.Registry) && d.isOptional(`,"package":`, &dep.Package) && d.literal("}")
}

// isOptional is for a member that may be left out.
func (d *lineDecoder) isOptional(member string, to *string) bool {
	return !d.literal(member) || d.null() || d.isString(to)
}

func (d *lineDecoder) isKind(kind *string) bool {
	for _, known := range [...]string{KindNormal, KindDev, KindBuild} {
		if rest := d.text[d.at:]; len(rest) > len(known)+1 && rest[0] == '"' && rest[1:1+len(known)] == known && rest[1+len(known)] == '"' {
			d.at += len(known) + 2
			*kind = known
			return true
		}
	}
	return false
}

func (d *lineDecoder) dependencyKind() string {
	switch kind := d.string(); kind {
	case "":
		return KindNormal
	case KindNormal, KindDev, KindBuild:
		return kind
	default:
		d.problem("line/kind", d.field(), fmt.Sprintf("%q is not a kind of dependency; the kinds are normal, dev and build", kind))
		return kind
	}
}

func (d *lineDecoder) build() (b Build) {
	b.Extra = d.object(func(name string) bool {
		switch name {
		case "platform":
			b.Platform = d.string()
		case "dl":
			b.DL = d.string()
		case "cksum":
			b.Cksum = d.string()
		case "size":
			b.Size = d.int()
		default:
			return false
		}
		return true
	})
	return b
}

func (d *lineDecoder) source() (s Source) {
	s.Extra = d.object(func(name string) bool {
		switch name {
		case "repository":
			s.Repository = d.string()
		case "repository_id":
			s.RepositoryID = d.int()
		case "owner_id":
			s.OwnerID = d.int()
		case "ref":
			s.Ref = d.string()
		case "commit":
			s.Commit = d.string()
		case "tag_object":
			s.TagObject = d.string()
		default:
			return false
		}
		return true
	})
	return s
}

func (d *lineDecoder) attestation() (a Attestation) {
	a.Extra = d.object(func(name string) bool {
		if name == "provenance" {
			a.Provenance = optional(d, d.provenance)
			return true
		}
		return d.bundle(&a, name)
	})
	return a
}

func (d *lineDecoder) provenance() (a Attestation) {
	a.Extra = d.object(func(name string) bool { return d.bundle(&a, name) })
	return a
}

// bundle reads a member of what names a bundle.
func (d *lineDecoder) bundle(a *Attestation, name string) bool {
	switch name {
	case "url":
		a.URL = d.string()
	case "sha256":
		a.SHA256 = d.string()
	default:
		return false
	}
	return true
}

func (d *lineDecoder) retired() (r Retired) {
	r.Extra = d.object(func(name string) bool {
		switch name {
		case "reason":
			r.Reason = d.string()
		case "message":
			r.Message = d.string()
		case "since":
			r.Since = d.string()
		default:
			return false
		}
		return true
	})
	return r
}

// features reads a map of string lists.
func (d *lineDecoder) features() map[string][]string {
	var features map[string][]string
	d.object(func(name string) bool {
		if features == nil {
			features = make(map[string][]string)
		}
		features[name] = d.strings()
		return true
	})
	return features
}
