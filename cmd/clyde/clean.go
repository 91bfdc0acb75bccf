package main

import (
	"errors"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

func cleanCommand(a *app) *cobra.Command {
	var opts cleanOptions
	cmd := &cobra.Command{
		Use:   "clean",
		Short: "Remove what no project uses any more",
		Long: `Remove from the store the packages and signatures that no project uses: neither
its lock nor a generation that is kept to go back to. The projects are those that
'clyde install' or 'clyde fetch' ran in; a project that was deleted is forgotten.

Runs that install wait until it is done, and it waits for them. Whatever is
removed is downloaded again when it is needed.`,
		Example: "  clyde clean --dry-run\n  clyde clean --generations\n  clyde clean --cache --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := a.loadConfig()
			if err != nil {
				return err
			}
			progress := newProgress(a)
			cleaned, err := opts.clean(cmd, config, progress)
			if err != nil {
				return err
			}
			return a.renderCleaned(cleaned)
		},
	}
	cmd.Flags().BoolVarP(&opts.dryRun, "dry-run", "n", false, "say what would be removed, and remove nothing")
	cmd.Flags().BoolVar(&opts.generations, "generations", false, "also remove all generations of this project but the active one")
	cmd.Flags().BoolVar(&opts.cache, "cache", false, "also remove copies of registries that are not configured, and advisories")
	return cmd
}

type cleanOptions struct{ dryRun, generations, cache bool }

// clean removes generations first: they are what keeps things in the store.
func (o cleanOptions) clean(cmd *cobra.Command, config *client.Config, report client.Reporter) (*client.Cleaned, error) {
	var generations []int
	var err error
	if o.generations {
		if config.Project == "" {
			return nil, usagef("--generations: not in a project")
		}
		generations, err = client.OpenProject(config.Project).Forget(cmd.Context(), o.dryRun, report)
		if err != nil {
			return nil, err
		}
	}
	cleaned, err := client.OpenStore(config.Store).Clean(cmd.Context(), o.dryRun, report)
	if err != nil {
		return nil, err
	}
	cleaned.Generations = append(cleaned.Generations, generations...)
	if o.cache {
		err = errors.Join(err, client.CleanCache(cmd.Context(), config, cleaned))
	}
	return cleaned, err
}

func (a *app) renderCleaned(c *client.Cleaned) error {
	if a.json {
		return a.printJSON(c)
	}
	verb := "removed"
	if c.DryRun {
		verb = "would remove"
	}
	for _, root := range c.Gone {
		a.printf("the project %s is gone\n", terminal.Escape(root))
	}
	for _, n := range c.Generations {
		a.printf("%s generation %d\n", verb, n)
	}
	for _, e := range c.Entries {
		a.printf("%s sha256:%s (%s)\n", verb, e.SHA256, humanize.IBytes(uint64(max(e.Bytes, 0))))
	}
	for _, name := range c.Cache {
		a.printf("%s %s\n", verb, terminal.Escape(name))
	}
	a.printf("%s %s, %s in all; %s the store\n", verb, count(len(c.Entries)+c.Signatures, "unused item"),
		humanize.IBytes(uint64(max(c.Bytes, 0))), projectsUse(len(c.Projects)))
	return nil
}

func projectsUse(n int) string {
	if n == 1 {
		return "1 project uses"
	}
	return count(n, "project") + " use"
}
