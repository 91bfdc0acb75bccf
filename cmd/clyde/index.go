package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/registry"
)

func indexCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "index",
		Short: "Make an index and keep it in order",
		Long: `Make an index and keep it in order.

An index is a git repository with one file per package and one line per version.
These commands are for those who keep one; publishing to it is 'clyde publish',
judging what others propose is 'clyde review'.`,
		Example: "  clyde index init registry.git\n" +
			"  clyde index check --index registry.git",
	}
	cmd.AddCommand(
		indexInitCommand(a), indexBuildCommand(a), indexCheckCommand(a), indexInspectCommand(a), indexImportCommand(a), indexExportCommand(a), indexSquashCommand(a), indexSignHeadCommand(a))
	return cmd
}

// sourceFlags name the index that a command reads.
type sourceFlags struct{ path, rev string }

func (f *sourceFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.path, "index", ".", "git repository of the index, or a folder with its files: `PATH`")
	cmd.Flags().StringVar(&f.rev, "rev", "", "commit, branch or tag to read (default HEAD): `REV`")
}

// open opens the index. The caller closes it.
func (f *sourceFlags) open(a *app) (*registry.Source, error) {
	source, err := registry.OpenSource(a.path(f.path), f.rev)
	if errors.Is(err, git.ErrNotFound) && f.rev == "" {
		err = withHint(exitNotFound, err, "name the folder of an index with --index, or make one with 'clyde index init'")
	}
	return source, err
}
