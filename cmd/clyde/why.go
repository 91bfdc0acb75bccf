package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

func whyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "why NAME",
		Short: "Show why a package is there",
		Long: `Show what needs a locked package: the project itself, and every package that
requires it, each with the shortest path from the project.`,
		Example: "  clyde why fmt\n  clyde why fmt --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			view, err := a.view()
			if err != nil {
				return err
			}
			paths, err := view.Why(args[0])
			if err != nil {
				return err
			}
			if a.json {
				wanted := paths[0][len(paths[0])-1]
				return a.printJSON(whyJSON{Name: wanted.Name, Version: wanted.Version, Paths: paths})
			}
			for _, path := range paths {
				a.printf("%s\n", terminal.Escape(pathText(path)))
			}
			return nil
		},
	}
}

// whyJSON is the --json output of "clyde why".
type whyJSON struct {
	Name    string          `json:"name"`
	Version string          `json:"version"`
	Paths   [][]client.Step `json:"paths"`
}

// pathText writes a path as "app 1.0.0 -> spdlog 1.12.0 (^1.12) -> fmt 10.2.1
// (^10)": behind each package is what the one before it requires.
func pathText(path []client.Step) string {
	var b strings.Builder
	for i, step := range path {
		if i > 0 {
			b.WriteString(" -> ")
		}
		b.WriteString(strings.TrimSpace(step.Name + " " + step.Version))
		if i == 0 {
			continue
		}
		required := path[i-1].Req
		if kind := path[i-1].Kind; kind != "" {
			required += ", " + kind
		}
		b.WriteString(" (" + required + ")")
	}
	return b.String()
}
