package index

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// The methods here read JSON by hand, for the lines of a whole index are read
// with them: they take strings out of the line without copying, and look at
// most bytes once. What they refuse is judged by [jsontext.Decoder] on the line
// as a whole, which says what is wrong and where; it is not asked about a line
// that is right.

// newLineDecoder returns a decoder for one line.
func newLineDecoder(line []byte) *lineDecoder {
	d := &lineDecoder{}
	d.reset(line)
	return d
}

// reset makes the decoder ready for another line.
func (d *lineDecoder) reset(line []byte) { d.resetText(string(line)) }

// resetText is reset for a line that is a string already.
func (d *lineDecoder) resetText(line string) {
	d.problems, d.broken, d.newer = nil, false, nil
	d.at, d.places, d.names = 0, nil, d.names[:0]
	if len(line) > MaxLineSize {
		d.problem("line/size", "", fmt.Sprintf("longer than %d bytes", MaxLineSize))
		d.broken = true
		line = ""
	}
	d.text = line
	d.plain = isPlain(line)
	d.escapes = strings.IndexByte(line, '\\') >= 0
	if !d.plain && !utf8.ValidString(line) {
		d.syntax()
	}
}

// isPlain reports whether text is printable ASCII throughout, so that no string
// in it needs a closer look.
func isPlain(text string) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	var odd uint64
	for len(text) >= 8 {
		x := uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
			uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
		odd |= x | (x-0x20*ones)&^x
		text = text[8:]
	}
	for i := range len(text) {
		if text[i] < ' ' {
			return false
		}
		odd |= uint64(text[i])
	}
	return odd&high == 0
}

// peek passes spaces and returns the byte that comes next, 0 at the end.
func (d *lineDecoder) peek() byte {
	for d.at < len(d.text) {
		switch c := d.text[d.at]; c {
		case ' ', '\t', '\r', '\n':
			d.at++
		default:
			return c
		}
	}
	return 0
}

// object reads an object, or null as an empty one. For each member it calls
// known, which reads the value and reports true, or leaves it and reports false;
// those left are returned, sorted by name.
func (d *lineDecoder) object(known func(name string) bool) (extra []Member) {
	if !d.begin('{', "an object") {
		return nil
	}
	names := memberNames{first: len(d.names)}
	for more := d.peek() != '}'; more && !d.broken; more = d.next('}') {
		name := d.memberName(&names)
		if d.broken {
			return nil
		}
		if !known(name) {
			extra = append(extra, Member{Name: name, Value: d.value()})
		}
	}
	d.names = d.names[:names.first]
	d.close('}')
	slices.SortFunc(extra, compareMembers)
	return extra
}

// memberNames tells a member that an object has twice. Most names are told
// apart by a bit; only those that share one are looked up.
type memberNames struct {
	first int    // of the object's names in lineDecoder.names
	bits  uint64 // of the names so far
	all   map[string]bool
}

// fewNames is how many names are compared one by one.
const fewNames = 32

// addName notes a name; false when the object has it already.
func (d *lineDecoder) addName(n *memberNames, name string) bool {
	bit := nameBit(name)
	known := n.bits&bit != 0
	n.bits |= bit
	before := d.names[n.first:]
	d.names = append(d.names, name)
	if !known {
		return true
	}
	if len(before) < fewNames {
		return !slices.Contains(before, name)
	}
	if n.all == nil {
		n.all = make(map[string]bool, 2*len(before))
	}
	for _, earlier := range before[len(n.all):] {
		n.all[earlier] = true
	}
	return !n.all[name]
}

// nameBit is one of 64 bits; the members of a line and of a dependency have
// different ones.
func nameBit(name string) uint64 {
	if name == "" {
		return 1
	}
	return 1 << ((uint(len(name))*5 + uint(name[0])*3 + uint(name[len(name)-1])*7) & 63)
}

// memberName reads the name of a member and its colon.
func (d *lineDecoder) memberName(names *memberNames) string {
	if d.peek() != '"' {
		d.syntax()
		return ""
	}
	name := d.quoted()
	if d.broken || d.peek() != ':' || !d.addName(names, name) {
		d.syntax()
		return ""
	}
	d.at++
	return name
}

// decodeArray reads an array, or null as an empty one, into scratch.
func decodeArray[T any](d *lineDecoder, scratch []T, element func() T) []T {
	if !d.begin('[', "an array") {
		return nil
	}
	for more := d.peek() != ']'; more && !d.broken; more = d.next(']') {
		scratch = append(scratch, element())
	}
	d.close(']')
	return scratch
}

// begin enters an object or array. It reports false, and has passed the value,
// if that is null or of another type.
func (d *lineDecoder) begin(open byte, name string) bool {
	if d.broken {
		return false
	}
	if d.peek() != open {
		d.mismatch(name)
		return false
	}
	d.at++
	return true
}

// next passes the comma before another element; false at the end.
func (d *lineDecoder) next(end byte) bool {
	if d.broken {
		return false
	}
	switch d.peek() {
	case ',':
		d.at++
		if d.peek() == end {
			d.syntax()
			return false
		}
		return true
	case end:
		return false
	}
	d.syntax()
	return false
}

func (d *lineDecoder) close(end byte) {
	if d.broken {
		return
	}
	if d.peek() != end {
		d.syntax()
		return
	}
	d.at++
}

// optional reads a value that is nil when it is null.
func optional[T any](d *lineDecoder, element func() T) *T {
	if d.null() {
		return nil
	}
	value := element()
	return &value
}

// null passes null, if that comes next.
func (d *lineDecoder) null() bool {
	if d.broken || d.peek() != 'n' || !strings.HasPrefix(d.text[d.at:], "null") {
		return false
	}
	d.at += len("null")
	return true
}

// string reads a string; null is "".
func (d *lineDecoder) string() string {
	if d.broken {
		return ""
	}
	if d.peek() != '"' {
		d.mismatch("a string")
		return ""
	}
	return d.quoted()
}

// The next ones read what comes next if it is what they are for, and report
// whether it is.

func (d *lineDecoder) literal(text string) bool {
	if d.broken || !strings.HasPrefix(d.text[d.at:], text) {
		return false
	}
	d.at += len(text)
	return true
}

func (d *lineDecoder) isString(to *string) bool {
	if d.broken || d.at == len(d.text) || d.text[d.at] != '"' {
		return false
	}
	*to = d.quoted()
	return true
}

func (d *lineDecoder) isStrings(to *[]string) bool {
	if d.literal("[]") {
		return true
	}
	if d.broken || !strings.HasPrefix(d.text[d.at:], `["`) {
		return false
	}
	problems := len(d.problems)
	*to = d.strings()
	if len(d.problems) > problems && !d.broken {
		d.problems = d.problems[:problems] // told when the array is read again
		return false
	}
	return true
}

func (d *lineDecoder) isBool(to *bool) bool {
	switch {
	case d.literal("false"):
		*to = false
	case d.literal("true"):
		*to = true
	default:
		return false
	}
	return true
}

// quoted reads the string that begins here.
func (d *lineDecoder) quoted() string {
	start := d.at + 1
	length := strings.IndexByte(d.text[start:], '"')
	if length < 0 {
		d.syntax()
		return ""
	}
	text := d.text[start : start+length]
	if d.escapes && strings.IndexByte(text, '\\') >= 0 {
		return d.unquote()
	}
	if !d.plain && strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
		d.syntax()
		return ""
	}
	d.at = start + length + 1
	return text
}

// unquote reads the string that begins here and has an escape in it.
func (d *lineDecoder) unquote() string {
	end := stringEnd(d.text, d.at)
	quoted := d.text[d.at:end]
	if text, known := d.texts[quoted]; known {
		d.at = end
		return text
	}
	text, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		d.syntax()
		return ""
	}
	d.at = end
	plain := string(text)
	if d.texts != nil && len(d.texts) < maxKeptTexts {
		d.texts[strings.Clone(quoted)] = plain // what is read may be changed afterwards
	}
	return plain
}

// stringEnd returns where the string that begins at a place ends, or the text.
func stringEnd(text string, at int) int {
	for at++; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(text)
}

// strings reads an array of strings, nil when it is empty.
func (d *lineDecoder) strings() []string {
	if len(d.pieces) >= manyPieces || d.pieces == nil {
		d.pieces = make([]string, 0, min(2*cap(d.pieces)+8, manyPieces))
	}
	start := len(d.pieces)
	all := decodeArray(d, d.pieces, d.string)
	if len(all) == 0 || len(all) == start {
		return nil
	}
	d.pieces = all
	return all[start:len(all):len(all)]
}

// bool reads a boolean; null is the given value.
func (d *lineDecoder) bool(null bool) bool {
	d.peek()
	switch rest := d.text[d.at:]; {
	case strings.HasPrefix(rest, "true"):
		d.at += len("true")
		return true
	case strings.HasPrefix(rest, "false"):
		d.at += len("false")
		return false
	}
	d.mismatch("true or false")
	return null
}

// int reads an integer; null is 0.
func (d *lineDecoder) int() int64 {
	if c := d.peek(); c != '-' && (c < '0' || c > '9') {
		d.mismatch("an integer")
		return 0
	}
	number := d.skip()
	n, err := strconv.ParseInt(number, 10, 64)
	if err == nil {
		return n
	}
	if !d.broken {
		d.problem("line/type", d.field(), fmt.Sprintf("%s is not a 64-bit integer", number))
	}
	return 0
}

// mismatch passes a value that is not of the wanted type; only null is no problem.
func (d *lineDecoder) mismatch(want string) {
	if d.broken || d.null() {
		return
	}
	d.skip()
	if !d.broken {
		d.problem("line/type", d.field(), "must be "+want)
	}
}

// value reads any value as compact JSON.
func (d *lineDecoder) value() []byte {
	value := d.skip()
	if d.broken {
		return nil
	}
	compact, err := jsontext.AppendFormat(nil, []byte(value))
	if err != nil {
		d.syntax()
		return nil
	}
	return compact
}

// skip passes a value of any type and returns its text.
func (d *lineDecoder) skip() string {
	d.peek()
	start := d.at
	d.at = valueEnd(d.text, d.at)
	value := d.text[start:d.at]
	if !isSmallInteger(value) && !jsontext.Value(value).IsValid() {
		d.syntax()
	}
	return value
}

// valueEnd returns where a value ends if it is valid.
func valueEnd(text string, at int) int {
	for depth := 0; at < len(text); {
		switch text[at] {
		case '"':
			at = stringEnd(text, at)
		case '{', '[':
			depth++
			at++
			continue
		case '}', ']':
			depth--
			at++
		case ',', ':', ' ', '\t', '\r', '\n':
			at++
			continue
		default:
			at = scalarEnd(text, at)
		}
		if depth <= 0 {
			return at
		}
	}
	return at
}

// isSmallInteger reports whether text is a number of digits alone, as most are.
func isSmallInteger(text string) bool {
	return text != "" && (text[0] != '0' || len(text) == 1) && allDigits(text)
}

func scalarEnd(text string, at int) int {
	if end := strings.IndexAny(text[at:], ",:]}\" \t\r\n"); end >= 0 {
		return at + end
	}
	return len(text)
}

// end refuses anything after the value.
func (d *lineDecoder) end() {
	if d.broken || d.peek() == 0 && d.at == len(d.text) {
		return
	}
	d.syntax()
}

// syntax ends the reading: the line is not JSON, or has a member twice.
func (d *lineDecoder) syntax() {
	if d.broken {
		return
	}
	d.broken = true
	judge := jsontext.NewDecoder(strings.NewReader(d.text))
	_, err := judge.ReadValue()
	if err == nil {
		if _, err = judge.ReadToken(); err == nil || errors.Is(err, io.EOF) {
			d.problem("line/json", "", "there is more than one JSON value")
			return
		}
	}
	field, place := fieldName(judge.StackPointer()), ""
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
func (d *lineDecoder) field() string {
	if d.places == nil {
		d.places = jsontext.NewDecoder(bytes.NewBufferString(d.text))
	}
	for d.places.InputOffset() < int64(d.at) {
		if _, err := d.places.ReadToken(); err != nil {
			break // the rest of the line will be refused
		}
	}
	return fieldName(d.places.StackPointer())
}

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
