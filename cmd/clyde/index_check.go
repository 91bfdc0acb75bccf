package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/internal/terminal"
)

func indexCheckCommand(a *app) *cobra.Command {
	var flags sourceFlags
	var profile string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Lint a whole index",
		Long: `Check every file and every line of an index, and what ties them together: names
that are too easily confused, owners without a package, dependencies on packages
that are not there.

An index that clyde made has to satisfy every rule. In one that is Cargo's own,
told by a config.json without a "clyde" object, only what makes a line useless
is a failure; what Cargo permits beyond the rules is a warning. --profile says
otherwise. Of a rule that is broken in many places the first ten are shown.

Exits with 9 when a rule is broken.`,
		Example: `  clyde index check
  clyde index check --index /srv/crates.io-index --profile cargo --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch profile {
			case "", registry.ProfileClyde, registry.ProfileCargo:
			default:
				return usagef("--profile: %q is neither %s nor %s", profile, registry.ProfileClyde, registry.ProfileCargo)
			}
			return a.indexCheck(cmd.Context(), &flags, profile)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&profile, "profile", "", "rules to check by: `NAME` is clyde or cargo")
	return cmd
}

func (a *app) indexCheck(ctx context.Context, flags *sourceFlags, profile string) error {
	source, err := flags.open(a)
	if err != nil {
		return err
	}
	defer source.Close()
	report, err := registry.Check(ctx, source, profile, a.Now())
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(report)
	} else {
		a.printCheck(report)
	}
	if err == nil && report.Verdict != review.Pass {
		err = withCode(exitFindings, fmt.Errorf("%s: the index breaks rules of its format", flags.path))
	}
	return err
}

func (a *app) printCheck(r *registry.CheckReport) {
	a.printf("%s: %s, %s, checked by the rules for %s\n", r.Verdict, count(r.Packages, "package"), count(r.Versions, "version"), r.Profile)
	for _, f := range r.Findings {
		a.printf("  %s %s: %s\n", f.Status, f.Check, count(f.Count, "place"))
		for _, e := range f.Examples {
			a.printf("    %s: %s\n", terminal.Escape(e.Where), terminal.Escape(e.Detail))
			if e.Hint != "" && f.Count == 1 {
				a.printf("      hint: %s\n", terminal.Escape(e.Hint))
			}
		}
		if more := f.Count - len(f.Examples); more > 0 {
			a.printf("    and %d more\n", more)
		}
	}
}
