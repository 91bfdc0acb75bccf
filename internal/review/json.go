package review

import (
	"bytes"
	"encoding/json"
	"strings"
)

// JSON is the report as one indented object, the same bytes for the same
// report, ending in a newline.
func (r *Report) JSON() []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		// A report holds strings, slices, numbers, times and booleans only.
		panic(err)
	}
	return buf.Bytes()
}

// String says what the change is, in words that may be from outside: whoever
// shows them escapes them.
func (c Change) String() string {
	switch {
	case c.Kind == "":
		return "not a change that an index allows"
	case len(c.Files) > 0:
		return c.Kind + " " + strings.Join(c.Files, ", ")
	}
	text := strings.TrimSpace(c.Kind + " " + c.Package)
	if len(c.Versions) > 0 {
		text += " " + strings.Join(c.Versions, ", ")
	}
	if c.First {
		text += ", a new package"
	}
	return text
}
