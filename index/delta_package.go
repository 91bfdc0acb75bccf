package index

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// packageChange judges a change of the file of one package.
type packageChange struct {
	path, name    string // name: of the path, in lower case
	before, after []byte

	known      []knownVersion // of the lines before, then also of those added
	spelling   string         // the name as the lines before have it
	delta      Delta
	violations []Violation
}

// knownVersion is a version that is taken.
type knownVersion struct {
	version Version
	line    int
}

func (p *packageChange) add(rule string, line int, hint, format string, args ...any) {
	p.violations = append(p.violations, Violation{
		Rule: rule, Path: p.path, Line: line, Detail: fmt.Sprintf(format, args...), Hint: hint,
	})
}

func (p *packageChange) judge() {
	if !p.checkText() {
		return
	}
	before, after := splitLines(p.before), splitLines(p.after)
	p.delta.First = len(before) == 0
	p.readKnown(before)
	if len(after) < len(before) {
		p.add("delta/append-only", len(after)+1, "yank or retire a version instead", "%d lines are gone", len(before)-len(after))
		return
	}
	p.compare(before, after[:len(before)])
	p.append(after[len(before):], len(before))
	if len(p.delta.Added) > 0 && len(p.delta.Changed) > 0 {
		p.add("delta/mixed", 0, "propose each on its own", "lines are added and others change their status")
	}
}

// checkText checks the form of the file as a whole: LF after every line, no
// empty lines.
func (p *packageChange) checkText() bool {
	switch {
	case len(p.before) > 0 && p.before[len(p.before)-1] != '\n':
		p.add("delta/base", 0, "end the file with a newline first", "the last line of the file has no newline in the base")
	case len(p.after) > MaxFileSize:
		p.add("delta/size", 0, "", "the file is larger than %d bytes", MaxFileSize)
	case len(p.after) == 0:
		p.add("delta/append-only", 0, "", "the file is empty")
	case p.after[len(p.after)-1] != '\n':
		p.add("delta/newline", bytes.Count(p.after, []byte("\n"))+1, "end the file with a newline", "the last line has no newline")
	default:
		return true
	}
	return false
}

// splitLines splits text that ends with a newline, or is empty.
func splitLines(text []byte) [][]byte {
	lines := bytes.Split(text, []byte("\n"))
	return lines[:len(lines)-1]
}

// readKnown notes the versions and the name of the lines before. A line that
// cannot be read could hold any version, so nothing may be added after it.
func (p *packageChange) readKnown(before [][]byte) {
	d := newFileDecoder()
	for i, line := range before {
		d.reset(line)
		var name, version string
		var newer *NewerVersionError
		switch entry, err := d.entry(); {
		case err == nil:
			name, version = entry.Name, entry.Vers
		case errors.As(err, &newer):
			name, version = newer.Name, newer.Vers
		default:
			p.add("delta/base", i+1, "repair the line first", "this line of the base cannot be read: %s", err)
			continue
		}
		if name != "" && lower(name) != p.name {
			p.add("delta/base", i+1, "repair the file first", "this line of the base is about %q, in the file of %q", name, p.name)
		}
		if p.spelling == "" {
			p.spelling = name
		}
		if v, err := ParseVersion(version); err == nil {
			p.known = append(p.known, knownVersion{v, i + 1})
		}
	}
}

// compare checks the lines that were there already. The first that is not the
// same version any more ends it: every line after it has moved, too.
func (p *packageChange) compare(before, after [][]byte) {
	for i := range before {
		if bytes.Equal(before[i], after[i]) {
			continue
		}
		if !p.compareLine(i+1, before[i], after[i]) {
			return
		}
	}
}

// compareLine checks a line that changed, and reports whether it is still about
// the same version.
func (p *packageChange) compareLine(number int, before, after []byte) bool {
	if bytes.Contains(after, []byte("\r")) {
		p.add("line/newline", number, "end lines with a single LF", "the line now has a carriage return")
		return true
	}
	if len(after) == 0 {
		p.add("delta/append-only", number, "yank or retire a version instead", "the line is gone")
		return false
	}
	old, err := ParseLine(before)
	if err != nil {
		p.add("delta/append-only", number, "", "a line that cannot be read was changed")
		return false
	}
	current, err := ParseLine(after)
	if err != nil {
		p.add("delta/append-only", number, "", "the line has become unreadable: %s", err)
		return true
	}
	if old.Name != current.Name || old.Vers != current.Vers {
		p.add("delta/append-only", number, "add lines at the end of the file only, and leave the others as they are",
			"this was the line of %s %s and is now that of %s %s", old.Name, old.Vers, current.Name, current.Vers)
		return false
	}
	p.compareStatus(number, old, current, after)
	return true
}

// compareStatus accepts a changed line if it is the old one, canonical, with
// another status.
func (p *packageChange) compareStatus(number int, old, current *Entry, line []byte) {
	want := old.Clone()
	want.Yanked, want.Retired = current.Yanked, current.Retired
	canonical := want.AppendLine(nil)
	if !bytes.Equal(line, canonical) {
		p.reportEdit(number, canonical, current.AppendLine(nil))
		return
	}
	kind, fault := statusKind(old, current)
	if fault != "" {
		p.add("delta/mixed", number, "propose each on its own", "%s", fault)
		return
	}
	if p.delta.Kind != "" && p.delta.Kind != kind {
		p.add("delta/mixed", number, "propose each on its own", "this line is a change of kind %s, and another one of kind %s", kind, p.delta.Kind)
		return
	}
	check := lineChecker{path: p.path, line: number}
	check.retired(current.Retired)
	p.violations = append(p.violations, check.violations...)
	p.delta.Kind = kind
	p.delta.Package = current.Name
	p.delta.Changed = append(p.delta.Changed, StatusChange{Version: current.Vers, Before: old, After: current})
}

// statusKind says which change of status lies between two entries of a version.
func statusKind(before, after *Entry) (kind Kind, fault string) {
	yanked := before.Yanked != after.Yanked
	retired := !reflect.DeepEqual(before.Retired, after.Retired)
	switch {
	case yanked && retired:
		return "", "yanked and retired change at once"
	case yanked && after.Yanked:
		return KindYank, ""
	case yanked:
		return KindUnyank, ""
	case retired && after.Retired != nil:
		return KindRetire, ""
	case retired:
		return KindUnretire, ""
	}
	return "", "the line is rewritten and its meaning is not changed"
}

// reportEdit names the members in which a line differs from what it may be.
func (p *packageChange) reportEdit(number int, want, got []byte) {
	fields := changedMembers(want, got)
	if len(fields) == 0 {
		p.add("line/canonical", number, "write the line as clyde does", "the changed line is not in canonical form")
		return
	}
	p.add("delta/append-only", number, "publish a new version instead",
		"only yanked and retired may change after publishing, and here changes %s", strings.Join(fields, ", "))
}

// changedMembers returns the names of the members that differ between two
// objects, sorted.
func changedMembers(a, b []byte) []string {
	before, after := members(a), members(b)
	var changed []string
	for name, value := range after {
		if before[name] != value {
			changed = append(changed, name)
		}
	}
	for name := range before {
		if _, kept := after[name]; !kept {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return changed
}

func members(object []byte) map[string]string {
	values := make(map[string]string)
	d := newLineDecoder(object)
	for _, m := range d.object(func(string) bool { return false }) {
		values[m.Name] = string(m.Value)
	}
	return values
}

// append checks the lines added to the file, which has count others before them.
func (p *packageChange) append(lines [][]byte, count int) {
	decoder, check := newFileDecoder(), lineChecker{path: p.path}
	decoder.shares = true
	for i, line := range lines {
		number := count + i + 1
		check.line, check.violations = number, nil
		entry := p.checkAdded(decoder, &check, line)
		p.violations = append(p.violations, check.violations...)
		if entry == nil {
			continue
		}
		p.checkVersion(entry, number)
		p.delta.Kind = KindPublish
		p.delta.Package = entry.Name
		p.delta.Added = append(p.delta.Added, entry)
	}
}

// checkAdded checks one new line on its own. The rules for new names are for
// those who create a package: an imported one may have an older name.
func (p *packageChange) checkAdded(decoder *lineDecoder, check *lineChecker, line []byte) *Entry {
	if len(line) == 0 {
		check.add("line/json", "", "remove it", "the line is empty")
		return nil
	}
	decoder.reset(line)
	entry := check.check(decoder, line, p.name)
	if entry == nil {
		return nil
	}
	if p.spelling == "" {
		p.spelling = entry.Name
		if err := CheckName(entry.Name); err != nil && p.delta.First {
			check.nameError("name", err)
		}
	}
	if entry.Name != p.spelling {
		check.add("line/name", "name", fmt.Sprintf("write %q", p.spelling), "%q, and the other lines of the file have %q", entry.Name, p.spelling)
	}
	if entry.Yanked || entry.Retired != nil {
		check.add("delta/status", "", "publish it first", "a new line is yanked or retired already")
	}
	return entry
}

func (p *packageChange) checkVersion(entry *Entry, number int) {
	version, err := ParseVersion(entry.Vers)
	if err != nil {
		return // reported with the line
	}
	for _, k := range p.known {
		if k.version.Compare(version) == 0 {
			p.add("delta/duplicate-version", number, "choose a new version; build metadata does not make one",
				"version %s is already there, as %s in line %d", version, k.version, k.line)
		}
	}
	p.known = append(p.known, knownVersion{version, number})
}
