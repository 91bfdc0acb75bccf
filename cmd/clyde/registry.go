package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

func registryCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "registry",
		Short: "Add, list, update and remove the registries that are searched",
		Long: `Keep the list of registries that packages are looked for in.

A registry is a git repository, a web server, a folder, or the releases of one
repository; 'clyde registry add --help' tells the kinds. The list of a user is in $XDG_CONFIG_HOME/clyde/config.yaml; a project may have one of its own
in .clyde/config.yaml, which comes first. What was fetched of a registry is kept in
the cache; the copy of a git registry only moves with 'clyde registry update'.`,
		Example: "  clyde registry add https://github.com/example/index\n" +
			"  clyde registry update",
	}
	cmd.AddCommand(registryAddCommand(a), registryListCommand(a), registryRemoveCommand(a), registryUpdateCommand(a), registryShowCommand(a), registryCheckCommand(a))
	return cmd
}

// projectFlag is the flag that turns from the user's configuration to that of
// the project.
func projectFlag(cmd *cobra.Command) func() client.Scope {
	project := cmd.Flags().Bool("project", false, "the project's list, .clyde/config.yaml, instead of the user's")
	return func() client.Scope {
		if *project {
			return client.ScopeProject
		}
		return client.ScopeUser
	}
}

// registryJSON is a registry in --json output.
type registryJSON struct {
	Name     string   `json:"name"`
	URL      string   `json:"url"`
	Type     string   `json:"type"`
	Branch   string   `json:"branch,omitempty"`
	TTL      string   `json:"ttl,omitempty"`
	Fallback []string `json:"fallback,omitempty"`
	Scope    string   `json:"scope"`
	File     string   `json:"file"`
	Existed  bool     `json:"existed,omitempty"`
	Commit   string   `json:"commit,omitempty"`
	Packages *int     `json:"packages,omitempty"`
	Updated  string   `json:"updated,omitempty"`
	Signed   string   `json:"signed_until,omitempty"`
	Error    string   `json:"error,omitempty"`
}

func newRegistryJSON(r client.RegistryConfig) registryJSON {
	j := registryJSON{
		Name: r.Name, URL: r.URL, Type: string(r.Kind), Branch: r.Branch,
		Scope: string(r.Origin.Scope), File: r.Origin.File,
	}
	if r.TTL != 0 {
		j.TTL = r.TTL.String()
	}
	for _, f := range r.Fallback {
		j.Fallback = append(j.Fallback, f.URL)
	}
	return j
}

// withStatus adds what is known of the registry's state.
func (j registryJSON) withStatus(s client.Status, packages int, counted bool) registryJSON {
	j.Commit = s.Commit
	if counted {
		j.Packages = &packages
	}
	if !s.Updated.IsZero() {
		j.Updated = s.Updated.Format(time.RFC3339)
	}
	if !s.Signed.IsZero() {
		j.Signed = s.Signed.Format(time.RFC3339)
	}
	return j
}

func registryAddCommand(a *app) *cobra.Command {
	opts := client.AddRegistryOptions{}
	cmd := &cobra.Command{
		Use:   "add URL|PATH",
		Short: "Add a registry",
		Long: `Add a registry to the list. It is asked first, and its first copy is fetched;
one that does not answer is not added.

The name is the last part of the address without ".git", or the host. The type
is taken from the address:

  git       a URL that ends in .git, uses ssh or is on a known git host; a folder
            that is a git repository
  sparse    a URL with sparse+ before it
  api       any other URL: a server that answers questions
  dir       a folder with a config.json: an index
  packages  a folder of packages themselves, archives or unpacked

The type "releases" reads the releases of a repository on GitHub, Gitea or
Forgejo, with no registry at all; it has to be said.

--fallback names registries that are asked, in that order, for packages that this
one does not have.`,
		Example: "  clyde registry add https://github.com/example/index\n" +
			"  clyde registry add git@git.example.org:libs/index.git --name libs\n" +
			"  clyde registry add ./vendor/index --project",
		Args: cobra.ExactArgs(1),
	}
	scope := projectFlag(cmd)
	kind := cmd.Flags().String("type", "", "how it is read: `TYPE` is git, sparse, api, dir, packages or releases (default: from the address)")
	cmd.Flags().StringVar(&opts.Name, "name", "", "call it `NAME` (default: from the address)")
	cmd.Flags().StringVar(&opts.Branch, "branch", "", "read this `BRANCH` of a git registry (default: the one its HEAD names)")
	cmd.Flags().StringArrayVar(&opts.Claims, "claim", nil, "ask no other registry for names of this `PATTERN`, such as \"acme-*\"")
	cmd.Flags().DurationVar(&opts.TTL, "ttl", 0, "show what was fetched for this `TIME` before it is asked for again (sparse, api, releases)")
	cmd.Flags().StringArrayVar(&opts.Fallback, "fallback", nil, "ask the registry at this `ADDRESS` for packages that this one does not have")
	cmd.Flags().BoolVar(&opts.IfNotExists, "if-not-exists", false, "succeed when it is there already")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		config, err := a.loadConfig()
		if err != nil {
			return err
		}
		opts.Address, opts.Dir, opts.Kind, opts.Scope = args[0], a.Dir, client.RegistryKind(*kind), scope()
		added, err := config.Add(cmd.Context(), opts, a.access())
		if err != nil {
			return err
		}
		return a.renderAdded(added)
	}
	return cmd
}

func (a *app) renderAdded(added *client.AddedRegistry) error {
	if a.json {
		out := newRegistryJSON(added.Registry)
		out.Existed = added.Existed
		if !added.Existed {
			out = out.withStatus(added.Status, added.Packages, added.Counted)
		}
		return a.printJSON(out)
	}
	r := added.Registry
	if added.Existed {
		a.printf("registry %s is there already: %s\n", r.Name, terminal.Escape(r.URL))
		return nil
	}
	a.printf("added registry %s (%s) %s\n", r.Name, r.Kind, terminal.Escape(r.URL))
	if added.Counted {
		a.printf("%s\n", stateText(added.Status, added.Packages))
	}
	return nil
}

// stateText says what a registry shows: "3 packages at commit 0123456789ab".
func stateText(s client.Status, packages int) string {
	text := count(packages, "package")
	if s.Commit != "" {
		text += " at commit " + shortCommit(s.Commit)
	}
	return text
}

func shortCommit(id string) string { return id[:min(len(id), 12)] }

// count writes a number with its noun: "1 package", "2 packages".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func registryListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the registries in the order they are asked",
		Example: "  clyde registry list\n  clyde registry list --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.withRegistries(func(registries *client.Registries) error {
				return a.renderRegistries(registries.All())
			})
		},
	}
}

func (a *app) renderRegistries(registries []client.Registry) error {
	if a.json {
		out := struct {
			Registries []registryJSON `json:"registries"`
		}{[]registryJSON{}}
		for _, r := range registries {
			out.Registries = append(out.Registries, newRegistryJSON(r.Config()))
		}
		return a.printJSON(out)
	}
	if len(registries) == 0 {
		a.noteNoRegistry()
		return nil
	}
	var table terminal.Table
	table.Row("NAME", "TYPE", "FROM", "URL")
	for _, r := range registries {
		c := r.Config()
		table.Row(c.Name, string(c.Kind), string(c.Origin.Scope), c.URL)
	}
	_, err := table.WriteTo(a.Stdout)
	return err
}

// noteNoRegistry tells a newcomer what to do first.
func (a *app) noteNoRegistry() {
	a.notef("no registry is configured\n  hint: add one with 'clyde registry add URL'")
}

func registryRemoveCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "remove NAME",
		Aliases: []string{"rm"},
		Short:   "Remove a registry and its copy in the cache",
		Example: "  clyde registry remove libs\n  clyde registry remove libs --project",
		Args:    cobra.ExactArgs(1),
	}
	scope := projectFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		config, err := a.loadConfig()
		if err != nil {
			return err
		}
		removed, err := config.Remove(cmd.Context(), scope(), args[0], a.access())
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(newRegistryJSON(removed))
		}
		a.printf("removed registry %s (%s)\n", removed.Name, terminal.Escape(removed.URL))
		return nil
	}
	return cmd
}

func registryShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show where a registry comes from and what it holds",
		Example: "  clyde registry show libs",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRegistries(func(registries *client.Registries) error {
				r, err := registries.Get(args[0])
				if err != nil {
					return err
				}
				status, err := r.Status(cmd.Context())
				packages, counted := 0, false
				if err == nil {
					packages, counted, err = r.Count(cmd.Context())
				}
				return errors.Join(a.renderRegistry(r.Config(), status, packages, counted, err), err)
			})
		},
	}
}

// renderRegistry shows the entry even when the registry does not answer, for
// then one wants to see it most.
func (a *app) renderRegistry(c client.RegistryConfig, s client.Status, packages int, counted bool, problem error) error {
	if a.json {
		out := newRegistryJSON(c)
		if problem != nil {
			out.Error = problem.Error()
			return a.printJSON(out)
		}
		return a.printJSON(out.withStatus(s, packages, counted))
	}
	var table terminal.Table
	table.Row("name", c.Name)
	table.Row("type", string(c.Kind))
	table.Row("url", c.URL)
	if c.Branch != "" {
		table.Row("branch", c.Branch)
	}
	if c.TTL != 0 {
		table.Row("ttl", c.TTL.String())
	}
	for _, f := range c.Fallback {
		table.Row("fallback", f.URL)
	}
	table.Row("configured in", fmt.Sprintf("%s:%d (%s)", c.Origin.File, c.Origin.Line, c.Origin.Scope))
	if problem == nil {
		if counted {
			table.Row("packages", strconv.Itoa(packages))
		}
		if s.Commit != "" {
			table.Row("commit", s.Commit)
		}
		if !s.Updated.IsZero() {
			table.Row("updated", s.Updated.Format(time.RFC3339))
		}
		if !s.Signed.IsZero() {
			table.Row("signed until", s.Signed.Format(time.RFC3339))
		}
	}
	_, err := table.WriteTo(a.Stdout)
	return err
}
