package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"
)

func runCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run TOOL [ARG...]",
		Short: "Run a program that an installed package brings",
		Long: `Run a program out of the bin folder of an installed package, in the folder you are
in and with the search paths that 'clyde env' prints. All that comes after its name
is for the program, and its exit code is that of clyde.`,
		Example: "  clyde run protoc --version\n  clyde -C app run formatter -- src",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			project, err := a.project()
			if err != nil {
				return err
			}
			env, err := project.Generations.BuildEnv()
			if err != nil {
				return err
			}
			program, err := env.Tool(args[0])
			if err != nil {
				return err
			}
			return a.execute(cmd.Context(), program, args[1:], env.Environ(a.Environ()))
		},
	}
	cmd.Flags().SetInterspersed(false)
	return cmd
}

// execute runs a program in the place of clyde: with its input and output, and
// its exit code. A signal to stop is passed on, and the program decides.
func (a *app) execute(ctx context.Context, program string, args, environ []string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = a.Dir, environ
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.Stdin, a.Stdout, a.Stderr
	cmd.Cancel = func() error {
		if runtime.GOOS == "windows" {
			return cmd.Process.Kill()
		}
		return cmd.Process.Signal(os.Interrupt)
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return reportedError{withCode(exit.ExitCode(), err)}
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%s: %w", program, err)
	}
	return nil
}
