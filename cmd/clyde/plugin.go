package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/clydepm/clyde/internal/plugin"
	"github.com/clydepm/clyde/internal/terminal"
)

// installedGroup is the group of the commands that programs on PATH add.
const installedGroup = "installed"

// addInstalled adds the commands of programs on PATH to the tree where the
// command line asks for one, for help, or for completion, and returns the
// arguments to run the tree with. The folders of PATH are not read otherwise.
func (a *app) addInstalled(root *cobra.Command, args []string) []string {
	words := firstWords(root, args)
	asked := ""
	if len(words) > 0 {
		asked = words[0]
	}
	completes := strings.HasPrefix(asked, cobra.ShellCompRequestCmd)
	if asked != "" && asked != "help" && !completes && isBuiltIn(root, asked) {
		return args
	}
	for _, p := range plugin.SearchOf(a.Getenv).All(plugin.Command) {
		if !isBuiltIn(root, p.Name) {
			root.AddCommand(a.installedCommand(p))
		}
	}
	if !root.ContainsGroup(installedGroup) && slices.ContainsFunc(root.Commands(), isInstalled) {
		root.AddGroup(&cobra.Group{ID: installedGroup, Title: "Installed commands (clyde-NAME on PATH):"})
	}
	if asked == "help" && len(words) == 2 && slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return isInstalled(c) && c.Name() == words[1] }) {
		args = append(slices.Clone(args[:len(args)-len(words)]), words[1], "--help")
	}
	// What comes before the name is clyde's, what comes after it the program's.
	root.TraverseChildren = !completes
	return args
}

func isInstalled(c *cobra.Command) bool { return c.GroupID == installedGroup }

// isBuiltIn reports whether clyde has a command of this name itself. Cobra adds
// help and completion when it runs.
func isBuiltIn(root *cobra.Command, name string) bool {
	return name == "help" || name == "completion" || slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool {
		return c.Name() == name || c.HasAlias(name)
	})
}

// installedCommand runs a program with everything that comes after its name.
func (a *app) installedCommand(p plugin.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:                p.Name,
		Short:              terminal.Escape(p.Path),
		GroupID:            installedGroup,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runInstalled(cmd.Context(), p, args)
		},
	}
	a.prepare(cmd)
	return cmd
}

// runInstalled runs a program in the place of clyde. The variable CLYDE names
// this clyde, so that the program can ask it.
func (a *app) runInstalled(ctx context.Context, p plugin.Program, args []string) error {
	if a.quiet || a.verbose || a.json || a.noInput || a.color != "auto" || len(a.config) > 0 {
		return withHint(exitUsage, usagef("of the options before an installed command only -C and --offline have a meaning"),
			"write those of "+p.Name+" after its name")
	}
	environ := withVariable(a.Environ(), "CLYDE", a.Program)
	if a.offline {
		environ = withVariable(environ, "CLYDE_OFFLINE", "true")
	}
	return a.execute(ctx, p.Path, args, environ)
}

// withVariable is an environment, in the form of os.Environ, with one variable
// set.
func withVariable(environ []string, name, value string) []string {
	kept := slices.DeleteFunc(slices.Clone(environ), func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
	return append(kept, name+"="+value)
}

// firstWords is the arguments from the first that is no global flag; none when
// there is no such argument or a flag is wrong.
func firstWords(root *cobra.Command, args []string) []string {
	scan := pflag.NewFlagSet("", pflag.ContinueOnError)
	scan.SetInterspersed(false)
	scan.Usage = func() {}
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		same := *f
		same.Value = unread{f.Value.Type()}
		scan.AddFlag(&same)
	})
	if scan.Parse(args) != nil {
		return nil
	}
	return scan.Args()
}

// unread is a flag whose value does not matter.
type unread struct{ kind string }

func (unread) Set(string) error { return nil }
func (unread) String() string   { return "" }
func (u unread) Type() string   { return u.kind }
