package sockettest_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/sockettest"
)

// TestForbid opens a socket in a process that must not.
func TestForbid(t *testing.T) {
	const variable = "CLYDE_TEST_FORBIDDEN"
	if !sockettest.Supported {
		t.Skip("sockets cannot be forbidden on this system")
	}
	if os.Getenv(variable) != "" {
		if err := sockettest.Forbid(); err != nil {
			t.Fatal(err)
		}
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:1")
		t.Fatalf("lived on: %v, %v", conn, err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestForbid$")
	cmd.Env = append(os.Environ(), variable+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(err.Error(), "bad system call") || strings.Contains(string(out), "lived on") {
		t.Errorf("%v\n%s", err, out)
	}
}
