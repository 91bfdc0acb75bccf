package publish

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/markdown"
	"github.com/clydepm/clyde/internal/report"
)

// Bounds of what hosts take.
const (
	longestTitle = 250
	longestBody  = 60_000
)

// PullText returns what the pull request of the plan says. It is the same for
// the same plan. Everything that a stranger could have written is in code spans
// and code blocks, where Markdown, mentions and links mean nothing.
func (p *Plan) PullText() PullText {
	title, _, _ := strings.Cut(p.Change.Message, "\n")
	if len(title) > longestTitle {
		title = strings.ToValidUTF8(title[:longestTitle], "") + "…"
	}
	return PullText{Title: title, Body: p.pullBody(), Labels: p.labels()}
}

// labels say what kind of change it is, for those who sort pull requests.
func (p *Plan) labels() []string {
	labels := []string{string(p.Kind)}
	if p.Report != nil && p.Report.Change.First && p.Kind == index.KindPublish {
		labels = append(labels, "new-package")
	}
	return labels
}

func (p *Plan) pullBody() string {
	review := p.reviewText(true)
	line := fmt.Sprintf("### %s of %s\n\n%s", lineHeading(len(p.Lines)), markdown.Code(p.Change.Path), markdown.Block("json", string(bytes.Join(p.Lines, []byte("\n")))))
	if len(p.Lines) == 0 {
		line = fmt.Sprintf("### Change of %s\n\n%s", markdown.Code(p.Change.Path), markdown.Block("diff", p.unified()))
	}
	if len(line)+len(review) > longestBody-8_000 {
		review = p.reviewText(false)
	}
	if len(line)+len(review) > longestBody-8_000 {
		line = "The change is too long to be shown here; it is under *Files changed*.\n"
	}
	var b strings.Builder
	b.WriteString(p.introduction())
	b.WriteString(p.facts())
	fmt.Fprintf(&b, "\n%s", line)
	fmt.Fprintf(&b, "\n%s", review)
	b.WriteString("\n---\nMade by `clyde`. Running the same command again changes nothing; with other contents it updates this pull request.\n")
	return b.String()
}

// introduction is the first sentence, and what the author of the change says.
func (p *Plan) introduction() string {
	what := map[index.Kind]string{
		index.KindPublish:  "Publishes",
		index.KindYank:     "Yanks: new installs no longer choose",
		index.KindUnyank:   "Takes back the yank of",
		index.KindRetire:   "Retires: whoever uses it is told why not to use",
		index.KindUnretire: "Takes back the retirement of",
		index.KindOwners:   "Changes the owners of",
		index.KindTransfer: "Hands over",
		index.KindPolicy:   "Lets the index trust",
		index.KindRegister: "Registers who will publish",
	}[p.Kind]
	text := what + " " + markdown.Code(p.Package)
	if len(p.Versions) > 0 {
		shown := p.Versions
		if len(shown) > 20 {
			shown = shown[:20]
		}
		text += " " + markdown.Code(strings.Join(shown, ", "))
		if more := len(p.Versions) - len(shown); more > 0 {
			text += fmt.Sprintf(" and %d more versions", more)
		}
	}
	if p.Report != nil && p.Report.Change.First && p.Kind == index.KindPublish {
		text += ", a new package"
	}
	if p.Kind == index.KindTransfer {
		text += ": who could publish it may not any more, and somebody else may"
	}
	text += ".\n"
	if _, said, ok := strings.Cut(p.Change.Message, "\n\n"); ok && p.Kind != index.KindPublish {
		text += "\n" + markdown.Block("", strings.TrimSpace(said))
	}
	return text
}

// facts are those of the archives, of where they come from, and of who signed.
func (p *Plan) facts() string {
	var b strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "- %s: %s\n", name, markdown.Code(value))
		}
	}
	for _, a := range p.Archives {
		b.WriteByte('\n')
		title := "Archive"
		if a.Platform != "" {
			title += " for " + a.Platform
		}
		row(title, a.Name)
		row("SHA-256", a.Summary.SHA256)
		fmt.Fprintf(&b, "- Size: %s, %d files, %s unpacked\n", bytesText(a.Summary.Size), a.Summary.Files, bytesText(a.Summary.Unpacked))
		row("URL", a.URL)
	}
	if p.release == nil {
		return b.String()
	}
	if s := p.release.entry.Source; s != nil {
		b.WriteByte('\n')
		row("Source", s.Repository)
		row("Reference", s.Ref)
		row("Commit", s.Commit)
	}
	b.WriteByte('\n')
	switch att := p.release.entry.Att; {
	case att != nil:
		row("Signature", att.URL)
		row("SHA-256 of the signature", att.SHA256)
		b.WriteString("- The signature is verified by the checks of the index, against the owners it has on record.\n")
	case p.release.sign != nil:
		b.WriteString("- It is signed when it is published.\n")
	default:
		b.WriteString("- Not signed.\n")
	}
	return b.String()
}

// reviewText is the report as its comment will show it, or in one line. It has
// no marker: what edits comments is not to take the description for one.
func (p *Plan) reviewText(whole bool) string {
	switch {
	case p.Report == nil:
		return ""
	case whole:
		return strings.TrimPrefix(report.Markdown(p.Report), report.Marker+"\n")
	}
	return "### Review\n\n" + markdown.Block("", p.Report.Verdict+": "+report.Summary(p.Report))
}
