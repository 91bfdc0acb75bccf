package main

import (
	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
)

func ciCommand(a *app) *cobra.Command {
	flags := installFlags{locked: true}
	cmd := &cobra.Command{
		Use:   "ci",
		Short: "Install exactly what the lock holds, from a clean start",
		Long: `Install exactly what .clyde/lock.jsonl holds, for builds that must not depend
on what was on the machine before.

The lock must be there and fit the manifest; it is never written. Every file of
the packages that are already in the store is read and compared with its
checksum, what is damaged is fetched again, and the tree is made anew. No
registry is needed: the lock has the addresses and checksums of the archives.`,
		Example: "  clyde ci\n  clyde ci --no-dev --offline",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts := flags.options(a)
			opts.Clean = true
			return a.installingEach(cmd.Context(), &flags, func(in *client.Installer) (*client.Outcome, error) {
				return in.Install(cmd.Context(), opts)
			}, a.renderInstalled)
		},
	}
	flags.add(a, cmd)
	return cmd
}
