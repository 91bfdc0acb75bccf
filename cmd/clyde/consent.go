package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

// runFlags are the flags of every command that changes what is installed.
type runFlags struct {
	dryRun     bool
	permission client.Permission
	hooks      []string
}

// everyPackage is the value of --allow-hooks without one. It is the name of no
// package.
const everyPackage = "*"

func (f *runFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would be done and write nothing")
	flags.BoolVarP(&f.permission.All, "yes", "y", false, "agree to everything that would be asked")
	flags.StringSliceVar(&f.hooks, "allow-hooks", nil, "agree to the hooks of `NAMES`, each a package or PACKAGE@REQUIREMENT; of all packages without a value")
	flags.Lookup("allow-hooks").NoOptDefVal = everyPackage
	flags.BoolVar(&f.permission.NoHooks, "no-hooks", false, "run no hooks of packages")
	flags.BoolVar(&f.permission.NoExternals, "no-externals", false, "leave what other package managers install to you")
}

// permit gives the installer what the flags allow.
func (f *runFlags) permit(in *client.Installer) error {
	in.Permission = f.permission
	for _, text := range f.hooks {
		if text == everyPackage {
			in.Permission.AllHooks = true
			continue
		}
		r, err := client.ParseRequest(text)
		if err != nil {
			return err
		}
		in.Permission.Hooks = append(in.Permission.Hooks, r)
	}
	return nil
}

// consent asks on the terminal whether programs may run; nil when nobody is
// there to answer.
func (a *app) consent(p *progress) client.Consent {
	f, ok := a.Stdin.(*os.File)
	if a.noInput || !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func(ctx context.Context, plan *client.Plan) (bool, error) {
		p.stop()
		w := a.Stderr
		fmt.Fprintln(w, "These programs would run on this machine:")
		writeExternals(w, plan)
		writeHooks(w, plan)
		if plan.Sandboxed() {
			fmt.Fprintln(w, "Hooks run in a sandbox: no network, and nothing to write to but their package.")
		}
		fmt.Fprint(w, "Run them? [y/N] ")
		return a.answer(ctx, f)
	}
}

// answer waits for a line that begins with y or n; an empty one is no. Ctrl-C
// ends the wait.
func (a *app) answer(ctx context.Context, f *os.File) (bool, error) {
	type line struct {
		text string
		err  error
	}
	lines := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(f).ReadString('\n')
		lines <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.Stderr)
		return false, ctx.Err()
	case l := <-lines:
		if l.err != nil && !errors.Is(l.err, io.EOF) {
			return false, l.err
		}
		word := strings.ToLower(strings.TrimSpace(l.text))
		return word == "y" || word == "yes", nil
	}
}

// writeExternals lists what other package managers would do.
func writeExternals(w io.Writer, plan *client.Plan) {
	for _, e := range plan.Externals {
		name := terminal.Escape(e.Requirement)
		needed := terminal.Escape(strings.Join(e.Packages, ", "))
		switch {
		case e.Present:
			fmt.Fprintf(w, "external    %s is there (%s needs it)\n", strings.TrimSpace(name+" "+terminal.Escape(e.Have)), needed)
			continue
		case e.Allowed == client.AllowedSkip:
			fmt.Fprintf(w, "external    %s is left out (%s needs it)\n", name, needed)
		default:
			fmt.Fprintf(w, "external    %s (%s needs it)%s\n", name, needed, asRoot(e))
		}
		for _, argv := range e.Commands {
			fmt.Fprintf(w, "              %s\n", terminal.Escape(client.CommandLine(argv)))
		}
		if e.Note != "" {
			fmt.Fprintf(w, "              %s\n", terminal.Escape(e.Note))
		}
	}
}

func asRoot(e client.PlannedExternal) string {
	if e.Root {
		return ", as the administrator"
	}
	return ""
}

// writeHooks lists the hooks that would run.
func writeHooks(w io.Writer, plan *client.Plan) {
	for _, h := range plan.Hooks {
		state := "sandbox: " + h.Sandbox
		if h.Allowed == client.AllowedSkip {
			state = "left out"
		}
		fmt.Fprintf(w, "hook        %s of %s %s (%s, at most %s)\n              %s\n",
			h.Name, terminal.Escape(h.Package), h.Version, state, h.Timeout, terminal.Escape(client.CommandLine(h.Run)))
	}
}

func archiveCount(n int) string {
	if n == 1 {
		return "1 archive"
	}
	return fmt.Sprintf("%d archives", n)
}

// renderPlan tells what a run would do, of which changes says what moves.
func (a *app) renderPlan(o *client.Outcome, changes []client.PackageChange) {
	p := o.Plan
	a.renderChanges(changes)
	if len(p.Fetch) > 0 {
		a.printf("download    %s (%s); the store has %d\n", archiveCount(len(p.Fetch)), humanize.IBytes(uint64(max(p.Bytes, 0))), p.Stored)
	}
	writeExternals(a.Stdout, p)
	writeHooks(a.Stdout, p)
	if len(p.Unread) > 0 {
		a.printf("hook        the lines of %s tell of none; should their archives have some, you are asked after the download\n", packageCount(len(p.Unread)))
	}
	for _, name := range p.Files {
		a.printf("write       %s\n", name)
	}
	for _, f := range p.Findings {
		a.printf("%-11s %s\n", f.Status, terminal.Escape(f.String()))
		if f.Hint != "" {
			a.printf("              hint: %s\n", terminal.Escape(strings.ReplaceAll(f.Hint, "\n", "; ")))
		}
	}
	a.printf("nothing was written (dry run)\n")
}
