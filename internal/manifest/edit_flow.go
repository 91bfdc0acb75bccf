package manifest

import (
	"bytes"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// span returns where a quoted scalar, a plain scalar on one line or a flow
// collection ({...} or [...]) begins and ends. Start and end are equal for
// every other node.
func (t *text) span(n *yaml.Node) (start, end int) {
	start = t.offset(n)
	switch {
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return start, quotedEnd(t.data, start)
	case n.Style&yaml.FlowStyle != 0:
		_, end = flowItems(t.data, start)
		return start, end
	case n.Kind == yaml.ScalarNode && bytes.HasPrefix(t.data[start:], []byte(n.Value)):
		return start, start + len(n.Value)
	default:
		return start, start
	}
}

// insertFlow adds a dependency behind the last of a section in flow style.
func (t *text) insertFlow(section *yaml.Node, d Dependency) {
	open := t.offset(section)
	items, _ := flowItems(t.data, open)
	if len(items) == 0 {
		t.splice(open+1, open+1, " "+written(d))
		return
	}
	last := items[len(items)-1]
	if last.comma >= 0 {
		t.splice(last.comma+1, last.comma+1, " "+written(d))
	} else {
		t.splice(last.end, last.end, ", "+written(d))
	}
}

// removeFlow takes a dependency out of a section in flow style.
func (t *text) removeFlow(section *yaml.Node, name string) error {
	items, _ := flowItems(t.data, t.offset(section))
	i := slices.Index(keys(section), name)
	if len(items) != len(section.Content)/2 {
		return cannotEdit("the section of %s", name)
	}
	start, end := items[i].start, items[i].end
	switch {
	case items[i].comma >= 0:
		end = items[i].comma + 1
		for end < len(t.data) && t.data[end] == ' ' {
			end++
		}
	case i > 0:
		start = items[i-1].comma
	}
	first, next := t.starts[t.lineOf(start)], t.starts[t.lineOf(end-1)+1]
	if strings.TrimSpace(string(t.data[first:start])+string(t.data[end:next])) == "" {
		start, end = first, next // the item has its lines to itself
	}
	t.splice(start, end, "")
	return nil
}

// A flowItem is one item of a flow collection: where it is and where the comma
// behind it is, or -1.
type flowItem struct{ start, end, comma int }

// flowItems returns the items of the flow collection that opens at open, and
// the offset behind its closing bracket.
func flowItems(data []byte, open int) (items []flowItem, end int) {
	current := flowItem{start: -1, comma: -1}
	finish := func(comma int) {
		if current.start >= 0 {
			current.comma = comma
			items = append(items, current)
		}
		current = flowItem{start: -1, comma: -1}
	}
	token := true // a quote here would begin a quoted scalar
	for i := open + 1; i < len(data); {
		next := i + 1
		switch c := data[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i = next
			continue
		case c == '#' && isBlank(data[i-1]):
			i = lineEnd(data, i)
			continue
		case c == ',':
			finish(i)
			i, token = next, true
			continue
		case c == '}' || c == ']':
			finish(-1)
			return items, next
		case c == '{' || c == '[':
			_, next = flowItems(data, i)
			token = true
		case token && (c == '"' || c == '\''):
			next = quotedEnd(data, i)
			token = false
		default:
			token = c == ':'
		}
		if current.start < 0 {
			current.start = i
		}
		current.end = next
		i = next
	}
	return items, len(data)
}

// quotedEnd returns the offset behind the quoted scalar that begins at start.
func quotedEnd(data []byte, start int) int {
	quote := data[start]
	for i := start + 1; i < len(data); i++ {
		switch {
		case quote == '"' && data[i] == '\\':
			i++
		case quote == '\'' && data[i] == quote && i+1 < len(data) && data[i+1] == quote:
			i++
		case data[i] == quote:
			return i + 1
		}
	}
	return len(data)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func lineEnd(data []byte, i int) int {
	if n := bytes.IndexByte(data[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(data)
}
