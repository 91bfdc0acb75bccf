package main

import (
	"io"

	"github.com/spf13/cobra"
)

// completionCommand writes what a shell needs to complete command lines of clyde.
func completionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Write the script that lets a shell complete commands and names",
		Long: `Write a script that lets a shell complete commands, options, and the names of
packages, versions, registries and environments. Names come from the copies of the
registries in the cache and from the project; nothing is fetched for them.

  bash         source <(clyde completion bash)
               needs the package bash-completion
  zsh          source <(clyde completion zsh)
               after compinit
  fish         clyde completion fish | source
  PowerShell   clyde completion powershell | Out-String | Invoke-Expression

Put the line into what the shell reads when it starts, such as ~/.bashrc.`,
		Example:   "  clyde completion bash > ~/.local/share/bash-completion/completions/clyde\n  clyde completion fish > ~/.config/fish/completions/clyde.fish",
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeCompletion(cmd.Root(), args[0], a.Stdout)
		},
	}
}

func writeCompletion(root *cobra.Command, shell string, w io.Writer) error {
	switch shell {
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(w)
	}
	if err := root.GenBashCompletionV2(w, true); err != nil {
		return err
	}
	// Else bash takes name@version for three words.
	_, err := io.WriteString(w, "\nCOMP_WORDBREAKS=${COMP_WORDBREAKS//@/}\n")
	return err
}
