package main

import "github.com/spf13/cobra"

func indexCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "index",
		Short: "Make an index and keep it in order",
		Long: `Make an index and keep it in order.

An index is a git repository with one file per package and one line per version.
These commands are for those who keep one; publishing to it is 'clyde publish',
judging what others propose is 'clyde review'.`,
	}
	cmd.AddCommand(indexInitCommand(a))
	return cmd
}
