package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

func outdatedCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "outdated",
		Short: "List locked packages that have newer versions",
		Long: `List the locked packages that are not the newest: the locked version, the newest
one that all requirements admit ('clyde update' takes it), and the newest of all.
Packages whose locked version was yanked or retired are listed too. A package is
marked with * when the manifest asks for it.

What is compared is the copies that 'clyde registry update' brings up to date.`,
		Example: "  clyde registry update && clyde outdated\n  clyde outdated --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			view, err := a.view()
			if err != nil {
				return err
			}
			return a.withRegistries(func(registries *client.Registries) error {
				packages, failed := view.Outdated(cmd.Context(), registries)
				return errors.Join(a.renderOutdated(packages, failed == nil), failed)
			})
		},
	}
}

func (a *app) renderOutdated(packages []client.Outdated, complete bool) error {
	if a.json {
		out := struct {
			Packages []client.Outdated `json:"packages"`
		}{packages}
		if packages == nil {
			out.Packages = []client.Outdated{}
		}
		return a.printJSON(out)
	}
	if len(packages) == 0 {
		if complete {
			a.notef("every locked package is the newest")
		}
		return nil
	}
	var table terminal.Table
	table.Row("  NAME", "CURRENT", "COMPATIBLE", "LATEST", "REGISTRY")
	for _, p := range packages {
		direct := "  "
		if p.Direct {
			direct = "* "
		}
		table.Row(direct+p.Name, p.Current+mark(p.Yanked, p.Retired), p.Compatible, p.Latest, p.Registry)
	}
	_, err := table.WriteTo(a.Stdout)
	return err
}
