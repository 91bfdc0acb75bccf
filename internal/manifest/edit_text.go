package manifest

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// A text is a manifest that is being edited: its bytes and where its nodes are.
type text struct {
	data    []byte
	newline string
	starts  []int      // offset of each line, and of the end
	root    *yaml.Node // nil when the text has no document
}

func newText(data []byte) (*text, error) {
	t := &text{data: data, newline: "\n"}
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		t.newline = "\r\n"
	}
	offset := 0
	for line := range bytes.Lines(data) {
		t.starts = append(t.starts, offset)
		offset += len(line)
	}
	t.starts = append(t.starts, offset)
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 {
		return t, nil
	}
	t.root = document.Content[0]
	if t.root.Kind == yaml.ScalarNode { // null
		return nil, cannotEdit("the manifest is the word %q", t.root.Value)
	}
	if t.root.Style&yaml.FlowStyle != 0 {
		return nil, cannotEdit("the manifest is one {...}")
	}
	return t, nil
}

// set adds or replaces a dependency.
func (t *text) set(d Dependency) error {
	key, value := pair(t.root, sectionOf(d.Kind))
	switch {
	case key == nil:
		t.appendSection(d)
	case value.Kind == yaml.SequenceNode:
		return cannotEdit("%s is a list", key.Value)
	case value.Kind == yaml.ScalarNode: // null
		t.insertLine(t.sectionEnd(key), t.indent(nil), d)
	case t.isEmptyBraces(value):
		t.replaceBraces(value, d)
	default:
		if old, _ := pair(value, d.Name); old != nil {
			return t.replace(key, value, d)
		}
		t.insert(key, value, d)
	}
	return nil
}

// isEmptyBraces reports whether a section is {} on one line.
func (t *text) isEmptyBraces(section *yaml.Node) bool {
	start, end := t.span(section)
	return section.Style&yaml.FlowStyle != 0 && strings.TrimSpace(string(t.data[start+1:end-1])) == "" && t.lineOf(start) == t.lineOf(end-1)
}

// replaceBraces makes a section that is {} one in block style.
func (t *text) replaceBraces(section *yaml.Node, d Dependency) {
	start, end := t.span(section)
	for start > 0 && t.data[start-1] == ' ' {
		start--
	}
	next := t.starts[t.lineOf(end-1)+1]
	rest := string(t.data[end:next])
	if !strings.HasSuffix(rest, "\n") {
		rest += t.newline
	}
	t.splice(start, next, rest+t.indent(nil)+written(d)+t.newline)
}

// remove takes a dependency out of a section that has it.
func (t *text) remove(sectionKey, name string) error {
	section, value := pair(t.root, sectionKey)
	if value.Kind == yaml.SequenceNode {
		return cannotEdit("%s is a list", sectionKey)
	}
	if value.Style&yaml.FlowStyle != 0 {
		return t.removeFlow(value, name)
	}
	first, end := t.entryLines(section, value, name)
	t.splice(t.starts[first], t.starts[end], "")
	return nil
}

// appendSection adds a section with its first dependency at the end.
func (t *text) appendSection(d Dependency) {
	var b strings.Builder
	if n := len(t.data); n > 0 {
		if t.data[n-1] != '\n' {
			b.WriteString(t.newline)
		}
		if last := t.line(len(t.starts) - 2); strings.TrimSpace(last) != "" {
			b.WriteString(t.newline)
		}
	}
	b.WriteString(t.rootIndent() + sectionOf(d.Kind) + ":" + t.newline)
	b.WriteString(t.indent(nil) + written(d) + t.newline)
	t.splice(len(t.data), len(t.data), b.String())
}

// insert adds a dependency to a section that has others.
func (t *text) insert(section, value *yaml.Node, d Dependency) {
	if value.Style&yaml.FlowStyle != 0 {
		t.insertFlow(value, d)
		return
	}
	names := keys(value)
	indent := t.indent(value)
	if after := slices.IndexFunc(names, func(n string) bool { return n > d.Name }); after >= 0 && slices.IsSorted(names) {
		key := value.Content[2*after]
		line := key.Line - 1
		for line > section.Line && isComment(t.line(line-1)) {
			line--
		}
		t.insertLine(line, indent, d)
		return
	}
	_, end := t.entryLines(section, value, names[len(names)-1])
	t.insertLine(end, indent, d)
}

// replace changes no more than the requirement if the rest is the same, else
// the whole value of the dependency.
func (t *text) replace(section, value *yaml.Node, d Dependency) error {
	key, old := pair(value, d.Name)
	before, err := t.dependency(d.Kind, d.Name)
	if err != nil {
		return err
	}
	target, replacement := old, writtenValue(d, yaml.DoubleQuotedStyle)
	before.Req = d.Req
	if before.same(d) {
		if old.Kind == yaml.MappingNode {
			_, target = pair(old, "version")
		}
		replacement = quoted(d.Req, target.Style)
	}
	if start, end := t.span(target); end > start {
		t.splice(start, end, replacement)
		return nil
	}
	// The value is a block of lines: put one value behind the key, and keep a
	// comment that stands there.
	_, end := t.entryLines(section, value, d.Name)
	first := t.line(key.Line - 1)
	_, keyEnd := t.span(key)
	comment := ""
	if rest := first[keyEnd-t.starts[key.Line-1]:]; strings.Contains(rest, " #") {
		comment = " " + strings.TrimSpace(rest[strings.Index(rest, " #"):])
	}
	t.splice(keyEnd, t.starts[end], ": "+replacement+comment+t.newline)
	return nil
}

// dependency returns what the text says of a dependency now.
func (t *text) dependency(kind, name string) (Dependency, error) {
	m, err := Parse(Path, t.data)
	if err != nil {
		return Dependency{}, err
	}
	i := slices.IndexFunc(m.Dependencies, func(d Dependency) bool { return d.Kind == kind && d.Name == name })
	return m.Dependencies[i], nil
}

// same reports whether two dependencies say the same, wherever they stand.
func (d Dependency) same(other Dependency) bool {
	return d.Name == other.Name && d.Req == other.Req && d.Registry == other.Registry && d.Package == other.Package &&
		d.Kind == other.Kind && d.Optional == other.Optional && d.NoDefaultFeatures == other.NoDefaultFeatures &&
		slices.Equal(d.Features, other.Features) && slices.Equal(d.Platforms, other.Platforms)
}

func (t *text) insertLine(line int, indent string, d Dependency) {
	at := t.starts[line]
	inserted := indent + written(d) + t.newline
	if at > 0 && t.data[at-1] != '\n' {
		inserted = t.newline + inserted
	}
	t.splice(at, at, inserted)
}

// splice replaces a part of the text. The nodes are out of date then.
func (t *text) splice(start, end int, replacement string) {
	t.data = slices.Concat(t.data[:start], []byte(replacement), t.data[end:])
}

// line returns a line, counted from 0, with its newline.
func (t *text) line(i int) string { return string(t.data[t.starts[i]:t.starts[i+1]]) }

func (t *text) lineOf(offset int) int {
	line, found := slices.BinarySearch(t.starts, offset)
	if !found {
		line--
	}
	return line
}

// offset returns where a node begins.
func (t *text) offset(n *yaml.Node) int {
	at := t.starts[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(t.data[at:])
		at += size
	}
	return at
}

// indent returns the blanks before the keys of a section, or the usual ones.
func (t *text) indent(section *yaml.Node) string {
	if section == nil {
		return t.rootIndent() + "  "
	}
	return strings.Repeat(" ", section.Content[0].Column-1)
}

func (t *text) rootIndent() string {
	if t.root == nil || len(t.root.Content) == 0 {
		return ""
	}
	return strings.Repeat(" ", t.root.Content[0].Column-1)
}

// sectionEnd returns the line after the last one of a top-level section. Blank
// lines and comments that are not indented belong to what follows.
func (t *text) sectionEnd(section *yaml.Node) int {
	end := len(t.starts) - 1
	for i := 0; i < len(t.root.Content); i += 2 {
		if line := t.root.Content[i].Line; line > section.Line {
			end = line - 1
			break
		}
	}
	for end > section.Line {
		line := t.line(end - 1)
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			break
		}
		end--
	}
	return end
}

// entryLines returns the first line of an entry of a section in block style,
// and the line after its last.
func (t *text) entryLines(section, value *yaml.Node, name string) (first, end int) {
	end = t.sectionEnd(section)
	var column int
	for i := 0; i < len(value.Content); i += 2 {
		key := value.Content[i]
		if key.Value == name {
			first, column = key.Line-1, key.Column
		} else if column > 0 {
			end = key.Line - 1
			break
		}
	}
	for end > first+1 {
		line := t.line(end - 1)
		deeper := len(line)-len(strings.TrimLeft(line, " ")) >= column
		if strings.TrimSpace(line) != "" && (!isComment(line) || deeper) {
			break
		}
		end--
	}
	return first, end
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimLeft(line, " "), "#") }

// pair returns the nodes of a key and its value in a mapping, or nil.
func pair(mapping *yaml.Node, name string) (key, value *yaml.Node) {
	if mapping == nil {
		return nil, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i], mapping.Content[i+1]
		}
	}
	return nil, nil
}

func keys(mapping *yaml.Node) []string {
	var names []string
	for i := 0; i < len(mapping.Content); i += 2 {
		names = append(names, mapping.Content[i].Value)
	}
	return names
}
