package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/internal/terminal"
)

// WriteText writes the report for a terminal.
func WriteText(w io.Writer, r *review.Report) error {
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "%s: %s\n", r.Verdict, Summary(r))
	writeFindings(&buf, of(r, review.Fail))
	writePeople(&buf, r)
	writeFindings(&buf, of(r, review.Warn))
	buf.WriteByte('\n')
	writeChecks(&buf, r)
	for _, d := range r.Diffs {
		writeDiff(&buf, d)
	}
	writeSigners(&buf, r.Signers)
	if r.Reproduce != "" {
		fmt.Fprintf(&buf, "\nThe same report again:\n  %s\n", terminal.Escape(r.Reproduce))
	}
	_, err := buf.WriteTo(w)
	return err
}

// Summary says in one line what the change is, how many checks failed or warned,
// and what is waited for. It is escaped for a terminal.
func Summary(r *review.Report) string {
	text := terminal.Escape(r.Change.String())
	var counts []string
	c := countOf(r.Findings)
	if c.fail > 0 {
		counts = append(counts, counted(c.fail, "failure"))
	}
	if c.warn > 0 {
		counts = append(counts, counted(c.warn, "warning"))
	}
	if len(counts) > 0 {
		text += " (" + strings.Join(counts, ", ") + ")"
	}
	switch r.Decision {
	case review.NeedsPerson:
		text += "; a person has to approve it"
	case review.Wait:
		text += "; it waits until " + moment(r.NotBefore)
	}
	return text
}

func writeFindings(buf *bytes.Buffer, findings []review.Finding) {
	for _, f := range findings {
		line := f.Status + " " + f.Check
		if f.Where != "" {
			line += " " + f.Where
		}
		fmt.Fprintf(buf, "  %s: %s\n", terminal.Escape(line), terminal.Escape(f.Detail))
		if f.Hint != "" {
			fmt.Fprintf(buf, "    hint: %s\n", terminal.Escape(f.Hint))
		}
	}
}

// writePeople names what a person has to look at. Of a change that is refused
// there is nothing to look at yet.
func writePeople(buf *bytes.Buffer, r *review.Report) {
	if r.Decision == review.Refuse {
		return
	}
	for _, need := range r.People {
		fmt.Fprintf(buf, "  person %s: %s\n", terminal.Escape(need.Check), terminal.Escape(need.Why))
	}
}

// writeChecks lists the findings rule by rule, but a group of rules that all say
// the same, such as every rule for lines, in one row.
func writeChecks(buf *bytes.Buffer, r *review.Report) {
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
	writeTable(buf, &table)
}

func writeTable(buf *bytes.Buffer, table *terminal.Table) {
	if _, err := table.WriteTo(buf); err != nil {
		panic(err) // a bytes.Buffer does not fail
	}
}

// sameGroup counts the findings at the start that differ only in the rule's
// name within its group, and passed or were skipped.
func sameGroup(findings []review.Finding) int {
	first := findings[0]
	group, _, _ := strings.Cut(first.Check, "/")
	n := 1
	for n < len(findings) && (first.Status == review.Pass || first.Status == review.Skip) {
		f := findings[n]
		if !strings.HasPrefix(f.Check, group+"/") || f.Status != first.Status || f.Detail != first.Detail {
			break
		}
		n++
	}
	return n
}

// writeDiff says what a version changes. A came thing has a plus, a gone one a
// minus, as in a difference of files.
func writeDiff(buf *bytes.Buffer, d review.Diff) {
	fmt.Fprintf(buf, "\n%s, compared with %s:\n", terminal.Escape(d.Version), terminal.Escape(d.Previous))
	var table terminal.Table
	for _, row := range diffRows(d) {
		table.Row("  "+row.what, signed(row), strings.TrimSpace(row.text()+"  "+row.note))
	}
	for _, f := range fileRows(d.Files) {
		table.Row("", f.sign()+" "+f.path, f.sizes())
	}
	if d.Files != nil && d.Files.More > 0 {
		table.Row("", fmt.Sprintf("and %d more files", d.Files.More), "")
	}
	writeTable(buf, &table)
}

// signed is the name of a thing that differs, with its sign.
func signed(row diffRow) string {
	if row.name == "" {
		return ""
	}
	return row.sign() + " " + row.name
}

func writeSigners(buf *bytes.Buffer, signers []review.Signer) {
	for _, s := range signers {
		fmt.Fprintf(buf, "\n%s, %s:\n", terminal.Escape(s.Version), signature(s))
		var table terminal.Table
		for _, row := range signerRows(s) {
			table.Row("  "+row[0], row[1])
		}
		writeTable(buf, &table)
	}
}
