package main

import (
	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/client"
)

func fetchCommand(a *app) *cobra.Command {
	var flags fetchFlags
	cmd := &cobra.Command{
		Use:   "fetch",
		Short: "Download what the lock says, and install nothing",
		Long: `Bring the archives that .clyde/lock.jsonl names, and their signatures, into the
store that all your projects share, so that 'clyde install --offline' needs no
network. Archives for all platforms are fetched unless --platform names some.

Where the lock does not fit the manifest it is made first, as 'clyde install'
does; with --locked that is refused.`,
		Example: "  clyde fetch\n  clyde fetch --locked --platform linux-x86_64 --platform linux-aarch64\n  clyde fetch --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts, err := flags.options()
			if err != nil {
				return err
			}
			var fetched *client.Fetched
			err = a.withInstaller(a.project, func(in *client.Installer) (err error) {
				fetched, err = in.Fetch(cmd.Context(), opts)
				return err
			})
			if err != nil {
				return a.refused(err)
			}
			return a.renderFetched(fetched)
		},
	}
	flags.add(cmd)
	return cmd
}

// fetchFlags are the flags of commands that bring archives somewhere.
type fetchFlags struct {
	platforms     []string
	noDev, locked bool
}

func (f *fetchFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.platforms, "platform", nil, "take what `PLATFORM`, such as linux-x86_64, needs; may be repeated")
	cmd.Flags().BoolVar(&f.noDev, "no-dev", false, "leave out what only development dependencies need")
	cmd.Flags().BoolVar(&f.locked, "locked", false, "fail when the lock is missing or does not fit the manifest")
}

func (f *fetchFlags) options() (client.FetchOptions, error) {
	opts := client.FetchOptions{NoDev: f.noDev, Locked: f.locked}
	for _, text := range f.platforms {
		p, err := index.ParsePlatform(text)
		if err != nil {
			return opts, withCode(exitUsage, err)
		}
		opts.Platforms = append(opts.Platforms, p)
	}
	return opts, nil
}

func (a *app) renderFetched(f *client.Fetched) error {
	if a.json {
		return a.printJSON(f)
	}
	a.renderChanges(f.Lock)
	a.printf("%s of %s in the store (%s); %d downloaded\n",
		count(f.Archives, "archive"), packageCount(f.Packages), humanize.IBytes(uint64(max(f.Bytes, 0))), f.Downloaded)
	a.warnAll(f.Warnings)
	return nil
}
