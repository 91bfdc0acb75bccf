package index

import (
	"bytes"
	"encoding/base64"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The corpora under testdata/fuzz are kept: each of their inputs reached code
// that the vectors, which seed the fuzzing, do not.

func FuzzParseLine(f *testing.F) {
	vectors := readVectors[lineVectors](f, "lines.json")
	for _, c := range vectors.Reads {
		f.Add([]byte(c.In))
	}
	for _, c := range vectors.Unreadable {
		line, err := base64.StdEncoding.DecodeString(c.Base64)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append(line, c.In...))
	}
	for _, c := range vectors.Published {
		f.Add([]byte(c.Line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := ParseLine(line)
		checkAgainstJSON(t, line, e, err)
		violations := CheckLine(line, "hello")
		if err != nil {
			if len(violations) == 0 {
				t.Fatalf("published, and cannot be read (%v): %q", err, line)
			}
			return
		}
		once := e.AppendLine(nil)
		if bytes.ContainsAny(once, "\r\n") {
			t.Fatalf("a line break: %q", once)
		}
		again, err := ParseLine(once)
		if err != nil || !bytes.Equal(once, again.AppendLine(nil)) {
			t.Fatalf("not canonical: %q then %q (%v)", line, once, err)
		}
		if !bytes.Equal(e.Clone().AppendLine(nil), once) {
			t.Fatalf("the clone of %q differs", line)
		}
		if len(violations) == 0 && (!bytes.Equal(once, line) || !reflect.DeepEqual(e, again)) {
			t.Fatalf("published, and not canonical: %q then %q", line, once)
		}
	})
}

// checkAgainstJSON holds what was read by hand against a reader of JSON: a line
// that is no JSON, or has a member twice, is refused for that, no other line is,
// and the strings are the same.
func checkAgainstJSON(t *testing.T, line []byte, e *Entry, err error) {
	t.Helper()
	valid := len(line) <= MaxLineSize && jsontext.Value(line).IsValid()
	if err == nil && !valid {
		t.Fatalf("read, and no JSON: %q", line)
	}
	if lineErr, ok := errors.AsType[*LineError](err); ok && valid && bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) &&
		(lineErr.Rule == "line/json" || lineErr.Rule == "line/duplicate-member") {
		t.Fatalf("JSON, and not read (%v): %q", err, line)
	}
	if err != nil {
		return
	}
	var want struct {
		Name        string              `json:"name"`
		Vers        string              `json:"vers"`
		Description string              `json:"description"`
		Keywords    []string            `json:"keywords"`
		Features    map[string][]string `json:"features"`
		Size        int64               `json:"size"`
		Yanked      bool                `json:"yanked"`
		Deps        []struct {
			Name   string `json:"name"`
			Req    string `json:"req"`
			Target string `json:"target"`
		} `json:"deps"`
	}
	if err := json.Unmarshal(line, &want); err != nil {
		t.Fatalf("read, and not by another reader (%v): %q", err, line)
	}
	same := e.Name == want.Name && e.Vers == want.Vers && e.Description == want.Description && e.Size == want.Size && e.Yanked == want.Yanked &&
		slices.Equal(e.Keywords, want.Keywords) && maps.EqualFunc(e.Features, want.Features, slices.Equal[[]string]) && len(e.Deps) == len(want.Deps)
	for i := 0; same && i < len(e.Deps); i++ {
		same = e.Deps[i].Name == want.Deps[i].Name && e.Deps[i].Req == want.Deps[i].Req && e.Deps[i].Target == want.Deps[i].Target
	}
	if !same {
		t.Fatalf("read differently: %q\n%+v\n%+v", line, e, want)
	}
}

func FuzzCheckName(f *testing.F) {
	for _, c := range readVectors[nameVectors](f, "names.json").Cases {
		f.Add(c.Name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		valid, lookup := CheckName(name) == nil, CheckLookupName(name) == nil
		if valid && !lookup {
			t.Fatalf("%q may be published and not looked up", name)
		}
		path, err := Path(name)
		if lookup != (err == nil) {
			t.Fatalf("Path(%q): %v", name, err)
		}
		if back, ok := NameOf(path); ok != lookup || lookup && back != strings.ToLower(name) {
			t.Fatalf("NameOf(%q) = %q, %v; made from %q", path, back, ok, name)
		}
		if Fold(Fold(name)) != Fold(name) || Fold(strings.ToUpper(name)) != Fold(name) && lookup {
			t.Fatalf("Fold(%q) = %q is not stable", name, Fold(name))
		}
		if back, ok := NameOf(name); ok { // taken as a path
			if path, err := Path(back); err != nil || path != name {
				t.Fatalf("NameOf(%q) = %q, of which Path is %q, %v", name, back, path, err)
			}
		}
		if back, ok := OwnersOf(name); ok {
			if path, err := OwnersPath(back); err != nil || path != name {
				t.Fatalf("OwnersOf(%q) = %q, of which OwnersPath is %q, %v", name, back, path, err)
			}
		}
	})
}

func FuzzParseVersion(f *testing.F) {
	vectors := readVectors[versionVectors](f, "versions.json")
	for _, row := range vectors.Order {
		f.Add(row[0], vectors.Order[0][0])
	}
	for _, text := range vectors.Invalid {
		f.Add(text, "1.0.0")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		v, errA := ParseVersion(a)
		w, errB := ParseVersion(b)
		if errA == nil && v.String() != a {
			t.Fatalf("ParseVersion(%q).String() = %q", a, v)
		}
		if errA == nil && !resemblesVersion(a) {
			t.Fatalf("%q is a version and could not be part of a line", a)
		}
		if errA != nil || errB != nil {
			return
		}
		if v.Compare(w) != -w.Compare(v) || (v.Compare(w) == 0) != (withoutBuild(v) == withoutBuild(w)) {
			t.Fatalf("%q compared with %q is %d, and the other way %d", a, b, v.Compare(w), w.Compare(v))
		}
	})
}

func withoutBuild(v Version) Version {
	v.Build = ""
	return v
}

func FuzzParseRequirement(f *testing.F) {
	vectors := readVectors[requirementVectors](f, "requirements.json")
	for _, c := range vectors.Cases {
		for _, v := range append(c.Matches, c.Rejects...) {
			f.Add(c.Req, v)
		}
	}
	for _, text := range vectors.Invalid {
		f.Add(text, "1.2.3")
	}
	f.Fuzz(func(t *testing.T, text, version string) {
		r, err := ParseRequirement(text)
		if err != nil {
			return
		}
		again, err := ParseRequirement(r.String())
		if err != nil || again.String() != r.String() {
			t.Fatalf("%q is written %q and read again %q, %v", text, r, again, err)
		}
		v, err := ParseVersion(version)
		if err != nil {
			return
		}
		if r.Matches(v) != again.Matches(v) || r.Matches(v) != r.Matches(withoutBuild(v)) {
			t.Fatalf("%q and %q do not agree about %s", text, r, v)
		}
		exact, err := ParseRequirement("=" + version)
		if err != nil || !exact.Matches(v) {
			t.Fatalf("%q does not match its own version: %v", "="+version, err)
		}
	})
}

func FuzzTargetMatches(f *testing.F) {
	vectors := readVectors[targetVectors](f, "targets.json")
	for _, c := range vectors.Cases {
		f.Add(c.Target)
	}
	for _, target := range vectors.Invalid {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		for _, p := range append(Platforms(), Platform{}) {
			match, err := TargetMatches(target, p)
			inverse, errInverse := TargetMatches("cfg(not("+strings.TrimPrefix(target, "cfg(")+")", p)
			if !strings.HasPrefix(target, "cfg(") || err != nil {
				continue
			}
			if errInverse == nil && match == inverse {
				t.Fatalf("%q and its inverse are both %v on %s", target, match, p)
			}
		}
	})
}
