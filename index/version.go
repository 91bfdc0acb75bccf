package index

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// maxVersionLength bounds a version or one version of a requirement.
const maxVersionLength = 256

// Version is a version as defined by Semantic Versioning 2.0.0.
type Version struct {
	Major, Minor, Patch uint64
	Pre                 string // prerelease, without its "-"; "" for a release
	Build               string // build metadata, without its "+"
}

// VersionError reports a text that is not a full version.
type VersionError struct {
	Text   string
	Detail string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%q is not a full version: %s", e.Text, e.Detail)
}

// Hint says what to write instead.
func (e *VersionError) Hint() string {
	return `write MAJOR.MINOR.PATCH, such as "1.2.0" or "1.2.0-rc.1"`
}

// ParseVersion parses a full version: MAJOR.MINOR.PATCH, then an optional
// "-prerelease" and an optional "+build". The error is a [*VersionError].
func ParseVersion(s string) (Version, error) {
	if len(s) > maxVersionLength {
		return Version{}, &VersionError{s, fmt.Sprintf("it is longer than %d characters", maxVersionLength)}
	}
	p := versionScanner{rest: s}
	v := p.version()
	if p.fault == "" && p.rest != "" {
		p.fail("unexpected %q after it", p.rest)
	}
	if p.fault != "" {
		return Version{}, &VersionError{s, p.fault}
	}
	return v, nil
}

// String returns the version as it is written in a line.
func (v Version) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d.%d.%d", v.Major, v.Minor, v.Patch)
	if v.Pre != "" {
		b.WriteString("-" + v.Pre)
	}
	if v.Build != "" {
		b.WriteString("+" + v.Build)
	}
	return b.String()
}

// Prerelease reports whether v comes before the release of the same number.
func (v Version) Prerelease() bool { return v.Pre != "" }

// Compare orders versions by the precedence of SemVer (section 11): negative if
// v is older than w, zero if they have the same precedence. Build metadata does
// not count, so zero does not mean that both are written alike.
func (v Version) Compare(w Version) int {
	return cmp.Or(
		cmp.Compare(v.Major, w.Major),
		cmp.Compare(v.Minor, w.Minor),
		cmp.Compare(v.Patch, w.Patch),
		comparePrerelease(v.Pre, w.Pre),
	)
}

// Compatible reports whether v and w do not break each other, by Cargo's rule: the
// leftmost number that is not zero is the same, and all before it.
func (v Version) Compatible(w Version) bool {
	switch {
	case v.Major > 0 || w.Major > 0:
		return v.Major == w.Major
	case v.Minor > 0 || w.Minor > 0:
		return v.Minor == w.Minor
	}
	return v.Patch == w.Patch
}

func comparePrerelease(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := compareIdentifier(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// compareIdentifier compares one identifier of a prerelease. Numbers may have
// any length; they have no leading zeros, so the longer one is the greater.
func compareIdentifier(a, b string) int {
	aNumber, bNumber := allDigits(a), allDigits(b)
	switch {
	case aNumber && bNumber:
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	case aNumber:
		return -1
	case bNumber:
		return 1
	}
	return strings.Compare(a, b)
}

func allDigits(s string) bool {
	for _, r := range s {
		if !isDigit(r) {
			return false
		}
	}
	return s != ""
}

// versionScanner reads the parts of versions off the front of a text. The first
// fault stays; what is read after it has no meaning.
type versionScanner struct {
	rest  string
	fault string
}

func (p *versionScanner) fail(format string, args ...any) {
	if p.fault == "" {
		p.fault = fmt.Sprintf(format, args...)
	}
}

func (p *versionScanner) version() (v Version) {
	v.Major = p.number("major")
	p.dot("minor")
	v.Minor = p.number("minor")
	p.dot("patch")
	v.Patch = p.number("patch")
	v.Pre, v.Build = p.suffixes()
	return v
}

// suffixes reads what may follow a full MAJOR.MINOR.PATCH.
func (p *versionScanner) suffixes() (pre, build string) {
	if p.skip('-') {
		pre = p.identifiers("prerelease", true)
	}
	if p.skip('+') {
		build = p.identifiers("build metadata", false)
	}
	return pre, build
}

func (p *versionScanner) skip(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *versionScanner) dot(next string) {
	if !p.skip('.') {
		p.fail(`the %s number is missing`, next)
	}
}

func (p *versionScanner) number(what string) uint64 {
	digits := p.span(isDigit)
	switch {
	case digits == "":
		p.fail("the %s number is missing", what)
		return 0
	case len(digits) > 1 && digits[0] == '0':
		p.fail("the %s number has a leading zero", what)
		return 0
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		p.fail("the %s number is too large", what)
	}
	return n
}

// identifiers reads the dot-separated identifiers of a prerelease or of build metadata.
func (p *versionScanner) identifiers(what string, strictNumbers bool) string {
	text := p.span(func(r rune) bool { return isAlphanumeric(r) || r == '-' || r == '.' })
	for id := range strings.SplitSeq(text, ".") {
		if id == "" {
			p.fail("the %s has an empty part", what)
		}
		if strictNumbers && len(id) > 1 && id[0] == '0' && allDigits(id) {
			p.fail("the %s has a number with a leading zero", what)
		}
	}
	return text
}

func (p *versionScanner) span(member func(rune) bool) string {
	end := 0
	for end < len(p.rest) && member(rune(p.rest[end])) {
		end++
	}
	text := p.rest[:end]
	p.rest = p.rest[end:]
	return text
}
