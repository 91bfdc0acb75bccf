package client

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clydepm/clyde/internal/strictyaml"
)

// world is a folder that holds a user's configuration and a project.
type world struct {
	t       *testing.T
	dir     string
	project string
	vars    map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, dir: dir, project: filepath.Join(dir, "project"), vars: map[string]string{
		"XDG_CONFIG_HOME":     filepath.Join(dir, "config"),
		"XDG_CACHE_HOME":      filepath.Join(dir, "cache"),
		"XDG_DATA_HOME":       filepath.Join(dir, "data"),
		"CLYDE_SYSTEM_CONFIG": filepath.Join(dir, "etc", "config.yaml"),
	}}
	w.write("project/.clyde/package.yaml", "")
	return w
}

func (w *world) write(name, text string) string {
	w.t.Helper()
	file := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	return file
}

func (w *world) getenv(name string) string { return w.vars[name] }

func (w *world) load(set ...string) (*Config, error) {
	return LoadConfig(LoadOptions{Dir: filepath.Join(w.project, "."), Getenv: w.getenv, Set: set})
}

func (w *world) mustLoad(set ...string) *Config {
	w.t.Helper()
	c, err := w.load(set...)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestSettingsPrecedence(t *testing.T) {
	w := newWorld(t)
	if got := w.mustLoad().Timeout; got != defaultTimeout {
		t.Errorf("default: %v", got)
	}
	steps := []struct {
		name string
		do   func()
		set  []string
		want time.Duration
	}{
		{"system", func() { w.write("etc/config.yaml", "timeout: 2s\n") }, nil, 2 * time.Second},
		{"user", func() { w.write("config/clyde/config.yaml", "timeout: 3s\n") }, nil, 3 * time.Second},
		{"project", func() { w.write("project/.clyde/config.yaml", "timeout: 4s\n") }, nil, 4 * time.Second},
		{"environment", func() { w.vars["CLYDE_TIMEOUT"] = "5s" }, nil, 5 * time.Second},
		{"flag", func() {}, []string{"timeout=6s", "timeout=7s"}, 7 * time.Second},
	}
	for _, step := range steps {
		step.do()
		if got := w.mustLoad(step.set...).Timeout; got != step.want {
			t.Errorf("%s: timeout %v, want %v", step.name, got, step.want)
		}
	}
}

func TestRegistriesAddUp(t *testing.T) {
	w := newWorld(t)
	w.write("etc/config.yaml", "registries:\n  - {name: machine, url: https://m.example.org/index.git}\n")
	w.write("config/clyde/config.yaml", `
registries:
  - name: public
    url: https://github.com/example/index
  - name: corp
    url: https://git.example.org/corp.git
`)
	w.write("project/.clyde/config.yaml", `
registries:
  - name: corp            # the same alias: hides the user's
    url: ../shared/index
  - name: same
    url: https://GITHUB.com/example/index.git/
`)
	type line struct {
		Name, URL string
		Scope     Scope
	}
	var got []line
	for _, r := range w.mustLoad().Registries {
		got = append(got, line{r.Name, r.URL, r.Origin.Scope})
	}
	want := []line{
		{"corp", filepath.Join(w.dir, "shared", "index"), ScopeProject},
		{"same", "https://GITHUB.com/example/index.git/", ScopeProject},
		{"machine", "https://m.example.org/index.git", ScopeSystem},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConfigProblemsComeAtOnce(t *testing.T) {
	w := newWorld(t)
	user := w.write("config/clyde/config.yaml", "registrys: []\njobs: many\n")
	project := w.write("project/.clyde/config.yaml", `cache: /tmp
registries:
  - name: Corp
    url: https://joe:secret@example.org/x.git
  - name: a
    url: /x
    type: gti
  - name: a
    url: /x/
  - url: /y
    type: apii
`)
	_, err := w.load()
	var problems strictyaml.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("got %v, want Problems", err)
	}
	text := strings.ReplaceAll(strings.ReplaceAll(problems.Text(), user, "user"), project, "project")
	for _, want := range []string{
		`user:1:1: registrys: unknown key "registrys"`,
		`did you mean "registries"?`,
		`user:2:7: jobs: "many" is text`,
		`project:1:8: cache: is not a setting of a project`,
		`project:3:11: registries[0].name: registry name "Corp" is not`,
		`hint: write corp`,
		`project:4:10: registries[0].url: registry address "https://joe@example.org/x.git" holds a password`,
		`project:7:11: registries[1].type: "gti" is not a kind`,
		`hint: did you mean git?`,
		`project:8:5: registries[2]: the name "a" is already used on line 5`,
		`project:10:5: registries[3].name: is missing`,
		`project:11:11: registries[3].type: "apii" is not a kind of registry`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Error("the password is in the message")
	}
}

func TestWrongVariablesAndFlags(t *testing.T) {
	for _, test := range []struct{ variable, value, set, want string }{
		{"CLYDE_JOBS", "0", "", `CLYDE_JOBS: "0" is not a number from 1 to 64`},
		{"CLYDE_TIMEOUT", "5", "", `CLYDE_TIMEOUT: "5" is not a duration`},
		{"CLYDE_OFFLINE", "maybe", "", `CLYDE_OFFLINE: "maybe" is not true or false`},
		{"CLYDE_STORE", "here", "", `CLYDE_STORE: "here" is not an absolute path`},
		{"", "", "jobs", `--config "jobs" is not KEY=VALUE`},
		{"", "", "job=3", `--config: there is no setting "job"`},
		{"", "", "jobs=99", `--config jobs: "99" is not a number from 1 to 64`},
	} {
		w := newWorld(t)
		w.vars[test.variable] = test.value
		var set []string
		if test.set != "" {
			set = []string{test.set}
		}
		_, err := w.load(set...)
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %q", err, test.want)
		}
	}
}

func TestEditKeepsWhatPeopleWrote(t *testing.T) {
	r := RegistryConfig{Name: "new", URL: "https://example.org/new.git", Kind: KindGit}
	const added = "  - name: new\n    url: https://example.org/new.git\n    type: git\n"
	for name, test := range map[string]struct{ before, added string }{
		"no file":  {"", "registries:\n" + added},
		"no list":  {"# mine\njobs: 3 # enough\n", "# mine\njobs: 3 # enough\n\nregistries:\n" + added},
		"no value": {"registries:\njobs: 3\n", "registries:\n" + added + "jobs: 3\n"},
		"empty":    {"registries: []\n", "registries:\n" + added},
		"flow":     {"registries: [{name: a, url: /a}]\n\njobs: 2\n", "registries:\n  - name: a\n    url: /a\n" + added + "\njobs: 2\n"},
		"list in the middle": {
			"# top\nregistries:\n  # about a\n  - name: a # the first\n    url: /a\n\n  # later\n\n# about jobs\njobs: 3\n",
			"# top\nregistries:\n  # about a\n  - name: a # the first\n    url: /a\n" + added + "\n  # later\n\n# about jobs\njobs: 3\n",
		},
		"no newline at the end": {
			"registries:\n- name: a\n  url: /a",
			"registries:\n- name: a\n  url: /a\n- name: new\n  url: https://example.org/new.git\n  type: git\n",
		},
		"windows lines": {"registries:\r\n  - name: a\r\n    url: /a\r\n", "registries:\r\n  - name: a\r\n    url: /a\r\n" + strings.ReplaceAll(added, "\n", "\r\n")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			file := w.write("config/clyde/config.yaml", test.before)
			c := w.mustLoad()
			if err := c.addEntry(t.Context(), ScopeUser, r); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.added, string(got)); diff != "" {
				t.Fatal(diff)
			}
			last := w.mustLoad().Registries
			if n := len(last); n == 0 || last[n-1].Name != "new" || last[n-1].Kind != KindGit {
				t.Errorf("read back: %+v", last)
			}
			if err := c.addEntry(t.Context(), ScopeUser, r); !errors.Is(err, ErrConflict) {
				t.Errorf("added twice: %v", err)
			}
		})
	}
}

func TestRemoveRegistryFromFile(t *testing.T) {
	const before = "# top\nregistries:\n  # about a\n  - name: a\n    url: /a\n\n  # about b\n  - name: b\n    url: /b # here\n\njobs: 3 # enough\n"
	w := newWorld(t)
	file := w.write("config/clyde/config.yaml", before)
	c := w.mustLoad()
	for _, step := range []struct{ remove, want string }{
		{"a", "# top\nregistries:\n  # about b\n  - name: b\n    url: /b # here\n\njobs: 3 # enough\n"},
		{"b", "# top\nregistries: []\n\njobs: 3 # enough\n"},
	} {
		if err := c.removeEntry(t.Context(), ScopeUser, step.remove); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, string(got)); diff != "" {
			t.Fatal(diff)
		}
	}
	if err := c.removeEntry(t.Context(), ScopeUser, "a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
}

func TestEditsAtTheSameTime(t *testing.T) {
	w := newWorld(t)
	c := w.mustLoad()
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			name := "r" + string(rune('a'+i))
			if err := c.addEntry(t.Context(), ScopeUser, RegistryConfig{Name: name, URL: "/" + name}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := len(w.mustLoad().Registries); got != 20 {
		t.Errorf("%d registries, want 20", got)
	}
}

func TestEditFollowsASymbolicLink(t *testing.T) {
	w := newWorld(t)
	target := w.write("dotfiles/clyde.yaml", "# kept elsewhere\n")
	link := filepath.Join(w.dir, "config", "clyde", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	if err := w.mustLoad().addEntry(t.Context(), ScopeUser, RegistryConfig{Name: "a", URL: "/a"}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v %v", info, err)
	}
	if data, _ := os.ReadFile(target); !strings.Contains(string(data), "name: a") {
		t.Errorf("the file behind the link: %s", data)
	}
}

func TestPlaces(t *testing.T) {
	env := func(vars map[string]string) func(string) string { return func(k string) string { return vars[k] } }
	got, err := placesOn("linux", env(map[string]string{"HOME": "/home/kim", "XDG_CACHE_HOME": "relative", "XDG_DATA_HOME": "/data"}))
	if err != nil {
		t.Fatal(err)
	}
	want := Places{
		SystemConfig: "/etc/clyde/config.yaml", UserConfig: "/home/kim/.config/clyde/config.yaml",
		Cache: "/home/kim/.cache/clyde", Store: "/data/clyde/store",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := placesOn("linux", env(nil)); !errors.Is(err, ErrUsage) {
		t.Errorf("no HOME: %v", err)
	}
}
