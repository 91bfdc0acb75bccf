package archive

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Rules of paths, the same when packing and when extracting.
const (
	RulePathUTF8      = "archive/path-utf8"
	RulePathWindows   = "archive/path-windows"
	RulePathInvisible = "archive/path-invisible"
	RulePathLength    = "archive/path-length"
	RulePathCollision = "archive/path-collision"
	RulePathDuplicate = "archive/path-duplicate"
)

// checkPortable reports why a slash-separated relative path cannot be held by
// every operating system.
func checkPortable(path string, limits Limits) []Refusal {
	var refusals []Refusal
	refuse := func(rule, detail, hint string) {
		refusals = append(refusals, Refusal{Path: path, Rule: rule, Detail: detail, Hint: hint})
	}
	if !utf8.ValidString(path) {
		refuse(RulePathUTF8, "the name is not UTF-8", "rename the file or exclude it")
		return refusals
	}
	if len(path) > limits.PathLength {
		refuse(RulePathLength, fmt.Sprintf("the path has %d bytes, more than %d", len(path), limits.PathLength), "use shorter folder and file names")
	}
	for name := range strings.SplitSeq(path, "/") {
		if len(name) > componentLength {
			refuse(RulePathLength, fmt.Sprintf("a name has %d bytes, more than %d", len(name), componentLength), "use a shorter name")
		}
		if detail := windowsFault(name); detail != "" {
			refuse(RulePathWindows, detail, "rename it, or exclude it in .clyde/package.yaml")
		}
		if r, ok := invisible(name); ok {
			refuse(RulePathInvisible, fmt.Sprintf("the name has the invisible character %U", r), "rename the file or exclude it")
		}
	}
	return refusals
}

// windowsFault says why Windows cannot hold a file of this name, or "". See
// "Naming Files, Paths, and Namespaces" in the Win32 documentation.
func windowsFault(name string) string {
	if i := strings.IndexAny(name, `<>:"|?*\`); i >= 0 {
		return fmt.Sprintf("Windows does not allow the character %q in a name", name[i])
	}
	if strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") {
		return "Windows does not allow a name that ends with a dot or a space"
	}
	stem, _, _ := strings.Cut(name, ".")
	if isDevice(strings.ToUpper(strings.TrimRight(stem, " "))) {
		return fmt.Sprintf("%q is a device on Windows", stem)
	}
	return ""
}

func isDevice(stem string) bool {
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	prefix, ok := strings.CutPrefix(stem, "COM")
	if !ok {
		if prefix, ok = strings.CutPrefix(stem, "LPT"); !ok {
			return false
		}
	}
	switch prefix {
	case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³":
		return true
	}
	return false
}

// invisible returns the first character that prints as nothing or that changes
// the direction of writing, so that two names can look the same.
func invisible(name string) (rune, bool) {
	for _, r := range name {
		if r != ' ' && !unicode.IsPrint(r) {
			return r, true
		}
	}
	return 0, false
}

// fold maps a path to what a file system that ignores case and normalises
// names makes of it.
func fold(path string) string {
	return norm.NFC.String(cases.Fold().String(norm.NFD.String(path)))
}

// pathSet knows the files and folders of an archive and finds those that some
// file system cannot tell apart.
type pathSet struct{ seen map[string]pathUse }

type pathUse struct {
	path string
	file bool
}

func newPathSet() *pathSet { return &pathSet{seen: map[string]pathUse{}} }

// add takes in a path and the folders above it. It reports the rule that is
// broken and the earlier path that stands in the way; rule is "" when all is
// well. A folder may be added twice.
func (s *pathSet) add(path string, file bool) (rule, other string) {
	for i := 0; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		if rule, other := s.addOne(path[:i], false); rule != "" {
			return rule, other
		}
	}
	return s.addOne(path, file)
}

func (s *pathSet) addOne(path string, file bool) (rule, other string) {
	key := fold(path)
	use, ok := s.seen[key]
	switch {
	case !ok:
		s.seen[key] = pathUse{path, file}
		return "", ""
	case use.path != path:
		return RulePathCollision, use.path
	case file || use.file:
		return RulePathDuplicate, use.path
	}
	return "", ""
}
