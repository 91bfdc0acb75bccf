package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const (
	// MaxSize is the largest file that is read, in bytes.
	MaxSize = 1 << 20
	// MaxDepth is how deep mappings and lists may nest.
	MaxDepth = 32
	// maxProblems is how many problems one document reports; a file that is
	// wrong everywhere is not explained any better by more.
	maxProblems = 100
)

// A Document is one parsed file and the problems found in it so far.
type Document struct {
	file     string
	data     []byte
	root     *yaml.Node // nil when there is nothing to read
	problems Problems
	spoiled  map[*yaml.Node]bool // already reported: read as absent
}

// Parse reads data, which the person knows as file. It never fails: what is
// wrong is in the Document's problems, and what can still be read, can be.
func Parse(file string, data []byte) *Document {
	d := &Document{file: file, data: data, spoiled: map[*yaml.Node]bool{}}
	if d.checkText(data) {
		d.root = d.parse(data)
	}
	if d.root != nil {
		d.checkNode(d.root, "", 1)
	}
	return d
}

// Root returns the value of the whole document.
func (d *Document) Root() Value {
	return Value{doc: d, node: d.root}
}

// File returns the name the document was parsed under.
func (d *Document) File() string {
	return d.file
}

// Err returns all problems reported so far, sorted by position, as [Problems],
// or nil.
func (d *Document) Err() error {
	return d.problems.Err()
}

// Add reports problems that were found elsewhere, such as by a check of
// several fields together.
func (d *Document) Add(problems ...Problem) {
	for _, p := range problems {
		if len(d.problems) < maxProblems {
			d.problems = append(d.problems, p)
		}
	}
}

// report adds a problem. The parser may place a value that is not written
// ("? key") on the line after the last; such a place becomes the end of the
// text.
func (d *Document) report(line, column int, field, hint, format string, args ...any) {
	if line > bytes.Count(d.data, []byte("\n"))+1 {
		line, column = position(d.data, len(d.data))
	}
	d.Add(Problem{
		File: d.file, Line: line, Column: column, Field: field,
		Detail: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// checkText reports whether data is text that a YAML parser may be given.
func (d *Document) checkText(data []byte) bool {
	switch {
	case len(data) > MaxSize:
		d.report(0, 0, "", "", "the file has %d bytes; the limit is %d", len(data), MaxSize)
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		d.report(1, 1, "", `save the file as "UTF-8", not "UTF-8 with BOM"`, "the file begins with a byte order mark")
	case !utf8.Valid(data):
		line, column := position(data, invalidAt(data))
		d.report(line, column, "", "save the file as UTF-8", "the text is not valid UTF-8")
	case oddLineBreak(data) >= 0:
		line, column := position(data, oddLineBreak(data))
		d.report(line, column, "", "end lines with LF or CR LF", "a character here ends a line in YAML but not in most editors")
	default:
		return true
	}
	return false
}

// parse returns the node of the only document in data, or nil.
func (d *Document) parse(data []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		err = decoder.Decode(&second)
	}
	switch {
	case errors.Is(err, io.EOF):
		return first.Content[0]
	case err != nil:
		d.reportSyntax(data)
		return nil
	default:
		d.report(second.Line, second.Column, "", "keep the first document only", "the file has more than one YAML document")
		return first.Content[0]
	}
}

// checkNode reports what this package's subset of YAML leaves out, in node and
// everything below it.
func (d *Document) checkNode(node *yaml.Node, field string, depth int) {
	switch {
	case depth > MaxDepth:
		d.spoil(node, field, "", "nested deeper than %d levels", MaxDepth)
		return
	case node.Kind == yaml.AliasNode:
		d.spoil(node, field, "write the value out", "YAML aliases (*%s) are not supported", node.Value)
		return
	case node.Anchor != "":
		d.spoil(node, field, "remove the &"+node.Anchor, "YAML anchors are not supported")
	case node.Style&yaml.TaggedStyle != 0:
		d.spoil(node, field, "remove the tag "+quote(node.Tag), "YAML tags are not supported")
	}
	switch node.Kind {
	case yaml.SequenceNode:
		for i, item := range node.Content {
			d.checkNode(item, indexField(field, i), depth+1)
		}
	case yaml.MappingNode:
		d.checkMapping(node, field, depth)
	}
}

func (d *Document) checkMapping(node *yaml.Node, field string, depth int) {
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		d.checkNode(key, field, depth+1)
		switch first := seen[key.Value]; {
		case d.spoiled[key]:
		case key.Kind != yaml.ScalarNode:
			d.spoil(key, field, "write KEY: VALUE", "a key must be text, not %s", kindName(key))
		case key.Tag == "!!merge":
			d.spoil(key, field, "write the keys out", "YAML merge keys (<<) are not supported")
		case key.Tag != "!!str":
			d.spoil(key, field, "write "+quote(key.Value), "the key %s is %s in YAML, not text", key.Value, kindName(key))
		case first != nil:
			d.spoil(key, keyField(field, key.Value), "keep one of them", "the key is already on line %d", first.Line)
		default:
			seen[key.Value] = key
		}
		d.checkNode(value, keyField(field, key.Value), depth+1)
	}
}

func (d *Document) spoil(node *yaml.Node, field, hint, format string, args ...any) {
	d.report(node.Line, node.Column, field, hint, format, args...)
	d.spoiled[node] = true
}

// oddLineBreak returns the offset of the first line break of YAML 1.1 that is
// neither LF nor CR LF, or -1. Lines could not be counted alike with it.
func oddLineBreak(data []byte) int {
	for i, r := range string(data) {
		switch r {
		case '\u0085', '\u2028', '\u2029':
			return i
		case '\r':
			if i+1 == len(data) || data[i+1] != '\n' {
				return i
			}
		}
	}
	return -1
}

// invalidAt returns the offset of the first byte of data that is not UTF-8.
func invalidAt(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}

// position returns the line and column, in characters, of an offset.
func position(data []byte, offset int) (line, column int) {
	before := data[:min(offset, len(data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1
}
