package index

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
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
	json     jsontext.Decoder
	texts    map[string]string // short texts read so far; nil unless many lines are read, which repeat them much
	problems []*LineError
	broken   bool
	newer    *NewerVersionError
}

func newLineDecoder(line []byte) *lineDecoder {
	d := &lineDecoder{}
	d.reset(line)
	return d
}

// newFileDecoder returns a decoder for the lines of a file, to be reset to each.
func newFileDecoder() *lineDecoder { return &lineDecoder{texts: make(map[string]string)} }

// reset makes the decoder ready for another line.
func (d *lineDecoder) reset(line []byte) {
	d.problems, d.broken, d.newer = nil, false, nil
	if len(line) > MaxLineSize {
		d.problem("line/size", "", fmt.Sprintf("longer than %d bytes", MaxLineSize))
		d.broken = true
		line = nil
	}
	d.json.Reset(bytes.NewBuffer(line))
}

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
	e := &Entry{V: 1}
	if d.broken {
		return e
	}
	if kind := d.json.PeekKind(); kind != jsontext.KindBeginObject && kind != jsontext.KindInvalid {
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
	if err := CheckLookupName(e.Name); err != nil {
		d.problem("line/name", "name", err.Error())
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
		e.Deps = decodeArray(d, d.dependency)
	case "cksum":
		e.Cksum = d.string()
	case "features":
		e.Features = d.features()
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
		e.Builds = decodeArray(d, d.build)
	case "external":
		e.External = d.strings()
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

func (d *lineDecoder) dependency() Dependency {
	dep := Dependency{Kind: KindNormal, DefaultFeatures: true}
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
		switch name {
		case "url":
			a.URL = d.string()
		case "sha256":
			a.SHA256 = d.string()
		default:
			return false
		}
		return true
	})
	return a
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

// object reads an object, or null as an empty one. For each member it calls
// known, which reads the value and reports true, or leaves it and reports false;
// those left are returned, sorted by name.
func (d *lineDecoder) object(known func(name string) bool) (extra []Member) {
	if !d.begin(jsontext.KindBeginObject, "an object") {
		return nil
	}
	for !d.broken && d.json.PeekKind() != jsontext.KindEndObject {
		name := d.text()
		if d.broken {
			return nil
		}
		if !known(name) {
			extra = append(extra, Member{Name: name, Value: d.value()})
		}
	}
	d.token()
	slices.SortFunc(extra, compareMembers)
	return extra
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

func (d *lineDecoder) strings() []string { return decodeArray(d, d.string) }

// decodeArray reads an array, or null as an empty one.
func decodeArray[T any](d *lineDecoder, element func() T) (values []T) {
	if !d.begin(jsontext.KindBeginArray, "an array") {
		return nil
	}
	for !d.broken && d.json.PeekKind() != jsontext.KindEndArray {
		values = append(values, element())
	}
	d.token()
	return values
}

// optional reads a value that is nil when it is null.
func optional[T any](d *lineDecoder, element func() T) *T {
	if d.json.PeekKind() == jsontext.KindNull {
		d.token()
		return nil
	}
	value := element()
	return &value
}

// begin enters an object or array. It reports false, and has passed the value,
// if that is null or of another type.
func (d *lineDecoder) begin(want jsontext.Kind, name string) bool {
	if d.broken {
		return false
	}
	if kind := d.json.PeekKind(); kind != want {
		d.mismatch(kind, name)
		return false
	}
	_, ok := d.token()
	return ok
}

// string reads a string; null is "".
func (d *lineDecoder) string() string {
	if kind := d.json.PeekKind(); kind != jsontext.KindString {
		d.mismatch(kind, "a string")
		return ""
	}
	return d.text()
}

// Bounds of what lineDecoder.texts keeps.
const (
	maxKeptText  = 64
	maxKeptTexts = 4096
)

// text reads the string that comes next.
func (d *lineDecoder) text() string {
	quoted, err := d.json.ReadValue()
	if err != nil {
		d.syntax(err)
		return ""
	}
	if len(quoted) < 2 || bytes.IndexByte(quoted, '\\') >= 0 || len(quoted) > maxKeptText {
		text, _ := jsontext.AppendUnquote(nil, quoted) // valid, or it would not have been read
		return string(text)
	}
	plain := quoted[1 : len(quoted)-1]
	if text, known := d.texts[string(plain)]; known {
		return text
	}
	text := string(plain)
	if d.texts != nil && len(d.texts) < maxKeptTexts {
		d.texts[text] = text
	}
	return text
}

// bool reads a boolean; null is the given value.
func (d *lineDecoder) bool(null bool) bool {
	if kind := d.json.PeekKind(); kind != jsontext.KindTrue && kind != jsontext.KindFalse {
		d.mismatch(kind, "true or false")
		return null
	}
	token, ok := d.token()
	return ok && token.Bool()
}

// int reads an integer; null is 0.
func (d *lineDecoder) int() int64 {
	if kind := d.json.PeekKind(); kind != jsontext.KindNumber {
		d.mismatch(kind, "an integer")
		return 0
	}
	token, ok := d.token()
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(token.String(), 10, 64)
	if err != nil {
		d.problem("line/type", d.field(), fmt.Sprintf("%s is not a 64-bit integer", token))
		return 0
	}
	return n
}

// mismatch passes a value that is not of the wanted type; only null is no problem.
func (d *lineDecoder) mismatch(kind jsontext.Kind, want string) {
	if d.broken {
		return
	}
	if err := d.json.SkipValue(); err != nil {
		d.syntax(err)
		return
	}
	if kind != jsontext.KindNull {
		d.problem("line/type", d.field(), "must be "+want)
	}
}

// value reads any value as compact JSON.
func (d *lineDecoder) value() []byte {
	value, err := d.json.ReadValue()
	if err != nil {
		d.syntax(err)
		return nil
	}
	compact, err := jsontext.AppendFormat(nil, value)
	if err != nil {
		d.syntax(err)
		return nil
	}
	return compact
}

func (d *lineDecoder) token() (jsontext.Token, bool) {
	if d.broken {
		return jsontext.Token{}, false
	}
	token, err := d.json.ReadToken()
	if err != nil {
		d.syntax(err)
		return jsontext.Token{}, false
	}
	return token, true
}

// end refuses anything after the value.
func (d *lineDecoder) end() {
	if d.broken {
		return
	}
	_, err := d.json.ReadToken()
	switch {
	case err == nil:
		d.problem("line/json", "", "there is more than one JSON value")
	case !errors.Is(err, io.EOF):
		d.syntax(err)
	}
}

func (d *lineDecoder) syntax(err error) {
	d.broken = true
	field, place := d.field(), ""
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		field = fieldName(syntactic.JSONPointer)
		place = fmt.Sprintf(" at byte %d", syntactic.ByteOffset+1)
		err = syntactic.Err
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		d.problem("line/duplicate-member", field, "this member is given twice")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		d.problem("line/json", field, "not valid JSON: it ends too early")
	default:
		d.problem("line/json", field, "not valid JSON: "+err.Error()+place)
	}
}

func (d *lineDecoder) problem(rule, field, detail string) {
	d.problems = append(d.problems, &LineError{Rule: rule, Field: field, Detail: detail})
}

// field names the value that was read last.
func (d *lineDecoder) field() string { return fieldName(d.json.StackPointer()) }

// fieldName writes a JSON pointer as people do: "deps[2].req".
func fieldName(pointer jsontext.Pointer) string {
	var b strings.Builder
	for token := range pointer.Tokens() {
		if allDigits(token) {
			fmt.Fprintf(&b, "[%s]", token)
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
	}
	return b.String()
}
