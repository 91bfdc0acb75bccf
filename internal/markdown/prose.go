package markdown

import "strings"

// Prose returns a sentence on one line, its plain words as they are and
// everything else as code: names, versions, paths, quoted text, and whatever a
// stranger may have put between. Quoted text, as %q writes it, is one span, and
// so is a command in single quotes.
func Prose(s string) string { return prose(s, Code) }

// CellProse is [Prose] for a table.
func CellProse(s string) string { return prose(s, Cell) }

func prose(s string, code func(string) string) string {
	var out, pending []string // pending is code that is not written yet
	flush := func(after string) {
		if len(pending) > 0 {
			out = append(out, code(strings.Join(pending, " "))+after)
			pending = nil
		}
	}
	for _, token := range tokens(s) {
		before, core, after := bare(token)
		if n := len(core); n > 2 && core[0] == '\'' && core[n-1] == '\'' {
			core = core[1 : n-1] // the span says as much
		}
		switch {
		case plain(core, after):
			flush("")
			out = append(out, token)
		case before == "" && after == "":
			pending = append(pending, core)
		default:
			if before != "" {
				flush("")
			}
			pending = append(pending, core)
			n := len(out)
			flush(after)
			out[n] = before + out[n]
		}
	}
	flush("")
	return strings.Join(out, " ")
}

// tokens splits at spaces, but not within double quotes, nor within single ones
// around words, as in 'clyde publish'.
func tokens(s string) []string {
	var all []string
	for s = oneLine(s); s != ""; {
		end := strings.IndexByte(s, ' ')
		if end < 0 {
			end = len(s)
		}
		if i := strings.IndexByte(s[:end], '"'); i >= 0 {
			end = quoteEnd(s, i, end)
		} else if i := len(s) - len(strings.TrimPrefix(s, "(")); i < end && s[i] == '\'' {
			end = quoteEnd(s, i, end)
		}
		all = append(all, s[:end])
		s = strings.TrimPrefix(s[end:], " ")
	}
	return all
}

// quoteEnd is where the token ends whose quote opens at i; end, where it would
// end otherwise, when the quote does not close.
func quoteEnd(s string, i, end int) int {
	for at := i + 1; at < len(s); at++ {
		switch s[at] {
		case '\\':
			at++
		case s[i]:
			if next := strings.IndexByte(s[at:], ' '); next >= 0 {
				return at + next
			}
			return len(s)
		}
	}
	return end
}

// bare takes the punctuation of a sentence off a word.
func bare(token string) (before, core, after string) {
	core = token
	if rest, ok := strings.CutPrefix(core, "("); ok && !strings.ContainsAny(rest, "(") {
		before, core = "(", rest
	}
	end := len(core)
	for end > 0 && strings.IndexByte(",;:.?!", core[end-1]) >= 0 {
		end--
	}
	if end > 0 && core[end-1] == ')' && !strings.Contains(core[:end], "(") {
		end--
	}
	core, after = core[:end], core[end:]
	if core == "" || strings.Contains(after, "..") {
		return "", token, ""
	}
	return before, core, after
}

// plain reports whether a word is one that no host does anything with: ASCII
// letters, perhaps with a hyphen or an apostrophe between them, or a small
// number in the middle of a sentence. Hexadecimal words as long as an
// abbreviated commit are none.
func plain(core, after string) bool {
	if core == "" {
		return false
	}
	digits := strings.Trim(core, "0123456789") == ""
	if digits {
		return len(core) <= 6 && strings.Trim(after, ",;") == ""
	}
	if len(core) > 30 || len(core) >= 7 && strings.Trim(strings.ToLower(core), "abcdef") == "" {
		return false
	}
	for i := range len(core) {
		c := core[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		case (c == '-' || c == '\'') && i > 0 && i < len(core)-1 && isLower(core[i-1]) && isLower(core[i+1]):
		default:
			return false
		}
	}
	return true
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
