//go:build unix && !linux

package process

import "syscall"

// dieWithParent does nothing: only Linux has it.
func dieWithParent(*syscall.SysProcAttr) {}

// signalMarked finds nothing: the environment of a process is to be read on
// Linux only.
func signalMarked(string, syscall.Signal) bool { return false }
