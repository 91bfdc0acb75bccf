package strictyaml

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/clydepm/clyde/internal/spelling"
)

// A Value is one value of a document, or an absent one. Its methods report a
// value of the wrong type and then return the zero value, as they do for an
// absent one.
type Value struct {
	doc   *Document
	node  *yaml.Node // nil when absent
	field string
}

// Present reports whether the document has this value and it was not already
// reported as unreadable.
func (v Value) Present() bool {
	return v.node != nil && !v.doc.spoiled[v.node]
}

// Field returns where the value is: "dependencies.fmt.version", "authors[0]".
func (v Value) Field() string {
	return v.field
}

// Position returns the line and column of the value, or zeros when absent.
func (v Value) Position() (line, column int) {
	if v.node == nil {
		return 0, 0
	}
	return v.node.Line, v.node.Column
}

// Report adds a problem at the value. A value can have several.
func (v Value) Report(hint, format string, args ...any) {
	line, column := v.Position()
	v.doc.report(line, column, v.field, hint, format, args...)
}

// IsScalar reports whether the value is a single scalar rather than a mapping or
// list.
func (v Value) IsScalar() bool {
	return v.Present() && v.node.Kind == yaml.ScalarNode && !v.isNull()
}

// IsText reports whether the value is a scalar that YAML takes for text.
func (v Value) IsText() bool {
	return v.IsScalar() && v.node.Tag == "!!str"
}

// Written returns a scalar as it stands in the file, without its quotes; "" for
// anything else.
func (v Value) Written() string {
	if !v.IsScalar() {
		return ""
	}
	return v.node.Value
}

// IsList reports whether the value is a list.
func (v Value) IsList() bool {
	return v.Present() && v.node.Kind == yaml.SequenceNode
}

// IsMapping reports whether the value is a mapping.
func (v Value) IsMapping() bool {
	return v.Present() && v.node.Kind == yaml.MappingNode
}

// Text returns the value, which must be text. Empty text is reported: leaving
// the key out says the same.
func (v Value) Text() string {
	if !v.scalar("!!str", "text", "") {
		return ""
	}
	if strings.TrimSpace(v.node.Value) == "" {
		v.Report("remove it or write a value", "is empty")
		return ""
	}
	return v.node.Value
}

// Bool returns the value, which must be true or false; absent is otherwise.
func (v Value) Bool(otherwise bool) bool {
	if !v.scalar("!!bool", "true or false", "true or false, without quotes") {
		return otherwise
	}
	return strings.EqualFold(v.node.Value, "true")
}

// Int returns the value, which must be a whole number from low to high; absent
// is otherwise.
func (v Value) Int(low, high, otherwise int) int {
	if !v.scalar("!!int", "a whole number", fmt.Sprintf("a number from %d to %d, without quotes", low, high)) {
		return otherwise
	}
	n, err := strconv.Atoi(v.node.Value)
	if err != nil || n < low || n > high {
		v.Report("", "%s is not from %d to %d", v.node.Value, low, high)
		return otherwise
	}
	return n
}

// Duration returns the value, which must be text such as "90s" or "1h30m" from
// low to high; absent is otherwise.
func (v Value) Duration(low, high, otherwise time.Duration) time.Duration {
	if v.Present() && v.node.Tag == "!!int" {
		v.Report("write "+v.node.Value+"s for seconds", "%s has no unit", v.node.Value)
		return otherwise
	}
	text := v.Text()
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		v.Report(`write a number and a unit, such as "90s" or "5m"`, "%q is not a duration", text)
	case d < low || d > high:
		v.Report("", "%s is not from %s to %s", text, shortDuration(low), shortDuration(high))
	default:
		return d
	}
	return otherwise
}

// List returns the items of a list.
func (v Value) List() []Value {
	if !v.collection(yaml.SequenceNode, "a list", "write each item on a line of its own after \"- \", or [one, two]") {
		return nil
	}
	items := make([]Value, 0, len(v.node.Content))
	for i, item := range v.node.Content {
		items = append(items, Value{doc: v.doc, node: item, field: indexField(v.field, i)})
	}
	return items
}

// Entries returns the keys and values of a mapping whose keys are free, in the
// order written.
func (v Value) Entries() []Entry {
	if !v.collection(yaml.MappingNode, "a mapping", "write KEY: VALUE lines, indented below the key") {
		return nil
	}
	entries := make([]Entry, 0, len(v.node.Content)/2)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		if v.doc.spoiled[key] {
			continue
		}
		field := keyField(v.field, key.Value)
		entries = append(entries, Entry{
			Name:  key.Value,
			Key:   Value{doc: v.doc, node: key, field: field},
			Value: Value{doc: v.doc, node: v.node.Content[i+1], field: field},
		})
	}
	return entries
}

// Mapping returns the value, a mapping that may have the known keys only; any
// other key is reported with the nearest known one.
func (v Value) Mapping(known ...string) Mapping {
	m := Mapping{Value: v, entries: map[string]Entry{}}
	for _, entry := range v.Entries() {
		m.entries[entry.Name] = entry
		if !slices.Contains(known, entry.Name) {
			entry.Key.Report(unknownHint(entry.Name, known), "unknown key %q", entry.Name)
		}
	}
	return m
}

// An Entry is one key of a mapping and its value.
type Entry struct {
	Name  string
	Key   Value // for the position of the key
	Value Value
}

// A Mapping is a mapping with known keys.
type Mapping struct {
	Value   // the mapping itself
	entries map[string]Entry
}

// Get returns the value of a key; it is absent when the mapping lacks the key.
func (m Mapping) Get(key string) Value {
	if entry, ok := m.entries[key]; ok {
		return entry.Value
	}
	return Value{doc: m.doc, field: keyField(m.field, key)}
}

// Has reports whether the mapping has the key, with whatever value.
func (m Mapping) Has(key string) bool {
	_, ok := m.entries[key]
	return ok
}

// Require is Get for a key that must be there: its absence is reported at the
// mapping.
func (m Mapping) Require(key, hint string) Value {
	if !m.Has(key) && (m.node == nil || m.Present()) {
		line, column := m.Position()
		m.doc.report(max(line, 1), max(column, 1), keyField(m.field, key), hint, "is missing")
	}
	return m.Get(key)
}

// scalar reports whether the value is a scalar with the tag, and reports a
// present value that is not. The hint says to write what write says, or the
// same in quotes when that is empty.
func (v Value) scalar(tag, want, write string) bool {
	switch {
	case !v.Present():
	case v.isNull():
		v.Report("remove it or write "+want, "has no value")
	case v.node.Kind != yaml.ScalarNode:
		v.Report("", "must be %s, not %s", want, kindName(v.node))
	case v.node.Tag != tag && write == "":
		v.Report("write "+quote(v.node.Value), "%s is %s in YAML, not %s", v.raw(), kindName(v.node), want)
	case v.node.Tag != tag:
		v.Report("write "+write, "%s is %s in YAML, not %s", v.raw(), kindName(v.node), want)
	default:
		return true
	}
	return false
}

func (v Value) collection(kind yaml.Kind, want, hint string) bool {
	switch {
	case !v.Present() || v.isNull():
	case v.node.Kind != kind:
		v.Report(hint, "must be %s, not %s", want, kindName(v.node))
	default:
		return true
	}
	return false
}

func (v Value) isNull() bool {
	return v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!null"
}

// raw returns the scalar as it is written, for messages.
func (v Value) raw() string {
	if v.node.Tag == "!!str" {
		return quote(v.node.Value)
	}
	return v.node.Value
}

// kindName names the type of a node, with its article.
func kindName(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch node.Tag {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a boolean"
	case "!!timestamp":
		return "a date"
	case "!!null":
		return "null"
	default:
		return "text"
	}
}

func unknownHint(key string, known []string) string {
	if near := spelling.Nearest(key, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "known keys: " + strings.Join(known, ", ")
}

// quote writes text as a YAML double-quoted scalar.
func quote(text string) string {
	return strconv.Quote(text)
}

// keyField appends a key to a field. A key that a terminal would act on is
// quoted.
func keyField(field, key string) string {
	if strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		key = strconv.QuoteToGraphic(key)
	}
	if field == "" {
		return key
	}
	return field + "." + key
}

// shortDuration is d.String without the zeros after the last unit that counts.
func shortDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

func indexField(field string, i int) string {
	return field + "[" + strconv.Itoa(i) + "]"
}
