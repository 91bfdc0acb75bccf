package foreign

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
)

func TestNPMRange(t *testing.T) {
	tests := []struct {
		text, want string
		narrowed   bool
	}{
		{"", "*", false},
		{"*", "*", false},
		{"x", "*", false},
		{"1", "^1.0.0", false},
		{"1.x", "^1.0.0", false},
		{"1.2", "~1.2.0", false},
		{"1.2.x", "~1.2.0", false},
		{"1.2.3", "=1.2.3", false},
		{"v1.2.3", "=1.2.3", false},
		{"=1.2.3", "=1.2.3", false},
		{"^1.2.3", "^1.2.3", false},
		{"^1", "^1.0.0", false},
		{"^0.2.3", "^0.2.3", false},
		{"^0.0.3", "^0.0.3", false},
		{"^0", "<1.0.0", false},
		{"^0.0", "~0.0.0", false},
		{"~1.2.3", "~1.2.3", false},
		{"~> 1.2", "~1.2.0", false},
		{"~1", "^1.0.0", false},
		{"~0.2", "^0.2.0", false},
		{">1.2", ">=1.3.0", false},
		{">1.2.3", ">1.2.3", false},
		{">= 1.2.3", ">=1.2.3", false},
		{"<=1.2", "<1.3.0", false},
		{"<=1.2.3", "<=1.2.3", false},
		{">=1.2.3 <2", "^1.2.3", false},
		{">=1.2.3 <1.5.0-0", ">=1.2.3, <1.5.0", false},
		{">1 <=2.3.4", ">=2.0.0, <=2.3.4", false},
		{"1.2.3 - 2.3", ">=1.2.3, <2.4.0", false},
		{"1.2 - 2.3.4", ">=1.2.0, <=2.3.4", false},
		{"^1.0.0-rc.1", "^1.0.0-rc.1", false},
		{"^1.0.0 || ^2.0.0", ">=1.0.0, <3.0.0", false},
		{"^2 || ^1 || ^3", ">=1.0.0, <4.0.0", false},
		{"^1.2 || ^3.4", "^3.4.0", true},
		{"^16.8 || ^17 || ^18", ">=16.8.0, <19.0.0", false},
		{"1.2.3 || >=2", ">=2.0.0", true},
		{"<1 || >=1", "*", false},
		{"1.2.3+build", "=1.2.3", false},
	}
	for _, test := range tests {
		got, narrowed, err := npmRange(test.text)
		if err != nil || got != test.want || narrowed != test.narrowed {
			t.Errorf("%q: got %q, %v, %v; want %q, %v", test.text, got, narrowed, err, test.want, test.narrowed)
		}
		if _, err := index.ParseRequirement(got); err != nil {
			t.Errorf("%q: %v", test.text, err)
		}
	}
	for _, text := range []string{"next", "git+https://example.org/x.git", "file:../x", "user/repo", "workspace:*", ">=2 <1", "<*", "1.2.3.4", "^", "1.99999999999999999999"} {
		if got, _, err := npmRange(text); err == nil {
			t.Errorf("%q: got %q, want an error", text, got)
		}
	}
}

// TestNPMRangeAgainstNPM compares the requirements with npm's own semver, on
// every range of the tarballs in CLYDE_TEST_NPM and some harder ones, and every
// version that is near their ends.
func TestNPMRangeAgainstNPM(t *testing.T) {
	folder := os.Getenv("CLYDE_TEST_NPM")
	if folder == "" {
		if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
			t.Fatal("CLYDE_TEST_NPM does not say where the tarballs of npm are")
		}
		t.Skip("CLYDE_TEST_NPM does not say where the tarballs of npm are")
	}
	ranges, versions := npmFacts(t, folder)
	for _, text := range []string{"^1.2.3-rc.1", "~1.2.3-beta.2 || ^2", ">1.2.3-rc.1 <1.3.0-0", "1.2.3-rc.1 - 2.0", "<=2.0.0-rc.2", "0.0.x", "^0.0.3-1", ">0.9 <1.1"} {
		ranges[text] = true
	}
	for text := range ranges {
		for _, v := range []string{"0.0.3", "0.0.3-1", "0.0.4", "1.2.3-rc.1", "1.2.3-rc.2", "1.2.3-beta.2", "1.2.3", "1.2.4-rc.1", "1.3.0-0", "1.3.0", "2.0.0-rc.1", "2.0.0-rc.3"} {
			versions[v] = true
		}
		for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune("^~<>=| ", r) }) {
			if v, err := index.ParseVersion(word); err == nil {
				for _, near := range []index.Version{v, {Major: v.Major, Minor: v.Minor, Patch: v.Patch + 1}, {Major: v.Major, Minor: v.Minor + 1}, {Major: v.Major + 1}, {Major: v.Major + 1, Pre: "rc.1"}} {
					versions[near.String()] = true
				}
			}
		}
	}
	type question struct{ Ranges, Versions []string }
	q := question{slices.Sorted(maps.Keys(ranges)), slices.Sorted(maps.Keys(versions))}
	if len(q.Ranges) < 100 || len(q.Versions) < 200 {
		t.Fatalf("%d ranges and %d versions are too few", len(q.Ranges), len(q.Versions))
	}
	answers := askNPM(t, q)
	compared := 0
	for i, text := range q.Ranges {
		req, narrowed, err := npmRange(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		parsed, err := index.ParseRequirement(req)
		if err != nil {
			t.Fatal(err)
		}
		for j, version := range q.Versions {
			v, err := index.ParseVersion(version)
			if err != nil {
				t.Fatal(err)
			}
			got, want := parsed.Matches(v), answers[i][j]
			// A narrower one may permit less, and so may one that joined
			// alternatives, of prereleases.
			less := narrowed || v.Prerelease() && strings.Contains(text, "||")
			if got != want && (got || !less) {
				t.Errorf("%q is %q: %s: got %v, npm says %v", text, req, version, got, want)
			}
			compared++
		}
	}
	t.Logf("%d ranges, %d comparisons", len(q.Ranges), compared)
}

// npmFacts are the ranges and versions that the tarballs say.
func npmFacts(t *testing.T, folder string) (ranges, versions map[string]bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil || len(files) < 200 {
		t.Fatalf("%s has %d tarballs, want 200 and more: %v", folder, len(files), err)
	}
	ranges, versions = map[string]bool{}, map[string]bool{}
	for _, file := range files {
		var m npmManifest
		if err := json.Unmarshal(packageJSON(t, file), &m); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		versions[m.Version] = true
		for _, needs := range []map[string]string{m.Dependencies, m.Optional, m.Peer} {
			for _, text := range needs {
				ranges[text] = true
			}
		}
	}
	return ranges, versions
}

func packageJSON(t *testing.T, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for members := tar.NewReader(plain); ; {
		h, err := members.Next()
		if errors.Is(err, io.EOF) {
			t.Fatalf("%s has no package.json", file)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, rest, _ := strings.Cut(h.Name, "/"); rest == "package.json" {
			data, err := io.ReadAll(members)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
	}
}

// askNPM asks npm's own semver which versions satisfy which ranges.
func askNPM(t *testing.T, question any) [][]bool {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err == nil {
		npm, err = filepath.EvalSymlinks(npm)
	}
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "-e", `
		const semver = require(process.argv[1]);
		const q = JSON.parse(require("fs").readFileSync(0, "utf8"));
		console.log(JSON.stringify(q.Ranges.map(r => q.Versions.map(v => semver.satisfies(v, r)))));`,
		filepath.Join(filepath.Dir(filepath.Dir(npm)), "node_modules", "semver"))
	cmd.Stdin = strings.NewReader(string(input))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers [][]bool
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}
