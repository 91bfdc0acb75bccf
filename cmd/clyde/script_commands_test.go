package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptExits is the transcript command "exits CODE clyde ARG...": it runs the
// program and requires this very exit code. Its output is checked with
// "stdout", "stderr" and "cmp" as after "exec".
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exits: %q is not a number", args[0])
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("exits: %v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// scriptSample is the transcript command "sample NAME": it builds the program
// examples/NAME into the folder bin, with the environment of the test.
func scriptSample(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sample NAME")
	}
	root, err := filepath.Abs("../..")
	ts.Check(err)
	cmd := exec.Command("go", "build", "-o", ts.MkAbs("bin")+string(filepath.Separator), "./examples/"+args[0])
	cmd.Dir = root
	ts.Check(os.MkdirAll(ts.MkAbs("bin"), 0o755))
	if out, err := cmd.CombinedOutput(); err != nil {
		ts.Fatalf("%v\n%s", err, out)
	}
}
