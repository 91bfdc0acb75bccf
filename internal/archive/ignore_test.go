package archive_test

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clydepm/clyde/internal/archive"
)

// TestIgnoreAgreesWithGit asks git itself what each pattern leaves over. The
// list lacks "foo**/a", which git takes for "foo/**/a" against gitignore(5).
func TestIgnoreAgreesWithGit(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the tree of this test needs a file system that holds any name")
	}
	names := []string{
		"a", "b", "ab", "abc", "a.o", "a]b", "a-b", "a b", "trail ", "#hash", "!bang", `back\slash`, "*star", "Upper", "x9", "_y", ".hidden",
		"foo/a", "foo/bar/a", "foo/bar/baz/a", "foo/x/bar", "deep/foo/bar/a", "deep/foo/b", "foobar/a", "foo.d/a.o", "é", "abd/abc/ab",
	}
	patterns := []string{
		"a", "/a", "a/", "foo/", "/foo/", "foo/bar", "/foo/bar", "foo/*", "foo/**", "**/foo", "**/bar/a", "foo/**/a", "a/**", "**", "**/", "*",
		"*.o", "?", "??", "[ab]", "[!ab]", "[^ab]", "[a-c]", "[]-]", "a[]]b", "a[-x]b", "[[:upper:]]*", "[[:digit:]]", "x[[:digit:]]", "[[:alpha:][:digit:]]*",
		`\#hash`, "#hash", `\!bang`, "!bang", `back\\slash`, `\*star`, "a\\ b", "trail ", `trail\ `, "a  ", "f*/a", "f*r/a", "foo**", "**foo/a",
		"foo/**/bar", "*/a", "*/*/a", "deep/**/b", "/**/a", "foo//a", "[", "[a", "a*c", "*a*b*", "\ufeffa", "a\r", ".*", "/*\n!/foo", "*\n!foo/\n!foo/a",
		"foo/*\n!foo/bar", "foo\n!foo/a", "*\n!*/\n!*.o", "/", "!", "", "abd/ab", "abd/**/ab", "**/abc/**", "é", "?é", "foo/bar/", "a/\nab/",
	}
	dir := t.TempDir()
	git := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %s: %v", args, err)
		}
		return string(out)
	}
	files := map[string]string{archive.ManifestPath: manifest}
	for _, name := range names {
		files[name] = "x"
	}
	root := writeTreeIn(t, dir, files)
	git("init", "-q")
	for _, pattern := range patterns {
		for _, place := range []string{".gitignore", "foo/.gitignore"} {
			if err := root.WriteFile(place, []byte(pattern+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			want := strings.Split(git("ls-files", "-z", "--others", "--exclude-per-directory=.gitignore"), "\x00")
			want = slices.DeleteFunc(want, func(s string) bool { return s == archive.ManifestPath || s == "" })
			slices.Sort(want)
			if diff := cmp.Diff(want, archive.SelectedPaths(t, root), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%q in %s (-git +clyde):\n%s", pattern, place, diff)
			}
			if err := root.Remove(place); err != nil {
				t.Fatal(err)
			}
		}
	}
}
