package review

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/clydepm/clyde/internal/terminal"
)

// JSON is the report as one indented object, the same bytes for the same
// report, ending in a newline.
func (r *Report) JSON() []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		// A report holds strings, slices and booleans only.
		panic(err)
	}
	return buf.Bytes()
}

// Render writes the report for a person: the verdict, then what failed and what
// is worth a look, then every rule in a table. Text from outside is escaped.
func (r *Report) Render(w io.Writer) error {
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "%s: %s\n", r.Verdict, r.Summary())
	for _, status := range []string{Fail, Warn} {
		for _, f := range r.Findings {
			if f.Status == status {
				writeFinding(&buf, f)
			}
		}
	}
	buf.WriteByte('\n')
	r.writeTable(&buf)
	_, err := buf.WriteTo(w)
	return err
}

// Summary says in one line what the change is and how many checks said what.
func (r *Report) Summary() string {
	count := map[string]int{}
	for _, f := range r.Findings {
		count[f.Status]++
	}
	text := terminal.Escape(r.Change.String())
	var counts []string
	for _, c := range []struct{ status, one, many string }{
		{Fail, "failure", "failures"}, {Warn, "warning", "warnings"},
	} {
		switch n := count[c.status]; n {
		case 0:
		case 1:
			counts = append(counts, "1 "+c.one)
		default:
			counts = append(counts, fmt.Sprintf("%d %s", n, c.many))
		}
	}
	if len(counts) > 0 {
		text += " (" + strings.Join(counts, ", ") + ")"
	}
	if r.Verdict == Pass && r.Approval == Person {
		text += "; a person has to approve it"
	}
	return text
}

func (c Change) String() string {
	switch {
	case c.Kind == "":
		return "not a change that an index allows"
	case len(c.Files) > 0:
		return c.Kind + " " + strings.Join(c.Files, ", ")
	}
	text := c.Kind + " " + c.Package
	if len(c.Versions) > 0 {
		text += " " + strings.Join(c.Versions, ", ")
	}
	if c.First {
		text += ", a new package"
	}
	return text
}

func writeFinding(buf *bytes.Buffer, f Finding) {
	line := f.Status + " " + f.Check
	if f.Where != "" {
		line += " " + f.Where
	}
	fmt.Fprintf(buf, "  %s: %s\n", terminal.Escape(line), terminal.Escape(f.Detail))
	if f.Hint != "" {
		fmt.Fprintf(buf, "    hint: %s\n", terminal.Escape(f.Hint))
	}
}

// writeTable lists the findings rule by rule, but a group of rules that all say
// the same, such as every rule for lines, in one row.
func (r *Report) writeTable(buf *bytes.Buffer) {
	var table terminal.Table
	table.Row("CHECK", "STATUS", "DETAIL")
	for rest := r.Findings; len(rest) > 0; {
		n := sameGroup(rest)
		if n == 1 {
			table.Row(rest[0].Check, rest[0].Status, rest[0].Detail)
		} else {
			group, _, _ := strings.Cut(rest[0].Check, "/")
			table.Row(fmt.Sprintf("%s/* (%d rules)", group, n), rest[0].Status, rest[0].Detail)
		}
		rest = rest[n:]
	}
	if _, err := table.WriteTo(buf); err != nil {
		panic(err) // a bytes.Buffer does not fail
	}
}

// sameGroup counts the findings at the start that differ only in the rule's
// name within its group, and passed or were skipped.
func sameGroup(findings []Finding) int {
	group, _, _ := strings.Cut(findings[0].Check, "/")
	n := 0
	for _, f := range findings {
		if !strings.HasPrefix(f.Check, group+"/") || f.Status != findings[0].Status || f.Detail != findings[0].Detail {
			break
		}
		n++
	}
	if s := findings[0].Status; s == Fail || s == Warn {
		return 1
	}
	return n
}
