package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// run executes one command line and reports its exit code.
func run(ctx context.Context, env Env, args []string) int {
	a := &app{Env: env}
	root := newRoot(a)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		a.addCompletions(root)
	}
	root.SetArgs(a.addInstalled(root, args))
	err := root.ExecuteContext(ctx)
	if err != nil && !a.started && exitCode(err) == exitFailed {
		err = withCode(exitUsage, err) // flags that do not go together
	}
	if err != nil && !errors.As(err, new(reportedError)) {
		reportError(env.Stderr, err)
	}
	return exitCode(err)
}

// newRoot builds the whole command tree. This list is the only place where
// commands are registered.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "clyde",
		Short: "A package registry that is a git repository",
		Long: `clyde is a package registry that is a git repository.

A maintainer describes a package in .clyde/package.yaml and publishes it; a
reviewer sees one report and merges; a client resolves, verifies and installs.
No server is needed.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Version:           version(),
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.start() },
	}
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetVersionTemplate("clyde {{.Version}}\n")

	flags := root.PersistentFlags()
	flags.StringVarP(&a.chdir, "directory", "C", "", "run as if started in `DIR`")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print results and errors only")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "say more about what is done")
	flags.StringVar(&a.color, "color", "auto", "colour: `WHEN` is auto, always or never")
	flags.BoolVar(&a.json, "json", false, "print one JSON object instead of text")
	flags.BoolVar(&a.offline, "offline", false, "open no network connection")
	flags.BoolVar(&a.noInput, "no-input", false, "never ask, fail instead")
	flags.StringArrayVar(&a.config, "config", nil, "set one setting, `KEY=VALUE`, for this run")

	add := func(title string, commands ...*cobra.Command) {
		id := strings.ToLower(strings.Fields(title)[0])
		root.AddGroup(&cobra.Group{ID: id, Title: title + ":"})
		for _, c := range commands {
			c.GroupID = id
			root.AddCommand(c)
		}
	}
	add("Start here", demoCommand(a))
	add("Publish a package",
		initCommand(a), checkCommand(a), packCommand(a), publishCommand(a), yankCommand(a), retireCommand(a), ownerCommand(a))
	add("Use packages",
		addCommand(a), removeCommand(a), installCommand(a), ciCommand(a), updateCommand(a), fetchCommand(a), vendorCommand(a), cleanCommand(a), rollbackCommand(a), historyCommand(a), envCommand(a), runCommand(a))
	add("Look around",
		searchCommand(a), infoCommand(a), listCommand(a), treeCommand(a), whyCommand(a), outdatedCommand(a), verifyCommand(a), auditCommand(a), sbomCommand(a))
	add("Keep registries",
		registryCommand(a), authCommand(a), configCommand(a), indexCommand(a), reviewCommand(a), harvestCommand(a), auditIndexCommand(a), keyCommand(a), pluginCommand(a))
	root.AddCommand(versionCommand(a), completionCommand(a), manCommand(a), actionCommand(a))

	a.prepare(root)
	return root
}

// prepare gives every command of the tree the same manners: a wrong command
// line is a usage error, and a group of commands names what it holds.
func (a *app) prepare(cmd *cobra.Command) {
	if !cmd.Runnable() {
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = groupRun
		cmd.SuggestionsMinimumDistance = 2 // letters
	}
	if args := cmd.Args; args != nil {
		cmd.Args = func(c *cobra.Command, given []string) error {
			if err := args(c, given); err != nil {
				return a.wrongArguments(c, given, err)
			}
			return nil
		}
	}
	if runE := cmd.RunE; runE != nil {
		cmd.RunE = func(c *cobra.Command, given []string) error {
			a.started = true
			return runE(c, given)
		}
	}
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return withHint(exitUsage, err, "see '"+c.CommandPath()+" --help'")
	})
	for _, sub := range cmd.Commands() {
		a.prepare(sub)
	}
}

// wrongArguments words what cobra says about arguments. It calls one that a
// command does not take an unknown command.
func (a *app) wrongArguments(c *cobra.Command, given []string, err error) error {
	hint := "usage: " + c.UseLine()
	if c.HasSubCommands() || len(given) == 0 || !strings.HasPrefix(err.Error(), "unknown command") {
		return withHint(exitUsage, err, hint)
	}
	if c.Flags().Lookup("index") != nil {
		hint = "name the index with --index " + given[0] + "; " + hint
	} else if _, statErr := os.Stat(a.path(given[0])); statErr == nil {
		hint = "name the folder of the run with -C " + given[0] + "; " + hint
	}
	return withHint(exitUsage, fmt.Errorf("%s takes no arguments, and got %q", c.CommandPath(), given[0]), hint)
}

// groupRun answers a command that only holds others: its help when nothing
// was asked, a usage error with the nearest names otherwise.
func groupRun(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := "see '" + cmd.CommandPath() + " --help'"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean '" + cmd.CommandPath() + " " + strings.Join(near, "' or '"+cmd.CommandPath()+" ") + "'?"
	}
	return withHint(exitUsage, unknownCommandError{cmd.CommandPath(), args[0]}, hint)
}

type unknownCommandError struct{ parent, name string }

func (e unknownCommandError) Error() string {
	return "unknown command \"" + e.name + "\" for \"" + e.parent + "\""
}
