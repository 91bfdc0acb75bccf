package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// interruptible is a context that the first Ctrl-C or request to stop cancels:
// the command ends, and takes back what it began. A second one does not wait for
// that and ends the process at once. What is not taken back yet is on disk (see
// internal/client), so that the next run does it.
func interruptible(w io.Writer, exit func(int)) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		fmt.Fprint(w, "clyde: stopped at once, before everything was taken back\n"+
			"  hint: what is left is written down; the next command that changes the project takes it back, such as 'clyde install'\n")
		exit(exitCancelled)
	}()
	return ctx, cancel
}
