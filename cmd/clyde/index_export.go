package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/registry"
)

func indexExportCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Write an index in another form",
		Example: "  clyde index export static --index registry.git /srv/www/index",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(indexExportStaticCommand(a))
	return cmd
}

// Bounds of how long a signature holds.
const (
	defaultValid = 7 * 24 * time.Hour
	minValid     = time.Hour
)

func indexExportStaticCommand(a *app) *cobra.Command {
	var flags sourceFlags
	var key string
	opts := registry.ExportOptions{Valid: defaultValid}
	cmd := &cobra.Command{
		Use:   "static DIR",
		Short: "Write an index as plain files for a web server",
		Long: `Write an index below DIR as any web server or CDN can serve it, as a sparse
registry to cargo and clyde: config.json and the file of every package, each with
its gzip form beside it, a list of all names, the change log by which clyde
updates with one small request, and a packed file with which it begins.

Running it again writes what changed and removes what is gone. Equal indexes
give equal files. With --sign-key the newest commit is signed until --valid from
now, by a key under trust/index of the index: then clients see when somebody
holds back what is new. Run it again before that time is over; a signature is
made anew when half of its time is gone.`,
		Example: `  clyde index export static --index registry.git /srv/www/index
  clyde index export static --index registry.git --sign-key index.key --valid 48h /srv/www/index`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.Valid < minValid {
				return withCode(exitUsage, fmt.Errorf("--valid %v is shorter than %v", opts.Valid, minValid))
			}
			source, err := flags.open(a)
			if err != nil {
				return err
			}
			defer source.Close()
			return a.exportStatic(cmd.Context(), source, a.path(args[0]), key, opts)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&key, "sign-key", "", "key that signs the newest commit: a `FILE`, or the URI of a key management service")
	cmd.Flags().DurationVar(&opts.Valid, "valid", opts.Valid, "how long a signature holds: a `DURATION` such as 48h")
	return cmd
}

func (a *app) exportStatic(ctx context.Context, source *registry.Source, dir, key string, opts registry.ExportOptions) error {
	opts.Now = a.Now()
	if key != "" {
		if source.Repo == nil {
			return withHint(exitUsage, errors.New("a folder has no commit that could be signed"), "name the git repository with --index")
		}
		signer, err := a.keySigner(ctx, key, attest.Services{})
		if err != nil {
			return err
		}
		opts.Key = signer
	}
	done, err := registry.Export(ctx, source, dir, opts)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(done)
	}
	a.printf("exported %s: %d written, %d removed\n", count(done.Files, "file"), done.Written, done.Removed)
	if done.Key != "" {
		a.printf("signed by %s until %s\n", done.Key, done.Expires.Format(time.RFC3339))
	}
	return nil
}
