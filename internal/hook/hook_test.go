//go:build unix

package hook_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/hook"
)

// newHook is a hook of a package whose program is a script.
func newHook(t *testing.T, script string, arguments ...string) hook.Hook {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, ".clyde", "hooks", "run")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return hook.Hook{
		Package: "hello", Version: "1.2.0", Name: "post-install", Dir: dir,
		Run: append([]string{".clyde/hooks/run"}, arguments...), Timeout: time.Minute,
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("CLYDE_TOKEN_EXAMPLE", "canary")
	t.Setenv("SECRET", "canary")
	h := newHook(t, "pwd; env | sort; ls -A \"$HOME\" \"$TMPDIR\"; cat; touch \"$HOME/x\" \"$TMPDIR/x\"")
	h.Env = map[string]string{"CLYDE_PREFIX": "/a b"}
	var runner hook.Runner
	result, err := runner.Run(context.Background(), h)
	if err != nil {
		t.Fatalf("%v\n%s", err, result.Output)
	}
	output := string(result.Output)
	for _, want := range []string{
		"CLYDE_HOOK=post-install\n", "CLYDE_PACKAGE_NAME=hello\n", "CLYDE_PACKAGE_VERSION=1.2.0\n",
		"CLYDE_PACKAGE_DIR=" + h.Dir + "\n", "CLYDE_PREFIX=/a b\n", "CLYDE_SANDBOX=" + result.Sandbox + "\n",
		"LANG=C.UTF-8\n", "PATH=/usr/local/bin:/usr/bin:/bin\n",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("lacks %q:\n%s", want, output)
		}
	}
	if strings.Contains(output, "canary") || strings.Contains(output, "HOME="+os.Getenv("HOME")+"\n") {
		t.Errorf("the environment of clyde is visible:\n%s", output)
	}
	if working, err := filepath.EvalSymlinks(h.Dir); err != nil || !strings.HasPrefix(output, working+"\n") {
		t.Errorf("runs elsewhere than in %s: %v\n%s", working, err, output)
	}
}

func TestFoldersAreRemoved(t *testing.T) {
	h := newHook(t, "mkdir \"$HOME/deep\"; touch \"$HOME/deep/file\"; chmod 500 \"$HOME/deep\"")
	runner := hook.Runner{Temp: t.TempDir()}
	if _, err := runner.Run(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(runner.Temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestFailure(t *testing.T) {
	h := newHook(t, "echo out; echo err >&2; exit 3")
	var runner hook.Runner
	result, err := runner.Run(context.Background(), h)
	var failed *hook.FailedError
	if !errors.As(err, &failed) || result.Exit != 3 || err.Error() != "post-install of hello 1.2.0 failed: exit status 3" {
		t.Errorf("exit %d, error %v", result.Exit, err)
	}
	if got := string(result.Output); got != "out\nerr\n" {
		t.Errorf("output %q", got)
	}
}

func TestOutputIsBounded(t *testing.T) {
	h := newHook(t, "i=0; while [ $i -lt 3000 ]; do echo \"line $i of a hook that says more than anybody will read\"; i=$((i+1)); done")
	var runner hook.Runner
	result, err := runner.Run(context.Background(), h)
	if err != nil {
		t.Fatal(err)
	}
	if !result.Truncated || len(result.Output) != 64<<10 || !strings.HasSuffix(string(result.Output), "line 2999 of a hook that says more than anybody will read\n") {
		t.Errorf("truncated %t, %d bytes", result.Truncated, len(result.Output))
	}
}

func TestInvalid(t *testing.T) {
	tests := []struct {
		name   string
		change func(h *hook.Hook)
		want   string
	}{
		{"no program", func(h *hook.Hook) { h.Run = nil }, "names no program"},
		{"outside", func(h *hook.Hook) { h.Run = []string{"../x/run"} }, `"../x/run" is not a file of the package`},
		{"absolute", func(h *hook.Hook) { h.Run = []string{"/bin/sh"} }, `"/bin/sh" is not a file of the package`},
		{"link outside", func(h *hook.Hook) {
			if err := os.Symlink("/bin/sh", filepath.Join(h.Dir, "sh")); err != nil {
				t.Fatal(err)
			}
			h.Run = []string{"./sh"}
		}, `the package has no program "./sh"`},
		{"missing", func(h *hook.Hook) { h.Run = []string{"./no"} }, `the package has no program "./no"`},
		{"a folder", func(h *hook.Hook) { h.Run = []string{"./.clyde"} }, `"./.clyde" is not an executable file; it has to be packed with its mode 0755`},
		{"not on the path", func(h *hook.Hook) { h.Run = []string{"clyde-no-such"} }, `no program "clyde-no-such" in /usr/local/bin:/usr/bin:/bin`},
		{"variable", func(h *hook.Hook) { h.Env = map[string]string{"LD_PRELOAD": "x"} }, `"LD_PRELOAD" cannot be a variable of a hook`},
		{"folder", func(h *hook.Hook) { h.Writable = []string{"x"} }, `"x" is not an absolute path`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHook(t, "exit 0")
			test.change(&h)
			var runner hook.Runner
			_, err := runner.Run(context.Background(), h)
			var invalid *hook.InvalidError
			if !errors.As(err, &invalid) || invalid.Detail != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// Arguments reach the program as they are.
func TestArguments(t *testing.T) {
	h := newHook(t, `printf '<%s>' "$@"`, "$HOME", "a b", "; exit 1", "")
	var runner hook.Runner
	result, err := runner.Run(context.Background(), h)
	if err != nil || string(result.Output) != "<$HOME><a b><; exit 1><>" {
		t.Errorf("%q %v", result.Output, err)
	}
}

// A hook that stops at nothing is ended with all that it started, and so is
// one that ends by itself and leaves something behind.
func TestNothingOutlivesAHook(t *testing.T) {
	for name, test := range map[string]struct {
		end  string
		want any
	}{
		"timeout": {"sleep 100", new(*hook.TimeoutError)},
		"ends":    {"exit 0", nil},
		"fails":   {"exit 1", new(*hook.FailedError)},
	} {
		t.Run(name, func(t *testing.T) {
			state := t.TempDir()
			h := newHook(t, `trap '' TERM
(trap '' TERM; (trap '' TERM; echo alive >"$1/started"; while :; do date +%N >"$1/beat"; sleep 0.05; done) & ) &
while [ ! -e "$1/started" ]; do sleep 0.02; done
`+test.end, state)
			h.Writable, h.Timeout = []string{state}, 2*time.Second
			var runner hook.Runner
			_, err := runner.Run(context.Background(), h)
			if test.want == nil && err != nil || test.want != nil && !errors.As(err, test.want) {
				t.Errorf("error %v", err)
			}
			mustBeStill(t, filepath.Join(state, "beat"))
		})
	}
}

func TestCancel(t *testing.T) {
	state := t.TempDir()
	h := newHook(t, `while :; do date +%N >"$1/beat"; sleep 0.05; done`, state)
	h.Writable = []string{state}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for range 3000 { // a busy machine takes its time to start it
			if _, err := os.Stat(filepath.Join(state, "beat")); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	var runner hook.Runner
	if _, err := runner.Run(ctx, h); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	mustBeStill(t, filepath.Join(state, "beat"))
}

// mustBeStill fails if something goes on writing a file.
func mustBeStill(t *testing.T, file string) {
	t.Helper()
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("a process of the hook is alive: %s then %s, %v", before, after, err)
	}
}
