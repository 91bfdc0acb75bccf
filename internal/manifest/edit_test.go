package manifest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/strictyaml"
)

func TestSetDependency(t *testing.T) {
	tests := []struct {
		name   string
		before string
		d      manifest.Dependency
		after  string
	}{
		{"empty file", "", manifest.Dependency{Name: "fmt", Req: "^10"}, "dependencies:\n  fmt: \"^10\"\n"},
		{
			"no section", "# top\nname: a # mine\n",
			manifest.Dependency{Name: "fmt", Kind: "dev"},
			"# top\nname: a # mine\n\ndev-dependencies:\n  fmt: \"*\"\n",
		},
		{"no newline at the end", "name: a", manifest.Dependency{Name: "fmt", Req: "1"}, "name: a\n\ndependencies:\n  fmt: \"1\"\n"},
		{
			"empty section", "dependencies: # needed\n  # nothing yet\n\n# features\nfeatures:\n",
			manifest.Dependency{Name: "fmt", Req: "1"},
			"dependencies: # needed\n  # nothing yet\n  fmt: \"1\"\n\n# features\nfeatures:\n",
		},
		{"empty braces", "dependencies: {} # none\nname: a\n", manifest.Dependency{Name: "fmt", Req: "1"}, "dependencies: # none\n  fmt: \"1\"\nname: a\n"},
		{
			"in order, comment stays with its line", "dependencies:\n    alpha: '1'\n\n    # about zeta\n    zeta: '2'\n",
			manifest.Dependency{Name: "mid", Req: "1"},
			"dependencies:\n    alpha: '1'\n\n    mid: \"1\"\n    # about zeta\n    zeta: '2'\n",
		},
		{
			"not in order: at the end", "dependencies:\n  zeta: '2'\n  alpha: '1'\n  # later\nname: a\n",
			manifest.Dependency{Name: "mid", Req: "1"},
			"dependencies:\n  zeta: '2'\n  alpha: '1'\n  mid: \"1\"\n  # later\nname: a\n",
		},
		{
			"replace keeps quotes and comment", "dependencies:\n  a: '1' # one\n  b: \"1\" # two\n  c: ^1 # three\n",
			manifest.Dependency{Name: "a", Req: "2"},
			"dependencies:\n  a: '2' # one\n  b: \"1\" # two\n  c: ^1 # three\n",
		},
		{"plain stays plain", "dependencies:\n  c: ^1 # three\n", manifest.Dependency{Name: "c", Req: "^2"}, "dependencies:\n  c: ^2 # three\n"},
		{"plain that cannot", "dependencies:\n  c: ^1 # three\n", manifest.Dependency{Name: "c", Req: ">=2, <3"}, "dependencies:\n  c: \">=2, <3\" # three\n"},
		{
			"requirement in a block", "dependencies:\n  a:\n    # why\n    version: '1' # old\n    optional: true\n",
			manifest.Dependency{Name: "a", Req: "2", Optional: true},
			"dependencies:\n  a:\n    # why\n    version: '2' # old\n    optional: true\n",
		},
		{
			"block to one value", "dependencies:\n  a: # about a\n    version: '1' # old\n    optional: true\n\n  b: '1'\n",
			manifest.Dependency{Name: "a", Req: "2"},
			"dependencies:\n  a: \"2\" # about a\n\n  b: '1'\n",
		},
		{
			"value to braces", "dependencies:\n  a: '1' # one\n",
			manifest.Dependency{Name: "a", Req: "2", Registry: "corp", Package: "no", Features: []string{"x", "y"}, NoDefaultFeatures: true, Optional: true, Platforms: []index.Platform{{OS: "linux", Arch: "x86_64"}}},
			"dependencies:\n  a: {version: \"2\", package: \"no\", registry: corp, optional: true, features: [x, \"y\"], default-features: false, platforms: [linux-x86_64]} # one\n",
		},
		{
			"braces", "dependencies: {a: '1', b: {version: \"1, <2\"}} # x\n",
			manifest.Dependency{Name: "c", Req: "2"},
			"dependencies: {a: '1', b: {version: \"1, <2\"}, c: \"2\"} # x\n",
		},
		{
			"braces over lines", "dependencies: {\n  a: '1', # it's {\n  b: '2', # two\n}\n",
			manifest.Dependency{Name: "c", Req: "2"},
			"dependencies: {\n  a: '1', # it's {\n  b: '2', c: \"2\" # two\n}\n",
		},
		{"in braces", "dependencies: {a: '1', b: '1'}\n", manifest.Dependency{Name: "a", Req: "2"}, "dependencies: {a: '2', b: '1'}\n"},
		{
			"other kind moves", "dependencies:\n  a: '1'\n  b: '1'\ndev-dependencies:\n  c: '1'\n",
			manifest.Dependency{Name: "b", Req: "1", Kind: "dev"},
			"dependencies:\n  a: '1'\ndev-dependencies:\n  b: \"1\"\n  c: '1'\n",
		},
		{"Windows lines", "name: a\r\ndependencies:\r\n  a1: '1'\r\n", manifest.Dependency{Name: "b1", Req: "1"}, "name: a\r\ndependencies:\r\n  a1: '1'\r\n  b1: \"1\"\r\n"},
		{"a key YAML reads otherwise", "", manifest.Dependency{Name: "null", Req: "1"}, "dependencies:\n  \"null\": \"1\"\n"},
		{"indented root", "  name: a\n", manifest.Dependency{Name: "b", Req: "1"}, "  name: a\n\n  dependencies:\n    b: \"1\"\n"},
		{"folded requirement", "dependencies:\n  a: >-\n    ^1\n  b: '1'\n", manifest.Dependency{Name: "a", Req: "2"}, "dependencies:\n  a: \"2\"\n  b: '1'\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := manifest.SetDependency([]byte(test.before), test.d)
			if err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
			if diff := cmp.Diff(test.after, string(got)); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRemoveDependency(t *testing.T) {
	tests := []struct{ name, before, after string }{
		{"block", "dependencies:\n  # about a\n  a: '1' # one\n\n  # about b\n  b:\n    version: '1'\n    # deep\n  # about c\n  c: '1'\n", "dependencies:\n  # about a\n  a: '1' # one\n\n  # about b\n  # about c\n  c: '1'\n"},
		{"the last one", "dependencies:\n  b: '1'\nname: a\n", "dependencies:\nname: a\n"},
		{"no newline at the end", "dependencies:\n  a: '1'\n  b: '1'", "dependencies:\n  a: '1'\n"},
		{"braces, first", "dependencies: {b: '1', a: '2'}\n", "dependencies: {a: '2'}\n"},
		{"braces, last", "dependencies: {a: '2', b: {version: '1'}} # x\n", "dependencies: {a: '2'} # x\n"},
		{"braces, only", "dependencies: { b: '1' }\n", "dependencies: {  }\n"},
		{"braces over lines", "dependencies: {\n  a: '1', # one\n  b: '2',\n  c: '3'\n}\n", "dependencies: {\n  a: '1', # one\n  c: '3'\n}\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, removed, err := manifest.RemoveDependency([]byte(test.before), "normal", "b")
			if err != nil || !removed {
				t.Fatalf("removed %v, %v", removed, err)
			}
			if diff := cmp.Diff(test.after, string(got)); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
	before := []byte("dev-dependencies: {b: '1'}\n")
	if got, removed, err := manifest.RemoveDependency(before, "normal", "b"); removed || err != nil || string(got) != string(before) {
		t.Errorf("a dependency of another kind: %q %v %v", got, removed, err)
	}
}

func TestEditsThatAreRefused(t *testing.T) {
	var problems strictyaml.Problems
	if _, err := manifest.SetDependency([]byte("nam: a\n"), manifest.Dependency{Name: "b"}); !errors.As(err, &problems) || problems[0].Line != 1 {
		t.Errorf("a manifest with problems: %v", err)
	}
	if _, _, err := manifest.RemoveDependency([]byte("nam: a\n"), "normal", "b"); !errors.As(err, &problems) {
		t.Errorf("a manifest with problems: %v", err)
	}
	for _, d := range []manifest.Dependency{{Name: "b", Req: "one"}, {Name: "b..c"}, {Name: "b", Registry: "A B"}, {Name: "self"}} {
		if _, err := manifest.SetDependency([]byte("name: self\n"), d); !errors.As(err, &problems) || problems[0].Line != 0 {
			t.Errorf("%+v: %v", d, err)
		}
	}
	for _, data := range []string{"{name: a}\n", "~\n", "name: a\n...\n"} {
		if _, err := manifest.SetDependency([]byte(data), manifest.Dependency{Name: "b"}); err == nil {
			t.Errorf("%q is edited", data)
		}
	}
}

// manifestText draws the text of a valid manifest in any style.
func manifestText(t *rapid.T) string {
	var b strings.Builder
	noise := func(indent string) {
		b.WriteString(rapid.SampledFrom([]string{"", "", "", "\n", indent + "# it's {a \"comment\n", "# at the margin\n", "\n" + indent + "# apart\n\n"}).Draw(t, "noise"))
	}
	value := func() string {
		return rapid.SampledFrom([]string{
			`"^1.2"`, `'~1'`, `^1.2.3`, `"1, <2"   # why`, `{version: "1, <2", optional: true}`, `{ version: '1' , "features": [a, 'b'] } # }`,
		}).Draw(t, "value")
	}
	noise("")
	b.WriteString("name: self\n")
	sections := rapid.Permutation([]string{"dependencies", "dev-dependencies", "build-dependencies", "keywords"}).Draw(t, "sections")
	names := rapid.Permutation([]string{"alpha", "beta", "gamma", "delta", "zeta", "null", "scope/name", "it-s"}).Draw(t, "names")
	for _, section := range sections[:rapid.IntRange(0, 4).Draw(t, "n")] {
		noise("")
		if section == "keywords" {
			b.WriteString("keywords: [a, b]\n")
			continue
		}
		count := min(rapid.IntRange(0, 3).Draw(t, "count"), len(names))
		mine := names[:count]
		names = names[count:]
		for i, n := range mine {
			if n == "null" {
				mine[i] = `"null"`
			}
		}
		style := rapid.SampledFrom([]string{"block", "flow", "flow lines", "blocks"}).Draw(t, "style")
		indent := rapid.SampledFrom([]string{" ", "  ", "    "}).Draw(t, "indent")
		dev := section == "dev-dependencies"
		pick := func() string {
			v := value()
			if dev {
				v = strings.Replace(v, ", optional: true", "", 1)
			}
			return v
		}
		switch style {
		case "flow":
			b.WriteString(section + ": {")
			for i, n := range mine {
				v, _, _ := strings.Cut(pick(), " #")
				b.WriteString(n + ": " + strings.TrimSpace(v))
				if i+1 < len(mine) {
					b.WriteString(", ")
				}
			}
			b.WriteString("}\n")
		case "flow lines":
			b.WriteString(section + ": {\n")
			for _, n := range mine {
				v, _, _ := strings.Cut(pick(), " #")
				b.WriteString("  " + n + ": " + strings.TrimSpace(v) + ", # it's, {\n")
			}
			b.WriteString("}\n")
		case "blocks":
			b.WriteString(section + ": # these\n")
			for _, n := range mine {
				noise(indent)
				b.WriteString(indent + n + ": # this\n" + indent + indent + "version: '1' # that\n" + indent + indent + "# deep\n")
			}
		default:
			b.WriteString(section + ":\n")
			for _, n := range mine {
				noise(indent)
				b.WriteString(indent + n + ": " + pick() + "\n")
			}
		}
		noise(indent)
	}
	text := b.String()
	if rapid.Bool().Draw(t, "CRLF") {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if rapid.Bool().Draw(t, "cut") {
		text = strings.TrimRight(text, "\r\n")
	}
	return text
}

// dependencies lists what a text says of its dependencies, without places.
func dependencies(t *rapid.T, text []byte) []string {
	m, err := manifest.Parse("package.yaml", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var all []string
	for _, d := range m.Dependencies {
		d.Line, d.Column = 0, 0
		all = append(all, fmt.Sprintf("%+v", d))
	}
	slices.Sort(all)
	return all
}

// lostLines returns how many lines of before are not in after, in order: all
// but those of the longest common subsequence.
func lostLines(before, after string) int {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	if a[len(a)-1] != "" && b[len(b)-1] == "" { // a last line that got its newline
		a[len(a)-1] += strings.Repeat("\r", strings.Count(b[0], "\r"))
	}
	common := make([]int, len(b)+1)
	for i := range a {
		diagonal := 0
		for j := range b {
			above := common[j+1]
			if a[i] == b[j] {
				common[j+1] = diagonal + 1
			} else {
				common[j+1] = max(above, common[j])
			}
			diagonal = above
		}
	}
	return len(a) - common[len(b)]
}

func TestEditsTouchNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := manifestText(t)
		old := dependencies(t, []byte(before))
		d := manifest.Dependency{
			Name: rapid.SampledFrom([]string{"alpha", "beta", "null", "new", "scope/name", "zz"}).Draw(t, "name"),
			Req:  rapid.SampledFrom([]string{"^1.2", ">=1, <2", "*", "=1.0.0-rc.1"}).Draw(t, "req"),
			Kind: rapid.SampledFrom([]string{"normal", "dev", "build"}).Draw(t, "kind"),
		}
		d.NoDefaultFeatures = rapid.Bool().Draw(t, "no default features")

		rest := slices.DeleteFunc(slices.Clone(old), func(s string) bool { return strings.HasPrefix(s, "{Name:"+d.Name+" ") })
		added := append(slices.Clone(rest), fmt.Sprintf("%+v", d))
		slices.Sort(added)

		set, err := manifest.SetDependency([]byte(before), d)
		if err != nil {
			t.Fatalf("set: %v\n%s", err, before)
		}
		if diff := cmp.Diff(added, dependencies(t, set)); diff != "" {
			t.Fatalf("set (-want +got):\n%s\nbefore:\n%s\nafter:\n%s", diff, before, set)
		}
		// At most the line or the three lines of the dependency, or the line that holds all of a section.
		if lost := lostLines(before, string(set)); lost > 1+3*(len(old)-len(rest)) {
			t.Fatalf("set lost %d lines\nbefore:\n%s\nafter:\n%s", lost, before, set)
		}
		if strings.Contains(before, "\r\n") != strings.Contains(string(set), "\r\n") && strings.Contains(before, "\n") {
			t.Fatalf("line ends changed: %q", set)
		}
		again, err := manifest.SetDependency(set, d)
		if err != nil || string(again) != string(set) {
			t.Fatalf("set twice changes the text: %v\n%s\n%s", err, set, again)
		}

		gone, removed, err := manifest.RemoveDependency(set, d.Kind, d.Name)
		if err != nil || !removed {
			t.Fatalf("remove: %v %v\n%s", removed, err, set)
		}
		if diff := cmp.Diff(rest, dependencies(t, gone)); diff != "" && len(rest) > 0 {
			t.Fatalf("remove (-want +got):\n%s\n%s", diff, gone)
		}
		if lost := lostLines(string(gone), string(set)); lost > 1 {
			t.Fatalf("remove changed %d lines\nbefore:\n%s\nafter:\n%s", lost, set, gone)
		}
	})
}

// FuzzSetDependency: on any valid manifest an edit either succeeds and can be
// taken back, or is refused; it never gives a text that says something else.
func FuzzSetDependency(f *testing.F) {
	for _, seed := range []string{full, "dependencies: {\n a: '1' # x\n}", "dependencies:\n  ? a\n  : '1'\n", "dependencies: {\"a\":'1'}", "a: |+\n\n", "dependencies: {a: {version: '1'}, }\n...\n"} {
		f.Add([]byte(seed), "a", "dev")
		f.Add([]byte(seed), "b", "normal")
	}
	f.Fuzz(func(t *testing.T, data []byte, name, kind string) {
		before, err := manifest.Parse("package.yaml", data)
		if err != nil || !slices.Contains([]string{"normal", "dev", "build"}, kind) {
			return
		}
		set, err := manifest.SetDependency(data, manifest.Dependency{Name: name, Req: "^1", Kind: kind})
		if err != nil {
			return
		}
		gone, removed, err := manifest.RemoveDependency(set, kind, name)
		if err != nil || !removed {
			t.Fatalf("cannot be taken back: %v %v\n%s", removed, err, set)
		}
		after, err := manifest.Parse("package.yaml", gone)
		if err != nil {
			t.Fatal(err)
		}
		others := slices.DeleteFunc(before.Dependencies, func(d manifest.Dependency) bool { return d.Name == name })
		if len(after.Dependencies) != len(others) || after.Name != before.Name || after.Description != before.Description {
			t.Fatalf("something else changed:\n%s\nbecame\n%s", data, gone)
		}
	})
}

// TestEditOfAList: a list is valid and left alone.
func TestEditOfAList(t *testing.T) {
	data := []byte("dependencies:\n  - {name: fmt, version: \"1\"}\n")
	if edited, err := manifest.SetDependency(data, manifest.Dependency{Name: "log", Req: "1"}); !errors.Is(err, manifest.ErrCannotEdit) {
		t.Errorf("set: %v\n%s", err, edited)
	}
	if edited, _, err := manifest.RemoveDependency(data, "normal", "fmt"); !errors.Is(err, manifest.ErrCannotEdit) {
		t.Errorf("remove: %v\n%s", err, edited)
	}
}
