package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// execute runs a program in the place of clyde: with its input and output, and
// its exit code. The console sends Ctrl-C to the program as well, which decides
// what comes of it.
func (a *app) execute(ctx context.Context, program string, args, environ []string) error {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	cmd.Dir, cmd.Env = a.Dir, environ
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.Stdin, a.Stdout, a.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return reportedError{withCode(exit.ExitCode(), err)}
	case err != nil:
		return fmt.Errorf("%s: %w", program, err)
	}
	return nil
}
