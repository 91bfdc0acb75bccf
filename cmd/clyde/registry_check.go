package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/conformance"
	"github.com/clydepm/clyde/internal/terminal"
)

// How much of a registry is looked at unless more is asked for.
const (
	checkedPackages = 20
	checkedArchives = 2
	mostChecked     = 10_000
)

func registryCheckCommand(a *app) *cobra.Command {
	opts := conformance.Options{}
	var kind string
	cmd := &cobra.Command{
		Use:   "check NAME|ADDRESS",
		Short: "Check whether a registry is one that clyde can install from",
		Long: `Ask a registry of any kind as a client does, and check what it answers: that it
says what it has not, that its lines can be read, that versions stay, and that
archives are there and are what is said of them. It may be one that is configured,
by its name, or any address. What was fetched before is not looked at, and nothing
is kept.

Some packages are looked at, and some archives of each: those named with
--package, or those that a few searches find.

Exits with 9 when a check fails.`,
		Example: `  clyde registry check acme
  clyde registry check https://packages.example.org/ --package hello --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for flag, n := range map[string]int{"--packages": opts.Packages, "--archives": opts.Archives} {
				if n < 0 || n > mostChecked {
					return usagef("%s: %d is not a number from 0 to %d", flag, n, mostChecked)
				}
			}
			return a.checkRegistry(cmd, args[0], client.RegistryKind(kind), opts)
		},
	}
	cmd.Flags().StringVar(&kind, "type", "", "how it is read: `TYPE` as for 'clyde registry add' (default: from the address)")
	cmd.Flags().StringArrayVar(&opts.Names, "package", nil, "look at the package `NAME`; may be given more than once")
	cmd.Flags().IntVar(&opts.Packages, "packages", checkedPackages, "look at `N` packages, where none is named")
	cmd.Flags().IntVar(&opts.Archives, "archives", checkedArchives, "fetch `N` archives of each package; 0 fetches none")
	return cmd
}

func (a *app) checkRegistry(cmd *cobra.Command, address string, kind client.RegistryKind, opts conformance.Options) (err error) {
	config, err := a.loadConfig()
	if err != nil {
		return err
	}
	entry, err := config.Lookup(address, a.Dir, kind)
	if err != nil {
		return err
	}
	if config.Cache, err = os.MkdirTemp("", "clyde-check-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(config.Cache)) }()
	r, err := client.OpenRegistry(config, entry, a.access())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	progress := newProgress(a)
	defer progress.stop()
	if opts.Archives > 0 {
		opts.Downloader = &client.Downloader{HTTP: a.HTTP, Wait: a.Wait, Offline: config.Offline, Jobs: 1, Timeout: config.Timeout, Mirrors: config.Mirrors, Report: progress}
	}
	report, err := conformance.Check(cmd.Context(), r, opts)
	if err != nil {
		return err
	}
	progress.stop()
	if a.json {
		err = a.printJSON(report)
	} else {
		a.printConformance(report)
	}
	if err == nil && report.Verdict != conformance.Pass {
		err = withCode(exitFindings, fmt.Errorf("%s: the registry is not as clients need it", terminal.Escape(report.URL)))
	}
	return err
}

func (a *app) printConformance(r *conformance.Report) {
	a.printf("%s: %s (%s), %s, %s, %s\n", r.Verdict, terminal.Escape(r.URL), r.Kind,
		count(r.Packages, "package"), count(r.Versions, "version"), count(r.Archives, "archive"))
	for _, f := range r.Findings {
		a.printf("  %s %s", f.Status, f.Check)
		if f.Where != "" {
			a.printf(": %s", terminal.Escape(f.Where))
		}
		if f.Detail != "" {
			a.printf(": %s", oneLine(f.Detail))
		}
		a.printf("\n")
		if f.Hint != "" {
			a.printf("    hint: %s\n", oneLine(f.Hint))
		}
	}
}
