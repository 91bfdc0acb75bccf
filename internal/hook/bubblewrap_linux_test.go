package hook_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/hook"
)

// sandboxed is a runner that uses bubblewrap, for real.
func sandboxed(t *testing.T) *hook.Runner {
	t.Helper()
	runner := &hook.Runner{Mode: hook.Require}
	if runner.Sandbox(context.Background()) != "bubblewrap" {
		if os.Getenv("CLYDE_TEST_REQUIRE") != "" {
			t.Fatal(runner.WhyNone(context.Background()))
		}
		t.Skip(runner.WhyNone(context.Background()))
	}
	return runner
}

// say runs a hook and returns what it printed.
func say(t *testing.T, runner *hook.Runner, h hook.Hook) string {
	t.Helper()
	result, err := runner.Run(context.Background(), h)
	if err != nil {
		t.Fatalf("%v\n%s", err, result.Output)
	}
	if result.Sandbox != "bubblewrap" {
		t.Fatalf("ran under %s", result.Sandbox)
	}
	return string(result.Output)
}

// In the sandbox nothing listens, though outside it something does.
func TestSandboxHasNoNetwork(t *testing.T) {
	runner := sandboxed(t)
	bash, err := exec.LookPath("bash")
	if err != nil || !strings.HasPrefix(bash, "/usr/bin/") && !strings.HasPrefix(bash, "/bin/") {
		t.Skip("bash can open sockets, and is not here")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	address := listener.Addr().(*net.TCPAddr)
	h := newHook(t, "")
	h.Run = []string{"bash", "-c", `if (exec 3<>/dev/tcp/127.0.0.1/$0) 2>/dev/null; then echo reached; else echo unreachable; fi; cat /proc/net/dev`, strconv.Itoa(address.Port)}
	outside := hook.Runner{Mode: hook.Off}
	if result, err := outside.Run(context.Background(), h); err != nil || !strings.HasPrefix(string(result.Output), "reached\n") {
		t.Fatalf("outside of the sandbox: %v %s", err, result.Output)
	}
	output := say(t, runner, h)
	if !strings.HasPrefix(output, "unreachable\n") || strings.Count(output, ":") != 1 || !strings.Contains(output, "lo:") {
		t.Errorf("in the sandbox:\n%s", output)
	}
}

func TestSandboxHidesTheMachine(t *testing.T) {
	runner := sandboxed(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("canary"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := newHook(t, `cat "$1"; for d in /home /root /run /var /etc/shadow /etc/ssh /mnt /opt /srv; do ls -d "$d"; done; ls /proc | grep -c '^[0-9]'; ls -A /tmp; id -u; grep CapEff /proc/self/status; hostname || cat /proc/sys/kernel/hostname`, secret)
	output := say(t, runner, h)
	if strings.Contains(output, "canary\n") || strings.Contains(output, "\n/") {
		t.Errorf("sees:\n%s", output)
	}
	for _, want := range []string{"CapEff:\t0000000000000000\n", "clyde\n"} {
		if !strings.Contains(output, want) {
			t.Errorf("lacks %q:\n%s", want, output)
		}
	}
}

func TestSandboxWritesWhereItMay(t *testing.T) {
	runner := sandboxed(t)
	other, given := t.TempDir(), t.TempDir()
	h := newHook(t, `
for file in "$1/x" ./x /x /usr/x /etc/x /home/x; do
	if echo x >"$file"; then echo "WROTE $file"; fi
done 2>/dev/null
for file in "$2/x" "$HOME/x" "$TMPDIR/x" /tmp/x; do echo x >"$file"; done
rm -rf "$1" .clyde /usr/bin/env 2>/dev/null
ls .clyde/hooks/run`, other, given)
	h.Writable = []string{given}
	output := say(t, runner, h)
	if output != ".clyde/hooks/run\n" {
		t.Errorf("output:\n%s", output)
	}
	if _, err := os.Stat(filepath.Join(given, "x")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("/tmp/x"); err == nil {
		t.Error("/tmp of the machine was written to")
	}
}

// A package that may be written in: its own folder.
func TestSandboxWritesInThePackage(t *testing.T) {
	h := newHook(t, `echo made >made; mkdir -p deep/er; : >deep/er/file`)
	h.Writable = []string{h.Dir}
	say(t, sandboxed(t), h)
	if data, err := os.ReadFile(filepath.Join(h.Dir, "made")); err != nil || string(data) != "made\n" {
		t.Errorf("%q %v", data, err)
	}
}

// What leaves its session and its group and empties its environment still dies
// with the sandbox.
func TestNothingLeavesTheSandbox(t *testing.T) {
	runner := sandboxed(t)
	for _, end := range []string{"exit 0", "sleep 100"} {
		state := t.TempDir()
		h := newHook(t, `setsid -f env -i /bin/sh -c 'trap "" TERM; while :; do date +%N >"$1/beat"; sleep 0.05; done' sh "$1" >/dev/null 2>&1
while [ ! -e "$1/beat" ]; do sleep 0.02; done
`+end, state)
		h.Writable, h.Timeout = []string{state}, 2*time.Second
		var late *hook.TimeoutError
		if _, err := runner.Run(context.Background(), h); err != nil && !errors.As(err, &late) {
			t.Fatal(err)
		}
		mustBeStill(t, filepath.Join(state, "beat"))
	}
}

// Where bubblewrap is not to be used, hooks that need it do not run, and others
// run without.
func TestModes(t *testing.T) {
	h := newHook(t, "echo $CLYDE_SANDBOX")
	off := hook.Runner{Mode: hook.Off}
	result, err := off.Run(context.Background(), h)
	if err != nil || result.Sandbox != "none" || string(result.Output) != "none\n" || off.WhyNone(context.Background()) != "it is turned off" {
		t.Errorf("%+v %v %s", result, err, off.WhyNone(context.Background()))
	}
}

// Without the sandbox, what leaves its session is found by its environment.
func TestNothingOutlivesAHookOutside(t *testing.T) {
	runner := hook.Runner{Mode: hook.Off}
	for _, end := range []string{"exit 0", "sleep 100"} {
		state := t.TempDir()
		h := newHook(t, `setsid -f /bin/sh -c 'trap "" TERM; while :; do date +%N >"$1/beat"; sleep 0.05; done' sh "$1" >/dev/null 2>&1
while [ ! -e "$1/beat" ]; do sleep 0.02; done
`+end, state)
		h.Timeout = 2 * time.Second
		var late *hook.TimeoutError
		if _, err := runner.Run(context.Background(), h); err != nil && !errors.As(err, &late) {
			t.Fatal(err)
		}
		mustBeStill(t, filepath.Join(state, "beat"))
	}
}
