//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
)

// execute runs a program in the place of clyde: the process becomes the program,
// so that signals, exit code, input and output are its own.
func (a *app) execute(ctx context.Context, program string, args, environ []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.Chdir(a.Dir); err != nil {
		return err
	}
	err := syscall.Exec(program, append([]string{program}, args...), environ)
	return fmt.Errorf("%s: %w", program, err)
}
