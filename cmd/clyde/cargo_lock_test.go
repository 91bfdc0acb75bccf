package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/lockfile"
)

// TestLocksAsCargo locks a big application of 2020 with the real cargo and with
// clyde, on the index of that time, and expects the same versions.
func TestLocksAsCargo(t *testing.T) {
	bundle := os.Getenv("CLYDE_TEST_CRATES_INDEX")
	cargo, err := exec.LookPath("cargo")
	if bundle == "" || err != nil {
		if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
			t.Fatalf("this needs the bundle of the crates.io index in CLYDE_TEST_CRATES_INDEX (%q) and cargo (%v)", bundle, err)
		}
		t.Skip("this needs the bundle of the crates.io index in CLYDE_TEST_CRATES_INDEX, and cargo")
	}
	dir := t.TempDir()
	repository := filepath.Join(dir, "index.git")
	command(t, dir, nil, "git", "clone", "--quiet", "--bare", bundle, repository)
	address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(repository)}).String()
	application, err := os.ReadFile("testdata/cargo/big-application.toml")
	if err != nil {
		t.Fatal(err)
	}

	put(t, filepath.Join(dir, "app", "Cargo.toml"), string(application))
	put(t, filepath.Join(dir, "app", "src", "lib.rs"), "")
	put(t, filepath.Join(dir, "app", ".cargo", "config.toml"), fmt.Sprintf("[registries.local]\nindex = %q\n[net]\ngit-fetch-with-cli = true\n", address))
	rustup := os.Getenv("RUSTUP_HOME")
	if home, err := os.UserHomeDir(); rustup == "" && err == nil {
		rustup = filepath.Join(home, ".rustup")
	}
	command(t, filepath.Join(dir, "app"), []string{"CARGO_HOME=" + filepath.Join(dir, "cargo"), "RUSTUP_HOME=" + rustup}, cargo, "generate-lockfile", "--quiet")
	text, err := os.ReadFile(filepath.Join(dir, "app", "Cargo.lock"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^name = "(.*)"\nversion = "(.*)"\nsource`).FindAllStringSubmatch(string(text), -1) {
		want = append(want, m[1]+" "+m[2])
	}

	project := filepath.Join(dir, "project")
	put(t, filepath.Join(project, ".clyde", "package.yaml"), manifestOf(t, string(application)))
	put(t, filepath.Join(project, ".clyde", "config.yaml"), fmt.Sprintf("registries:\n  - {name: local, url: %q, versions: cargo}\n", address))
	env := Env{
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: os.Stderr, Dir: project, Now: time.Now, HTTP: http.DefaultClient,
		Getenv: func(name string) string {
			if strings.HasPrefix(name, "XDG_") {
				return filepath.Join(dir, name)
			}
			return ""
		},
	}
	for _, args := range [][]string{{"registry", "update"}, {"install", "--lock-only"}} {
		if code := run(context.Background(), env, args); code != 0 {
			t.Fatalf("clyde %s: exit code %d", strings.Join(args, " "), code)
		}
	}
	text, err = os.ReadFile(filepath.Join(project, lockfile.Path))
	if err != nil {
		t.Fatal(err)
	}
	lock, err := lockfile.Parse(lockfile.Path, text)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range lock.Packages {
		got = append(got, p.Name+" "+p.Version)
	}
	slices.Sort(got)
	slices.Sort(want)
	if len(want) < 800 || !slices.Equal(got, want) {
		t.Errorf("cargo locks %d packages, clyde %d\nclyde only: %v\ncargo only: %v", len(want), len(got), without(got, want), without(want, got))
	}
}

// manifestOf writes the dependencies of a Cargo manifest as clyde has them.
func manifestOf(t *testing.T, text string) string {
	t.Helper()
	_, text, _ = strings.Cut(text, "[dependencies]\n")
	line := regexp.MustCompile(`^(\S+) = \{ version = "([^"]+)", (?:features = \[([^\]]*)\], )?registry = "local" \}$`)
	manifest := "name: big\nversion: 0.1.0\ndependencies:\n"
	for dependency := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		m := line.FindStringSubmatch(dependency)
		if m == nil {
			t.Fatalf("cannot read %q", dependency)
		}
		manifest += fmt.Sprintf("  %s: {version: %q, features: [%s]}\n", m[1], m[2], m[3])
	}
	return manifest
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}

func command(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
