package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manPage writes the manual page of a command in the macros of man(7). It is
// written here, as the library for it that comes with cobra reads Markdown, and
// what reads Markdown takes half a millisecond of every start of clyde.
func manPage(cmd *cobra.Command, date time.Time) []byte {
	var p roff
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	p.macro("TH", strings.ToUpper(name), "1", date.Format("Jan 2006"), "clyde "+version(), "clyde")
	p.macro("SH", "NAME")
	p.text(name + " - " + cmd.Short)
	p.macro("SH", "SYNOPSIS")
	p.bold(cmd.UseLine())
	p.macro("SH", "DESCRIPTION")
	description := cmd.Long
	if description == "" {
		description = cmd.Short + "."
	}
	p.paragraphs(description)
	p.options("OPTIONS", cmd.NonInheritedFlags())
	p.options("OPTIONS OF EVERY COMMAND", cmd.InheritedFlags())
	if cmd.Example != "" {
		p.macro("SH", "EXAMPLES")
		p.verbatim(cmd.Example)
	}
	if also := seeAlso(cmd); len(also) > 0 {
		p.macro("SH", "SEE ALSO")
		p.text(strings.Join(also, ", "))
	}
	return []byte(p.String())
}

// seeAlso names the pages of the commands above and below.
func seeAlso(cmd *cobra.Command) []string {
	var also []string
	add := func(c *cobra.Command) { also = append(also, strings.ReplaceAll(c.CommandPath(), " ", "-")+"(1)") }
	if cmd.HasParent() {
		add(cmd.Parent())
	}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			add(c)
		}
	}
	return also
}

// roff is a page being written.
type roff struct{ strings.Builder }

var (
	roffText     = strings.NewReplacer(`\`, `\e`, "-", `\-`)
	roffArgument = strings.NewReplacer(`\`, `\e`, `"`, `\(dq`)
)

// escape keeps a text from being taken for a request or an escape sequence. A
// hyphen is written as a minus, so that options can be copied from the page.
func (p *roff) escape(text string) string {
	text = roffText.Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

func (p *roff) macro(name string, args ...string) {
	p.WriteString("." + name)
	for _, a := range args {
		p.WriteString(` "` + roffArgument.Replace(a) + `"`)
	}
	p.WriteByte('\n')
}

func (p *roff) text(line string) { p.WriteString(p.escape(line) + "\n") }

func (p *roff) bold(line string) { p.WriteString(`\fB` + p.escape(line) + "\\fP\n") }

// paragraphs writes a text as it stands in the help: lines that are indented
// are examples, an empty line parts paragraphs.
func (p *roff) paragraphs(text string) {
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if strings.HasPrefix(block, " ") {
			p.verbatim(block)
			continue
		}
		p.macro("PP")
		for line := range strings.SplitSeq(block, "\n") {
			if strings.HasPrefix(line, " ") {
				p.macro("br")
			}
			p.text(strings.TrimSpace(line))
		}
	}
}

func (p *roff) verbatim(text string) {
	p.macro("PP")
	p.macro("EX")
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		p.text(line)
	}
	p.macro("EE")
}

func (p *roff) options(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	p.macro("SH", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		value, usage := pflag.UnquoteUsage(f)
		if value != "" {
			name += " " + value
		}
		p.macro("TP")
		p.bold(name)
		switch f.DefValue {
		case "", "false", "0", "[]":
		default:
			usage += " (default " + f.DefValue + ")"
		}
		p.text(usage)
	})
}
