package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/internal/sockettest"
)

// scriptTime is the clock of every transcript.
var scriptTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"clyde": func() {
			collectLate()
			ctx, stop := interruptible(os.Stderr, os.Exit)
			defer stop()
			env := systemEnv()
			env.Now = func() time.Time { return scriptTime }
			os.Exit(run(ctx, env, os.Args[1:]))
		},
		"nosockets": runWithoutSockets,
	})
}

// TestScripts runs the transcripts: what a person types and what comes back.
// CLYDE_UPDATE_GOLDEN=1 rewrites the expected output in place.
func TestScripts(t *testing.T) {
	testscript.Run(t, scriptParams(t, "script"))
}

// TestRealTarballs imports real tarballs of npm, which .ci/npm/fetch puts into the
// folder that CLYDE_TEST_NPM names, and installs from them with sockets forbidden.
func TestRealTarballs(t *testing.T) {
	folder := os.Getenv("CLYDE_TEST_NPM")
	if folder == "" {
		if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
			t.Fatal("CLYDE_TEST_NPM does not say where the tarballs of npm are")
		}
		t.Skip("CLYDE_TEST_NPM does not say where the tarballs of npm are")
	}
	params := scriptParams(t, "npm")
	setup := params.Setup
	params.Setup = func(env *testscript.Env) error {
		env.Setenv("TARBALLS", folder)
		return setup(env)
	}
	testscript.Run(t, params)
}

// scriptParams run the transcripts of a folder of testdata.
func scriptParams(t *testing.T, folder string) testscript.Params {
	return testscript.Params{
		Dir:                 filepath.Join("testdata", folder),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("CLYDE_UPDATE_GOLDEN") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      scriptExits,
			"forge":      scriptForge(t),
			"hostile":    scriptHostile,
			"mkregistry": registrytest.Script,
			"release":    scriptRelease,
			"sample":     scriptSample,
		},
		Setup: func(env *testscript.Env) error {
			env.Values[forgeKey{}] = new(*registrytest.Forge)
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "xdg", "config"))
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "xdg", "cache"))
			env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, "xdg", "data"))
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			env.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(env.WorkDir, "home", ".gitconfig"))
			return os.MkdirAll(filepath.Join(env.WorkDir, "home"), 0o755)
		},
	}
}

// runWithoutSockets runs the program of its arguments, which is killed when it
// opens a socket.
func runWithoutSockets() {
	program, err := exec.LookPath(os.Args[1])
	if err == nil {
		err = sockettest.Forbid()
	}
	if err == nil {
		err = syscall.Exec(program, os.Args[1:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(exitFailed)
}
