package main

import (
	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/registry"
)

func indexExportCommand(a *app) *cobra.Command {
	var flags sourceFlags
	cmd := &cobra.Command{
		Use:   "export DIR",
		Short: "Write an index as plain files for a web server",
		Long: `Write config.json and the file of every package below DIR, as any web server can
serve them as a sparse registry to cargo and clyde.

Running it again writes what changed and removes what is gone. Equal indexes
give equal files.`,
		Example: `  clyde index export --index registry.git /srv/www/index`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			source, err := flags.open(a)
			if err != nil {
				return err
			}
			defer source.Close()
			done, err := registry.Export(source, a.path(args[0]))
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(done)
			}
			a.printf("exported %s: %d written, %d removed\n", count(done.Files, "file"), done.Written, done.Removed)
			return nil
		},
	}
	flags.register(cmd)
	return cmd
}
