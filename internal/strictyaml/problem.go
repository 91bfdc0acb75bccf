package strictyaml

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A Problem is one mistake in a file that a person wrote.
type Problem struct {
	File   string `json:"file"`             // as the person named it
	Line   int    `json:"line,omitempty"`   // from 1; 0 when the problem has no place
	Column int    `json:"column,omitempty"` // from 1, in characters
	Field  string `json:"field,omitempty"`  // "dependencies.fmt.version", "authors[0]"
	Detail string `json:"detail"`           // what is wrong
	Hint   string `json:"hint,omitempty"`   // what to write instead
}

// Error returns "file:line:column: field: detail", without the hint.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		b.WriteString(":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column))
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Detail)
	return b.String()
}

// Problems are all the mistakes of one or more files. As an error it is never
// empty.
type Problems []Problem

// Error returns one line per problem, without the hints.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Text returns every problem followed by its hint on a line of its own, in the
// form that the command line prints. It ends in a newline.
func (ps Problems) Text() string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.Error() + "\n")
		if p.Hint != "" {
			b.WriteString("  hint: " + p.Hint + "\n")
		}
	}
	return b.String()
}

// Sort orders the problems by file and position, keeping the order of those
// at the same place.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
}

// Err returns the problems, sorted, as an error, or nil when there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	ps.Sort()
	return ps
}
