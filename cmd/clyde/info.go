package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

func infoCommand(a *app) *cobra.Command {
	var registry string
	cmd := &cobra.Command{
		Use:   "info NAME[@VERSION]",
		Short: "Show what is known about a package",
		Long: `Show what a registry says about a package: its newest version, or the one asked
for, and the list of all versions with those that are yanked or retired.`,
		Example: "  clyde info fmt\n  clyde info fmt@10.2.1\n  clyde info fmt --registry libs --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, version, _ := strings.Cut(args[0], "@")
			return a.withRegistries(func(registries *client.Registries) error {
				r, err := registries.Locate(cmd.Context(), name, registry, "")
				if err != nil {
					return err
				}
				info, err := client.ReadInfo(cmd.Context(), r, name, version)
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(newInfoJSON(info))
				}
				return a.renderInfo(info)
			})
		},
	}
	cmd.Flags().StringVar(&registry, "registry", "", "ask the registry called `NAME`, or its URL")
	return cmd
}

func (a *app) renderInfo(info *client.Info) error {
	e := info.Entry
	a.printf("%s %s%s\n", terminal.Escape(e.Name), terminal.Escape(e.Vers), terminal.Escape(mark(e.Yanked, retiredReason(e))))
	if e.Description != "" {
		a.printf("%s\n", oneLine(e.Description))
	}
	if e.Retired != nil && e.Retired.Message != "" {
		a.printf("%s: %s\n", terminal.Escape(e.Retired.Reason), oneLine(e.Retired.Message))
	}
	a.printf("\n")
	if err := a.renderFacts(info); err != nil {
		return err
	}
	if len(e.Deps) > 0 {
		a.printf("\ndependencies\n")
		if err := a.renderDependencies(e.Deps); err != nil {
			return err
		}
	}
	if len(e.AllFeatures()) > 0 {
		a.printf("\nfeatures\n")
		for _, name := range sortedKeys(e.AllFeatures()) {
			a.printf("  %s\n", terminal.Escape(strings.TrimSpace(name+"  "+strings.Join(e.AllFeatures()[name], ", "))))
		}
	}
	a.printf("\nversions\n")
	return a.renderVersions(info)
}

func (a *app) renderFacts(info *client.Info) error {
	e := info.Entry
	var table terminal.Table
	fact := func(name, value string) {
		if value != "" {
			table.Row(name, strings.Join(strings.Fields(value), " "))
		}
	}
	fact("registry", strings.TrimSpace(info.Registry.Name+" "+info.Registry.URL))
	fact("license", e.License)
	fact("homepage", e.Homepage)
	fact("repository", e.Repository)
	fact("authors", strings.Join(e.Authors, ", "))
	fact("keywords", strings.Join(e.Keywords, ", "))
	fact("platforms", strings.Join(e.Platforms, ", "))
	fact("published", e.Pubtime)
	fact("links", e.Links)
	fact("external", strings.Join(e.External, ", "))
	for _, h := range e.Hooks {
		fact("hook", client.HookText(h))
	}
	if e.Source != nil {
		fact("source", strings.TrimSpace(e.Source.Repository+" "+e.Source.Ref+" "+shortCommit(e.Source.Commit)))
	}
	fact("archive", info.URL)
	fact("sha256", e.Cksum)
	if e.Size > 0 {
		fact("size", fmt.Sprintf("%d bytes", e.Size))
	}
	for _, b := range e.Builds {
		fact("built for "+b.Platform, b.DL)
	}
	_, err := table.WriteTo(a.Stdout)
	return err
}

func (a *app) renderDependencies(deps []index.Dependency) error {
	var table terminal.Table
	for _, d := range deps {
		var about []string
		if d.Kind != "" && d.Kind != index.KindNormal {
			about = append(about, d.Kind)
		}
		if d.Optional {
			about = append(about, "optional")
		}
		if d.Package != "" && d.Package != d.Name {
			about = append(about, "package "+d.Package)
		}
		if len(d.Features) > 0 {
			about = append(about, "features "+strings.Join(d.Features, ", "))
		}
		if d.Target != "" {
			about = append(about, "on "+d.Target)
		}
		if d.Registry != "" {
			about = append(about, "from "+d.Registry)
		}
		table.Row("  "+d.Name, d.Req, strings.Join(about, "; "))
	}
	_, err := table.WriteTo(a.Stdout)
	return err
}

func (a *app) renderVersions(info *client.Info) error {
	var table terminal.Table
	for _, e := range info.Versions {
		message := ""
		if e.Retired != nil {
			message = strings.Join(strings.Fields(e.Retired.Message), " ")
		}
		published, _, _ := strings.Cut(e.Pubtime, "T")
		table.Row("  "+e.Vers+mark(e.Yanked, retiredReason(e)), published, message)
	}
	if _, err := table.WriteTo(a.Stdout); err != nil {
		return err
	}
	if info.Skipped > 0 {
		a.notef("%s cannot be read by this clyde; a newer one may", count(info.Skipped, "more version"))
	}
	return nil
}

func retiredReason(e *index.Entry) string {
	if e.Retired == nil {
		return ""
	}
	return e.Retired.Reason
}
