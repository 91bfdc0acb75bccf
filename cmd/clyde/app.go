package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"
)

// Env is the outside world of one run. A test hands in its own.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Dir            string              // the folder that relative paths start from, absolute
	Getenv         func(string) string // environment variables, "" when unset
	Environ        func() []string     // all of them, for programs that are started
	Program        string              // the file of this program, for those that are to call it
	Now            func() time.Time
	HTTP           *http.Client
	// Wait is how a run waits for a host; nil really waits.
	Wait func(ctx context.Context, d time.Duration) error
}

// systemEnv is the Env of a real process.
func systemEnv() Env {
	dir, err := os.Getwd()
	if err != nil {
		dir = string(os.PathSeparator)
	}
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	return Env{
		Program: program,
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Dir:     dir,
		Getenv:  os.Getenv, Environ: os.Environ,
		Now:  time.Now,
		HTTP: &http.Client{},
	}
}

// app is what every sub-command shares: the Env and the global flags.
type app struct {
	Env

	quiet   bool
	verbose bool
	color   string // auto, always, never
	json    bool
	offline bool
	noInput bool
	chdir   string
	config  []string // KEY=VALUE, strongest setting

	environment string    // of --env; "" for none
	profile     string    // of --profile
	platform    string    // of --platform
	progress    *progress // what is drawn on the terminal now, nil for nothing

	started bool // the command line was right, and its command runs
}

// start applies the global flags once they are parsed.
func (a *app) start() error {
	if a.chdir != "" {
		dir := a.path(a.chdir)
		info, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return withHint(exitNotFound, fmt.Errorf("-C %s: there is no such folder", a.chdir), "make it first, or leave -C out to run in "+a.path("."))
		}
		if err != nil {
			return withCode(exitNotFound, fmt.Errorf("-C %s: %w", a.chdir, err))
		}
		if !info.IsDir() {
			return withHint(exitUsage, fmt.Errorf("-C %s: it is a file, not a folder", a.chdir), "give the folder to run in")
		}
		a.Dir = dir
	}
	switch a.color {
	case "auto", "always", "never":
		return nil
	}
	return usagef("--color: %q is not one of auto, always, never", a.color)
}

// path makes a path given on the command line absolute, from the folder of
// the run.
func (a *app) path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(a.Dir, p)
}

// printJSON writes v as the one object of a --json run.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printf writes to standard output: the result of the command.
func (a *app) printf(format string, args ...any) {
	fmt.Fprintf(a.Stdout, format, args...)
}

// notef tells the person something beside the result; -q silences it.
func (a *app) notef(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.Stderr, format+"\n", args...)
	}
}

// warnf tells of something the person should look at, whatever -q says.
func (a *app) warnf(format string, args ...any) {
	fmt.Fprintf(a.Stderr, "warning: "+format+"\n", args...)
}

// stderrIsTerminal reports whether progress may be drawn.
func (a *app) stderrIsTerminal() bool {
	f, ok := a.Stderr.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
