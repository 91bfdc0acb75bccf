package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
)

func registryUpdateCommand(a *app) *cobra.Command {
	var opts client.UpdateOptions
	cmd := &cobra.Command{
		Use:   "update [NAME...]",
		Short: "Bring the copies of registries up to date",
		Long: `Fetch what is new in all registries, or in those named. They are asked at the
same time, and one that fails does not stop the others.

A registry whose new state does not continue the history known here is refused
with exit code 5, and its copy stays as it was.`,
		Example: "  clyde registry update\n  clyde registry update libs",
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.AcceptRewrite && len(args) == 0 {
				return usagef("--accept-rewrite needs the names of the registries")
			}
			return a.withRegistries(func(registries *client.Registries) error {
				which, err := pick(registries, args)
				if err != nil {
					return err
				}
				if len(which) == 0 && !a.json {
					a.noteNoRegistry()
					return nil
				}
				outcomes, failed := registries.Update(cmd.Context(), which, opts)
				return errors.Join(a.renderUpdates(outcomes), failed)
			})
		},
	}
	cmd.Flags().BoolVar(&opts.AcceptRewrite, "accept-rewrite", false, "take over a history that does not continue the known one")
	return cmd
}

// pick finds the registries by their names; no names are all of them.
func pick(registries *client.Registries, names []string) ([]client.Registry, error) {
	if len(names) == 0 {
		return registries.All(), nil
	}
	var which []client.Registry
	for _, name := range names {
		r, err := registries.Get(name)
		if err != nil {
			return nil, err
		}
		which = append(which, r)
	}
	return which, nil
}

func (a *app) renderUpdates(outcomes []client.Updated) error {
	if a.json {
		return a.printJSON(updatesJSON(outcomes))
	}
	for _, o := range outcomes {
		name := o.Registry.Config().Name
		switch c := o.Change; {
		case o.Err != nil:
			if len(outcomes) > 1 { // a single failure is the error of the command
				reportError(a.Stderr, o.Err)
			}
		case c.New == "":
			a.printf("%s: read in place\n", name)
		case c.Old == "":
			a.printf("%s: first copy, %s at commit %s\n", name, count(c.Packages, "package"), shortCommit(c.New))
		case c.Old == c.New:
			a.printf("%s: up to date at commit %s\n", name, shortCommit(c.New))
		default:
			a.printf("%s: %s..%s, %s changed\n", name, shortCommit(c.Old), shortCommit(c.New), count(c.Packages, "package"))
		}
	}
	return nil
}

// updateJSON is one updated registry in --json output.
type updateJSON struct {
	Name    string `json:"name"`
	Old     string `json:"old,omitempty"`
	New     string `json:"new,omitempty"`
	Changed int    `json:"changed"`
	Error   string `json:"error,omitempty"`
}

func updatesJSON(outcomes []client.Updated) any {
	list := []updateJSON{}
	for _, o := range outcomes {
		u := updateJSON{Name: o.Registry.Config().Name, Old: o.Change.Old, New: o.Change.New, Changed: o.Change.Packages}
		if o.Err != nil {
			u.Error = o.Err.Error()
		}
		list = append(list, u)
	}
	return struct {
		Registries []updateJSON `json:"registries"`
	}{list}
}
