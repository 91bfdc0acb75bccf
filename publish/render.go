package publish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/report"
	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/internal/terminal"
)

// Render writes the plan for a person: the facts of the archive, the exact
// lines, the difference of the index, the commit message and the review.
func (p *Plan) Render(w io.Writer) error {
	var buf bytes.Buffer
	for _, a := range p.Archives {
		a.render(&buf)
	}
	if p.Done {
		fmt.Fprintf(&buf, "Nothing to change: %s.\n", p.DoneText())
		_, err := buf.WriteTo(w)
		return err
	}
	if len(p.Lines) > 0 {
		heading(&buf, lineHeading(len(p.Lines))+" of "+p.Change.Path)
	}
	for _, line := range p.Lines {
		writeLines(&buf, "", string(line))
	}
	heading(&buf, "Change")
	writeLines(&buf, "", p.Diff())
	heading(&buf, "Commit message")
	writeLines(&buf, "    ", p.Change.Message)
	if p.target.Forge != nil {
		p.renderPull(&buf)
	}
	heading(&buf, "Review")
	if err := report.WriteText(&buf, p.Report); err != nil {
		return err
	}
	_, err := buf.WriteTo(w)
	return err
}

// renderPull writes the pull request that would be opened.
func (p *Plan) renderPull(buf *bytes.Buffer) {
	text := p.PullText()
	heading(buf, "Pull request")
	fmt.Fprintf(buf, "  on        %s\n", terminal.Escape(p.target.Forge.String()))
	fmt.Fprintf(buf, "  branch    %s\n", terminal.Escape(p.Branch()))
	fmt.Fprintf(buf, "  labels    %s\n", terminal.Escape(strings.Join(text.Labels, ", ")))
	fmt.Fprintf(buf, "  title     %s\n\n", terminal.Escape(text.Title))
	writeLines(buf, "    ", text.Body)
}

func lineHeading(n int) string {
	if n == 1 {
		return "Line"
	}
	return "Lines"
}

// writeLines writes a text of several lines, each escaped. In a line of JSON an
// escape means the character that it stands for.
func writeLines(buf *bytes.Buffer, indent, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(buf, "%s%s\n", indent, terminal.Escape(strings.TrimSuffix(line, "\n")))
	}
}

func heading(buf *bytes.Buffer, text string) {
	if buf.Len() > 0 {
		buf.WriteByte('\n')
	}
	fmt.Fprintf(buf, "%s\n", terminal.Escape(text))
}

func (a *Archive) render(buf *bytes.Buffer) {
	title := "Archive"
	if a.Platform != "" {
		title += " for " + a.Platform
	}
	heading(buf, title)
	RenderArchive(buf, a.Name, a.Summary)
	fmt.Fprintf(buf, "  goes to   %s\n", terminal.Escape(a.URL))
}

// RenderArchive writes the facts of an archive for a person.
func RenderArchive(buf *bytes.Buffer, name string, sum archive.Summary) {
	fmt.Fprintf(buf, "  name      %s\n", terminal.Escape(name))
	fmt.Fprintf(buf, "  files     %d\n", sum.Files)
	fmt.Fprintf(buf, "  unpacked  %s\n", bytesText(sum.Unpacked))
	fmt.Fprintf(buf, "  packed    %s\n", bytesText(sum.Size))
	fmt.Fprintf(buf, "  sha256    %s\n", sum.SHA256)
}

// bytesText writes a size: exactly, and in larger units where there are any.
func bytesText(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d bytes", n)
	}
	value, prefix := float64(n), ""
	for _, p := range []string{"k", "M", "G", "T"} {
		if value < unit {
			break
		}
		value, prefix = value/unit, p
	}
	return fmt.Sprintf("%d bytes (%.1f %sB)", n, value, prefix)
}

// DoneText says why nothing has to change.
func (p *Plan) DoneText() string {
	what := p.Package
	if len(p.Versions) > 0 {
		what += " " + strings.Join(p.Versions, ", ")
	}
	switch p.Kind {
	case index.KindPublish:
		return what + " is already published with these bytes"
	case index.KindYank:
		return what + " is already yanked"
	case index.KindUnyank:
		return what + " is not yanked"
	case index.KindUnretire:
		return what + " is not retired"
	case index.KindOwners:
		return what + " already has these owners"
	case index.KindTransfer:
		return what + " is already theirs"
	case index.KindPolicy:
		return what + " is already trusted"
	}
	return what + " is already retired for this reason"
}

// View is a plan, and what came of it, as data.
type View struct {
	Kind     string            `json:"kind"`
	Package  string            `json:"package"`
	Versions []string          `json:"versions"`
	Status   string            `json:"status"` // planned, applied, proposed or unchanged
	Index    string            `json:"index"`
	Commit   string            `json:"commit,omitempty"`
	Archives []ArchiveView     `json:"archives,omitempty"`
	Path     string            `json:"path,omitempty"`
	Lines    []json.RawMessage `json:"lines,omitempty"`
	Diff     string            `json:"diff,omitempty"`
	Message  string            `json:"message,omitempty"`
	Review   *review.Report    `json:"review,omitempty"`
	Branch   string            `json:"branch,omitempty"` // at a forge, like what follows
	Pull     *PullText         `json:"pullRequest,omitempty"`
	Proposal *Proposal         `json:"proposal,omitempty"`
}

// ArchiveView is an archive as data.
type ArchiveView struct {
	Platform string `json:"platform,omitempty"` // of a build
	Name     string `json:"name"`
	archive.Summary
	URL string `json:"url,omitempty"`
}

// View returns the plan as data. Applied is nil before Apply.
func (p *Plan) View(applied *Applied) View {
	v := View{
		Kind: string(p.Kind), Package: p.Package, Versions: p.Versions,
		Status: "planned", Index: p.target.String(),
		Path: p.Change.Path, Diff: p.Diff(), Message: p.Change.Message, Review: p.Report,
	}
	for _, a := range p.Archives {
		v.Archives = append(v.Archives, ArchiveView{Platform: a.Platform, Name: a.Name, Summary: a.Summary, URL: a.URL})
	}
	for _, line := range p.Lines {
		v.Lines = append(v.Lines, line)
	}
	switch {
	case p.Done:
		v.Status = "unchanged"
	case applied != nil && applied.Proposal != nil:
		v.Status, v.Commit, v.Proposal = "proposed", applied.ID, applied.Proposal
	case applied != nil:
		v.Status, v.Commit = "applied", applied.ID
	}
	if p.target.Forge != nil && !p.Done {
		text := p.PullText()
		v.Branch, v.Pull = p.Branch(), &text
	}
	return v
}
