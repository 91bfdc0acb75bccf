package index

import "bytes"

// CheckLine reports every way in which a line, without its newline, is not fit
// to be published for the package of that name.
func CheckLine(line []byte, name string) []Violation {
	e, err := ParseLine(line)
	if err != nil {
		return []Violation{{Rule: "line/json", Detail: err.Error()}}
	}
	if canonical := e.AppendLine(nil); !bytes.Equal(canonical, line) {
		return []Violation{{Rule: "line/canonical", Detail: "not written in the canonical form"}}
	}
	return nil
}
