package index

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxTargetLength and maxTargetDepth bound the target of a dependency.
const (
	maxTargetLength = 4096
	maxTargetDepth  = 32
)

// TargetError reports a text that is no target of a dependency.
type TargetError struct {
	Text   string
	Detail string
}

func (e *TargetError) Error() string { return fmt.Sprintf("%q is not a target: %s", e.Text, e.Detail) }

// Hint says what to write instead.
func (e *TargetError) Hint() string {
	return `write a condition such as cfg(target_os = "linux"), or a target triple`
}

// TargetMatches reports whether a dependency with this target is needed on
// platform p. The target is Cargo's: "" matches everywhere; "cfg(...)" is a
// condition made of all(...), any(...), not(...), true, false, names (unix) and
// pairs (target_os = "linux"); anything else is a target triple, which matches
// the platform whose triple it is. A name or pair that the platform does not
// have is false, whatever it is: compilers define more than is known here. The
// error is a [*TargetError].
func TargetMatches(target string, p Platform) (bool, error) {
	if target == "" {
		return true, nil
	}
	if len(target) > maxTargetLength {
		return false, &TargetError{target, fmt.Sprintf("it is longer than %d characters", maxTargetLength)}
	}
	inner, opened := strings.CutPrefix(target, "cfg(")
	inner, closed := strings.CutSuffix(inner, ")")
	if !opened || !closed {
		return matchTriple(target, p)
	}
	c := conditionParser{text: target, rest: inner, platform: p}
	met := c.expression(0)
	c.space()
	if c.rest != "" {
		c.fail("unexpected %q after it", c.rest)
	}
	if c.err != nil {
		return false, c.err
	}
	return met, nil
}

func matchTriple(target string, p Platform) (bool, error) {
	for _, r := range target {
		if !isAlphanumeric(r) && r != '-' && r != '_' && r != '.' {
			return false, &TargetError{target, fmt.Sprintf("a target triple has no %q", r)}
		}
	}
	return target == p.triple(), nil
}

// triple returns the target triple that Rust's compiler uses on the platform by
// default; "" for the universal one.
func (p Platform) triple() string {
	switch p.OS {
	case "linux":
		return p.Arch + "-unknown-linux-gnu"
	case "macos":
		return p.Arch + "-apple-darwin"
	case "windows":
		return p.Arch + "-pc-windows-msvc"
	}
	return ""
}

// hasName reports whether the compiler defines the bare name on the platform.
func (p Platform) hasName(name string) bool {
	switch name {
	case "unix":
		return p.OS == "linux" || p.OS == "macos"
	case "windows":
		return p.OS == "windows"
	}
	return false
}

// hasPair reports whether the compiler gives the name this value on the platform.
func (p Platform) hasPair(name, value string) bool {
	if p == (Platform{}) {
		return false
	}
	switch name {
	case "target_family":
		return (value == "unix" || value == "windows") && p.hasName(value)
	case "target_os":
		return value == p.OS
	case "target_arch":
		return value == p.Arch
	case "target_pointer_width":
		return value == "64"
	case "target_endian":
		return value == "little"
	case "target_vendor":
		return value == strings.Split(p.triple(), "-")[1]
	case "target_env":
		return value == map[string]string{"linux": "gnu", "windows": "msvc"}[p.OS]
	}
	return false
}

// conditionParser evaluates a cfg expression while it reads it. Every part is
// read even when the result is known, so that a fault is always found.
type conditionParser struct {
	text, rest string
	platform   Platform
	err        error
}

func (c *conditionParser) fail(format string, args ...any) {
	if c.err == nil {
		c.err = &TargetError{c.text, fmt.Sprintf(format, args...)}
	}
	c.rest = ""
}

func (c *conditionParser) space() { c.rest = strings.TrimLeft(c.rest, " \t") }

// accept passes a sign, with the space before it, and reports whether it was there.
func (c *conditionParser) accept(sign string) bool {
	c.space()
	rest, found := strings.CutPrefix(c.rest, sign)
	if found {
		c.rest = rest
	}
	return found
}

func (c *conditionParser) expect(sign string) {
	if !c.accept(sign) {
		c.fail("%q is missing", sign)
	}
}

func (c *conditionParser) expression(depth int) bool {
	if depth > maxTargetDepth {
		c.fail("its conditions are nested more than %d deep", maxTargetDepth)
		return false
	}
	name := c.identifier()
	switch name {
	case "all":
		met, _ := c.list(depth)
		return !slices.Contains(met, false)
	case "any":
		met, _ := c.list(depth)
		return slices.Contains(met, true)
	case "not":
		met, ok := c.list(depth)
		if ok && len(met) != 1 {
			c.fail("not(...) takes one condition")
		}
		return ok && len(met) == 1 && !met[0]
	}
	if c.accept("=") {
		return c.pair(name)
	}
	if name == "true" || name == "false" {
		return name == "true"
	}
	return c.platform.hasName(name)
}

// list reads the conditions in the parentheses of all, any and not.
func (c *conditionParser) list(depth int) (met []bool, ok bool) {
	c.expect("(")
	for c.err == nil && !c.accept(")") {
		met = append(met, c.expression(depth+1))
		if !c.accept(",") {
			c.expect(")")
			break
		}
	}
	return met, c.err == nil
}

// pair reads the value of name = "value".
func (c *conditionParser) pair(name string) bool {
	c.expect(`"`)
	value, rest, found := strings.Cut(c.rest, `"`)
	if !found {
		c.fail("a string does not end")
		return false
	}
	c.rest = rest
	return c.platform.hasPair(name, value)
}

func (c *conditionParser) identifier() string {
	c.accept("r#")
	c.space()
	end := 0
	for end < len(c.rest) && (isAlphanumeric(rune(c.rest[end])) || c.rest[end] == '_') {
		end++
	}
	name := c.rest[:end]
	if name == "" || isDigit(rune(name[0])) {
		c.fail("a condition is missing")
		return ""
	}
	c.rest = c.rest[end:]
	return name
}

// TargetFor returns the target of a dependency that is needed on the given
// platforms only, in a form that cargo reads too:
// `cfg(any(all(target_os = "linux", target_arch = "x86_64"), ...))`. It is "" if
// the platforms are none or include the universal one.
func TargetFor(platforms []Platform) string {
	if len(platforms) == 0 || slices.Contains(platforms, Platform{}) {
		return ""
	}
	sorted := slices.Clone(platforms)
	slices.SortFunc(sorted, func(a, b Platform) int { return cmp.Compare(a.String(), b.String()) })
	var conditions []string
	for _, p := range slices.Compact(sorted) {
		conditions = append(conditions, fmt.Sprintf("all(target_os = %q, target_arch = %q)", p.OS, p.Arch))
	}
	if len(conditions) == 1 {
		return "cfg(" + conditions[0] + ")"
	}
	return "cfg(any(" + strings.Join(conditions, ", ") + "))"
}
