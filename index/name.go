package index

import (
	"fmt"
	"strings"
)

const (
	maxNameLength       = 64  // of a name that is published, and of each part of a scoped one
	maxLookupNameLength = 128 // of a name that is read
	minScopeLength      = 3   // so that a scope never meets a prefix folder ("1", "2", "3", "he")
)

// NameError reports a package name that breaks a rule of the format.
type NameError struct {
	Name   string
	Rule   string // stable id of the rule, such as "name/length"
	Detail string // what is wrong
	remedy string
}

func (e *NameError) Error() string { return fmt.Sprintf("package name %q %s", e.Name, e.Detail) }

// Hint says what to write instead.
func (e *NameError) Hint() string { return e.remedy }

// CheckName reports whether name may be given to a new package. The error is a
// [*NameError].
//
// A plain name is 1 to 64 ASCII letters, digits, "-", "_" and "."; it starts
// with a letter and ends with a letter or digit; it has no "." among its first
// four characters, no "..", no ".json" or ".gz" at its end, and is no device name of
// Windows. A scoped name is scope + "/" + name in lower case, where both parts
// obey the rules for plain names and the scope has at least three characters,
// no ".", and is none of the folders of an index: "owners", "overrides",
// "sources" and "trust".
func CheckName(name string) error {
	scope, base, scoped := strings.Cut(name, "/")
	if !scoped {
		return checkPart(name, name)
	}
	if strings.Contains(base, "/") {
		return &NameError{name, "name/scope", `has more than one "/"`, `write "scope/name"`}
	}
	if name != lower(name) {
		return &NameError{name, "name/scope-case", "is scoped and has upper-case letters", fmt.Sprintf("write %q", lower(name))}
	}
	if err := checkScope(name, scope); err != nil {
		return err
	}
	if err := checkPart(name, scope); err != nil {
		return err
	}
	return checkPart(name, base)
}

func checkScope(name, scope string) error {
	switch {
	case len(scope) < minScopeLength:
		return &NameError{name, "name/scope-length", fmt.Sprintf("has the scope %q, shorter than %d characters", scope, minScopeLength), "choose a longer scope"}
	case strings.Contains(scope, "."):
		return &NameError{name, "name/scope", `has a "." in its scope`, `use "-" instead`}
	case reservedScope(scope):
		return &NameError{name, "name/scope-reserved", fmt.Sprintf("has the scope %q, a folder of the index itself", scope), "choose another scope"}
	}
	return nil
}

// reservedScope reports whether scope is a folder of the index that holds no packages.
func reservedScope(scope string) bool {
	return scope == "owners" || scope == "overrides" || scope == "sources" || scope == "trust"
}

// checkPart checks a plain name, or one part of the scoped name.
func checkPart(name, part string) error {
	if part == "" {
		return &NameError{name, "name/empty", "is empty or has an empty part", "give the package a name"}
	}
	if len(part) > maxNameLength {
		return &NameError{name, "name/length", fmt.Sprintf("is longer than %d characters", maxNameLength), "choose a shorter name"}
	}
	for i, r := range part {
		if !isAlphanumeric(r) && r != '-' && r != '_' && r != '.' {
			return &NameError{name, "name/characters", fmt.Sprintf("has %q at position %d", r, i+1), `use ASCII letters, digits, "-", "_" and "." only`}
		}
	}
	switch {
	case !isLetter(rune(part[0])):
		return &NameError{name, "name/start", "does not start with a letter", "start the name with a letter"}
	case !isAlphanumeric(rune(part[len(part)-1])):
		return &NameError{name, "name/end", "does not end with a letter or digit", "end the name with a letter or digit"}
	case strings.Contains(part, ".."):
		return &NameError{name, "name/dots", `has ".."`, `use a single "."`}
	case strings.Contains(part[:min(4, len(part))], "."):
		return &NameError{name, "name/early-dot", `has a "." among its first four characters`, `use "-" there: these characters name folders, which Windows does not allow to end with "."`}
	case strings.HasSuffix(lower(part), ".json"):
		return &NameError{name, "name/json", `ends with ".json"`, "choose another ending"}
	case isCompressed(part):
		return &NameError{name, "name/gz", `ends with ".gz"`, "choose another ending: a file of that name beside another is its compressed form"}
	case isDeviceName(part):
		return &NameError{name, "name/device", "is a device name on Windows", "choose another name"}
	}
	return nil
}

// CheckLookupName reports whether name may be looked up in an existing index,
// which may be one of Cargo's with names older than the rules of [CheckName]. It
// refuses only what could not be a file of an index or would leave it. The error
// is a [*NameError].
func CheckLookupName(name string) error {
	scope, base, scoped := strings.Cut(name, "/")
	if !scoped {
		return checkLookupPart(name, name)
	}
	if len(scope) < minScopeLength || strings.Contains(scope, ".") || reservedScope(lower(scope)) {
		return &NameError{name, "name/scope", fmt.Sprintf("has %q as its scope", scope), `write "scope/name", with three or more letters in the scope`}
	}
	if err := checkLookupPart(name, scope); err != nil {
		return err
	}
	return checkLookupPart(name, base)
}

func checkLookupPart(name, part string) error {
	if part == "" {
		return &NameError{name, "name/empty", "is empty or has an empty part", "give a package name"}
	}
	if len(part) > maxLookupNameLength {
		return &NameError{name, "name/length", fmt.Sprintf("is longer than %d characters", maxLookupNameLength), "give a shorter name"}
	}
	for i, r := range part {
		if !isAlphanumeric(r) && r != '-' && r != '_' && (r != '.' || i == 0) {
			return &NameError{name, "name/characters", fmt.Sprintf("has %q at position %d", r, i+1), `use ASCII letters, digits, "-", "_" and "." only`}
		}
	}
	if strings.Contains(part, "..") {
		return &NameError{name, "name/dots", `has ".."`, `use a single "."`}
	}
	if isCompressed(part) {
		return &NameError{name, "name/gz", `ends with ".gz"`, "no package has such a name"}
	}
	if strings.HasSuffix(part, ".") {
		return &NameError{name, "name/end", `ends with "."`, `leave out the "."`}
	}
	return nil
}

// isCompressed reports a name whose file a web server would send as the
// compressed form of another package's.
func isCompressed(part string) bool { return strings.HasSuffix(lower(part), ".gz") }

// Fold returns the key under which a name must be unique in an index: lower
// case, and "-", "_" and "." are equal.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '.' {
			return '-'
		}
		return lowerRune(r)
	}, name)
}

// isDeviceName reports whether Windows takes a file of this name for a device,
// with or without an extension.
func isDeviceName(name string) bool {
	stem, _, _ := strings.Cut(lower(name), ".")
	switch stem {
	case "con", "nul", "aux", "prn":
		return true
	}
	return len(stem) == 4 && (stem[:3] == "com" || stem[:3] == "lpt") && isDigit(rune(stem[3]))
}

// lower lower-cases ASCII letters only: no other may be part of a name, and
// Unicode's rules would let some of them turn into ASCII.
func lower(s string) string { return strings.Map(lowerRune, s) }

func lowerRune(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + ('a' - 'A')
	}
	return r
}

func isDigit(r rune) bool        { return '0' <= r && r <= '9' }
func isLetter(r rune) bool       { r = lowerRune(r); return 'a' <= r && r <= 'z' }
func isAlphanumeric(r rune) bool { return isLetter(r) || isDigit(r) }
