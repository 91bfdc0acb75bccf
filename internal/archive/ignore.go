package archive

import (
	"strings"
)

// ignoreRule is one line of a .gitignore file, as gitignore(5) specifies it. It
// is read byte by byte like git reads it, and alike on every operating system.
type ignoreRule struct {
	folder   []string // where the .gitignore is, relative to the root
	segments []string
	negated  bool
	dirOnly  bool
	anchored bool // matched against the whole path below folder, not the last name
}

// parseIgnore reads a .gitignore file that stands in folder.
func parseIgnore(data string, folder []string) []ignoreRule {
	var rules []ignoreRule
	for line := range strings.SplitSeq(strings.TrimPrefix(data, "\ufeff"), "\n") {
		if rule, ok := parseIgnoreLine(strings.TrimSuffix(line, "\r"), folder); ok {
			rules = append(rules, rule)
		}
	}
	return rules
}

func parseIgnoreLine(line string, folder []string) (ignoreRule, bool) {
	if strings.HasPrefix(line, "#") {
		return ignoreRule{}, false
	}
	rule := ignoreRule{folder: folder}
	line = trimTrailingSpaces(line)
	line, rule.negated = strings.CutPrefix(line, "!")
	line, rule.dirOnly = strings.CutSuffix(line, "/")
	rule.anchored = strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if line == "" {
		return ignoreRule{}, false
	}
	rule.segments = strings.Split(line, "/")
	return rule, true
}

// trimTrailingSpaces removes spaces at the end that no backslash quotes.
func trimTrailingSpaces(line string) string {
	end := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ':
			continue
		case '\\':
			i++
		}
		end = min(i+1, len(line))
	}
	return line[:end]
}

// ignored reports whether the last of the rules that matches the path ignores
// it. The folders above the path must not be ignored themselves: nothing brings
// back a file whose folder is ignored.
func ignored(rules []ignoreRule, path []string, dir bool) bool {
	for i := len(rules) - 1; i >= 0; i-- {
		if rules[i].matches(path, dir) {
			return !rules[i].negated
		}
	}
	return false
}

func (r ignoreRule) matches(path []string, dir bool) bool {
	if r.dirOnly && !dir {
		return false
	}
	if !r.anchored {
		return matchSegment(r.segments[0], path[len(path)-1])
	}
	return matchSegments(r.segments, path[len(r.folder):])
}

// matchSegments matches a path against a pattern in which "**" stands for any
// number of folders, and at the end for one or more names. On a mismatch it
// goes back to the last "**" only, which suffices and bounds the work.
func matchSegments(pattern, path []string) bool {
	p, s := 0, 0
	star, mark := -1, 0
	for s < len(path) {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			if p == len(pattern)-1 {
				return true
			}
			star, mark = p, s
			p++
		case p < len(pattern) && matchSegment(pattern[p], path[s]):
			p++
			s++
		case star >= 0:
			mark++
			p, s = star+1, mark
		default:
			return false
		}
	}
	return p == len(pattern)
}

// matchSegment matches one name against a pattern with *, ?, [...] and \.
func matchSegment(pattern, name string) bool {
	p, s := 0, 0
	star, mark := -1, 0
	for s < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, s
			p++
			continue
		}
		if width := matchByte(pattern[p:], name[s]); width > 0 {
			p += width
			s++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, s = star+1, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchByte matches one byte against the start of a pattern and returns how much
// of the pattern it used, or 0 for no match.
func matchByte(pattern string, c byte) int {
	if pattern == "" {
		return 0
	}
	switch pattern[0] {
	case '?':
		return 1
	case '[':
		return matchClass(pattern, c)
	case '\\':
		if len(pattern) > 1 && pattern[1] == c {
			return 2
		}
		return 0
	}
	if pattern[0] == c {
		return 1
	}
	return 0
}

// matchClass matches a byte against a class such as [a-z], [!0-9] or
// [[:alpha:]_]. A class that is not closed matches nothing.
func matchClass(pattern string, c byte) int {
	i := 1
	negated := i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^')
	if negated {
		i++
	}
	matched := false
	for first := true; ; first = false {
		if i >= len(pattern) {
			return 0
		}
		if pattern[i] == ']' && !first {
			break
		}
		if name, rest, ok := posixClass(pattern[i:]); ok {
			matched = matched || inPosixClass(name, c)
			i = len(pattern) - len(rest)
			continue
		}
		low, next, ok := classByte(pattern, i)
		if !ok {
			return 0
		}
		high := low
		if next+1 < len(pattern) && pattern[next] == '-' && pattern[next+1] != ']' {
			if high, next, ok = classByte(pattern, next+1); !ok {
				return 0
			}
		}
		matched = matched || low <= c && c <= high
		i = next
	}
	if matched == negated {
		return 0
	}
	return i + 1
}

func classByte(pattern string, i int) (c byte, next int, ok bool) {
	if pattern[i] == '\\' {
		i++
	}
	if i >= len(pattern) {
		return 0, i, false
	}
	return pattern[i], i + 1, true
}

func posixClass(s string) (name, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, "[:")
	if !ok {
		return "", "", false
	}
	return strings.Cut(s, ":]")
}

// inPosixClass reports whether c is in a class of the POSIX locale. A class that
// does not exist has no members.
func inPosixClass(name string, c byte) bool {
	switch name {
	case "alnum":
		return isAlphanumeric(c)
	case "alpha":
		return isAlphanumeric(c) && !isDigit(c)
	case "blank":
		return strings.IndexByte(" \t", c) >= 0
	case "cntrl":
		return c < ' ' || c == 0x7f
	case "digit":
		return isDigit(c)
	case "graph":
		return isGraphic(c)
	case "lower":
		return isAlphanumeric(c) && !isUpperOrDigit(c)
	case "print":
		return isGraphic(c) || c == ' '
	case "punct":
		return isGraphic(c) && !isAlphanumeric(c)
	case "space":
		return strings.IndexByte(" \t\n\v\f\r", c) >= 0
	case "upper":
		return isUpperOrDigit(c) && !isDigit(c)
	case "xdigit":
		return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0
	}
	return false
}

func isDigit(c byte) bool   { return '0' <= c && c <= '9' }
func isGraphic(c byte) bool { return '!' <= c && c <= '~' }
