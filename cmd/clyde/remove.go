package main

import (
	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
)

func removeCommand(a *app) *cobra.Command {
	var run runFlags
	cmd := &cobra.Command{
		Use:     "remove NAME...",
		Aliases: []string{"rm"},
		Short:   "Remove packages from the manifest and uninstall them",
		Long: `Remove packages from .clyde/package.yaml, whatever section they are in, and
uninstall them together with what nothing else needs. Everything else in the
manifest stays as it is.`,
		Example: "  clyde remove spdlog",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.installing(a.project, &run, func(in *client.Installer) (*client.Outcome, error) {
				return in.Remove(cmd.Context(), args, client.InstallOptions{DryRun: run.dryRun})
			}, a.renderInstalled)
		},
	}
	run.add(cmd)
	return cmd
}
