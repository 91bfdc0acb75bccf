package index

import (
	"bytes"
	"errors"
	"fmt"
)

// CheckLine reports every way in which a line, without its newline, is not fit
// to be published for the package of that name. It is as strict as [ParseLine]
// is lenient: the bytes must be the canonical ones, every member known and valid,
// and features must be about dependencies and features that there are. The
// order of the result is that of the members.
func CheckLine(line []byte, name string) []Violation {
	c := &lineChecker{}
	if path, err := Path(name); err == nil {
		c.path = path
	}
	if err := CheckName(name); err != nil {
		c.nameError("name", err)
	}
	c.check(newLineDecoder(line), line, name)
	return c.violations
}

// lineChecker collects the violations of one line.
type lineChecker struct {
	path       string
	line       int
	violations []Violation
	written    []byte       // room for a line, to be used again
	sound      []Dependency // of a line before, in which nothing was found
}

func (c *lineChecker) add(rule, field, hint, format string, args ...any) {
	c.violations = append(c.violations, Violation{
		Rule: rule, Path: c.path, Line: c.line, Field: field,
		Detail: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// invalid adds a violation for an error, with its hint if it has one.
func (c *lineChecker) invalid(rule, field string, err error) {
	hint := ""
	if hinter, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		hint = hinter.Hint()
	}
	c.add(rule, field, hint, "%s", err)
}

func (c *lineChecker) nameError(field string, err error) {
	rule := "line/name"
	if e, ok := errors.AsType[*NameError](err); ok {
		rule = e.Rule
	}
	c.invalid(rule, field, err)
}

// check checks a line, to which the decoder is set, and returns its entry, or
// nil if it cannot be read.
func (c *lineChecker) check(d *lineDecoder, line []byte, name string) *Entry {
	if bytes.ContainsAny(line, "\r\n") {
		c.add("line/newline", "", "end lines with a single LF", "a line break within the line")
	}
	e := d.line()
	if d.newer != nil {
		c.invalid("line/v", "v", d.newer)
		return nil
	}
	for _, problem := range d.problems {
		c.add(problem.Rule, problem.Field, "", "%s", problem.Detail)
	}
	if len(d.problems) > 0 {
		return nil
	}
	c.canonical(line, e)
	c.entry(e, name)
	return e
}

func (c *lineChecker) canonical(line []byte, e *Entry) {
	c.written = e.AppendLine(c.written[:0])
	want := c.written
	if bytes.Equal(line, want) {
		return
	}
	at := 0
	for at < min(len(line), len(want)) && line[at] == want[at] {
		at++
	}
	c.add("line/canonical", "", "write the line as clyde does: fixed order of members, no spaces, nothing empty",
		"not in canonical form: from byte %d it is %s and should be %s", at+1, excerpt(line, at), excerpt(want, at))
}

// excerpt quotes what stands around a place in a line.
func excerpt(line []byte, at int) string {
	return fmt.Sprintf("%q", line[max(0, at-8):min(len(line), at+24)])
}

// entry checks what the line says. Rules for names are for those who create a
// package; a line must only have the name of its file.
func (c *lineChecker) entry(e *Entry, name string) {
	if lower(e.Name) != lower(name) {
		c.add("line/name", "name", "", "%q, in the file of %q", e.Name, name)
	}
	if _, err := ParseVersion(e.Vers); err != nil {
		c.invalid("line/version", "vers", err)
	}
	c.dependencies(e)
	c.digest("line/cksum", "cksum", e.Cksum)
	c.features(e)
	if e.Links != "" {
		c.text("links", e.Links, maxWordLength, false)
	}
	if needed := c.neededVersion(e); e.V != needed {
		c.add("line/v", "v", "leave it out for 1", "is %d, and this line needs %d", e.V, needed)
	}
	c.time("pubtime", e.Pubtime)
	c.url("dl", e.DL, "https", "http", "file")
	c.size("size", e.Size)
	c.text("license", e.License, maxWordLength, false)
	c.text("description", e.Description, maxTextLength, true)
	c.words("keywords", e.Keywords)
	c.url("homepage", e.Homepage, "https", "http")
	c.url("repository", e.Repository, "https", "http", "git", "ssh", "file")
	c.words("authors", e.Authors)
	c.platforms(e.Platforms)
	c.builds(e.Builds)
	c.external(e.External)
	c.hooks(e.Hooks)
	if e.Type != "" && !IsType(e.Type) {
		c.add("line/text", "type", `write a word such as "library" or "tool"`, "%q is not 1 to 32 of a-z, 0-9 and \"-\" after a letter", e.Type)
	}
	c.source(e.Source)
	if e.Att != nil {
		c.bundle("att.", e.Att)
		if e.Att.Provenance != nil {
			c.bundle("att.provenance.", e.Att.Provenance)
		}
	}
	c.retired(e.Retired)
	c.unknown("", e.Extra)
}

func (c *lineChecker) bundle(prefix string, a *Attestation) {
	c.required(prefix+"url", a.URL)
	c.url(prefix+"url", a.URL, "https", "http", "file")
	c.digest("line/cksum", prefix+"sha256", a.SHA256)
	c.unknown(prefix, a.Extra)
}

// neededVersion returns the format version that the members of e call for.
func (c *lineChecker) neededVersion(e *Entry) int {
	if len(e.Features2) > 0 {
		return 2
	}
	return FeatureVersion(e.Features)
}

func (c *lineChecker) unknown(prefix string, members []Member) {
	for _, m := range members {
		c.add("line/unknown-member", prefix+m.Name, "leave it out", "this member is not part of the format")
	}
}
