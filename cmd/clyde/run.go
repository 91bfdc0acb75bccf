package main

import (
	"github.com/spf13/cobra"
)

func runCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run TOOL [ARG...]",
		Short: "Run a program that an installed package brings",
		Long: `Run a program out of the bin folder of an installed package, or one that such a
package has npm, pip or conda bring (external-dependencies), in the folder you are
in and with the search paths that 'clyde env' prints. All that comes after its name
is for the program, and the exit code of the program is that of clyde.`,
		Example: "  clyde run protoc --version\n  clyde -C app run formatter -- src",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			env, err := a.buildEnv()
			if err != nil {
				return err
			}
			program, err := env.Tool(args[0])
			if err != nil {
				return err
			}
			return a.execute(cmd.Context(), program, args[1:], env.Environ(a.Environ()))
		},
	}
	a.addEnvironment(cmd)
	cmd.Flags().SetInterspersed(false)
	return cmd
}
