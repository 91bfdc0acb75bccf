package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/journal"
	"github.com/clydepm/clyde/internal/terminal"
)

func historyCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history [RUN]",
		Short: "Tell what runs did to what is installed",
		Long: `List the runs that changed what is installed, or failed to, newest first: when,
how they ended, and at which step. With RUN, or the beginning of it, tell each
step of one run, with what hooks and other package managers printed.

It is the journal of the project. A run that had nothing to do is not in it.`,
		Example: "  clyde history\n  clyde history 20260102T030405Z --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			project, err := a.projectHere()
			if err != nil {
				return err
			}
			runs, err := readHistory(project)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return a.renderHistory(runs)
			}
			return a.renderRun(runs, args[0])
		},
	}
	a.addEnvironment(cmd)
	return cmd
}

// pastRun is one run of a journal.
type pastRun struct {
	Run     string           `json:"run"`
	Started time.Time        `json:"started"`
	Outcome journal.Outcome  `json:"outcome"` // ok, or that of the first step that did not end well
	Steps   []journal.Record `json:"steps"`
}

// failed is the step that ended the run, nil if it ended well.
func (r *pastRun) failed() *journal.Record {
	i := slices.IndexFunc(r.Steps, func(s journal.Record) bool { return s.Outcome == journal.Failed || s.Outcome == journal.Cancelled })
	if i < 0 {
		return nil
	}
	return &r.Steps[i]
}

// readHistory reads the runs of a project, newest first.
func readHistory(project *client.Project) ([]pastRun, error) {
	older, err := journal.Read(project.JournalPath() + ".1")
	newer, err2 := journal.Read(project.JournalPath())
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	runs := []pastRun{}
	for _, record := range slices.Concat(older, newer) {
		i := slices.IndexFunc(runs, func(r pastRun) bool { return r.Run == record.Run })
		if i < 0 {
			i = len(runs)
			runs = append(runs, pastRun{Run: record.Run, Started: record.Started})
		}
		runs[i].Steps = append(runs[i].Steps, record)
	}
	for i := range runs {
		runs[i].Outcome = journal.OK
		if f := runs[i].failed(); f != nil {
			runs[i].Outcome = f.Outcome
		}
	}
	slices.Reverse(runs)
	return runs, nil
}

func (a *app) renderHistory(runs []pastRun) error {
	if a.json {
		return a.printJSON(map[string]any{"runs": runs})
	}
	if len(runs) == 0 {
		a.printf("nothing was installed yet\n")
		return nil
	}
	var table terminal.Table
	for _, r := range runs {
		what := count(len(r.Steps), "step")
		if f := r.failed(); f != nil {
			what = strings.TrimSpace(f.Step + " " + f.Package)
		}
		table.Row(r.Run, string(r.Outcome), what)
	}
	_, err := table.WriteTo(a.Stdout)
	return err
}

func (a *app) renderRun(runs []pastRun, name string) error {
	i := slices.IndexFunc(runs, func(r pastRun) bool { return strings.HasPrefix(r.Run, name) })
	if i < 0 {
		return &client.Error{Class: client.ErrNotFound, Message: "the journal has no run " + name, Remedy: "see 'clyde history'"}
	}
	if a.json {
		return a.printJSON(runs[i])
	}
	for _, s := range runs[i].Steps {
		a.printf("%-9s %s\n", s.Outcome, terminal.Escape(strings.TrimSpace(s.Step+" "+s.Package)))
		for line := range strings.Lines(s.Detail) {
			a.printf("          %s\n", terminal.Escape(strings.TrimRight(line, "\r\n")))
		}
	}
	return nil
}
