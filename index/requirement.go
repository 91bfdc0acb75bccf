package index

import (
	"fmt"
	"strings"
)

// maxComparators bounds the parts of a requirement, as Rust's semver crate does.
const maxComparators = 32

// Requirement is a set of versions, written as Cargo writes it. Its zero value
// is "*", every release.
//
// A requirement is a list of comparators separated by commas, all of which must
// hold. A comparator is an operator and a version of which the patch or the
// minor and patch may be left out:
//
//	^1.2.3  1.2.3   at least this, below the next change of the leftmost number that is not 0
//	~1.2.3  ~1.2    at least this, and the same minor number (~1: the same major number)
//	=1.2.3  =1.2    exactly these numbers
//	1.*     1.2.*   exactly these numbers; "x" and "X" may stand for "*"
//	>1.2  >=1.2  <1.2  <=1.2
//
// A prerelease matches only if a comparator has a prerelease of the same
// MAJOR.MINOR.PATCH. Build metadata never counts.
type Requirement struct {
	comparators []comparator
}

type comparator struct {
	op       operator
	version  Version // without Build
	hasMinor bool
	hasPatch bool
}

type operator string

// The operators, as they are written.
const (
	opCaret        operator = "^"
	opTilde        operator = "~"
	opExact        operator = "="
	opGreater      operator = ">"
	opGreaterEqual operator = ">="
	opLess         operator = "<"
	opLessEqual    operator = "<="
	opWildcard     operator = "*"
)

// RequirementError reports a text that is not a requirement.
type RequirementError struct {
	Text   string
	Detail string
}

func (e *RequirementError) Error() string {
	return fmt.Sprintf("%q is not a version requirement: %s", e.Text, e.Detail)
}

// Hint says what to write instead.
func (e *RequirementError) Hint() string {
	return `write one such as "^1.2", "~1.2.3", "=1.2.3", ">=1.2, <2" or "*"`
}

// ParseRequirement parses a requirement by the rules of Rust's semver crate. The
// error is a [*RequirementError].
func ParseRequirement(s string) (Requirement, error) {
	rest := strings.Trim(s, " ")
	if isWildcard(rest) {
		return Requirement{}, nil
	}
	var r Requirement
	for part := range strings.SplitSeq(rest, ",") {
		if len(r.comparators) == maxComparators {
			return Requirement{}, &RequirementError{s, fmt.Sprintf("it has more than %d parts", maxComparators)}
		}
		c, fault := parseComparator(strings.Trim(part, " "))
		if fault != "" {
			return Requirement{}, &RequirementError{s, fault}
		}
		r.comparators = append(r.comparators, c)
	}
	return r, nil
}

func isWildcard(s string) bool { return s == "*" || s == "x" || s == "X" }

func parseComparator(s string) (c comparator, fault string) {
	switch {
	case s == "":
		return c, "a part is empty"
	case isWildcard(s):
		return c, fmt.Sprintf("%q must stand alone", s)
	case len(s) > maxVersionLength:
		return c, fmt.Sprintf("a part is longer than %d characters", maxVersionLength)
	}
	explicit, rest := cutOperator(s)
	p := versionScanner{rest: strings.TrimLeft(rest, " ")}
	wildcard := p.partial(&c)
	c.op = explicit
	switch {
	case explicit == "" && wildcard:
		c.op = opWildcard
	case explicit == "":
		c.op = opCaret
	}
	if p.fault == "" && p.rest != "" {
		p.fail("unexpected %q after %q; separate parts with a comma", p.rest, strings.TrimSuffix(s, p.rest))
	}
	return c, p.fault
}

// cutOperator splits a leading operator off s; it is "" if there is none.
func cutOperator(s string) (operator, string) {
	for _, op := range []operator{opGreaterEqual, opLessEqual, opGreater, opLess, opExact, opTilde, opCaret} {
		if rest, found := strings.CutPrefix(s, string(op)); found {
			return op, rest
		}
	}
	return "", s
}

// partial reads a version whose last numbers may be missing or wildcards, and
// reports whether there was a wildcard.
func (p *versionScanner) partial(c *comparator) (wildcard bool) {
	c.version.Major = p.number("major")
	if !p.skip('.') {
		return false
	}
	if p.wildcard() {
		if p.skip('.') && !p.wildcard() {
			p.fail("a number follows a wildcard")
		}
		return true
	}
	c.version.Minor, c.hasMinor = p.number("minor"), true
	if !p.skip('.') {
		return false
	}
	if p.wildcard() {
		return true
	}
	c.version.Patch, c.hasPatch = p.number("patch"), true
	c.version.Pre, _ = p.suffixes()
	return false
}

func (p *versionScanner) wildcard() bool { return p.skip('*') || p.skip('x') || p.skip('X') }

// String returns the requirement in its shortest common form, which parses to
// the same requirement.
func (r Requirement) String() string {
	if len(r.comparators) == 0 {
		return "*"
	}
	parts := make([]string, len(r.comparators))
	for i, c := range r.comparators {
		parts[i] = c.String()
	}
	return strings.Join(parts, ", ")
}

func (c comparator) String() string {
	var b strings.Builder
	if c.op != opWildcard {
		b.WriteString(string(c.op))
	}
	fmt.Fprintf(&b, "%d", c.version.Major)
	if c.hasMinor {
		fmt.Fprintf(&b, ".%d", c.version.Minor)
	}
	if c.hasPatch {
		fmt.Fprintf(&b, ".%d", c.version.Patch)
	}
	if c.version.Pre != "" {
		b.WriteString("-" + c.version.Pre)
	}
	if c.op == opWildcard {
		b.WriteString(".*")
	}
	return b.String()
}

// Matches reports whether v satisfies the requirement.
func (r Requirement) Matches(v Version) bool {
	for i := range r.comparators {
		if !r.comparators[i].matches(&v) {
			return false
		}
	}
	return v.Pre == "" || r.admitsPrerelease(v)
}

// admitsPrerelease reports whether a comparator names a prerelease of the same
// release as v.
func (r Requirement) admitsPrerelease(v Version) bool {
	for _, c := range r.comparators {
		w := c.version
		if c.hasPatch && w.Pre != "" && w.Major == v.Major && w.Minor == v.Minor && w.Patch == v.Patch {
			return true
		}
	}
	return false
}

func (c *comparator) matches(v *Version) bool {
	switch c.op {
	case opExact, opWildcard:
		return c.equal(v)
	case opGreater:
		return c.compare(v) > 0
	case opGreaterEqual:
		return c.equal(v) || c.compare(v) > 0
	case opLess:
		return c.compare(v) < 0
	case opLessEqual:
		return c.equal(v) || c.compare(v) < 0
	case opTilde:
		return c.tilde(v)
	default:
		return c.caret(v)
	}
}

// equal reports whether v has every number that c has, and its prerelease.
func (c *comparator) equal(v *Version) bool {
	return v.Major == c.version.Major &&
		(!c.hasMinor || v.Minor == c.version.Minor) &&
		(!c.hasPatch || v.Patch == c.version.Patch) &&
		v.Pre == c.version.Pre
}

// compare says on which side of c v lies: +1 above, -1 below. It is 0 when v is
// c, and also when v is one of several versions that c, being partial, stands
// for: ">1.2" and "<1.2" both leave out all of 1.2.
func (c *comparator) compare(v *Version) int {
	w := *v
	if !c.hasMinor {
		w.Minor = 0
	}
	if !c.hasPatch {
		w.Patch, w.Pre = 0, ""
	}
	return w.Compare(c.version)
}

func (c *comparator) tilde(v *Version) bool {
	if v.Major != c.version.Major || c.hasMinor && v.Minor != c.version.Minor {
		return false
	}
	if c.hasPatch && v.Patch != c.version.Patch {
		return v.Patch > c.version.Patch
	}
	return comparePrerelease(v.Pre, c.version.Pre) >= 0
}

func (c *comparator) caret(v *Version) bool {
	w := &c.version
	switch {
	case v.Major != w.Major:
		return false
	case !c.hasMinor:
		return true
	case w.Major > 0 && v.Minor != w.Minor:
		return v.Minor > w.Minor
	case v.Minor != w.Minor:
		return false
	case !c.hasPatch:
		return true
	case v.Patch != w.Patch:
		return (w.Major > 0 || w.Minor > 0) && v.Patch > w.Patch
	}
	return comparePrerelease(v.Pre, w.Pre) >= 0
}
