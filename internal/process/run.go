package process

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Marker is the variable by which the processes of one run are known.
const Marker = "CLYDE_PROCESS"

// pipePatience is how long output is waited for after the program and what it
// started have ended.
const pipePatience = 2 * time.Second

// A Command is a program to run.
type Command struct {
	Path    string   // the program's file; it is not looked for
	Args    []string // after the program's name
	Dir     string
	Env     []string // "NAME=value"; the whole environment but the marker
	Stdin   *os.File // nil is empty input
	Stdout  io.Writer
	Stderr  io.Writer     // may be the same as Stdout; both are written by one goroutine then
	Timeout time.Duration // 0 is none
	Grace   time.Duration // between asking and killing

	// Sudo is the program to end the group with when it belongs to another user,
	// "" for none.
	Sudo string
	// DieWithParent has the kernel kill the program when this process dies,
	// however it does. Linux only.
	DieWithParent bool
}

// A Result is how a program ended.
type Result struct {
	Exit     int    // exit status, -1 when a signal ended it
	Signal   string // that ended it, "" for none
	Duration time.Duration
}

// String says how the program ended: "exit status 1", "signal: killed".
func (r Result) String() string {
	if r.Signal != "" {
		return "signal: " + r.Signal
	}
	return fmt.Sprintf("exit status %d", r.Exit)
}

// TimeoutError reports a program that was ended because its time was up.
type TimeoutError struct{ Timeout time.Duration }

func (e *TimeoutError) Error() string { return "was ended after " + e.Timeout.String() }

// Run runs a program to its end. A program that fails is no error: see
// [Result]. The error is a [*TimeoutError], the context's, or of the start.
func Run(ctx context.Context, c Command) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{Exit: -1}, context.Cause(ctx)
	}
	mark := Marker + "=" + rand.Text()
	cmd := exec.Command(c.Path, c.Args...) //nolint:noctx // the context ends more than this process
	cmd.Dir, cmd.Env = c.Dir, append(c.Env[:len(c.Env):len(c.Env)], mark)
	out, err := redirect(cmd, c)
	if err != nil {
		return Result{Exit: -1}, err
	}
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin
	}
	started := time.Now() //nolint:forbidigo // a program runs in real time
	tree, err := start(cmd, c, mark)
	out.started()
	if err != nil {
		out.close()
		return Result{Exit: -1}, err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state is read below
		close(exited)
	}()
	why := wait(ctx, c.Timeout, exited)
	if why != nil {
		tree.terminate()
		sleep(exited, c.Grace)
	}
	tree.kill()
	<-exited
	out.close()
	took := time.Since(started) //nolint:forbidigo // as above
	result := Result{Exit: cmd.ProcessState.ExitCode(), Signal: signalOf(cmd.ProcessState), Duration: took}
	return result, why
}

// wait returns when the program has ended, or why it has to.
func wait(ctx context.Context, timeout time.Duration, exited <-chan struct{}) error {
	var up <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		up = timer.C
	}
	select {
	case <-exited:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-up:
		return &TimeoutError{timeout}
	}
}

// sleep returns when the program has ended or the time is over.
func sleep(exited <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-exited:
	case <-timer.C:
	}
}

// pipes carry the output of a program. They are files of ours, not those that
// exec makes: its Wait waits for whoever holds the other end.
type pipes struct {
	readers, writers []*os.File
	copying          sync.WaitGroup
}

func redirect(cmd *exec.Cmd, c Command) (*pipes, error) {
	p := &pipes{}
	if err := p.add(c.Stdout, func(w *os.File) { cmd.Stdout = w }); err != nil {
		return nil, err
	}
	if c.Stderr == c.Stdout {
		cmd.Stderr = cmd.Stdout
		return p, nil
	}
	if err := p.add(c.Stderr, func(w *os.File) { cmd.Stderr = w }); err != nil {
		p.started()
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *pipes) add(to io.Writer, set func(*os.File)) error {
	if to == nil {
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	set(w)
	p.readers, p.writers = append(p.readers, r), append(p.writers, w)
	p.copying.Go(func() {
		_, err := io.Copy(to, r)
		if err != nil && !errors.Is(err, os.ErrClosed) {
			_, _ = io.Copy(io.Discard, r) // a full pipe would stop the program
		}
	})
	return nil
}

// started closes the ends that the program has now.
func (p *pipes) started() {
	for _, w := range p.writers {
		_ = w.Close()
	}
}

// close waits for the rest of the output, but not for long, and closes.
func (p *pipes) close() {
	for _, r := range p.readers {
		_ = r.SetReadDeadline(time.Now().Add(pipePatience)) //nolint:forbidigo // the system compares it with its own clock
	}
	p.copying.Wait()
	for _, r := range p.readers {
		_ = r.Close()
	}
}
