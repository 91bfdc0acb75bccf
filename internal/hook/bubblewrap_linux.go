package hook

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/process"
)

// probeTime is how long the trial of bubblewrap may take.
const probeTime = 10 * time.Second

// bubblewrap is the sandbox of hooks: its program, or why it is not used.
type bubblewrap struct{ program, why string }

// findBubblewrap tries the program that is installed: where namespaces of users
// are forbidden, as in many containers, it is there and does not work.
func findBubblewrap(ctx context.Context) bubblewrap {
	program := ""
	for _, folder := range searchPath() {
		file := filepath.Join(folder, "bwrap")
		if info, err := os.Stat(file); err == nil && isProgram(info) {
			program = file
			break
		}
	}
	if program == "" {
		return bubblewrap{why: "bubblewrap is not installed"}
	}
	output := process.NewTail(1 << 10)
	trial := process.Command{
		Path: program, Args: append(isolation(), "--", "/usr/bin/env"), Env: []string{}, Dir: "/",
		Stderr: output, Timeout: probeTime, Grace: grace,
	}
	ended, err := process.Run(ctx, trial)
	switch {
	case err != nil:
		return bubblewrap{why: "bubblewrap does not work here: " + err.Error()}
	case ended.Exit != 0:
		return bubblewrap{why: "bubblewrap does not work here: " + strings.TrimSpace(string(output.Bytes()))}
	}
	return bubblewrap{program: program}
}

// isolation are the arguments that every hook has.
func isolation() []string {
	args := []string{
		"--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "clyde",
		"--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
	}
	for _, path := range systemPaths() {
		args = append(args, "--ro-bind-try", path, path)
	}
	return args
}

// systemPaths are what programs of the system need to start. What of /etc may
// hold a secret is not among them.
func systemPaths() []string {
	return []string{
		"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store",
		"/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime",
		"/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/os-release",
	}
}

// wrap makes a command run in the sandbox.
func (b bubblewrap) wrap(c process.Command, h Hook, f folders) process.Command {
	args := append(isolation(), "--ro-bind", h.Dir, h.Dir)
	if h.Program != "" {
		args = append(args, "--ro-bind", h.Program, h.Program)
	}
	for _, folder := range append([]string{f.home, f.temp}, h.Writable...) {
		args = append(args, "--bind", folder, folder)
	}
	args = append(args, "--remount-ro", "/", "--chdir", h.Dir, "--", c.Path)
	c.Path, c.Args, c.Dir = b.program, append(args, c.Args...), "/"
	return c
}
