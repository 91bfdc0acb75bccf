package hook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clydepm/clyde/internal/process"
)

// outputLimit is how much of a hook's output is kept.
const outputLimit = 64 << 10

// grace is how long a hook may take to end when it is asked to.
const grace = 2 * time.Second

// A Hook is one program to run.
type Hook struct {
	Package, Version string
	Name             string   // "pre-install"
	Run              []string // program and arguments
	Timeout          time.Duration
	Dir              string            // absolute, the package's folder
	Writable         []string          // absolute, folders it may write in
	Env              map[string]string // names begin with CLYDE_

	// Program is the file to run, absolute, for a program that is not the
	// package's; Run[0] is what it is called then.
	Program string
	Input   []byte    // what the program reads
	Stdout  io.Writer // gets its output, without what it says of errors; nil for the Result's
}

// String names the hook: "post-install of hello 1.2.0".
func (h Hook) String() string { return h.Name + " of " + h.Package + " " + h.Version }

// A Result is how a hook ended.
type Result struct {
	Sandbox   string        // "bubblewrap" or "none"
	Exit      int           // exit status, -1 when a signal ended it or it did not start
	Output    []byte        // the end of what it wrote; escape it before it is shown
	Truncated bool          // it wrote more
	Duration  time.Duration // how long it ran
}

// FailedError reports a hook that did not end well.
type FailedError struct {
	Hook   Hook
	Result Result
	How    string // "exit status 1"
}

func (e *FailedError) Error() string { return e.Hook.String() + " failed: " + e.How }

// TimeoutError reports a hook that was ended because its time was up.
type TimeoutError struct {
	Hook   Hook
	Result Result
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s was ended after its %s", e.Hook, e.Hook.Timeout)
}

// Hint says where the limit stands.
func (e *TimeoutError) Hint() string {
	return "the limit is hooks." + e.Hook.Name + ".timeout in the package's manifest"
}

// InvalidError reports a hook that cannot be run as it is declared.
type InvalidError struct {
	Hook   Hook
	Detail string
}

func (e *InvalidError) Error() string { return e.Hook.String() + ": " + e.Detail }

// A Mode says whether hooks run in a sandbox.
type Mode string

// The modes. Auto is the zero value.
const (
	Auto    Mode = ""        // in the sandbox where there is one
	Require Mode = "require" // in the sandbox or not at all
	Off     Mode = "off"     // never in the sandbox
)

// UnavailableError reports a hook that was not run for want of a sandbox.
type UnavailableError struct {
	Hook Hook
	Why  string
}

func (e *UnavailableError) Error() string {
	return e.Hook.String() + " was not run: it has to run in a sandbox, and " + e.Why
}

// A Runner runs hooks. The zero value is ready to use; it may be used by
// several goroutines.
type Runner struct {
	// Getenv is the environment of this process, nil for an empty one. Of it only
	// the places of the system on Windows are used.
	Getenv func(string) string
	// Temp is where the folders of a run are made, "" for the system's.
	Temp string
	Mode Mode

	probe sync.Once
	box   bubblewrap
}

// Sandbox says what hooks run under here: "bubblewrap" or "none".
func (r *Runner) Sandbox(ctx context.Context) string {
	if r.bubblewrap(ctx).program == "" {
		return "none"
	}
	return "bubblewrap"
}

// WhyNone says why there is no sandbox, or "" when there is one.
func (r *Runner) WhyNone(ctx context.Context) string { return r.bubblewrap(ctx).why }

func (r *Runner) bubblewrap(ctx context.Context) bubblewrap {
	r.probe.Do(func() {
		r.box = bubblewrap{why: "it is turned off"}
		if r.Mode != Off {
			r.box = findBubblewrap(context.WithoutCancel(ctx))
		}
	})
	return r.box
}

// Run runs a hook to its end. The error is a [*FailedError], a [*TimeoutError],
// an [*InvalidError], an [*UnavailableError], or the context's. The Result has the output in each case.
func (r *Runner) Run(ctx context.Context, h Hook) (Result, error) {
	program, err := h.program()
	if err != nil {
		return Result{Exit: -1}, err
	}
	result := Result{Sandbox: r.Sandbox(ctx), Exit: -1}
	if r.Mode == Require && result.Sandbox == "none" {
		return result, &UnavailableError{h, r.WhyNone(ctx)}
	}
	folders, err := r.makeFolders()
	if err != nil {
		return result, fmt.Errorf("%s: %w", h, err)
	}
	defer folders.remove()
	input, err := folders.input(h.Input)
	if err != nil {
		return result, fmt.Errorf("%s: %w", h, err)
	}
	defer func() { _ = input.Close() }()
	output := process.NewTail(outputLimit)
	command := process.Command{
		Path: program, Args: h.Run[1:], Dir: h.Dir, Env: r.environment(h, folders, result.Sandbox), Stdin: input,
		Stdout: output, Stderr: output, Timeout: h.Timeout, Grace: grace, DieWithParent: true,
	}
	if h.Stdout != nil {
		command.Stdout = h.Stdout
	}
	if result.Sandbox != "none" {
		command = r.bubblewrap(ctx).wrap(command, h, folders)
	}
	ended, err := process.Run(ctx, command)
	result.Exit, result.Duration = ended.Exit, ended.Duration
	result.Output, result.Truncated = output.Bytes(), output.Truncated()
	var late *process.TimeoutError
	switch {
	case errors.As(err, &late):
		return result, &TimeoutError{h, result}
	case err != nil && ctx.Err() != nil:
		return result, fmt.Errorf("%s: %w", h, err)
	case err != nil:
		return result, &InvalidError{h, err.Error()}
	case ended.Exit != 0:
		return result, &FailedError{h, result, ended.String()}
	}
	return result, nil
}

// program finds the file to run.
func (h Hook) program() (string, error) {
	invalid := func(format string, args ...any) error { return &InvalidError{h, fmt.Sprintf(format, args...)} }
	for _, folder := range append([]string{h.Dir}, h.Writable...) {
		if !filepath.IsAbs(folder) {
			return "", invalid("%q is not an absolute path", folder)
		}
	}
	for name, value := range h.Env {
		if !variable().MatchString(name) || strings.ContainsRune(value, 0) {
			return "", invalid("%q cannot be a variable of a hook", name)
		}
	}
	if len(h.Run) == 0 || h.Run[0] == "" {
		return "", invalid("names no program")
	}
	if h.Program != "" {
		info, err := os.Stat(h.Program)
		if err != nil || !filepath.IsAbs(h.Program) || !isProgram(info) {
			return "", invalid("%q cannot be run", h.Program)
		}
		return h.Program, nil
	}
	name := h.Run[0]
	if !strings.Contains(name, "/") {
		return h.search(name)
	}
	local := filepath.FromSlash(strings.TrimPrefix(name, "./"))
	if !filepath.IsLocal(local) {
		return "", invalid("%q is not a file of the package", name)
	}
	root, err := os.OpenRoot(h.Dir)
	if err != nil {
		return "", invalid("%v", err)
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(local) // a link that leaves the package is refused here
	switch {
	case err != nil:
		return "", invalid("the package has no program %q", name)
	case !isProgram(info):
		return "", invalid("%q is not an executable file; it has to be packed with its mode 0755", name)
	}
	return filepath.Join(h.Dir, local), nil
}

// search looks for a program in the folders of the hook's PATH, never in those
// of this process.
func (h Hook) search(name string) (string, error) {
	for _, folder := range searchPath() {
		for _, ending := range programEndings() {
			file := filepath.Join(folder, name+ending)
			if info, err := os.Stat(file); err == nil && isProgram(info) {
				return file, nil
			}
		}
	}
	return "", &InvalidError{h, fmt.Sprintf("no program %q in %s", name, strings.Join(searchPath(), string(filepath.ListSeparator)))}
}

// variable is what a name of [Hook.Env] looks like.
var variable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^CLYDE_[A-Z0-9_]{1,64}$`) })

// folders are those of one run.
type folders struct{ all, home, temp string }

func (r *Runner) makeFolders() (folders, error) {
	all, err := os.MkdirTemp(r.Temp, "clyde-hook-")
	if err != nil {
		return folders{}, err
	}
	f := folders{all, filepath.Join(all, "home"), filepath.Join(all, "tmp")}
	if err := errors.Join(os.Mkdir(f.home, 0o700), os.Mkdir(f.temp, 0o700)); err != nil {
		f.remove()
		return folders{}, err
	}
	return f, nil
}

// input is a file with what the program reads.
func (f folders) input(data []byte) (*os.File, error) {
	name := filepath.Join(f.all, "input")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		return nil, err
	}
	return os.Open(name)
}

// remove removes the folders, also those that the hook has made read-only.
func (f folders) remove() {
	_ = filepath.WalkDir(f.all, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			_ = os.Chmod(path, 0o700) //nolint:gosec // a folder that is about to be removed
		}
		return nil
	})
	_ = os.RemoveAll(f.all)
}

func (r *Runner) environment(h Hook, f folders, sandbox string) []string {
	getenv := r.Getenv
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	all := systemEnvironment(getenv, f)
	all["PATH"] = strings.Join(searchPath(), string(filepath.ListSeparator))
	all["LANG"] = "C.UTF-8"
	maps.Copy(all, h.Env)
	maps.Copy(all, map[string]string{
		"CLYDE_HOOK": h.Name, "CLYDE_PACKAGE_NAME": h.Package, "CLYDE_PACKAGE_VERSION": h.Version,
		"CLYDE_PACKAGE_DIR": h.Dir, "CLYDE_SANDBOX": sandbox,
	})
	var environ []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		environ = append(environ, name+"="+all[name])
	}
	return environ
}
