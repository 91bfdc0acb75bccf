package process

import (
	"os"
	"os/exec"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A tree is a job object with the program and all that it started.
type tree struct {
	job     windows.Handle
	process *os.Process
}

// start starts the program and puts it into a job. What it starts in the
// moment between the two is not in it, and a program that has ended already
// cannot be put there.
func start(cmd *exec.Cmd, _ Command, _ string) (*tree, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, err
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_ = windows.CloseHandle(job)
		return nil, err
	}
	_ = assign(job, cmd.Process.Pid)
	return &tree{job, cmd.Process}, nil
}

func assign(job windows.Handle, pid int) error {
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(pid))
	if err != nil {
		return err
	}
	defer func() { _ = windows.CloseHandle(process) }()
	return windows.AssignProcessToJobObject(job, process)
}

// terminate ends the tree at once: Windows has no way to ask a program without
// a window.
func (t *tree) terminate() {
	_ = windows.TerminateJobObject(t.job, 1)
	_ = t.process.Kill()
}

func (t *tree) kill() {
	t.terminate()
	_ = windows.CloseHandle(t.job)
}

func signalOf(*os.ProcessState) string { return "" }
