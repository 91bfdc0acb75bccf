package index

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of the texts of a published line, in characters, and of its lists.
const (
	maxWordLength = 512
	maxTextLength = 4096
	maxWords      = 256
)

// TimeLayout is the one form of a time in a line: RFC 3339 in UTC, whole seconds.
const TimeLayout = "2006-01-02T15:04:05Z"

func (c *lineChecker) required(field, value string) {
	if value == "" {
		c.add("line/missing", field, "", "is missing")
	}
}

// digest checks 64 lower-case hex digits.
func (c *lineChecker) digest(rule, field, value string) {
	if !isHex(value, 64) {
		c.add(rule, field, "write the SHA-256 digest", "%q is not 64 lower-case hexadecimal digits", value)
	}
}

func isHex(s string, length int) bool {
	return len(s) == length && strings.Trim(s, "0123456789abcdef") == ""
}

func (c *lineChecker) size(field string, size int64) {
	if size < 0 {
		c.add("line/archive-size", field, "", "%d is negative", size)
	}
}

func (c *lineChecker) time(field, value string) {
	if value == "" {
		return
	}
	if t, err := time.Parse(TimeLayout, value); err != nil || t.Format(TimeLayout) != value {
		c.add("line/time", field, `write UTC and whole seconds, such as "2026-01-02T03:04:05Z"`, "%q is not a time", value)
	}
}

// url checks an absolute URL of one of the schemes; "" is none.
func (c *lineChecker) url(field, value string, schemes ...string) {
	if value == "" {
		return
	}
	if fault := urlFault(value, schemes); fault != "" {
		c.add("line/url", field, "write an absolute URL, such as https://example.org/path", "%q %s", value, fault)
	}
}

func urlFault(value string, schemes []string) string {
	u, err := url.Parse(value)
	switch {
	case err != nil || !printable(value, false) || strings.ContainsAny(value, " \"<>\\"):
		return "is not a URL"
	case len(value) > maxTextLength:
		return fmt.Sprintf("is longer than %d characters", maxTextLength)
	case !slices.Contains(schemes, u.Scheme) || !strings.HasPrefix(value, u.Scheme):
		return "does not start with " + strings.Join(schemes, ":, ") + ":"
	case u.Opaque != "" || u.Host == "" && u.Scheme != "file" || u.Path == "" && u.Scheme == "file":
		return "is not absolute"
	}
	if _, secret := u.User.Password(); secret {
		return "has a password in it"
	}
	return ""
}

// text checks a text for people. Only a long one may have several lines.
func (c *lineChecker) text(field, value string, limit int, long bool) {
	if utf8.RuneCountInString(value) > limit {
		c.add("line/text", field, "make it shorter", "is longer than %d characters", limit)
	}
	if !printable(value, long) {
		c.add("line/text", field, "leave out control characters", "%q has characters that do not print", value)
	}
}

// printable reports whether s has nothing that could deceive who reads it on a
// terminal or in a review: no control characters and none that turn the
// direction of the text.
func printable(s string, newlines bool) bool {
	for _, r := range s {
		switch {
		case newlines && (r == '\n' || r == '\t'):
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == utf8.RuneError, r == '\u2028', r == '\u2029':
			return false
		}
	}
	return true
}

// words checks a list of short texts, each given once.
func (c *lineChecker) words(field string, words []string) {
	if len(words) > maxWords {
		c.add("line/list", field, "", "has more than %d elements", maxWords)
	}
	for i, word := range words {
		place := fmt.Sprintf("%s[%d]", field, i)
		c.required(place, word)
		c.text(place, word, maxWordLength, false)
		if slices.Index(words, word) < i {
			c.add("line/repeated", place, "leave it out", "%q is given twice", word)
		}
	}
}

func (c *lineChecker) platforms(platforms []string) {
	for i, text := range platforms {
		c.platform("platforms", i, text, slices.Index(platforms, text) < i)
	}
}

func (c *lineChecker) platform(list string, i int, text string, repeated bool) {
	place := fmt.Sprintf("%s[%d]", list, i)
	if _, err := ParsePlatform(text); err != nil {
		c.invalid("line/platform", place, err)
	}
	if repeated {
		c.add("line/repeated", place, "leave it out", "%q is given twice", text)
	}
}

func (c *lineChecker) builds(builds []Build) {
	for i, b := range builds {
		first := slices.IndexFunc(builds, func(other Build) bool { return other.Platform == b.Platform })
		c.platform("builds", i, b.Platform, first < i)
		place := fmt.Sprintf("builds[%d].", i)
		c.required(place+"dl", b.DL)
		c.url(place+"dl", b.DL, "https", "http", "file")
		c.digest("line/cksum", place+"cksum", b.Cksum)
		c.size(place+"size", b.Size)
		c.unknown(place, b.Extra)
	}
}

func (c *lineChecker) external(external []string) {
	c.words("external", external)
	for i, text := range external {
		named, platforms, conditional := strings.Cut(text, "; ")
		if conditional {
			c.externalPlatforms(fmt.Sprintf("external[%d]", i), platforms)
		}
		manager, pkg, _ := strings.Cut(named, ":")
		if manager == "" || pkg == "" || strings.Trim(manager, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.TrimSpace(pkg) != pkg {
			c.add("line/external", fmt.Sprintf("external[%d]", i), `write "manager:package", such as "apt:libfoo-dev"`, "%q names no package of a package manager", text)
		}
	}
}

// externalPlatforms checks what stands behind an external package that is
// needed on some platforms only.
func (c *lineChecker) externalPlatforms(place, text string) {
	var seen []string
	for platform := range strings.SplitSeq(text, ", ") {
		if p, err := ParsePlatform(platform); err != nil || p == (Platform{}) || slices.Contains(seen, platform) {
			c.add("line/external", place, `write "manager:package; linux-x86_64, linux-aarch64"`, "%q are not platforms, each once", text)
			return
		}
		seen = append(seen, platform)
	}
}

func (c *lineChecker) source(s *Source) {
	if s == nil {
		return
	}
	c.required("source.repository", s.Repository)
	c.url("source.repository", s.Repository, "https", "http", "git", "ssh", "file")
	c.size("source.repository_id", s.RepositoryID)
	c.size("source.owner_id", s.OwnerID)
	if s.Ref != "" && !strings.HasPrefix(s.Ref, "refs/") {
		c.add("line/ref", "source.ref", `write the full name, such as "refs/tags/v1.2.0"`, "%q is not the full name of a git reference", s.Ref)
	}
	c.text("source.ref", s.Ref, maxWordLength, false)
	c.object("source.commit", s.Commit)
	c.object("source.tag_object", s.TagObject)
	c.unknown("source.", s.Extra)
}

// object checks the ID of a git object, of SHA-1 or SHA-256; "" is none.
func (c *lineChecker) object(field, id string) {
	if id != "" && !isHex(id, 40) && !isHex(id, 64) {
		c.add("line/object", field, "write all digits of it", "%q is not the ID of a git object", id)
	}
}

// IsType reports whether s can be the type of a package: 1 to 32 lower-case
// letters, digits and '-', beginning with a letter.
func IsType(s string) bool {
	return s != "" && len(s) <= 32 && s[0] >= 'a' && s[0] <= 'z' &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// RetiredReasons returns the reasons that a retirement may give.
func RetiredReasons() []string {
	return []string{"renamed", "deprecated", "security", "invalid", "other"}
}

func (c *lineChecker) retired(r *Retired) {
	if r == nil {
		return
	}
	if !slices.Contains(RetiredReasons(), r.Reason) {
		c.add("line/retired", "retired.reason", "the reasons are "+strings.Join(RetiredReasons(), ", "), "%q is not a reason", r.Reason)
	}
	c.text("retired.message", r.Message, maxTextLength, true)
	c.time("retired.since", r.Since)
	c.unknown("retired.", r.Extra)
}

func (c *lineChecker) dependencies(e *Entry) {
	if len(e.Deps) == 0 || len(e.Deps) == len(c.sound) && &e.Deps[0] == &c.sound[0] {
		return // those of the version before, as most have
	}
	found := len(c.violations)
	type key struct{ name, kind, target string }
	seen := make(map[key]bool, len(e.Deps))
	for i, d := range e.Deps {
		k := key{d.Name, d.Kind, d.Target}
		if seen[k] {
			c.add("line/repeated", dependencyField(i, "name"), "join the two into one", "%q is given twice for the same kind and target", d.Name)
		}
		seen[k] = true
		c.dependency(i, d)
	}
	if len(c.violations) == found {
		c.sound = e.Deps
	}
}

// dependencyField names a field of the i-th dependency, for which few ask.
func dependencyField(i int, name string) string { return fmt.Sprintf("deps[%d].%s", i, name) }

func (c *lineChecker) dependency(i int, d Dependency) {
	if err := CheckLookupName(d.Name); err != nil {
		c.nameError(dependencyField(i, "name"), err)
	}
	if d.Package != "" {
		if err := CheckLookupName(d.Package); err != nil {
			c.nameError(dependencyField(i, "package"), err)
		}
	}
	if d.Package == d.Name && d.Name != "" {
		c.add("line/package", dependencyField(i, "package"), "leave it out", "is the same as the name")
	}
	if _, err := ParseRequirement(d.Req); err != nil {
		c.invalid("line/requirement", dependencyField(i, "req"), err)
	}
	if _, err := TargetMatches(d.Target, Platform{}); err != nil {
		c.invalid("line/target", dependencyField(i, "target"), err)
	}
	if d.Kind == KindDev && d.Optional {
		c.add("line/optional", dependencyField(i, "optional"), "", "a dev dependency cannot be optional")
	}
	for j, name := range d.Features {
		if !isFeatureName(name) {
			c.featureName(dependencyField(i, fmt.Sprintf("features[%d]", j)), name)
		}
	}
	if d.Registry != "" {
		c.registry(dependencyField(i, "registry"), d.Registry)
	}
	if len(d.Extra) > 0 {
		c.unknown(dependencyField(i, ""), d.Extra)
	}
}

// registry checks the URL of an index, with Cargo's "sparse+" before it or not.
func (c *lineChecker) registry(field, value string) {
	c.url(field, strings.TrimPrefix(value, "sparse+"), "https", "http", "git", "ssh", "file")
}

func (c *lineChecker) featureName(field, name string) {
	if !isFeatureName(name) {
		c.add("line/feature", field, `use ASCII letters, digits, "_", "-", "+" and "."`, "%q is not the name of a feature", name)
	}
}

// isFeatureName applies Cargo's rule for the features of new crates, in ASCII.
func isFeatureName(name string) bool {
	for i, r := range name {
		if !isAlphanumeric(r) && r != '_' && (i == 0 || r != '-' && r != '+' && r != '.') {
			return false
		}
	}
	return name != "" && len(name) <= maxWordLength
}

// features checks that a feature is made of features and dependencies that there are.
func (c *lineChecker) features(e *Entry) {
	all := e.AllFeatures()
	optional := make(map[string]bool)
	for _, d := range e.Deps {
		optional[d.Name] = optional[d.Name] || d.Optional
	}
	for _, list := range []struct {
		field    string
		features map[string][]string
	}{{"features", e.Features}, {"features2", e.Features2}} {
		for _, name := range sortedKeys(list.features) {
			place := list.field + "." + name
			c.featureName(place, name)
			for i, value := range list.features[name] {
				if fault := featureFault(value, all, optional); fault != "" {
					c.add("line/feature", fmt.Sprintf("%s[%d]", place, i), "name a feature, dep:DEPENDENCY, or DEPENDENCY/FEATURE", "%q: %s", value, fault)
				}
			}
		}
	}
}

// featureFault says what is wrong with one value of a feature. The keys of
// optional are all dependencies.
func featureFault(value string, features map[string][]string, optional map[string]bool) string {
	if _, known := features[value]; known || optional[value] {
		return ""
	}
	if name, isDependency := strings.CutPrefix(value, "dep:"); isDependency {
		if !optional[name] {
			return "there is no such optional dependency"
		}
		return ""
	}
	// The last "/": a scoped dependency has one of its own.
	if slash := strings.LastIndexByte(value, '/'); slash >= 0 {
		name, weak := strings.CutSuffix(value[:slash], "?")
		isOptional, known := optional[name]
		switch {
		case !known:
			return "there is no such dependency"
		case weak && !isOptional:
			return `"?" is for an optional dependency`
		case value[slash+1:] == "":
			return "the feature of the dependency is missing"
		}
		return ""
	}
	return "there is no such feature or optional dependency"
}
