package osv

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/clydepm/clyde/index"
)

func parse(t *testing.T, text string) *Record {
	t.Helper()
	r, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pkg(t *testing.T, name, version string) Package {
	t.Helper()
	v, err := index.ParseVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	return Package{
		Name: name, Version: v, Registry: "https://git.example.org/index.git",
		SameRegistry: func(a, b string) bool { return a == b },
	}
}

// TestRanges: the walk over the events, as the specification has it.
func TestRanges(t *testing.T) {
	for _, test := range []struct {
		events   string
		affected []string
		not      []string
		fixed    string
	}{
		{`[{"introduced":"0"}]`, []string{"0.0.0-alpha", "0.0.1", "9.0.0"}, nil, ""},
		{`[{"introduced":"0"},{"fixed":"1.2.0"}]`, []string{"1.1.9", "1.2.0-rc.1"}, []string{"1.2.0", "2.0.0"}, "1.2.0"},
		{`[{"fixed":"1.2.0"},{"introduced":"1.0.0"}]`, []string{"1.0.0", "1.1.0"}, []string{"0.9.0", "1.0.0-rc.1", "1.2.0"}, "1.2.0"},
		{`[{"introduced":"1.0.0"},{"last_affected":"1.4.0"}]`, []string{"1.0.0", "1.4.0"}, []string{"1.4.1", "0.1.0"}, ""},
		{`[{"introduced":"1.0.0"},{"fixed":"1.1.0"},{"introduced":"2.0.0"},{"fixed":"2.1.0"}]`, []string{"2.0.5"}, []string{"1.5.0", "2.1.0"}, "2.1.0"},
		{`[{"introduced":"0"},{"limit":"2.0.0"}]`, []string{"1.9.9"}, []string{"2.0.0", "3.0.0"}, ""},
		{`[{"introduced":"0"},{"limit":"*"}]`, []string{"1.9.9", "3.0.0"}, nil, ""},
	} {
		r := parse(t, `{"id":"X-1","affected":[{"package":{"ecosystem":"clyde","name":"fmt"},"ranges":[{"type":"SEMVER","events":`+test.events+`}]}]}`)
		for _, v := range test.affected {
			m, err := r.Match(pkg(t, "fmt", v))
			if err != nil || m == nil || test.fixed != "" && !slices.Equal(m.Fixed, []string{test.fixed}) {
				t.Errorf("%s: %s: %+v %v", test.events, v, m, err)
			}
		}
		for _, v := range test.not {
			if m, err := r.Match(pkg(t, "fmt", v)); err != nil || m != nil {
				t.Errorf("%s: %s: %+v %v", test.events, v, m, err)
			}
		}
	}
}

func TestWhichPackage(t *testing.T) {
	const here = "https://git.example.org/index.git"
	for text, want := range map[string]bool{
		`{"ecosystem":"clyde","name":"fmt_lib"}`:                                                                     true,
		`{"ecosystem":"clyde","name":"FMT-lib"}`:                                                                     true,
		`{"ecosystem":"clyde","name":"fmt"}`:                                                                         false,
		`{"ecosystem":"npm","name":"fmt-lib"}`:                                                                       false,
		`{"ecosystem":"clyde:` + here + `","name":"fmt-lib"}`:                                                        true,
		`{"ecosystem":"clyde:https://other.example.org","name":"fmt-lib"}`:                                           false,
		`{"purl":"pkg:clyde/fmt-lib"}`:                                                                               true,
		`{"purl":"pkg:clyde/fmt-lib?repository_url=https%3A%2F%2Fgit.example.org%2Findex.git"}`:                      true,
		`{"purl":"pkg:clyde/fmt-lib?repository_url=https%3A%2F%2Fother.example.org"}`:                                false,
		`{"purl":"pkg:npm/fmt-lib"}`:                                                                                 false,
		`{"purl":"pkg:clyde/team/fmt-lib"}`:                                                                          false,
		`{"ecosystem":"OSS-Fuzz","name":"fmt","purl":"pkg:clyde/fmt-lib"}`:                                           true,
		`{"ecosystem":"clyde","name":"fmt-lib","purl":"pkg:clyde/fmt-lib?repository_url=https://other.example.org"}`: true,
	} {
		r := parse(t, `{"id":"X-1","affected":[{"package":`+text+`,"versions":["1.0.0"]}]}`)
		m, err := r.Match(pkg(t, "fmt-lib", "1.0.0"))
		if err != nil || (m != nil) != want {
			t.Errorf("%s: %+v %v", text, m, err)
		}
	}
}

func TestRecords(t *testing.T) {
	for _, text := range []string{``, `{}`, `[]`, `{"id":"X","schema_version":"2.0.0"}`, `{"id":1}`} {
		if r, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, r)
		}
	}
	withdrawn := parse(t, `{"id":"X-1","withdrawn":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"clyde","name":"fmt"},"versions":["1.0.0"]}]}`)
	if m, err := withdrawn.Match(pkg(t, "fmt", "1.0.0")); m != nil || err != nil {
		t.Errorf("withdrawn: %+v %v", m, err)
	}
	// What is not understood is not taken for good news, unless it is about another package.
	bad := parse(t, `{"id":"X-1","affected":[{"package":{"ecosystem":"clyde","name":"fmt"},"ranges":[{"type":"SEMVER","events":[{"introduced":"soon"}]}]}]}`)
	if _, err := bad.Match(pkg(t, "fmt", "1.0.0")); err == nil {
		t.Error("an event without a version is understood")
	}
	if m, err := bad.Match(pkg(t, "json", "1.0.0")); m != nil || err != nil {
		t.Errorf("another package: %+v %v", m, err)
	}
	git := parse(t, `{"id":"X-1","aliases":["CVE-1"],"affected":[{"package":{"ecosystem":"clyde","name":"fmt"},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]}]}`)
	if m, err := git.Match(pkg(t, "fmt", "1.0.0")); m != nil || err != nil {
		t.Errorf("a range of commits: %+v %v", m, err)
	}
	if !git.Is("CVE-1") || !git.Is("X-1") || git.Is("X-2") {
		t.Error("aliases")
	}
}

// FuzzMatch: a report of a stranger is matched or refused, and a version at
// which it is fixed is not affected by the same range.
func FuzzMatch(f *testing.F) {
	f.Add(`[{"introduced":"0"},{"fixed":"1.2.0"}]`, "1.0.0")
	f.Add(`[{"introduced":"1.0.0"},{"fixed":"1.0.0"},{"last_affected":"2.0.0"}]`, "1.5.0-a")
	f.Fuzz(func(t *testing.T, events, version string) {
		var r Range
		v, err := index.ParseVersion(version)
		if err != nil || json.Unmarshal([]byte(events), &r.Events) != nil {
			return
		}
		within, fixed, err := r.contains(v)
		if err != nil || !within {
			return
		}
		for _, at := range fixed {
			if at.Compare(v) <= 0 {
				t.Fatalf("%s: %s is affected and fixed in %s", events, v, at)
			}
		}
	})
}
