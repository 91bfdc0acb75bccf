package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

func treeCommand(a *app) *cobra.Command {
	var depth int
	cmd := &cobra.Command{
		Use:   "tree",
		Short: "Show what needs what",
		Long: `Show the locked packages as a tree: below each package what it needs. A package
that several need is unfolded once, nearest to the project; where it stands again
it is marked (*).`,
		Example: "  clyde tree\n  clyde tree --depth 1\n  clyde tree --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("depth") && depth < 1 {
				return usagef("--depth: %d is not a number of levels", depth)
			}
			view, err := a.view()
			if err != nil {
				return err
			}
			root, err := view.Tree(depth)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(root)
			}
			a.printf("%s\n", terminal.Escape(strings.TrimSpace(root.Name+" "+root.Version)))
			a.renderBranches(root.Needs, "")
			return nil
		},
	}
	cmd.Flags().IntVar(&depth, "depth", 0, "show `N` levels only")
	return cmd
}

func (a *app) renderBranches(nodes []*client.Node, indent string) {
	for i, n := range nodes {
		branch, below := "├── ", "│   "
		if i == len(nodes)-1 {
			branch, below = "└── ", "    "
		}
		a.printf("%s%s%s\n", indent, branch, terminal.Escape(nodeText(n)))
		a.renderBranches(n.Needs, indent+below)
	}
}

// nodeText is a package with what is special about needing it.
func nodeText(n *client.Node) string {
	text := n.Name + " " + n.Version
	var about []string
	if n.Kind != "" {
		about = append(about, n.Kind)
	}
	if n.Optional {
		about = append(about, "optional")
	}
	if n.Target != "" {
		about = append(about, "on "+n.Target)
	}
	if len(about) > 0 {
		text += " [" + strings.Join(about, ", ") + "]"
	}
	if n.Repeated {
		text += " (*)"
	}
	return text
}
