package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/sbom"
	"github.com/clydepm/clyde/internal/terminal"
)

func sbomCommand(a *app) *cobra.Command {
	var registry string
	cmd := &cobra.Command{
		Use:   "sbom [PACKAGE[@VERSION]]",
		Short: "Write a bill of materials",
		Long: `Write what this project is made of, all that its lock has, or what a version of a
package is made of, as CycloneDX 1.6 in JSON.

Equal locks give equal bytes; there is no time in the bill unless SOURCE_DATE_EPOCH
is set. What only development needs has the scope "excluded".`,
		Example: "  clyde sbom >app.cdx.json\n  clyde sbom hello@1.2.0 --registry libs",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && registry != "" {
				return usagef("--registry is about a package: name one")
			}
			return a.withRegistries(func(registries *client.Registries) error {
				bill, err := a.bill(cmd.Context(), registries, args, registry)
				if err != nil {
					return err
				}
				bill.Tool = version()
				if bill.Time, err = a.sourceDate(); err != nil {
					return err
				}
				text, err := bill.JSON()
				if err != nil {
					return err
				}
				_, err = a.Stdout.Write(text)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&registry, "registry", "", "look in the registry called `NAME`, or its URL")
	return cmd
}

func (a *app) bill(ctx context.Context, registries *client.Registries, args []string, registry string) (*sbom.Bill, error) {
	if len(args) > 0 {
		name, version, _ := strings.Cut(args[0], "@")
		r, err := registries.Locate(ctx, name, registry, "")
		if err != nil {
			return nil, err
		}
		return client.PackageBill(ctx, registries, r, name, version)
	}
	view, err := a.view()
	if err != nil {
		return nil, err
	}
	bill, err := view.Bill(ctx, registries)
	if bill != nil && err != nil && ctx.Err() == nil {
		a.warnf("licences and addresses of some packages are not known: %s", terminal.Escape(strings.ReplaceAll(err.Error(), "\n", "; ")))
		err = nil
	}
	return bill, err
}

// sourceDate is the time that reproducible outputs carry, zero for none; see
// https://reproducible-builds.org/specs/source-date-epoch/.
func (a *app) sourceDate() (time.Time, error) {
	text := a.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, withCode(exitUsage, fmt.Errorf("SOURCE_DATE_EPOCH: %q is not a number of seconds", text))
	}
	return time.Unix(seconds, 0), nil
}
