package main

import (
	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

func listCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the packages that are locked and installed",
		Long: `List the packages of this project: what the lock holds, and whether it is
installed. A package is marked with * when the manifest asks for it.`,
		Example: "  clyde list\n  clyde list --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			project, err := a.project()
			if err != nil {
				return err
			}
			view, err := project.View()
			if err != nil {
				return err
			}
			config, err := a.loadConfig()
			if err != nil {
				return err
			}
			_, platform, err := a.partFor(config, project)
			if err != nil {
				return err
			}
			packages, err := view.List(platform)
			if err != nil {
				return err
			}
			return a.renderList(packages)
		},
	}
	a.addEnvironment(cmd)
	return cmd
}

// view reads the project's lock and what is installed.
func (a *app) view() (*client.View, error) {
	project, err := a.project()
	if err != nil {
		return nil, err
	}
	return project.View()
}

func (a *app) renderList(packages []client.Listed) error {
	if a.json {
		out := struct {
			Packages []client.Listed `json:"packages"`
		}{packages}
		if packages == nil {
			out.Packages = []client.Listed{}
		}
		return a.printJSON(out)
	}
	if len(packages) == 0 {
		a.notef("nothing is locked or installed here")
		return nil
	}
	var table terminal.Table
	table.Row("  NAME", "VERSION", "REGISTRY", "STATE")
	unsettled := 0
	for _, p := range packages {
		mark := "  "
		if p.Direct {
			mark = "* "
		}
		state := string(p.State)
		if p.State == client.StateOtherVersion {
			state = "installed is " + p.Installed
		}
		if p.State != client.StateInstalled && p.State != client.StateOtherPlatform {
			unsettled++
		}
		table.Row(mark+p.Name, p.Version, p.Registry, state)
	}
	_, err := table.WriteTo(a.Stdout)
	if unsettled > 0 {
		a.notef("%s not installed as locked; run 'clyde install'", count(unsettled, "package"))
	}
	return err
}
