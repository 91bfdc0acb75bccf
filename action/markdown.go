package action

import (
	"html"
	"strings"
	"unicode"
)

// MarkdownText returns text as Markdown that shows that very text on one line:
// no markup, link, mention, image or HTML comes out of it.
func MarkdownText(s string) string {
	var b strings.Builder
	for _, c := range strings.Join(strings.Fields(s), " ") {
		switch {
		case strings.ContainsRune("\\`*_{}[]()#+-.!|~:$", c):
			b.WriteByte('\\')
			b.WriteRune(c)
		case strings.ContainsRune("<>&\"'", c):
			b.WriteString(html.EscapeString(string(c)))
		case c == '@':
			b.WriteString("&#64;") // mentions nobody
		case unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c):
			b.WriteRune(unicode.ReplacementChar)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// MarkdownCode returns text as a code span on one line, also within a table.
func MarkdownCode(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return ""
	}
	return "<code>" + MarkdownText(s) + "</code>"
}

// MarkdownBlock returns text as a block of code whose fence is not in it.
func MarkdownBlock(language, s string) string {
	fence := "```"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return fence + language + "\n" + strings.TrimRight(s, "\n") + "\n" + fence + "\n"
}
