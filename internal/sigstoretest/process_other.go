//go:build !linux

package sigstoretest

import "os/exec"

// runTied runs a process to its end. It sends the outcome of the start.
func runTied(cmd *exec.Cmd, started chan<- error) {
	err := cmd.Start()
	started <- err
	if err == nil {
		_ = cmd.Wait() // it is killed in the end; why it ended before is in its log
	}
}
