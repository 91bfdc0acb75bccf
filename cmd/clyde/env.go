package main

import (
	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

// envCommand is "env show" itself, and holds the commands about environments.
func envCommand(a *app) *cobra.Command {
	cmd := envShowCommand(a)
	cmd.Use, cmd.Short = "env", "Print what a compiler needs to find packages, and keep environments"
	cmd.Long += `

A project can have more than one environment: installed trees beside each other,
such as one for production. 'clyde env create' makes one.`
	show := cmd.RunE
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return groupRun(cmd, args)
		}
		return show(cmd, args)
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(envShowCommand(a), envCreateCommand(a), envListCommand(a), envUseCommand(a), envRemoveCommand(a), envDiffCommand(a), envProfileCommand(a))
	return cmd
}

func envShowCommand(a *app) *cobra.Command {
	var shell string
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print what a compiler needs to find the installed packages",
		Long: `Print the search paths under which compilers, linkers and build tools find the
installed packages: CPATH, LIBRARY_PATH, LD_LIBRARY_PATH, PKG_CONFIG_PATH,
CMAKE_PREFIX_PATH and PATH. Only folders that exist are named.

With --shell the output is for a shell to evaluate. It puts the folders before
those that a variable already has:

    eval "$(clyde env --shell sh)"
    g++ main.cpp $(pkg-config --cflags --libs spdlog)

    clyde env --shell fish | source
    clyde env --shell powershell | Out-String | Invoke-Expression

The paths lead through .clyde/packages, so they stay right after the next
install or rollback, unless packages come or go.

pkg-config files name the prefix a library was built for, such as /usr.
PKG_CONFIG_PATH holds copies that lead to where the packages are installed, so
the flags are right without --define-prefix. CMake's package files find their
own place.`,
		Example: "  clyde env\n  eval \"$(clyde env --shell sh)\"\n  clyde env --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			env, err := a.buildEnv()
			if err != nil {
				return err
			}
			return a.renderEnv(env, shell)
		},
	}
	a.addEnvironment(cmd)
	cmd.Flags().StringVar(&shell, "shell", "", "print lines for `SHELL` to evaluate: sh (also bash, zsh), fish or powershell")
	return cmd
}

func (a *app) renderEnv(env *client.BuildEnv, shell string) error {
	switch {
	case shell != "":
		script, err := env.Script(client.Shell(shell))
		if err != nil {
			return withHint(exitUsage, err, "use --shell sh, --shell fish or --shell powershell")
		}
		a.printf("%s", script)
	case a.json:
		return a.printJSON(env)
	default:
		for _, v := range env.Variables {
			a.printf("%s=%s\n", v.Name, terminal.Escape(v.Value()))
		}
	}
	return nil
}
