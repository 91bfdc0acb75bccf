package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestCompletionInShells has real shells complete names: fish and zsh where they
// are there, and bash where its package bash-completion is, or where
// CLYDE_TEST_REQUIRE=1 says that apt-get can fetch that.
func TestCompletionInShells(t *testing.T) {
	library := bashCompletion(t)
	params := scriptParams(t, "shells")
	setup := params.Setup
	params.Setup = func(env *testscript.Env) error {
		env.Setenv("BASH_COMPLETION", library)
		return setup(env)
	}
	params.Condition = func(string) (bool, error) { return library != "", nil } // [bash-completion]
	testscript.Run(t, params)
}

// bashCompletion is where the functions are that completions for bash need, ""
// if they are nowhere.
func bashCompletion(t *testing.T) string {
	const place = "usr/share/bash-completion/bash_completion"
	if _, err := os.Stat("/" + place); err == nil {
		return "/" + place
	}
	if os.Getenv("CLYDE_TEST_REQUIRE") != "1" {
		return ""
	}
	dir := t.TempDir()
	cmd := exec.Command("sh", "-c", "apt-get -qq download bash-completion && dpkg-deb -x bash-completion_*.deb .")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("fetch bash-completion: %v\n%s", err, out)
	}
	return filepath.Join(dir, place)
}
