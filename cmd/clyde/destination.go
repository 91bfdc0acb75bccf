package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/internal/terminal"
	"github.com/clydepm/clyde/publish"
)

// changeFlags are the flags of every command that changes an index.
type changeFlags struct {
	via    string
	index  string
	dryRun bool
}

func (f *changeFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.via, "via", "", "how the change reaches the index: `WAY` is local")
	cmd.Flags().StringVar(&f.index, "index", "", "bare git repository of the index, with --via local: its `PATH`")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show the change and its review, and change nothing")
}

// open opens the index that the flags name. The caller closes it.
func (f *changeFlags) open(a *app) (*publish.Local, error) {
	const available = "available now: --via local --index PATH, where PATH is a bare git repository on this machine"
	switch {
	case f.via == "":
		return nil, withHint(exitUsage, fmt.Errorf("--via is missing: how does the change reach the index?"), available)
	case f.via != "local":
		return nil, withHint(exitUsage, fmt.Errorf("--via: %q is no way to an index", f.via), available)
	case f.index == "":
		return nil, withHint(exitUsage, fmt.Errorf("--index is missing: which index?"), available)
	}
	return publish.OpenLocal(a.path(f.index))
}

func (a *app) target(index *publish.Local) publish.Target {
	return publish.Target{Destination: index, Author: a.author(), Now: a.Now, Observe: func(s publish.Step) {
		if a.verbose {
			a.notef("%s", s)
		}
	}}
}

// author is who git would name, as far as the environment says.
func (a *app) author() publish.Author {
	by := publish.Author{Name: a.Getenv("GIT_AUTHOR_NAME"), Email: a.Getenv("GIT_AUTHOR_EMAIL")}
	if by.Name == "" {
		by.Name = "clyde"
	}
	if by.Email == "" {
		by.Email = "clyde@localhost"
	}
	return by
}

// carryOut shows a plan on a dry run and applies it otherwise. Verb is what
// happened when it was applied, undone what did not when it was not.
func (a *app) carryOut(ctx context.Context, plan *publish.Plan, dryRun bool, verb, undone string) error {
	if dryRun {
		if err := a.showPlan(plan, nil); err != nil {
			return err
		}
		return withConsequence(plan.Refused(), undone)
	}
	applied, err := plan.Apply(ctx)
	if err != nil {
		a.showFindings(plan, review.Fail)
		return withConsequence(err, undone)
	}
	a.showFindings(plan, review.Warn)
	if a.json {
		return a.printJSON(plan.View(&applied))
	}
	if plan.Done {
		a.printf("%s\n", plan.DoneText())
		return nil
	}
	for _, version := range plan.Versions {
		a.printf("%s %s %s\n", verb, plan.Package, version)
	}
	for _, archive := range plan.Archives {
		a.printf("  archive  %s\n  sha256   %s\n", archive.URL, archive.Summary.SHA256)
	}
	a.printf("  commit   %s\n", applied.ID)
	return nil
}

func (a *app) showPlan(plan *publish.Plan, applied *publish.Applied) error {
	if a.json {
		return a.printJSON(plan.View(applied))
	}
	return plan.Render(a.Stdout)
}

// showFindings writes the findings of one status to standard error.
func (a *app) showFindings(plan *publish.Plan, status string) {
	if plan.Report == nil {
		return
	}
	for _, f := range plan.Report.Findings {
		if f.Status != status {
			continue
		}
		where := f.Check
		if f.Where != "" {
			where += ": " + f.Where
		}
		fmt.Fprintf(a.Stderr, "%s: %s: %s\n", status, terminal.Escape(where), terminal.Escape(f.Detail))
		if f.Hint != "" {
			fmt.Fprintf(a.Stderr, "  hint: %s\n", terminal.Escape(f.Hint))
		}
	}
}

// sameFolder reports whether two paths name one folder.
func sameFolder(one, other string) bool {
	one, err := filepath.EvalSymlinks(one)
	if err != nil {
		return false
	}
	other, err = filepath.EvalSymlinks(other)
	return err == nil && one == other
}
