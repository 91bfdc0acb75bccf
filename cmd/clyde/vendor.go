package main

import (
	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

func vendorCommand(a *app) *cobra.Command {
	var flags fetchFlags
	cmd := &cobra.Command{
		Use:   "vendor [DIR]",
		Short: "Put what the project installs into a folder of it",
		Long: `Put the archives that .clyde/lock.jsonl names, their signatures, and what the
registries say about these packages into the folder DIR, "vendor" unless named.
The folder can be committed or carried to a machine that has no network.

To install from it, write the line that is printed to .clyde/config.yaml. From
then on the folder stands for the registries: nobody else is asked, only versions
in the folder can be chosen, and the lock stays as it is. To choose others, turn
it off for one run and vendor again:

    clyde update --config vendor= && clyde vendor

Archives for all platforms are taken unless --platform names some. What is not
needed any more is removed from the folder.`,
		Example: "  clyde vendor\n  clyde vendor third_party --platform linux-x86_64 --no-dev",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := flags.options()
			if err != nil {
				return err
			}
			dir := ""
			if len(args) > 0 {
				dir = a.path(args[0])
			}
			a.config = append(a.config, "vendor=") // from the registries themselves
			var vendored *client.Vendored
			err = a.withInstaller(a.project, func(in *client.Installer) (err error) {
				if dir == "" {
					dir = in.Project.DefaultVendor()
				}
				vendored, err = in.Vendor(cmd.Context(), dir, opts)
				return err
			})
			if err != nil {
				return a.refused(err)
			}
			return a.renderVendored(vendored)
		},
	}
	flags.add(cmd)
	return cmd
}

func (a *app) renderVendored(v *client.Vendored) error {
	if a.json {
		return a.printJSON(v)
	}
	a.renderChanges(v.Lock)
	for _, name := range v.Removed {
		a.printf("removed %s\n", terminal.Escape(name))
	}
	a.printf("%s of %s in %s (%s); %d downloaded\n", count(v.Archives, "archive"), packageCount(v.Packages),
		terminal.Escape(v.Dir), humanize.IBytes(uint64(max(v.Bytes, 0))), v.Downloaded)
	if !v.Set {
		a.printf("to install from it, write to .clyde/config.yaml:\n%s\n", terminal.Escape(v.Setting))
	}
	a.warnAll(v.Warnings)
	return nil
}
