package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/publish"
)

const nothingPublished = "nothing was published"

func publishCommand(a *app) *cobra.Command {
	var flags changeFlags
	var stores storeFlags
	var signKey string
	cmd := &cobra.Command{
		Use:   "publish --via WAY --index INDEX",
		Short: "Publish this package's version to an index",
		Long: `Pack the package, store its archive and propose one line for the index.

The review that the index's keepers run is run first, and what it refuses is
not published. Publishing the same bytes again changes nothing and succeeds;
other bytes for a published version are refused. After a failure, whatever it
was, run the same command again: it goes on where it stopped.

With --via pr a pull request is opened on an index at GitHub, GitHub Enterprise,
Gitea or Forgejo, or the one that is open already is updated. Archives go to a
release (--release), to a folder that is served (--store with --dl-base), or are
there already (--dl-base alone). Where the token may not push to the index, a
fork is used.

With --via push the line is pushed to the index's branch; with --via local the
index is a bare git repository on this machine. Whoever may write to it approves
what the policy leaves to a person. With --via local archives go to the folder
that "dl" in the index's config.json names, or else to the folder beside the
index, registry-archives for registry.git.

With --sign-key the version is signed: with a file that 'clyde key generate'
made, or with the URI of a key management service. The signature goes beside
the archive, once it is verified as the registry verifies it: what that would not
accept is not published. A dry run signs nothing.

The token for the index is CLYDE_INDEX_TOKEN, or else CLYDE_TOKEN_HOST, or else
GITHUB_TOKEN or GITEA_TOKEN as the host is one, or else what 'clyde auth status'
shows for the host. For a release it is GITHUB_TOKEN. GITHUB_API_URL and GITHUB_SERVER_URL name a GitHub
Enterprise.`,
		Example: `  clyde publish --via pr --index acme/index --release ann/hello@v1.2.3 --dry-run
  clyde publish --via pr --index acme/index --release ann/hello@v1.2.3
  clyde publish --via pr --index https://git.example.org/acme/index --host forgejo --dl-base https://packages.example.org/archives
  clyde publish --via local --index ../registry.git --sign-key release.key`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			index, err := flags.open(cmd.Context(), a)
			if err != nil {
				return withConsequence(err, nothingPublished)
			}
			defer index.close()
			opts := publish.Options{Target: index.target, Dir: a.packageDir()}
			if opts.Store, err = stores.open(cmd.Context(), a, index, &flags); err != nil {
				return withConsequence(err, nothingPublished)
			}
			opts.Registry = func(alias string) (string, error) { return a.registryAddress(alias, index, flags.index) }
			if signKey != "" {
				if opts.Sign, err = a.signWith(cmd.Context(), signKey, index, opts.Store); err != nil {
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
	stores.register(cmd)
	cmd.Flags().StringVar(&signKey, "sign-key", "", "sign with `KEY`: a file, or the URI of a key management service")
	return cmd
}

// storeFlags say where archives go.
type storeFlags struct{ dir, base, release string }

func (f *storeFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.release, "release", "", "release at GitHub that archives are uploaded to: `OWNER/REPO@TAG`")
	flags.StringVar(&f.dir, "store", "", "folder that archives go to: `DIR`")
	flags.StringVar(&f.base, "dl-base", "", "`URL` under which that folder is served, or under which the archives are already (default with --via local: as \"dl\" of the index says, or file://)")
}

// open returns the place that the flags name.
func (f *storeFlags) open(ctx context.Context, a *app, index *place, change *changeFlags) (publish.Store, error) {
	switch {
	case f.release != "" && (f.dir != "" || f.base != ""):
		return nil, usagef("--release goes with neither --store nor --dl-base")
	case f.release != "":
		repository, tag, ok := strings.Cut(f.release, "@")
		if !ok || tag == "" {
			return nil, withHint(exitUsage, fmt.Errorf("--release: %q names no release", f.release), "write OWNER/REPO@TAG, such as ann/hello@v1.2.3")
		}
		return a.releaseStore(ctx, repository, tag)
	case index.local != nil:
		return a.fileStore(ctx, index.local, change.index, f.dir, f.base)
	case f.base == "":
		return nil, withHint(exitUsage, errors.New("where do the archives go?"), "--release OWNER/REPO@TAG uploads them, --store DIR --dl-base URL puts them into a folder that is served, --dl-base URL alone says where they are already")
	case f.dir != "":
		return publish.NewFileStore(a.path(f.dir), f.base)
	}
	return publish.NewUploaded(f.base, a.HTTP)
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
func (a *app) registryAddress(alias string, index *place, path string) (string, error) {
	config, err := a.loadConfig()
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
			if index.remote.is(r.URL) {
				return "", nil
			}
			return r.URL, nil
		}
		if index.local != nil && sameFolder(location.Path, a.path(path)) {
			return "", nil
		}
		return publish.FileURL(location.Path), nil
	}
	return "", withHint(exitNotFound, fmt.Errorf("no registry is called %q", alias), "'clyde registry list' shows those that are configured")
}

// openPackage opens the folder of the package.
func (a *app) openPackage() (*os.Root, error) { return os.OpenRoot(a.packageDir()) }
