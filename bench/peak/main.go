//go:build unix

// Command peak runs a command and prints how much memory it took at most, as
// "123 MB", for bench/run: the program time of GNU is not everywhere. The memory is
// what the kernel counts as resident, of the one process of the command that had
// most. Of what the command prints nothing is shown unless it fails; then peak
// fails, too.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: peak COMMAND...")
		os.Exit(2)
	}
	cmd := exec.CommandContext(context.Background(), os.Args[1], os.Args[2:]...)
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "peak: %v\n%s", err, out)
		os.Exit(1)
	}
	size := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS != "darwin" { // which counts bytes
		size *= 1 << 10
	}
	fmt.Printf("%d MB\n", (size+500_000)/1_000_000)
}
