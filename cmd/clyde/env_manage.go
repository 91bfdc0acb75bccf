package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

// addEnvironment adds the flag that chooses an environment for one run.
func (a *app) addEnvironment(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.environment, "env", "", "in the environment `NAME` instead of the current one")
	a.completeEnvironments(cmd)
}

func (a *app) completeEnvironments(cmd *cobra.Command) {
	_ = cmd.RegisterFlagCompletionFunc("env", a.environmentNames) // fails for a flag that is not there
}

// environmentNames completes the name of an environment.
func (a *app) environmentNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	project, err := a.anyProject()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all, err := project.Environments()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// inEnvironment is a project with the environment that is meant: that of --env,
// of the variable CLYDE_ENV, or the current one.
func (a *app) inEnvironment(p *client.Project) (*client.Project, error) {
	name := cmp.Or(a.environment, a.Getenv("CLYDE_ENV"))
	if name == "" {
		var err error
		if name, err = p.Current(); err != nil {
			return nil, err
		}
	}
	return p.In(name)
}

// partFor is which part of a project a run is about, and for which platform: what
// the flags say counts more than what the environment says.
func (a *app) partFor(config *client.Config, p *client.Project) (*client.Profile, index.Platform, error) {
	profile, platform, err := config.PartFor(p.Environment, a.profile)
	if a.platform != "" {
		platform, err = client.ParseInstallPlatform(a.platform)
		if err != nil {
			err = withHint(exitUsage, fmt.Errorf("--platform: %w", err), (&index.PlatformError{}).Hint())
		}
	}
	return profile, platform, err
}

func envCreateCommand(a *app) *cobra.Command {
	var e client.Environment
	var platform string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an environment of this project",
		Long: `Make an environment: an installed tree of this project beside the others, with
generations of its own to go back to. All environments share manifest and lock.
Nothing is installed yet; 'clyde install --env NAME' does that.

The packages appear in .clyde/environments/NAME/packages, or with --prefix in the
folder packages of DIR, which has to be empty or not there yet. They are links into
the store, as in .clyde/packages. With --copy they are copies: such a folder can be
moved to a machine, or into an image, that has no store.`,
		Example: "  clyde env create release --profile production\n  clyde env create arm --platform linux-aarch64 --prefix ../arm",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			e.Name = args[0]
			if e.Prefix != "" {
				e.Prefix = a.path(e.Prefix)
			}
			if platform != "" {
				var err error
				if e.Platform, err = client.ParseInstallPlatform(platform); err != nil {
					return withHint(exitUsage, fmt.Errorf("--platform: %w", err), (&index.PlatformError{}).Hint())
				}
			}
			return a.createEnvironment(cmd, e)
		},
	}
	cmd.Flags().StringVar(&e.Profile, "profile", "", "what of the project is installed in it, see 'clyde env profile'")
	cmd.Flags().StringVar(&platform, "platform", "", "install for `PLATFORM`, such as linux-x86_64")
	cmd.Flags().StringVar(&e.Prefix, "prefix", "", "install in the folder `DIR`, outside of .clyde")
	cmd.Flags().BoolVar(&e.Copies, "copy", false, "put copies of packages into it, so that it stands without the store")
	return cmd
}

func (a *app) createEnvironment(cmd *cobra.Command, e client.Environment) error {
	project, err := a.anyProject()
	if err != nil {
		return err
	}
	if e.Profile != "" {
		config, err := a.loadConfig()
		if err != nil {
			return err
		}
		if _, err := config.Profile(e.Profile); err != nil {
			return err
		}
	}
	if err := project.CreateEnvironment(cmd.Context(), e, newProgress(a)); err != nil {
		return withConsequence(err, "nothing was changed")
	}
	made, err := project.In(e.Name)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]string{"created": e.Name, "place": made.Place()})
	}
	a.printf("made the environment %s; 'clyde install --env %s' installs into %s\n", e.Name, e.Name, terminal.Escape(made.Place()))
	return nil
}

func envListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the environments of this project",
		Long: `List the environments of this project. The current one, which commands mean when
they are told of none, is marked with *. One is "behind" when the lock has changed
since it was installed.`,
		Example: "  clyde env list\n" +
			"  clyde env list --json",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			project, err := a.anyProject()
			if err != nil {
				return err
			}
			states, err := project.States()
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]any{"environments": states})
			}
			var table terminal.Table
			table.Row("  NAME", "PROFILE", "PLATFORM", "PACKAGES", "STATE", "PLACE")
			for _, s := range states {
				mark := "  "
				if s.Current {
					mark = "* "
				}
				table.Row(mark+s.Name, cmp.Or(s.Profile, "-"), cmp.Or(s.Platform, "-"), fmt.Sprint(s.Packages), string(s.Standing), s.Place)
			}
			_, err = table.WriteTo(a.Stdout)
			return err
		},
	}
}

func envUseCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "use NAME",
		Short: "Make an environment the current one",
		Long: `Make an environment the one that commands mean in this project when they are told
of none. The variable CLYDE_ENV and the flag --env choose another for one run.`,
		Example:           "  clyde env use release\n  clyde env use default",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.environmentNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeEnvironment(cmd, (*client.Project).UseEnvironment, args[0], "current", "%s is the current environment\n")
		},
	}
}

func envRemoveCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Aliases: []string{"rm"},
		Short:   "Remove an environment and what is installed in it",
		Long: `Remove an environment with all its generations. In a prefix what clyde made goes
away, and nothing else; 'clyde clean' then frees what nobody uses any more.`,
		Example:           "  clyde env remove release",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.environmentNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeEnvironment(cmd, (*client.Project).RemoveEnvironment, args[0], "removed", "removed the environment %s\n")
		},
	}
}

// changeEnvironment changes the environment of a name, and tells so: as the member
// of that name, or in a sentence.
func (a *app) changeEnvironment(cmd *cobra.Command, change func(*client.Project, context.Context, string, client.Reporter) error, name, member, sentence string) error {
	project, err := a.anyProject()
	if err != nil {
		return err
	}
	if err := change(project, cmd.Context(), name, newProgress(a)); err != nil {
		return withConsequence(err, "nothing was changed")
	}
	if a.json {
		return a.printJSON(map[string]string{member: name})
	}
	a.printf(sentence, name)
	return nil
}

func envDiffCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "diff A B",
		Short:             "Compare what is installed in two environments",
		Example:           "  clyde env diff default release\n  clyde env diff default release --json",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: a.environmentNames,
		RunE: func(_ *cobra.Command, args []string) error {
			project, err := a.anyProject()
			if err != nil {
				return err
			}
			diff, err := project.DiffEnvironments(args[0], args[1])
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(diff)
			}
			for _, side := range []struct{ what, a, b string }{
				{"profile", diff.A.Profile, diff.B.Profile}, {"platform", diff.A.Platform, diff.B.Platform},
			} {
				if side.a != side.b {
					a.printf("%-11s %s -> %s\n", side.what, cmp.Or(side.a, "-"), cmp.Or(side.b, "-"))
				}
			}
			a.renderChanges(diff.Changes)
			if len(diff.Changes) == 0 {
				a.printf("the same packages: %s\n", packageCount(diff.A.Packages))
			}
			return nil
		},
	}
}

func envProfileCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "profile [NAME]",
		Short: "Show the profiles, or what one is made of",
		Long: `List the profiles, or show what one is made of and where each part was written.

A profile says which part of a project is installed and what may run for it.
development, production and testing are built in. Change them, or write your own,
under profiles: in config.yaml; a project's file is applied over yours, key by key.`,
		Example: "  clyde env profile\n  clyde env profile production --json",
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			config, err := a.loadConfig()
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return slices.Sorted(maps.Keys(config.Profiles)), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			config, err := a.loadConfig()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return a.listProfiles(config)
			}
			profile, err := config.Profile(args[0])
			if err != nil {
				return err
			}
			return a.showProfile(profile)
		},
	}
}

func (a *app) listProfiles(config *client.Config) error {
	names := slices.Sorted(maps.Keys(config.Profiles))
	if a.json {
		all := []shownProfile{}
		for _, name := range names {
			all = append(all, shown(config.Profiles[name]))
		}
		return a.printJSON(map[string]any{"profiles": all})
	}
	var table terminal.Table
	table.Row("NAME", "DEV", "FEATURES", "PLATFORM")
	for _, name := range names {
		p := shown(config.Profiles[name])
		table.Row(name, fmt.Sprint(p.Dev), p.features(), cmp.Or(p.Platform, "-"))
	}
	_, err := table.WriteTo(a.Stdout)
	return err
}

// shownProfile is a profile as --json has it.
type shownProfile struct {
	Name        string            `json:"name"`
	Dev         bool              `json:"dev"`
	AllFeatures bool              `json:"all_features"`
	Features    []string          `json:"features"`
	Platform    string            `json:"platform,omitempty"`
	AllHooks    bool              `json:"allow_all_hooks"`
	AllowHooks  []string          `json:"allow_hooks"`
	Hooks       bool              `json:"hooks"`
	Externals   bool              `json:"externals"`
	Managers    []string          `json:"managers,omitzero"` // all when it is absent
	Written     map[string]string `json:"written"`           // where each key was, of those that are not built in
}

func shown(p client.Profile) shownProfile {
	s := shownProfile{
		Name: p.Name, Dev: p.Dev, AllFeatures: p.AllFeatures, Features: append([]string{}, p.Features...),
		AllHooks: p.Permission.AllHooks, AllowHooks: []string{}, Hooks: !p.Permission.NoHooks, Externals: !p.Permission.NoExternals, Managers: p.Managers,
		Written: map[string]string{},
	}
	if p.Platform != (index.Platform{}) {
		s.Platform = p.Platform.String()
	}
	for _, r := range p.Permission.Hooks {
		s.AllowHooks = append(s.AllowHooks, r.String())
	}
	for key, origin := range p.Origins {
		s.Written[key] = fmt.Sprintf("%s:%d", origin.File, origin.Line)
	}
	return s
}

func (s shownProfile) features() string {
	if s.AllFeatures {
		return "all"
	}
	return cmp.Or(strings.Join(s.Features, ", "), "none")
}

func (a *app) showProfile(p client.Profile) error {
	s := shown(p)
	if a.json {
		return a.printJSON(s)
	}
	allowed := cmp.Or(strings.Join(s.AllowHooks, ", "), "none")
	if s.AllHooks {
		allowed = "all"
	}
	managers := "all"
	if s.Managers != nil {
		managers = cmp.Or(strings.Join(s.Managers, ", "), "none")
	}
	var table terminal.Table
	for _, row := range [][2]string{
		{"dev", fmt.Sprint(s.Dev)},
		{"features", s.features()},
		{"platform", cmp.Or(s.Platform, "-")},
		{"allow-hooks", allowed},
		{"hooks", fmt.Sprint(s.Hooks)},
		{"externals", fmt.Sprint(s.Externals)},
		{"managers", managers},
	} {
		table.Row(row[0], row[1], cmp.Or(s.Written[row[0]], "built in"))
	}
	_, err := table.WriteTo(a.Stdout)
	return err
}
