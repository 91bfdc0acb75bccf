package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
)

func rollbackCommand(a *app) *cobra.Command {
	var list bool
	cmd := &cobra.Command{
		Use:   "rollback [N]",
		Short: "Go back to packages that were installed before",
		Long: `Make an earlier generation of installed packages the active one: the one that
was active before, or number N. Each install makes a generation, and the last
ones are kept (setting "keep", 5 by default).

Packages and ledger are as they were then, byte for byte. Manifest and lock stay
as they are, so the next 'clyde install' goes forward again. No hook runs: what
hooks made when a package was installed belongs to its generation.`,
		Example: "  clyde rollback --list\n  clyde rollback\n  clyde rollback 3",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				return a.listGenerations()
			}
			number, err := generationNumber(args)
			if err != nil {
				return err
			}
			return a.installing(a.project, &runFlags{}, func(in *client.Installer) (*client.Outcome, error) {
				return in.Rollback(cmd.Context(), number)
			}, a.renderRolledBack)
		},
	}
	a.addEnvironment(cmd)
	cmd.Flags().BoolVar(&list, "list", false, "list the generations that are kept")
	return cmd
}

func generationNumber(args []string) (int, error) {
	if len(args) == 0 {
		return 0, nil
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 {
		return 0, withHint(exitUsage, fmt.Errorf("%q is not the number of a generation", args[0]), "see 'clyde rollback --list'")
	}
	return n, nil
}

func (a *app) renderRolledBack(o *client.Outcome) {
	if o.UpToDate {
		a.printf("generation %d is already active\n", o.Generation)
		return
	}
	a.renderChanges(o.Tree)
	a.printf("generation %d is active: %s\n", o.Generation, packageCount(o.Packages))
}

// listedGeneration is one line of rollback --list.
type listedGeneration struct {
	Number   int                    `json:"generation"`
	Active   bool                   `json:"active"`
	Platform string                 `json:"platform"`
	Packages []client.LedgerPackage `json:"packages"`
}

func (a *app) listGenerations() error {
	project, err := a.project()
	if err != nil {
		return err
	}
	generations, err := a.generations(project.Generations)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"generations": generations})
	}
	if len(generations) == 0 {
		a.printf("nothing was installed yet\n")
	}
	for _, g := range generations {
		mark := " "
		if g.Active {
			mark = "*"
		}
		a.printf("%s %d  %s\n", mark, g.Number, packageCount(len(g.Packages)))
	}
	return nil
}

func (a *app) generations(all client.Generations) ([]listedGeneration, error) {
	numbers, err := all.List()
	if err != nil {
		return nil, err
	}
	active, err := all.Active()
	if err != nil {
		return nil, err
	}
	listed := []listedGeneration{}
	for _, n := range numbers {
		ledger, err := all.Ledger(n)
		if err != nil {
			return nil, err
		}
		listed = append(listed, listedGeneration{Number: n, Active: n == active, Platform: ledger.Platform, Packages: ledger.Packages})
	}
	return listed, nil
}
