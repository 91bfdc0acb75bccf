package index

import (
	"fmt"
	"strings"
)

// Violation is one way in which a line or a change breaks the format.
type Violation struct {
	Rule   string // stable id, such as "line/canonical" or "delta/append-only"
	Path   string // file of the index; "" if it is about no file
	Line   int    // counted from 1; 0 if it is about no line
	Field  string // member of the line, such as "deps[2].req"; "" if it is about none
	Detail string // what is wrong
	Hint   string // what to do instead; may be ""
}

// String returns the violation as one line: "he/ll/hello:3: deps[2].req: detail [rule]".
func (v Violation) String() string {
	var b strings.Builder
	if v.Path != "" {
		b.WriteString(v.Path)
		if v.Line > 0 {
			fmt.Fprintf(&b, ":%d", v.Line)
		}
		b.WriteString(": ")
	}
	if v.Field != "" {
		b.WriteString(v.Field + ": ")
	}
	fmt.Fprintf(&b, "%s [%s]", v.Detail, v.Rule)
	return b.String()
}
