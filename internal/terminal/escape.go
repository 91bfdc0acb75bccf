// Package terminal prints text that strangers wrote so that it can only be
// read.
//
// A registry, an archive or a report holds names, descriptions and messages by
// people nobody here knows. Shown raw, such text could move the cursor, colour
// or hide other output, reverse the reading direction, or look like another
// name. [Escape] makes every character visible as itself or as an escape, and
// [Table] does so for every cell. Both are for text that is part of one line;
// [EscapeLines] keeps the lines of a text.
//
// This package decides nothing about colour and knows nothing of clyde.
package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape returns s with everything written out that a terminal would act on or
// not show: control characters including newline and tab, bidirectional and
// other format characters, line separators, characters that are drawn as
// nothing, private and unassigned ones, and bytes that are not UTF-8. They
// become \n, \t, \x1b or \u202e; a backslash stays one. The result has no
// character of those kinds, so that escaping twice is the same as once.
func Escape(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case isVisible(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += size
	}
	return b.String()
}

// EscapeLines is [Escape] for text of several lines: newlines stay.
func EscapeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Escape(line)
	}
	return strings.Join(lines, "\n")
}

// isPlain reports whether s is printable ASCII, as nearly all text is.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// isVisible reports whether r is a letter, mark, number, punctuation or symbol
// that is drawn, or the space.
func isVisible(r rune) bool {
	return r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r) &&
		!unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && !unicode.Is(unicode.Variation_Selector, r)
}
