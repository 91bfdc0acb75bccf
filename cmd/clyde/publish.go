package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/publish"
)

const nothingPublished = "nothing was published"

func publishCommand(a *app) *cobra.Command {
	var flags changeFlags
	var store, base, signKey string
	cmd := &cobra.Command{
		Use:   "publish --via local --index PATH",
		Short: "Publish this package's version to an index",
		Long: `Pack the package, store its archive and append one line to the index.

The review that the index's keepers run is run first, and what it refuses is
not published. Publishing the same bytes again changes nothing and succeeds;
other bytes for a published version are refused.

With --via local the index is a bare git repository on this machine. Whoever
may write to it approves what the policy leaves to a person. Archives go to the
folder that "dl" in the index's config.json names, or else to the folder
beside the index, registry-archives for registry.git.

With --sign-key the version is signed: with a file that 'clyde key generate'
made, or with the URI of a key management service. The signature goes beside
the archive. A dry run signs nothing.`,
		Example: `  clyde publish --via local --index ../registry.git --dry-run
  clyde publish --via local --index ../registry.git
  clyde publish --via local --index ../registry.git --sign-key release.key
  clyde publish --via local --index ../registry.git --store /srv/www/archives --dl-base https://packages.example.org/archives`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			index, err := flags.open(a)
			if err != nil {
				return withConsequence(err, nothingPublished)
			}
			defer index.Close()
			opts := publish.Options{Target: a.target(index), Dir: a.packageDir()}
			if opts.Store, err = a.fileStore(cmd.Context(), index, flags.index, store, base); err != nil {
				return withConsequence(err, nothingPublished)
			}
			opts.Registry = func(alias string) (string, error) { return a.registryAddress(alias, flags.index) }
			if signKey != "" {
				config, err := index.Config(cmd.Context())
				if err != nil {
					return withConsequence(err, nothingPublished)
				}
				if opts.Sign, err = a.signWith(cmd.Context(), signKey, config.Clyde.Name, opts.Store); err != nil {
					return withConsequence(err, nothingPublished)
				}
			}
			plan, err := publish.NewPackagePlan(cmd.Context(), opts)
			if err != nil {
				return withConsequence(err, nothingPublished)
			}
			defer plan.Close()
			return a.carryOut(cmd.Context(), plan, flags.dryRun, "published", nothingPublished)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&store, "store", "", "folder that archives go to: `DIR`")
	cmd.Flags().StringVar(&signKey, "sign-key", "", "sign with `KEY`: a file, or the URI of a key management service")
	cmd.Flags().StringVar(&base, "dl-base", "", "`URL` under which that folder is served (default: as \"dl\" of the index says, or its file:// URL)")
	return cmd
}

// packageDir is the nearest folder with a manifest, from the folder of the run
// upwards, or else that folder itself.
func (a *app) packageDir() string {
	if root, ok := client.FindProject(a.Dir); ok {
		return root
	}
	return a.Dir
}

// fileStore is where archives go: as the flags say, and otherwise as the index's
// configuration does.
func (a *app) fileStore(ctx context.Context, index *publish.Local, path, store, base string) (publish.FileStore, error) {
	config, err := index.Config(ctx)
	if err != nil {
		return publish.FileStore{}, err
	}
	dir := publish.DefaultStore(a.path(path), config)
	if store != "" {
		dir = a.path(store)
	}
	if base == "" {
		base = publish.DefaultBase(config)
	}
	return publish.NewFileStore(dir, base)
}

// registryAddress is the address of a configured registry, or "" when it is the
// index that is published to.
func (a *app) registryAddress(alias, index string) (string, error) {
	config, err := client.LoadConfig(client.LoadOptions{Dir: a.Dir, Getenv: a.Getenv, Set: a.config, Offline: a.offline})
	if err != nil {
		return "", err
	}
	for _, r := range config.Registries {
		if r.Name != alias {
			continue
		}
		location, err := client.ParseLocation(r.URL, a.Dir)
		if err != nil {
			return "", err
		}
		if location.Path == "" {
			return r.URL, nil
		}
		if sameFolder(location.Path, a.path(index)) {
			return "", nil
		}
		return publish.FileURL(location.Path), nil
	}
	return "", withHint(exitNotFound, fmt.Errorf("no registry is called %q", alias), "'clyde registry list' shows those that are configured")
}

// openPackage opens the folder of the package.
func (a *app) openPackage() (*os.Root, error) { return os.OpenRoot(a.packageDir()) }
