package report

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/clydepm/clyde/internal/markdown"
	"github.com/clydepm/clyde/internal/review"
)

// Marker is the first line of [Markdown], which no host shows. The one comment
// with the report is found by it, among the comments of the account that writes
// it and no others: everybody can write the marker.
const Marker = "<!-- clyde review -->"

// MaxMarkdown bounds [Markdown], in bytes. GitHub takes 65,536 characters of a
// comment.
const MaxMarkdown = 60_000

// The shares of the parts of a page. Each part is cut at its own, so that a
// hostile one does not push out another. Together with what is of our own they
// stay below MaxMarkdown.
const (
	shareTitle   = 1_500
	shareWrong   = 13_000
	sharePeople  = 4_000
	shareLook    = 6_000
	shareChecks  = 17_000
	shareDiffs   = 7_000
	shareFiles   = 4_000
	shareSigners = 3_000
	shareCommand = 1_500
)

// Markdown is the report as a page of GitHub's dialect, at most [MaxMarkdown]
// bytes.
func Markdown(r *review.Report) string {
	p := &page{}
	p.addf("%s\n", Marker)
	p.addf("### %s %s: %s\n\n%s\n", icon(r.Decision), decided(r), changeText(r.Change), next(r))
	p.findings("What is wrong", of(r, review.Fail), shareWrong)
	if r.Decision != review.Refuse {
		p.people(r.People)
	}
	p.findings("Worth a look", append(of(r, review.Warn), notes(r)...), shareLook)
	p.checks(r)
	p.diffs(r.Diffs)
	p.signers(r.Signers)
	p.reproduce(r)
	return p.b.String()
}

// icon is the first thing that is seen of a page.
func icon(decision string) string {
	switch decision {
	case review.Refuse:
		return "❌"
	case review.NeedsPerson:
		return "👀"
	case review.Wait:
		return "⏳"
	}
	return "✅"
}

// statusIcon is that of a finding.
func statusIcon(f review.Finding) string {
	switch {
	case f.Status == review.Fail:
		return "❌"
	case f.Status == review.Warn:
		return "⚠️"
	case f.Status == review.Pass && f.Detail != "":
		return "ℹ️"
	}
	return "✅"
}

// changeText is the change in the words of [review.Change.String].
func changeText(c review.Change) string {
	if c.Kind == "" {
		return markdown.Prose(c.String())
	}
	names := c.Files
	if len(names) == 0 {
		names = append([]string{c.Package}, c.Versions...)
	}
	text := markdown.Prose(c.Kind)
	for i, name := range names {
		code := " " + markdown.Code(name)
		if len(text)+len(code) > shareTitle {
			return text + fmt.Sprintf(" and %d more", len(names)-i)
		}
		text += code
	}
	if c.First {
		text += ", a new package"
	}
	return text
}

type page struct{ b strings.Builder }

func (p *page) addf(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

// list writes the items that fit into a share, and says how many did not.
func (p *page) list(items []string, share int, cut string) {
	for i, item := range items {
		if share -= len(item); share < 0 {
			p.addf(cut, len(items)-i)
			return
		}
		p.b.WriteString(item)
	}
}

const (
	cutItem = "- *%d more did not fit here; the command below shows all.*\n"
	cutRow  = "| | *%d more did not fit here; the command below shows all.* | |\n"
)

// findings writes what checks found, each with its remedy.
func (p *page) findings(title string, findings []review.Finding, share int) {
	if len(findings) == 0 {
		return
	}
	var items []string
	for _, f := range findings {
		item := fmt.Sprintf("- %s %s", statusIcon(f), markdown.Code(f.Check))
		if f.Where != "" {
			item += " at " + markdown.Code(f.Where)
		}
		item += "\n"
		if f.Detail != "" {
			item += "  <br>" + markdown.Prose(f.Detail) + "\n"
		}
		if f.Hint != "" {
			item += "  <br>➜ " + markdown.Prose(f.Hint) + "\n"
		}
		items = append(items, item)
	}
	p.addf("\n#### %s\n\n", title)
	p.list(items, share, cutItem)
}

// people names what a person has to look at.
func (p *page) people(needs []review.Need) {
	if len(needs) == 0 {
		return
	}
	var items []string
	for _, n := range needs {
		items = append(items, fmt.Sprintf("- 👀 %s: %s\n", markdown.Code(n.Check), markdown.Prose(n.Why)))
	}
	p.addf("\n#### What needs a person\n\n")
	p.list(items, sharePeople, cutItem)
}

// checks is a folded table of all checks that had something to check, and the
// IDs of the others.
func (p *page) checks(r *review.Report) {
	c := countOf(r.Findings)
	parts := []string{fmt.Sprintf("%d passed", c.pass)}
	if c.fail > 0 {
		parts = append([]string{fmt.Sprintf("%d failed", c.fail)}, parts...)
	}
	if c.warn > 0 {
		parts = append(parts, counted(c.warn, "warning"))
	}
	if c.skip > 0 {
		parts = append(parts, fmt.Sprintf("%d had nothing to check", c.skip))
	}
	p.addf("\n<details><summary><b>%s</b>: %s</summary>\n\n", counted(len(r.Findings), "check"), strings.Join(parts, ", "))
	summaries := map[string]string{}
	for _, rule := range review.Rules() {
		summaries[rule.ID] = rule.Summary
	}
	var rows, skipped []string
	for _, f := range r.Findings {
		if f.Status == review.Skip {
			skipped = append(skipped, markdown.Code(f.Check)+" ")
			continue
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s |\n", statusIcon(f), markdown.Cell(f.Check), markdown.CellProse(summaries[f.Check])))
	}
	p.addf("| | check | asks that |\n| --- | --- | --- |\n")
	p.list(rows, shareChecks-4_000, cutRow)
	if len(skipped) > 0 {
		p.addf("\nHad nothing to check, or were turned off: ")
		p.list(skipped, 4_000, "and %d more")
		p.addf("\n")
	}
	p.addf("\n[What each check is about](%s)\n\n</details>\n", RulesURL)
}

// diffs says what each version changes for those who use it.
func (p *page) diffs(diffs []review.Diff) {
	rest := shareDiffs
	for i, d := range diffs {
		text := diffText(d)
		if rest -= len(text); rest < 0 {
			p.addf("\n*What %s changes did not fit here; the command below shows it.*\n", counted(len(diffs)-i, "more version"))
			return
		}
		p.b.WriteString(text)
	}
}

// diffText is a table of what differs, and the folded list of files.
func diffText(d review.Diff) string {
	p := &page{}
	p.addf("\n#### What %s changes, compared with %s\n\n", markdown.Code(d.Version), markdown.Code(d.Previous))
	if rows := diffRows(d); len(rows) > 0 {
		p.addf("| | before | now |\n| --- | --- | --- |\n")
		var lines []string
		for _, row := range rows {
			what := row.what
			if row.name != "" {
				what += " " + markdown.Cell(row.name)
			}
			before, now := orDash(row.before, row.own), orDash(row.after, row.own)
			if row.note != "" {
				now += " (" + row.note + ")"
			}
			lines = append(lines, fmt.Sprintf("| %s | %s | %s |\n", what, before, now))
		}
		p.list(lines, shareDiffs-shareFiles-500, cutRow)
	}
	rows := fileRows(d.Files)
	if len(rows) == 0 {
		return p.b.String()
	}
	p.addf("\n<details><summary>%s</summary>\n\n| | file | before | now |\n| --- | --- | --- | --- |\n", counted(len(rows)+d.Files.More, "file"))
	var lines []string
	for _, f := range rows {
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s |\n", f.word(), markdown.Cell(f.path), orDash(f.before(), true), orDash(f.after(), true)))
	}
	p.list(lines, shareFiles-300, cutRow)
	if d.Files.More > 0 {
		p.addf("\n*%d more are not listed.*\n", d.Files.More)
	}
	p.addf("\n</details>\n")
	return p.b.String()
}

// word is the sign of a row, for those who do not read differences.
func (f fileRow) word() string {
	return map[string]string{"+": "new", "-": "gone", "~": "changed"}[f.sign()]
}

// orDash is a cell of a table: our own words, or what is from outside.
func orDash(s string, own bool) string {
	switch {
	case s == "":
		return "–"
	case own:
		return s
	}
	return markdown.Cell(s)
}

// signers is who signed each version, as the signature proves it, beside who is
// on record.
func (p *page) signers(signers []review.Signer) {
	rest := shareSigners
	for i, s := range signers {
		icon := "✅"
		if !s.Verified {
			icon = "❌"
		}
		text := fmt.Sprintf("\n#### %s %s is %s\n\n| | |\n| --- | --- |\n", icon, markdown.Code(s.Version), signature(s))
		for _, row := range signerRows(s) {
			text += fmt.Sprintf("| %s | %s |\n", row[0], orDash(row[1], row[1] == nobody))
		}
		if rest -= len(text); rest < 0 && i > 0 {
			p.addf("\n*Who signed %s did not fit here; the command below shows it.*\n", counted(len(signers)-i, "more version"))
			return
		}
		p.b.WriteString(text)
	}
}

// reproduce is the command that gives the same report, and what it is about.
func (p *page) reproduce(r *review.Report) {
	if r.Reproduce != "" {
		p.addf("\n#### The same report on your machine\n\n")
		if len(r.Reproduce) > shareCommand {
			p.addf("*The command is too long to be shown here.*\n")
		} else {
			p.b.WriteString(markdown.Block("sh", r.Reproduce))
		}
	}
	b := r.Binding
	var parts []string
	for _, part := range []struct{ what, id string }{{"base", b.Base}, {"head", b.Head}, {"policy", b.Policy}} {
		if part.id != "" {
			parts = append(parts, part.what+" "+markdown.Code(shortID(part.id)))
		}
	}
	if len(parts) > 0 {
		p.addf("\n<sub>This is about %s, and about nothing that is pushed later.</sub>\n", strings.Join(parts, ", "))
	}
}

// shortID is enough of a commit or digest to tell it from another by eye.
func shortID(id string) string {
	name, hex, ok := strings.Cut(id, ":")
	if !ok {
		name, hex = "", id
	} else {
		name += ":"
	}
	return name + hex[:min(len(hex), 12)]
}

// Same reports whether two pages of [Markdown] differ in nothing but when they
// were made.
func Same(a, b string) bool {
	at := regexp.MustCompile(`(?m)^(clyde review .* --at )[0-9TZ:-]+`)
	return at.ReplaceAllString(a, "$1") == at.ReplaceAllString(b, "$1")
}
