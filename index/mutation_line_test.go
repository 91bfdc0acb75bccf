package index

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// newLine splits the text after a change that adds a line into what comes before
// that line, and the line without its newline; ok is false if none is added.
func (c validChange) newLine() (old, line []byte, ok bool) {
	if !bytes.HasPrefix(c.after, c.before) {
		return nil, nil, false
	}
	line = bytes.TrimSuffix(c.after[len(c.before):], []byte("\n"))
	return c.before, line, len(line) > 0
}

func (c validChange) withLine(old, line []byte) []FileChange {
	return c.changes(append(append(bytes.Clone(old), line...), '\n'))
}

// mutateMembers changes the members of a new line one by one, at every level,
// and keeps it canonical apart from that.
func mutateMembers(c validChange) (mutants []mutant) {
	old, line, ok := c.newLine()
	if !ok {
		return nil
	}
	var whole map[string]any
	if err := json.Unmarshal(line, &whole); err != nil {
		panic(err)
	}
	for _, place := range memberPlaces(whole) {
		for about, replacement := range map[string]string{
			"number": "1.5", "huge number": "1e999", "array of arrays": "[[[]]]", "object": `{"x":1}`, "null": "null", "text": `"\u202e"`, "true": "true",
		} {
			if mayBecome(place, replacement) {
				continue
			}
			mutated, ok := replaceMember(line, place, replacement)
			if ok {
				mutants = append(mutants, mutant{fmt.Sprintf("%s is now %s", place, about), c.withLine(old, mutated)})
			}
		}
		twice, ok := repeatMember(line, place)
		if ok {
			mutants = append(mutants, mutant{place + " twice", c.withLine(old, twice)})
		}
	}
	for _, unknown := range []string{"x", "Name", "NAME", "yanked ", "rust_version", "cksum2", "_", "", "__proto__", "é"} {
		added := append(bytes.TrimSuffix(bytes.Clone(line), []byte("}")), fmt.Appendf(nil, `,%q:1}`, unknown)...)
		mutants = append(mutants, mutant{"unknown member " + unknown, c.withLine(old, added)})
	}
	return mutants
}

// memberPlaces lists the members of an object and of the objects in it, as
// `"name":value` in compact JSON.
func memberPlaces(value any) (places []string) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			text, err := json.Marshal(value[name])
			if err != nil {
				panic(err)
			}
			if _, isObject := value[name].(map[string]any); !isObject {
				places = append(places, fmt.Sprintf("%q:%s", name, text))
			}
			places = append(places, memberPlaces(value[name])...)
		}
	case []any:
		for _, element := range value {
			places = append(places, memberPlaces(element)...)
		}
	}
	return places
}

// mayBecome reports whether a member may have this value as well as its own.
func mayBecome(member, value string) bool {
	isBool := strings.HasSuffix(member, ":true") || strings.HasSuffix(member, ":false")
	return value == "true" && isBool || value == "null" && strings.HasPrefix(member, `"target":`)
}

// replaceMember gives a member another value; false if the line does not have it
// in these very bytes.
func replaceMember(line []byte, member, value string) ([]byte, bool) {
	name, was, _ := strings.Cut(member, ":")
	if !bytes.Contains(line, []byte(member)) || was == value {
		return nil, false
	}
	return bytes.Replace(line, []byte(member), []byte(name+":"+value), 1), true
}

func repeatMember(line []byte, member string) ([]byte, bool) {
	return bytes.Replace(line, []byte(member), []byte(member+","+member), 1), bytes.Contains(line, []byte(member))
}

// mutateNewLine spoils the bytes of a new line so that it cannot be canonical.
func mutateNewLine(c validChange) (mutants []mutant) {
	old, line, ok := c.newLine()
	if !ok {
		return nil
	}
	inText := false
	for i, b := range line {
		if b == '"' {
			inText = !inText
		}
		insert := func(about, text string) {
			mutated := slices.Insert(bytes.Clone(line), i+1, []byte(text)...)
			mutants = append(mutants, mutant{fmt.Sprintf("%s after byte %d", about, i), c.withLine(old, mutated)})
		}
		insert("line feed", "\n")
		insert("carriage return", "\r")
		insert("NUL", "\x00")
		insert("invalid UTF-8", "\xff")
		insert("escaped control character", `\u001b`)
		insert("backslash", `\`)
		insert("quote", `"`)
		if !inText {
			insert("space", " ")
			insert("tab", "\t")
			insert("comma", ",")
			insert("brace", "}")
			insert("bracket", "]")
			insert("comment", "/**/")
			continue
		}
		if b != '"' {
			mutated := slices.Replace(bytes.Clone(line), i, i+1, fmt.Appendf(nil, `\u%04x`, b)...)
			mutants = append(mutants, mutant{fmt.Sprintf("byte %d escaped", i), c.withLine(old, mutated)})
		}
	}
	for i := range line {
		mutants = append(mutants, mutant{fmt.Sprintf("cut at byte %d", i), c.withLine(old, line[:i])})
	}
	return mutants
}

// mutateVersion gives a new line a version or a format that it may not have.
func mutateVersion(c validChange) (mutants []mutant) {
	old, line, ok := c.newLine()
	if !ok {
		return nil
	}
	for _, version := range []string{"", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", " 1.0.0", "1.0.0 ", "latest", "*", "^1.0.0", "1.0.0/../2", "../1.0.0", "1.0.0\u200b", "１.0.0"} {
		e := mutationEntry(version)
		mutants = append(mutants, mutant{fmt.Sprintf("version %q", version), c.withLine(old, e.AppendLine(nil))})
	}
	for _, build := range []string{"", "+a", "+b", "+1.2.3", "+-"} {
		e := mutationEntry("1.0.0" + build)
		twice := append(append(bytes.Clone(line), '\n'), e.AppendLine(nil)...)
		if len(old) == 0 { // then the new line itself is 1.0.0
			mutants = append(mutants, mutant{"the new version twice, with " + build, c.withLine(nil, twice)})
			continue
		}
		mutants = append(mutants, mutant{"an old version again, with " + build, c.withLine(old, e.AppendLine(nil))})
	}
	for _, v := range []string{"0", "1", "2", "3", "-1", "9999999999", "null", `"1"`} {
		mutated := bytes.Replace(line, []byte(`,"pubtime"`), []byte(`,"v":`+v+`,"pubtime"`), 1)
		mutants = append(mutants, mutant{"format version " + v, c.withLine(old, mutated)})
	}
	for _, name := range []string{"", "Hello", "hello2", "he-llo", "heⅼlo", "other", "../hello", "hello ", "acme/hello", "con"} {
		e := mutationEntry("7.0.0")
		e.Name = name
		after := append(append(bytes.Clone(line), '\n'), e.AppendLine(nil)...)
		mutants = append(mutants, mutant{fmt.Sprintf("another line with name %q", name), c.withLine(old, after)})
	}
	return mutants
}

// mutateCanonical writes the line that changes in another form with the same meaning.
func mutateCanonical(c validChange) (mutants []mutant) {
	before := bytes.SplitAfter(c.before, []byte("\n"))
	lines := bytes.SplitAfter(c.after, []byte("\n"))
	for i, line := range lines[:len(lines)-1] {
		if i < len(before)-1 && bytes.Equal(line, before[i]) {
			continue
		}
		for about, pair := range map[string][2]string{
			"space after colon": {`:`, `: `}, "space after comma": {`,`, `, `}, "space in array": {`[`, `[ `}, "space at the end": {"}\n", "} \n"},
			"escaped slash": {"https:/", `https:\/`}, "escaped letter": {"hello", `h\u0065llo`}, "null member": {`,"pubtime"`, `,"links":null,"pubtime"`},
			"empty member": {`,"pubtime"`, `,"links":"","pubtime"`}, "version 1": {`,"pubtime"`, `,"v":1,"pubtime"`}, "exponent": {`"size":123`, `"size":1.23e2`}, "leading zero": {`"size":123`, `"size":0123`},
			"plus": {`"size":123`, `"size":+123`}, "target left out": {`,"target":null`, ``}, "kind left out": {`,"kind":"normal"`, ``}, "deps null": {`"yanked":`, `"yanked" :`},
			"features out of order": {`{"default":["secure"],"secure":["tls"]}`, `{"secure":["tls"],"default":["secure"]}`}, "members out of order": {`"name":"hello","vers":"1`, `"vers":"1.1.0","name":"hello","vers":"1`},
		} {
			mutated := bytes.Replace(line, []byte(pair[0]), []byte(pair[1]), 1)
			if bytes.Equal(mutated, line) {
				panic("no mutation: " + about)
			}
			after := slices.Clone(lines)
			after[i] = mutated
			mutants = append(mutants, mutant{about, c.changes(bytes.Join(after, nil))})
		}
	}
	return mutants
}

// TestMembersAreMutated keeps mutateMembers honest: it must reach every level.
func TestMembersAreMutated(t *testing.T) {
	mutants := mutateMembers(validChanges()[0])
	for _, member := range []string{`"name":"hello"`, `"req":"^10.1"`, `"repository_id":7`, `"size":123`, `"secure":["tls"]`} {
		if !slices.ContainsFunc(mutants, func(m mutant) bool { return strings.HasPrefix(m.about, member) }) {
			t.Errorf("%s is not mutated", member)
		}
	}
}
