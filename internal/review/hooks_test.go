package review

import (
	"slices"
	"testing"
)

// A reviewer sees each change of a hook, also of the files that it runs.
func TestHooksAreShown(t *testing.T) {
	text := []byte(`hooks:
  pre-install: {run: [./tools/setup, "a b", c], timeout: 5m, platforms: [linux-x86_64, macos-aarch64]}
  post-install: {run: [sh, .clyde/hooks/register.sh]}
`)
	hooks := hooksOf(text)
	if got, want := hooks["pre-install"], `./tools/setup "a b" c, at most 5m0s, on linux-x86_64 macos-aarch64`; got != want {
		t.Errorf("pre-install is shown as %s, want %s", got, want)
	}
	if got, want := hooks["post-install"], "sh .clyde/hooks/register.sh"; got != want {
		t.Errorf("post-install is shown as %s, want %s", got, want)
	}
	changed := []FileDiff{{Path: ".clyde/hooks/register.sh"}, {Path: "README.md"}, {Path: "tools/setup"}}
	if got, want := hookPrograms(text, changed), []string{"pre-install (tools/setup)", "post-install (.clyde/hooks/register.sh)"}; !slices.Equal(got, want) {
		t.Errorf("changed %q, want %q", got, want)
	}
}
