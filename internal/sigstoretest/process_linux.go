package sigstoretest

import (
	"os/exec"
	"runtime"
	"syscall"
)

// runTied runs a process to its end, or to that of the test, also when the test
// is killed. The kernel watches the thread that started the process, so that
// thread stays. It sends the outcome of the start.
func runTied(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := cmd.Start()
	started <- err
	if err == nil {
		_ = cmd.Wait() // it is killed in the end; why it ended before is in its log
	}
}
