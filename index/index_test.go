package index

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

func TestParseFile(t *testing.T) {
	good := `{"name":"hello","vers":"1.0.0"}`
	f := ParseFile([]byte(good + "\r\n\n{broken\n" + `{"name":"hello","vers":"2.0.0","v":9}` + "\n" + `{"name":"hello","vers":"1.0.0-01"}` + "\n" + good))
	if len(f.Entries) != 2 || f.Entries[1].Vers != "1.0.0" {
		t.Errorf("entries: %v", f.Entries)
	}
	var lines []int
	for _, s := range f.Skipped {
		lines = append(lines, s.Line)
	}
	if !reflect.DeepEqual(lines, []int{3, 4, 5}) {
		t.Errorf("skipped lines %v", lines)
	}
	var newer *NewerVersionError
	if !errors.As(f.Skipped[1].Err, &newer) || newer.Vers != "2.0.0" || !strings.Contains(newer.Hint(), "newer release") {
		t.Errorf("skipped as %v", f.Skipped[1].Err)
	}
}

func TestParseLineRefusesOversize(t *testing.T) {
	line := `{"name":"hello","vers":"1.0.0","description":"` + strings.Repeat("a", MaxLineSize) + `"}`
	var e *LineError
	if _, err := ParseLine([]byte(line)); !errors.As(err, &e) || e.Rule != "line/size" {
		t.Errorf("ParseLine: %v", err)
	}
	if got := rules(CheckLine([]byte(line), "hello")); !reflect.DeepEqual(got, []string{"line/size"}) {
		t.Errorf("CheckLine: %v", got)
	}
}

func TestAllFeatures(t *testing.T) {
	e := &Entry{
		Features:  map[string][]string{"a": {"b"}, "b": nil},
		Features2: map[string][]string{"a": {"dep:c"}, "d": {"e?/f"}},
	}
	want := map[string][]string{"a": {"b", "dep:c"}, "b": nil, "d": {"e?/f"}}
	if got := e.AllFeatures(); !reflect.DeepEqual(got, want) {
		t.Errorf("AllFeatures() = %v, want %v", got, want)
	}
	if !reflect.DeepEqual(e.Features["a"], []string{"b"}) {
		t.Errorf("AllFeatures changed the entry: %v", e.Features)
	}
	if FeatureVersion(e.Features) != 1 || FeatureVersion(e.Features2) != 2 {
		t.Errorf("FeatureVersion: %d, %d", FeatureVersion(e.Features), FeatureVersion(e.Features2))
	}
}

func TestCloneSharesNothing(t *testing.T) {
	e, err := ParseLine([]byte(readVectors[lineVectors](t, "lines.json").Reads[1].In))
	if err != nil {
		t.Fatal(err)
	}
	e.Extra = []Member{{"x", []byte("1")}}
	before := string(e.AppendLine(nil))
	c := e.Clone()
	c.Deps[0].Name, c.Deps[0].Features[0] = "x", "x"
	c.Features["default"][0] = "x"
	c.Keywords[0], c.Authors[0], c.Platforms[0], c.External[0] = "x", "x", "x", "x"
	c.Hooks[0].Run[0], c.Hooks[1].Platforms[0] = "x", "x"
	c.Builds[0].DL, c.Source.Commit, c.Att.URL = "x", "x", "x"
	c.Extra[0].Value[0] = '2'
	if after := string(e.AppendLine(nil)); after != before {
		t.Errorf("changing the clone changed the entry:\n%s\n%s", before, after)
	}
}

func TestConfig(t *testing.T) {
	text := `{
  "dl": "https://example.org/{prefix}/{crate}-{version}",
  "api": "https://example.org",
  "auth-required": true,
  "clyde": {
    "format": 1,
    "name": "main",
    "sparse": "https://example.org/index/",
    "squash": {
      "head": "0123456789abcdef0123456789abcdef01234567",
      "snapshot": "snapshot-2026-01-02-1",
      "date": "2026-01-02T03:04:05Z",
      "reason": "long",
      "key": "K",
      "signature": "S",
      "more": [
        1
      ]
    },
    "versions": "cargo",
    "future": true
  },
  "allowed": [
    1,
    2
  ]
}
`
	c, err := ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(c.Format()); got != text {
		t.Errorf("Format() = %s, want %s", got, text)
	}
	if !c.AuthRequired || c.Clyde.Name != "main" || c.Clyde.Sparse != "https://example.org/index/" || c.Clyde.Format != 1 {
		t.Errorf("%+v", c)
	}
	if got := string((&Config{}).Format()); got != "{\n  \"dl\": \"\"\n}\n" {
		t.Errorf("Format() of nothing = %q", got)
	}
	for text, field := range map[string]string{
		"":                        "",
		"[]":                      "",
		`{"dl":1}`:                "dl",
		`{"dl":"a","dl":"b"}`:     "dl",
		`{"clyde":{"format":2}}`:  "clyde.format",
		`{"clyde":{"format":-1}}`: "clyde.format",
		`{"clyde":{"name":"*"}}`:  "clyde.name",
		`{"clyde":{"name":[]}}`:   "clyde.name",
		"{} {}":                   "",
	} {
		var e *ConfigError
		if _, err := ParseConfig([]byte(text)); !errors.As(err, &e) || e.Field != field {
			t.Errorf("ParseConfig(%q): %v, want an error in field %q", text, err, field)
		}
	}
}

func TestDownloadURL(t *testing.T) {
	for _, c := range []struct{ dl, name, own, want string }{
		{"https://example.org/dl", "Hello", "", "https://example.org/dl/Hello/1.0.0+b/download"},
		{"https://example.org/{crate}-{version}.tar.gz", "Hello", "", "https://example.org/Hello-1.0.0+b.tar.gz"},
		{"https://example.org/{prefix}/{crate}", "Hello", "", "https://example.org/He/ll/Hello"},
		{"https://example.org/{lowerprefix}/{crate}", "Hello", "", "https://example.org/he/ll/Hello"},
		{"https://example.org/{lowerprefix}/{crate}", "ABC", "", "https://example.org/3/a/ABC"},
		{"https://example.org/{prefix}", "acme/hello", "", "https://example.org/acme"},
		{"file:///srv/{sha256-checksum}", "a", "", "file:///srv/0f"},
		{"https://example.org/dl", "a", "https://example.com/own.tar.gz", "https://example.com/own.tar.gz"},
		{"", "a", "https://example.com/own.tar.gz", "https://example.com/own.tar.gz"},
		{"", "a", "", ""},
		{"/srv/dl", "a", "", ""},
		{"https://example.org/dl", "a", "own.tar.gz", ""},
	} {
		config := Config{DL: c.dl}
		got, err := config.DownloadURL(&Entry{Name: c.name, Vers: "1.0.0+b", DL: c.own, Cksum: "0f"})
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("DownloadURL of %s with %q and %q = %q, %v; want %q", c.name, c.dl, c.own, got, err, c.want)
		}
	}
}

func TestPlatformOf(t *testing.T) {
	for system, want := range map[string]string{
		"linux/amd64": "linux-x86_64", "linux/arm64": "linux-aarch64", "darwin/arm64": "macos-aarch64",
		"darwin/amd64": "macos-x86_64", "windows/amd64": "windows-x86_64", "linux/386": "", "freebsd/amd64": "", "js/wasm": "",
	} {
		goos, goarch, _ := strings.Cut(system, "/")
		p, ok := PlatformOf(goos, goarch)
		if ok != (want != "") || ok && p.String() != want {
			t.Errorf("PlatformOf(%s) = %s, %v; want %q", system, p, ok, want)
		}
	}
}

// unreadableTree fails the test when a file of it is opened.
type unreadableTree struct {
	objectTree
	t *testing.T
}

func (u unreadableTree) Open(name string) (fs.File, error) {
	u.t.Errorf("%s is opened", name)
	return u.objectTree.Open(name)
}

func TestChangesSkipsEqualObjects(t *testing.T) {
	files := fstest.MapFS{"he/ll/hello": {Data: []byte("a"), Mode: 0o644}, "3/a/abc": {Data: []byte("b"), Mode: 0o644}}
	tree := unreadableTree{objectTree{files, nil}, t}
	changes, err := Changes(tree, tree)
	if err != nil || len(changes) != 0 {
		t.Errorf("Changes = %v, %v", changes, err)
	}
}

func TestChangesBounds(t *testing.T) {
	many := fstest.MapFS{}
	for i := range MaxChangedFiles + 1 {
		many[fmt.Sprintf("f%d", i)] = &fstest.MapFile{Data: []byte("x")}
	}
	large := fstest.MapFS{"he/ll/hello": {Data: make([]byte, MaxFileSize+1)}}
	deep := fstest.MapFS{strings.Repeat("d/", maxTreeDepth+1) + "f": {Data: []byte("x")}}
	for name, head := range map[string]fs.FS{"files": many, "bytes": large, "depth": deep} {
		var e *TooLargeError
		if changes, err := Changes(nil, head); !errors.As(err, &e) {
			t.Errorf("%s: %d changes, %v; want a TooLargeError", name, len(changes), err)
		}
	}
}

func TestViolationString(t *testing.T) {
	v := Violation{Rule: "line/url", Path: "he/ll/hello", Line: 3, Field: "dl", Detail: "is wrong"}
	if got := v.String(); got != "he/ll/hello:3: dl: is wrong [line/url]" {
		t.Errorf("String() = %q", got)
	}
	if got := (Violation{Rule: "delta/empty", Detail: "nothing is changed"}).String(); got != "nothing is changed [delta/empty]" {
		t.Errorf("String() = %q", got)
	}
}

// TestViolationPlaces holds the place of a violation against the file it is in.
func TestViolationPlaces(t *testing.T) {
	violations := CheckLine([]byte(`{"name":"hello","vers":"1.0.0","deps":[],"cksum":"","features":{},"yanked":false}`), "hello")
	want := []Violation{{Rule: "line/cksum", Path: "he/ll/hello", Field: "cksum", Detail: `"" is not 64 lower-case hexadecimal digits`, Hint: "write the SHA-256 digest"}}
	if !reflect.DeepEqual(violations, want) {
		t.Errorf("CheckLine = %+v", violations)
	}
}

func TestReader(t *testing.T) {
	line := func(vers, deps, features string) string {
		return `{"name":"a","vers":"` + vers + `","deps":` + deps + `,"cksum":"","features":` + features + `,"yanked":false}` + "\n"
	}
	dep := `{"name":"b","req":"^1","features":[],"optional":false,"default_features":true,"target":null,"kind":"normal"}`
	data := []byte(line("1.0.0", "["+dep+"]", `{"x":["y"]}`) +
		line("1.0.1", "["+dep+"]", `{"x":["y"]}`) +
		line("1.0.2", "["+dep+"]x", `{"x":["y"]}`) + // what follows is judged although the beginning is known
		line("1.0.3", " ["+dep+","+dep+"]", `{"x":["y"],"z":[]}`) +
		line("1.0.4", "null", `null`) +
		line("1.0.5", "[]", `{}`) +
		line("1.0.6", "[]", `{}`))
	r := NewReader()
	escaped := bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("^1"), []byte("^2")), []byte(`"y"`), []byte(`"\u0079"`))
	for range 2 { // what is left of it is not seen, also when it is gone
		other := bytes.Clone(escaped)
		if !reflect.DeepEqual(r.Read(other).Entries, ParseFile(escaped).Entries) {
			t.Error("escapes are read in another way")
		}
		clear(other)
	}
	want, got := ParseFile(data), r.Read(data)
	if !reflect.DeepEqual(want.Entries, got.Entries) {
		t.Errorf("shared entries %v, alone %v", got.Entries, want.Entries)
	}
	if len(got.Skipped) != 1 || got.Skipped[0].Line != 3 || got.Skipped[0].Err.Error() != want.Skipped[0].Err.Error() {
		t.Errorf("skipped %v, alone %v", got.Skipped, want.Skipped)
	}
	if &got.Entries[0].Deps[0] != &got.Entries[1].Deps[0] || &want.Entries[0].Deps[0] == &want.Entries[1].Deps[0] {
		t.Error("equal dependencies are shared, and by Reader alone")
	}
}
