package attest_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/clydepm/clyde/internal/sockettest"
)

// offline marks a process of tests that must not open a socket.
const offline = "CLYDE_TEST_OFFLINE"

func TestMain(m *testing.M) {
	if os.Getenv(offline) != "" {
		if err := sockettest.Forbid(); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestVerifyOffline runs everything that verifies in a process that dies when it
// opens a socket.
func TestVerifyOffline(t *testing.T) {
	if !sockettest.Supported || os.Getenv(offline) != "" {
		t.Skip("only where sockets can be forbidden, and once")
	}
	const tests = "^(TestVerifyAccepts|TestPublicGood|TestProvenance|TestSignWithKey)$"
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+tests, "-test.v")
	cmd.Env = append(os.Environ(), offline+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
