package client

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/strictyaml"
)

func loadedProfiles(t *testing.T, user, project string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	writeTestFile(t, filepath.Join(dir, "config", "clyde", "config.yaml"), user)
	writeTestFile(t, filepath.Join(dir, "app", ".clyde", "config.yaml"), project)
	return LoadConfig(LoadOptions{Dir: filepath.Join(dir, "app"), Getenv: func(name string) string {
		return map[string]string{
			"HOME": dir, "XDG_CONFIG_HOME": filepath.Join(dir, "config"), "CLYDE_SYSTEM_CONFIG": filepath.Join(dir, "none.yaml"),
		}[name]
	}})
}

func TestProfilesAddUp(t *testing.T) {
	c, err := loadedProfiles(t,
		"profiles:\n  ci: {dev: false, allow-hooks: [fmt@^9]}\n  production: {hooks: false}\n",
		"profiles:\n  ci: {features: [gui], platform: linux-aarch64}\n  production: {dev: true}\n")
	if err != nil {
		t.Fatal(err)
	}
	ci, err := c.Profile("ci")
	if err != nil || ci.Dev || ci.AllFeatures || !slices.Equal(ci.Features, []string{"gui"}) || ci.Platform.String() != "linux-aarch64" ||
		ci.Permission.hook("fmt", "9.1.0") != AllowedYes || ci.Permission.hook("fmt", "10.0.0") != AllowedAsk {
		t.Errorf("ci is %+v, %v", ci, err)
	}
	if ci.Origins["dev"].Scope != ScopeUser || ci.Origins["features"].Scope != ScopeProject || ci.Origins["features"].Line != 2 {
		t.Errorf("written at %+v", ci.Origins)
	}
	production, err := c.Profile(ProfileProduction)
	if err != nil || !production.Dev || !production.Permission.NoHooks || !slices.Equal(production.Features, []string{lockfile.DefaultFeature}) {
		t.Errorf("production is %+v, %v", production, err)
	}
	_, err = c.Profile("prodution")
	if !errors.Is(err, ErrNotFound) || hintOf(err) != "did you mean production?" {
		t.Errorf("an unknown profile: %v, %q", err, hintOf(err))
	}
}

func TestAProjectAllowsNoHooks(t *testing.T) {
	_, err := loadedProfiles(t, "", "profiles:\n  ci: {allow-hooks: all}\n  Big: {}\n  x: {devel: true, features: [1]}\n")
	var problems strictyaml.Problems
	if !errors.As(err, &problems) || len(problems) != 4 {
		t.Fatalf("%v", err)
	}
	for i, want := range []string{"profiles.ci.allow-hooks: is not a setting of a project", `"Big" cannot be the name of a profile`, `unknown key "devel"`, "profiles.x.features[0]"} {
		if !strings.Contains(problems[i].Error(), want) {
			t.Errorf("problem %d is %q, want %q", i, problems[i].Error(), want)
		}
	}
}

func TestAPartOfTheLock(t *testing.T) {
	lock := &lockfile.Lock{
		Requirements: []lockfile.Requirement{{Name: "gtk", Optional: true}, {Name: "qt", Optional: true}},
		Features:     map[string][]string{"default": {"dep:gtk"}, "old": {"dep:qt"}},
	}
	for name, want := range map[string][]string{ProfileDevelopment: {"gtk", "qt"}, ProfileProduction: {"gtk"}, ProfileTesting: {"gtk"}} {
		p := builtinProfiles()[name]
		s, err := p.selection(lock, p.Platform)
		if err != nil || !slices.Equal(s.Optional, want) || s.Dev != (name != ProfileProduction) {
			t.Errorf("%s selects %+v, %v", name, s, err)
		}
		ledger := &Ledger{}
		ledger.setPart(p)
		if again := ledger.part(lock); again.Dev != p.Dev || again.AllFeatures != p.AllFeatures || !slices.Equal(again.Features, p.Features) {
			t.Errorf("%s comes back as %+v", name, again)
		}
	}
	p := Profile{Name: "ci", Features: []string{"old", "odl"}, Origins: map[string]Origin{"features": {File: "config.yaml", Line: 3}}}
	_, err := p.selection(lock, p.Platform)
	if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), `profile ci (config.yaml:3): there is no feature or optional dependency called "odl"`) || hintOf(err) != "did you mean old?" {
		t.Errorf("an unknown feature: %v, %q", err, hintOf(err))
	}
	ledger := &Ledger{}
	ledger.setPart(p)
	if part := ledger.part(lock); part.AllFeatures || !slices.Equal(part.Features, []string{"old"}) {
		t.Errorf("a feature that is gone: %+v", part)
	}
}
