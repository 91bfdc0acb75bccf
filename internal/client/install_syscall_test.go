//go:build linux

package client

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// fileOperations are the system calls by which a run changes files.
const fileOperations = "openat,write,pwrite64,copy_file_range,renameat,renameat2,unlinkat,mkdirat,symlinkat,fsync,fchmod,fchmodat,utimensat,ftruncate"

// underTrace makes strace do something at the n-th file operation of a thread of
// a process: kill it, or let the operation fail.
func underTrace(t *testing.T, cmd *exec.Cmd, what string, n int) *exec.Cmd {
	traced := exec.CommandContext(t.Context(), "strace", append([]string{
		"-f", "-qq", "-o", os.DevNull, "-e", fmt.Sprintf("inject=%s:%s:when=%d", fileOperations, what, n),
	}, cmd.Args...)...)
	traced.Env = append(cmd.Env, "GOMAXPROCS=1")
	return traced
}

// TestFileOperationsFail lets single file operations of a run fail, or be its
// last. Afterwards, at the latest after the next run began, project and shelf are
// as before, or the run was over. It needs strace: CLYDE_TEST_STRACE says how
// many operations to try.
func TestFileOperationsFail(t *testing.T) {
	var tries int
	if _, err := fmt.Sscan(os.Getenv("CLYDE_TEST_STRACE"), &tries); err != nil {
		if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
			t.Fatal("CLYDE_TEST_STRACE does not say how many file operations to let fail")
		}
		t.Skip("CLYDE_TEST_STRACE does not say how many file operations to let fail")
	}
	for _, what := range []string{"signal=KILL", "error=EIO", "error=ENOSPC"} {
		t.Run(what, func(t *testing.T) {
			restored := 0
			for range tries {
				n := 1 + rand.IntN(60)
				w := newInstallWorld(t)
				in := w.faultStart()
				before := w.settledPicture(in.Project)
				out, err := underTrace(t, w.command("project", faultCommand, 0), what, n).CombinedOutput()
				takeBack(t, in)
				now := w.settledPicture(in.Project)
				if maps.Equal(before, now) {
					restored++
					must(t, in.do(t.Context(), faultCommand))
					now = w.settledPicture(in.Project)
				}
				assertFaultless(t, w, in, now)
				if t.Failed() {
					t.Fatalf("at file operation %d: %v\n%s\n%s", n, err, strings.TrimSpace(string(out)), difference(before, now))
				}
			}
			t.Logf("%d of %d runs were taken back", restored, tries)
		})
	}
}
