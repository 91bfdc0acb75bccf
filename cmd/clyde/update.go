package main

import (
	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
)

func updateCommand(a *app) *cobra.Command {
	var precise string
	var opts client.InstallOptions
	var run runFlags
	cmd := &cobra.Command{
		Use:   "update [NAME...]",
		Short: "Move locked packages to newer versions",
		Long: `Ask the registries for news, move locked packages to the newest versions that
.clyde/package.yaml admits, and install them. With names only those packages
move, and others as far as they have to follow. The manifest stays as it is:
'clyde add NAME' asks for a version beyond its requirement.

--precise takes one version, also an older one. With --lock-only nothing is
installed.`,
		Example: "  clyde update\n  clyde update spdlog --dry-run\n  clyde update fmt --precise 9.1.0",
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.DryRun = run.dryRun
			return a.installing(a.project, &run, func(in *client.Installer) (*client.Outcome, error) {
				return in.Update(cmd.Context(), args, precise, opts)
			}, a.rendering(opts.LockOnly, a.renderLocked))
		},
	}
	cmd.Flags().StringVar(&precise, "precise", "", "move the one NAME to exactly `VERSION`")
	addLockOnly(cmd, &opts.LockOnly)
	run.add(cmd)
	return cmd
}
