package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/publish"
)

const nothingChanged = "nothing was changed"

func yankCommand(a *app) *cobra.Command {
	var flags changeFlags
	var undo bool
	cmd := &cobra.Command{
		Use:   "yank NAME@VERSION --via WAY --index INDEX",
		Short: "Keep new installs away from a published version",
		Long: `Mark a published version so that no new install chooses it.

A project whose lock has the version goes on installing it, with a warning.
Nothing is deleted, and --undo takes it back.

With --via pr the change is a pull request of its own kind on the index; see
'clyde publish --help' for the ways and the tokens.`,
		Example: `  clyde yank hello@1.2.3 --via pr --index acme/index
  clyde yank hello@1.2.3 --via local --index ../registry.git
  clyde yank hello@1.2.3 --undo --via local --index ../registry.git`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			index, err := flags.open(cmd.Context(), a)
			if err != nil {
				return withConsequence(err, nothingChanged)
			}
			defer index.close()
			opts := publish.YankOptions{Target: index.target, Undo: undo}
			opts.Name, opts.Version, _ = strings.Cut(args[0], "@")
			plan, err := publish.NewYankPlan(cmd.Context(), opts)
			if err != nil {
				return withConsequence(err, nothingChanged)
			}
			verb := "yanked"
			if undo {
				verb = "no longer yanked:"
			}
			return a.carryOut(cmd.Context(), plan, flags.dryRun, verb, nothingChanged)
		},
	}
	flags.register(cmd)
	cmd.Flags().BoolVar(&undo, "undo", false, "let new installs choose the version again")
	return cmd
}
