package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/clydepm/clyde/internal/archive"
)

// extractVariable makes TestSyscallsOfExtract the process whose calls are counted:
// it names a folder with an archive and one to extract it to.
const (
	extractVariable = "CLYDE_TEST_EXTRACT"
	packedName      = "big.tar.gz"
	treeName        = "tree"
)

// TestSyscallsOfExtract bounds the calls of the system for each file of an archive:
// it is made, asked for its flags, written, looked at and closed. It needs strace:
// CLYDE_TEST_STRACE says that it is here.
func TestSyscallsOfExtract(t *testing.T) {
	if dir := os.Getenv(extractVariable); dir != "" {
		extractIn(t, dir)
		return
	}
	if os.Getenv("CLYDE_TEST_STRACE") == "" {
		if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
			t.Fatal("CLYDE_TEST_STRACE does not say that strace is here")
		}
		t.Skip("CLYDE_TEST_STRACE does not say that strace is here")
	}
	const (
		folders, more = 10, 40
		bound         = 5.5 // five, and what the runtime has to do now and then
	)
	few, fewCalls := callsOfExtract(t, folders, 1)
	many, manyCalls := callsOfExtract(t, folders, 1+more)
	// What the process costs by itself is in both.
	if each := float64(many-few) / (folders * more); each > bound {
		t.Errorf("%.1f calls for each file, want at most %.1f\n%v\n%v", each, bound, fewCalls, manyCalls)
	}
}

func extractIn(t *testing.T, dir string) {
	data, err := os.ReadFile(filepath.Join(dir, packedName))
	if err != nil {
		t.Fatal(err)
	}
	syscall.Umask(0o022) // one that takes more away costs a call for each file
	to := openRoot(t, filepath.Join(dir, treeName))
	if _, err := archive.ExtractReadOnly(t.Context(), bytes.NewReader(data), to, archive.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
}

// callsOfExtract counts the calls that have to do with files, of a process that
// extracts an archive, and returns how many there were of each.
func callsOfExtract(t *testing.T, folders, each int) (int, map[string]int) {
	t.Helper()
	var items []item
	for folder := range folders {
		for file := range each {
			items = append(items, item{name: fmt.Sprintf("big-1.0.0/d%d/f%d.h", folder, file), body: strings.Repeat("int x;\n", file)})
		}
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "calls")
	err := errors.Join(os.Mkdir(filepath.Join(dir, treeName), 0o755), os.WriteFile(filepath.Join(dir, packedName), archiveOf(t, items...), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "strace", "-f", "-qq", "-o", log, "-e", "trace=%file,%desc", os.Args[0], "-test.run=^TestSyscallsOfExtract$")
	cmd.Env = append(os.Environ(), extractVariable+"="+dir, "GOMAXPROCS=1", "GOGC=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]int{}
	total := 0
	for line := range strings.Lines(string(text)) {
		// "PID name(…", and for the rest of a call that was interrupted "PID <... name resumed>"
		_, call, _ := strings.Cut(line, " ")
		name, _, ok := strings.Cut(strings.TrimSpace(call), "(")
		if ok && !strings.HasPrefix(name, "<") && name != "epoll_pwait" { // by which the runtime looks around
			calls[name]++
			total++
		}
	}
	return total, calls
}
