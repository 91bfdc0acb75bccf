package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/client"
)

func addCommand(a *app) *cobra.Command {
	var dev, build bool
	var opts client.DependencyOptions
	var run runFlags
	cmd := &cobra.Command{
		Use:   "add NAME[@REQUIREMENT]...",
		Short: "Add packages to the manifest and install them",
		Long: `Add packages to .clyde/package.yaml and install them. The manifest is made where
there is none; comments, order and blank lines of one that is there stay.

Without a requirement the newest release that was not yanked is taken, and
"^VERSION" is written: any later version that keeps compatible. Requirements
follow Cargo's rules. A package that is already in the manifest is changed.

A name that more than one registry has is refused until --registry, or
'registry:' in the manifest, says whose it is.`,
		Example: "  clyde add fmt\n  clyde add spdlog@^1.10 'json@>=3.10, <4'\n  clyde add --dev catch2\n  clyde add --registry work tools/lint",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			requests, err := parseRequests(args)
			if err != nil {
				return err
			}
			switch {
			case dev && build:
				return usagef("a package is either for development or for building: --dev or --build")
			case dev && opts.Optional:
				return usagef("a package for development cannot be optional: --dev or --optional")
			case dev:
				opts.Kind = index.KindDev
			case build:
				opts.Kind = index.KindBuild
			}
			opts.DryRun = run.dryRun
			return a.installing(a.projectHere, &run, func(in *client.Installer) (*client.Outcome, error) {
				return in.Add(cmd.Context(), requests, opts)
			}, a.renderInstalled)
		},
	}
	run.add(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&dev, "dev", false, "only whoever works on this project needs it")
	flags.BoolVar(&build, "build", false, "only building this project needs it")
	flags.BoolVar(&opts.Optional, "optional", false, "dependants of this package get it only through a feature")
	flags.StringSliceVar(&opts.Features, "features", nil, "`FEATURES` of the package to turn on, separated by commas")
	flags.StringVar(&opts.Registry, "registry", "", "take it from the registry called `NAME` and from no other")
	return cmd
}

func parseRequests(args []string) ([]client.Request, error) {
	var requests []client.Request
	var failures []error
	for _, arg := range args {
		r, err := client.ParseRequest(arg)
		requests, failures = append(requests, r), append(failures, err)
	}
	return requests, errors.Join(failures...)
}
