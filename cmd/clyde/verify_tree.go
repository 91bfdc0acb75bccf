package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

// verifyTree compares what is installed with lock and ledger.
func (a *app) verifyTree(cmd *cobra.Command) (err error) {
	project, err := a.project()
	if err != nil {
		return err
	}
	config, registries, err := a.openRegistries()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, registries.Close()) }()
	in := &client.Installer{Project: project, Config: config, Registries: registries, Report: newProgress(a)}
	r, err := in.VerifyTree(cmd.Context())
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(r)
	} else {
		err = a.renderTreeReport(r)
	}
	a.warnAll(r.Warnings)
	if err != nil || len(r.Problems) == 0 {
		return err
	}
	hint := "'clyde ci' reads every file again, fetches what is damaged and makes the tree anew"
	if slices.ContainsFunc(r.Problems, func(p client.TreeProblem) bool { return p.Problem == client.FaultForeign }) {
		hint = "ask who made the lock where it is from; 'clyde update' makes it again from the registry as it is now"
	}
	return withHint(exitIntegrity, fmt.Errorf("what is installed is not what was locked: %s", count(len(r.Problems), "difference")), hint)
}

func (a *app) renderTreeReport(r *client.TreeReport) error {
	if len(r.Problems) == 0 {
		a.printf("as locked: %s, %s\n", packageCount(r.Packages), count(r.Files, "file"))
		for _, h := range r.Hooked {
			a.printf("%s %s is as its hooks left it: %s made, %d changed, %d removed\n",
				terminal.Escape(h.Package), h.Version, count(len(h.Made), "file"), len(h.Changed), len(h.Gone))
		}
		return nil
	}
	var table terminal.Table
	for _, p := range r.Problems {
		place := p.Path
		if p.Package != "" {
			place = p.Package + " " + p.Version
			if p.Path != "." {
				place += " " + p.Path
			}
		}
		table.Row(string(p.Problem), place, oneLine(p.Detail))
	}
	_, err := table.WriteTo(a.Stdout)
	return err
}
