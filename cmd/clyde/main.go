// Command clyde publishes packages to a registry that is a git repository,
// reviews what others publish there, and installs from it.
//
// Each sub-command is one thin file: flags, options, one call, render. The
// outside world comes in once, as an [Env] made in main and handed down by
// field. Results go to standard output; everything else (progress, warnings,
// errors) goes to standard error. Exit codes are decided in exit.go alone.
package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// collectLate keeps the garbage collector away until the heap has 20 MB: most
// commands end before, and the lock of a big application needs one collection
// then. From then on the heap becomes twice as large as Go would let it.
func collectLate() {
	const first, later = 500, 200
	debug.SetGCPercent(first)
	runtime.AddCleanup(new([16]byte), func(int) { debug.SetGCPercent(later) }, 0)
}

func main() {
	collectLate()
	ctx, stop := interruptible(os.Stderr, os.Exit)
	defer stop()
	os.Exit(run(ctx, systemEnv(), os.Args[1:]))
}
