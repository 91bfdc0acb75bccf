package index

import (
	"strings"
	"testing"
)

// TestRegister: a registration comes, changes or goes alone, and its path is
// that of its package below sources/.
func TestRegister(t *testing.T) {
	text := func(s string) *Blob { return &Blob{Mode: 0o644, Data: []byte(s)} }
	const path = "sources/he/ll/hello.yaml"
	if p, err := SourcePath("Hello"); err != nil || p != path {
		t.Errorf("SourcePath: %q, %v", p, err)
	}
	if name, ok := SourceOf("sources/acme/http.yaml"); !ok || name != "acme/http" {
		t.Errorf("SourceOf: %q, %v", name, ok)
	}
	for name, test := range map[string]struct {
		changes []FileChange
		want    string // rules that are broken
	}{
		"comes":         {[]FileChange{{Path: path, After: text("a")}}, ""},
		"changes":       {[]FileChange{{Path: path, Before: text("a"), After: text("b")}}, ""},
		"goes":          {[]FileChange{{Path: path, Before: text("a")}}, ""},
		"two":           {[]FileChange{{Path: path, After: text("a")}, {Path: "sources/he/ll/hell.yaml", After: text("a")}}, "delta/one-package"},
		"with a policy": {[]FileChange{{Path: path, After: text("a")}, {Path: PolicyPath, Before: text("a"), After: text("b")}}, "delta/mixed"},
		"with owners":   {[]FileChange{{Path: path, After: text("a")}, {Path: "owners/he/ll/hello.yaml", After: text("a")}}, "delta/mixed"},
		"elsewhere":     {[]FileChange{{Path: "sources/hello.yaml", After: text("a")}}, "delta/path"},
		"executable":    {[]FileChange{{Path: path, After: &Blob{Mode: 0o755}}}, "delta/mode"},
	} {
		delta, violations := Classify(test.changes)
		var rules []string
		for _, v := range violations {
			rules = append(rules, v.Rule)
		}
		if got := strings.Join(rules, " "); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		if test.want == "" && (delta.Kind != KindRegister || delta.Package != "hello" || delta.Source == nil) {
			t.Errorf("%s: %+v", name, delta)
		}
	}
}
