package client

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRegistriesOfTheEnvironmentAndFlags(t *testing.T) {
	w := newWorld(t)
	w.write("config/clyde/config.yaml", `
registries:
  - {name: my.corp, url: "https://git.example.org/corp.git", type: git, branch: stable, verify: require, claims: ["acme-*"]}
  - {name: public, url: "https://git.example.org/public.git"}
`)
	load := func(environ []string, set ...string) (string, *Config, error) {
		c, err := LoadConfig(LoadOptions{
			Dir: w.project, Getenv: w.getenv, Set: set,
			Environ: func() []string { return append([]string{"PATH=/bin", "CLYDE_REGISTRY_EMPTY="}, environ...) },
		})
		if err != nil {
			return "", nil, err
		}
		var lines []string
		for _, r := range c.Registries {
			lines = append(lines, fmt.Sprintf("%s %s %s from %s", r.Name, r.URL, r.Verify, r.Origin.Scope))
		}
		return strings.Join(lines, "\n"), c, nil
	}
	got, _, err := load([]string{"CLYDE_REGISTRY_NEW_ONE=sparse+https://new.example.org/index/", "CLYDE_REGISTRY_ABOVE=../above"}, "registry.public=https://mirror.example.org/public.git")
	must(t, err)
	want := strings.Join([]string{
		"public https://mirror.example.org/public.git  from flag",
		"new-one sparse+https://new.example.org/index/  from environment",
		"above " + filepath.Join(w.dir, "above") + "  from environment",
		"my.corp https://git.example.org/corp.git require from user",
	}, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	// What is said of a registry stays with it wherever it is; what goes with the
	// old address does not.
	_, c, err := load([]string{"CLYDE_REGISTRY_MY_CORP=/mnt/corp"})
	must(t, err)
	moved := c.Registries[0]
	if moved.Name != "my.corp" || moved.URL != filepath.FromSlash("/mnt/corp") || moved.Kind != "" || moved.Branch != "" || moved.Verify != "require" || moved.Origin.String() != "CLYDE_REGISTRY_MY_CORP" {
		t.Errorf("%+v", moved)
	}
	if claim, ok := c.Claims.Of("acme-log"); !ok || claim.URL != moved.URL || claim.Registry != "my.corp" {
		t.Errorf("its claim: %+v %v", claim, ok)
	}

	// The flag wins.
	got, _, err = load([]string{"CLYDE_REGISTRY_PUBLIC=/from-environment"}, "registry.public=/first", "registry.public=/second")
	if err != nil || !strings.HasPrefix(got, "public "+filepath.FromSlash("/second")) || strings.Contains(got, "from-environment") {
		t.Errorf("%s %v", got, err)
	}
	for _, bad := range []struct {
		environ, flag, want string
	}{
		{"CLYDE_REGISTRY_A=https://kim:CANARY@example.org/x.git", "registry.b=/b", "CLYDE_REGISTRY_A"},
		{"CLYDE_REGISTRY__A=/a", "registry.b=/b", "CLYDE_REGISTRY__A"},
		{"X=y", "registry.A B=/b", "--config registry.A B"},
		{"X=y", "registry.a=ftp://example.org", "--config registry.a"},
	} {
		_, _, err := load([]string{bad.environ}, bad.flag)
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), bad.want) || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: %v", bad.want, err)
		}
	}
}

func TestSettingsSayWhereTheyWereSet(t *testing.T) {
	w := newWorld(t)
	w.write("etc/config.yaml", "jobs: 2\nkeep: 7\n")
	user := w.write("config/clyde/config.yaml", "\nkeep: 8\ntimeout: 5s\n")
	project := w.write("project/.clyde/config.yaml", "timeout: 6s\nplatform: linux-aarch64\n")
	w.vars["CLYDE_JOBS"] = "3"
	got := map[string]string{}
	for _, s := range w.mustLoad("offline=true").Settings() {
		got[s.Key] = fmt.Sprint(s.Value, " ", s.Origin)
	}
	want := map[string]string{
		"jobs": "3 CLYDE_JOBS", "timeout": "6s " + project + ":1", "offline": "true --config offline",
		"cache": filepath.Join(w.dir, "cache", "clyde") + " the default", "store": filepath.Join(w.dir, "data", "clyde", "store") + " the default",
		"keep": "8 " + user + ":2", "platform": "linux-aarch64 " + project + ":2", "vendor": " the default",
		"hook-sandbox": "auto the default",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestNoFileWeakensAnother: who names a registry again does not take away what
// another file demands of its signatures.
func TestNoFileWeakensAnother(t *testing.T) {
	w := newWorld(t)
	w.write("config/clyde/config.yaml", "registries: [{name: a, url: /a, verify: require}, {name: b, url: /b}]\n")
	w.write("project/.clyde/config.yaml", "registries: [{name: mine, url: /a, verify: off}, {name: b, url: /b}]\n")
	c := w.mustLoad()
	if got := fmt.Sprint(c.Registries[0].Name, c.Registries[0].Verify, c.Registries[1].Verify); got != "minerequire" {
		t.Error(got)
	}
}
