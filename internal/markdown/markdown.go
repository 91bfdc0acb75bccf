// Package markdown writes text that strangers wrote into Markdown so that it
// can only be read.
//
// A comment on a pull request and the page of a workflow run are Markdown that
// the host turns into HTML, and the host does more than Markdown says: it links
// "@name" to a person and tells that person, "#1" and "GH-1" to issues,
// hexadecimal words to commits, addresses to wherever they lead, and ":word:"
// to a picture. It does so in the finished text, so that neither a backslash nor
// an entity keeps it from doing it. Code is the one place where all hosts leave
// text alone. Hence the rule of this package:
//
//   - text from outside stands in code: [Code] within a line, [Cell] within a
//     table, [Block] for lines;
//   - sentences of our own that quote such text go through [Prose], which
//     leaves plain words as they are and puts every other word into code.
//
// Characters that are not seen, or that turn the direction of reading, are
// written out as package terminal writes them. What is too long is cut, and
// says so.
package markdown

import (
	"strings"
	"unicode/utf8"

	"github.com/clydepm/clyde/internal/terminal"
)

// longest is how many bytes of one text are shown, at least.
const longest = 600

// Code returns text as a code span on one line. An empty text is shown as an
// empty pair of quotes.
func Code(s string) string {
	s = clip(terminal.Escape(oneLine(s)))
	if s == "" {
		s = `""`
	}
	fence := strings.Repeat("`", longestRun(s)+1)
	// A span that starts or ends with a backtick needs a space there. One that
	// has spaces at both ends would lose them; Fields left none.
	if s[0] == '`' || s[len(s)-1] == '`' {
		s = " " + s + " "
	}
	return fence + s + fence
}

// Cell is [Code] for a table. Hosts differ in what a backslash before a
// vertical bar means there, so a bar is written as \x7c.
func Cell(s string) string {
	return strings.ReplaceAll(Code(s), "|", `\x7c`)
}

// Block returns lines as a block of code. The language is of our own.
func Block(language, s string) string {
	s = terminal.EscapeLines(strings.TrimRight(s, "\n"))
	fence := strings.Repeat("`", max(3, longestRun(s)+1))
	return fence + language + "\n" + s + "\n" + fence + "\n"
}

// oneLine is the start of a text, which is all that will be shown, with single
// spaces.
func oneLine(s string) string {
	return strings.Join(strings.Fields(clip(s)), " ")
}

// clip cuts a text that nobody would read to the end.
func clip(s string) string {
	const mark = "… (cut)"
	if len(s) <= longest || strings.HasSuffix(s, mark) && len(s) <= longest+len(mark) {
		return s
	}
	cut := longest
	for cut > longest-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + mark
}

// longestRun is the length of the longest run of backticks.
func longestRun(s string) int {
	most, run := 0, 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		most = max(most, run)
	}
	return most
}
