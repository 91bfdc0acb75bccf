package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestRealExternals installs packages that need packages of apt, npm and pip, by
// the real ones. It runs where CLYDE_TEST_EXTERNAL=1 says that they may install.
func TestRealExternals(t *testing.T) {
	if os.Getenv("CLYDE_TEST_EXTERNAL") != "1" {
		if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
			t.Fatal("CLYDE_TEST_EXTERNAL=1 does not say that packages of apt, npm and pip may be installed")
		}
		t.Skip("CLYDE_TEST_EXTERNAL=1 does not say that packages of apt, npm and pip may be installed")
	}
	remove := func() {
		args := []string{"apt-get", "remove", "--yes", "--quiet", "hello"}
		if os.Geteuid() != 0 {
			args = append([]string{"sudo", "-n"}, args...)
		}
		if output, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, output)
		}
	}
	remove()
	t.Cleanup(remove)
	params := scriptParams(t, "external")
	setup := params.Setup
	params.Setup = func(env *testscript.Env) error {
		if err := setup(env); err != nil {
			return err
		}
		// The managers are those of this machine, with its settings and caches.
		for _, entry := range os.Environ() {
			name, value, _ := strings.Cut(entry, "=")
			if !strings.HasPrefix(name, "XDG_") && !strings.HasPrefix(name, "CLYDE_") && !strings.HasPrefix(name, "GIT_") && name != "PATH" {
				env.Setenv(name, value)
			}
		}
		return nil
	}
	testscript.Run(t, params)
}
