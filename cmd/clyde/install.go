package main

import (
	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
)

func installCommand(a *app) *cobra.Command {
	var flags installFlags
	var lockOnly bool
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install what the manifest and the lock say",
		Long: `Install the packages that .clyde/package.yaml asks for into .clyde/packages.

When .clyde/lock.jsonl fits the manifest, exactly what it holds is installed.
Otherwise the versions are resolved, what is locked moves only where it must,
and the lock is written. Archives are compared with the checksums of the lock
before anything of them is used. Manifest, lock and installed packages change
together, or not at all; 'clyde rollback' goes back.

With --locked the lock has to fit and is never written: use it, or 'clyde ci',
where nobody is there to look at a change. --frozen is --locked and --offline.

With --lock-only the lock is brought in line with the manifest and nothing is
installed.

With --env the packages go into other environments than the current one, see
'clyde env create'; --all-envs means every one. With more than one each is reported
for itself, one that fails does not keep the others back, and the exit code is that
of the worst failure.

Hooks of packages and other package managers run only when somebody agrees: you are
asked on a terminal; elsewhere --allow-hooks, --yes or your own configuration says so.
--dry-run shows what would run. A run that fails or is interrupted is taken back.

'clyde env' prints what a compiler needs to find the packages.`,
		Example: "  clyde install\n  clyde install --locked --no-dev\n  clyde install --platform linux-aarch64\n  clyde install --env release --env arm",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts := flags.options(a)
			opts.LockOnly = lockOnly
			return a.installingEach(cmd.Context(), &flags, func(in *client.Installer) (*client.Outcome, error) {
				return in.Install(cmd.Context(), opts)
			}, a.rendering(lockOnly, a.renderInstalled))
		},
	}
	flags.add(a, cmd)
	addLockOnly(cmd, &lockOnly)
	cmd.Flags().BoolVar(&flags.locked, "locked", false, "fail when the lock is missing or does not fit the manifest")
	cmd.Flags().BoolVar(&flags.frozen, "frozen", false, "--locked and --offline")
	return cmd
}
