package registry

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/review"
)

// TestCheckCountsWhatIsRead checks files of which some lines are at fault: a version
// is what a reader of the index finds, and the place of a dependency is the first.
func TestCheckCountsWhatIsRead(t *testing.T) {
	line := func(version, deps string) string {
		return `{"name":"hello","vers":"` + version + `","deps":[` + deps + `],"cksum":"` + strings.Repeat("ab", 32) + `","features":{},"yanked":false}` + "\n"
	}
	const gone = `{"name":"gone","req":"^1","features":[],"optional":false,"default_features":true,"target":null,"kind":"normal"}`
	for name, test := range map[string]struct {
		file     string
		versions int
		fails    []string
	}{
		"nothing":           {line("0.2.0", gone) + line("0.10.0", gone), 2, nil},
		"a yanked line":     {line("0.2.0", gone) + strings.Replace(line("0.10.0", gone), `"yanked":false`, `"yanked":true`, 1), 2, nil},
		"spaces":            {line("0.2.0", gone) + strings.Replace(line("0.10.0", gone), `,"vers"`, `, "vers"`, 1), 2, []string{"line/canonical"}},
		"a requirement":     {line("0.2.0", gone) + line("0.10.0", strings.Replace(gone, "^1", "one", 1)), 2, []string{"line/requirement"}},
		"the same, twice":   {line("0.2.0", gone+","+gone) + line("0.10.0", gone+","+gone), 2, []string{"line/repeated", "line/repeated"}},
		"no version":        {line("0.2.0", gone) + line("one", gone), 1, []string{"line/version"}},
		"no line":           {line("0.2.0", gone) + "{\n", 1, []string{"line/json"}},
		"no end":            {line("0.2.0", gone) + strings.TrimSpace(line("0.10.0", "")), 2, []string{"delta/newline"}},
		"a newer format":    {line("0.2.0", gone) + strings.Replace(line("0.10.0", ""), "}\n", `,"v":99}`+"\n", 1), 1, []string{"line/v"}},
		"the version twice": {line("0.2.0", gone) + line("0.2.0", gone), 2, []string{"delta/duplicate-version"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			config := index.Config{Clyde: index.ClydeConfig{Format: index.MaxConfigFormat, Name: "test"}}
			for path, text := range map[string]string{index.ConfigPath: string(config.Format()), "he/ll/hello": test.file} {
				if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			source, err := OpenSource(dir, "")
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			r, err := Check(t.Context(), source, "", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			var fails []string
			for _, f := range r.Findings {
				for range f.Count {
					if f.Status == review.Fail {
						fails = append(fails, f.Check)
					} else if want := "he/ll/hello 0.2.0: deps[0]"; f.Check != "dependency/exists" || f.Examples[0].Where != want {
						t.Errorf("%s at %s, want %s", f.Check, f.Examples[0].Where, want)
					}
				}
			}
			if r.Versions != test.versions || !slices.Equal(fails, test.fails) {
				t.Errorf("%d versions and %q, want %d and %q", r.Versions, fails, test.versions, test.fails)
			}
		})
	}
}
