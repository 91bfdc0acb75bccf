//go:build unix

package process

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// A tree is a program and all that it started: its process group, and those
// that carry the mark.
type tree struct {
	group int
	mark  string
	sudo  string
}

func start(cmd *exec.Cmd, c Command, mark string) (*tree, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.DieWithParent {
		dieWithParent(cmd.SysProcAttr)
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &tree{cmd.Process.Pid, mark, c.Sudo}, nil
}

// terminate asks all of the tree to end.
func (t *tree) terminate() { t.signal(syscall.SIGTERM) }

// kill ends what is left of the tree.
func (t *tree) kill() {
	t.signal(syscall.SIGKILL)
	// One that was starting another while it was looked for leaves that one to
	// the next look.
	for range 10 {
		if !signalMarked(t.mark, syscall.SIGKILL) {
			return
		}
	}
}

func (t *tree) signal(signal syscall.Signal) {
	err := syscall.Kill(-t.group, signal)
	if errors.Is(err, syscall.EPERM) && t.sudo != "" {
		_ = exec.Command(t.sudo, "-n", "--", "kill", "-"+strconv.Itoa(int(signal)), "--", strconv.Itoa(-t.group)).Run() //nolint:noctx // it does not wait
	}
	signalMarked(t.mark, signal)
}

func signalOf(state *os.ProcessState) string {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return status.Signal().String()
	}
	return ""
}
