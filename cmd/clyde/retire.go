package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/publish"
)

func retireCommand(a *app) *cobra.Command {
	var flags changeFlags
	var opts publish.RetireOptions
	cmd := &cobra.Command{
		Use:   "retire NAME[@VERSION] --reason WHY --via WAY --index INDEX",
		Short: "Tell users that versions should not be used any more",
		Long: `Mark published versions as retired, with a reason and a message.

Retired versions still install; everyone who does is told why not to. Without
@VERSION all versions are retired. Reasons: renamed, deprecated, security,
invalid, other. --undo takes it back.

With --via pr the change is a pull request of its own kind on the index; see
'clyde publish --help' for the ways and the tokens.`,
		Example: `  clyde retire hello@1.2.3 --reason security --message "use 1.2.4" --via pr --index acme/index
  clyde retire hello@1.2.3 --reason security --message "CVE-2026-0001, use 1.2.4" --via local --index ../registry.git
  clyde retire hello --reason renamed --message "see greetings" --via local --index ../registry.git`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkRetireFlags(opts); err != nil {
				return withConsequence(err, nothingChanged)
			}
			index, err := flags.open(cmd.Context(), a)
			if err != nil {
				return withConsequence(err, nothingChanged)
			}
			defer index.close()
			opts.Target = index.target
			var versioned bool
			if opts.Name, opts.Version, versioned = strings.Cut(args[0], "@"); versioned && opts.Version == "" {
				return withConsequence(usagef("%q has no version after the @", args[0]), nothingChanged)
			}
			plan, err := publish.NewRetirePlan(cmd.Context(), opts)
			if err != nil {
				return withConsequence(err, nothingChanged)
			}
			verb := "retired"
			if opts.Undo {
				verb = "no longer retired:"
			}
			return a.carryOut(cmd.Context(), plan, flags.dryRun, verb, nothingChanged)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&opts.Reason, "reason", "", "`WHY`: renamed, deprecated, security, invalid or other")
	cmd.Flags().StringVar(&opts.Message, "message", "", "what users should know or do: `TEXT`")
	cmd.Flags().BoolVar(&opts.Undo, "undo", false, "take the retirement back")
	return cmd
}

func checkRetireFlags(opts publish.RetireOptions) error {
	const reasons = "give --reason renamed, deprecated, security, invalid or other"
	switch {
	case opts.Undo && (opts.Reason != "" || opts.Message != ""):
		return usagef("--undo takes neither --reason nor --message")
	case !opts.Undo && opts.Reason == "":
		return withHint(exitUsage, usagef("--reason is missing"), reasons)
	}
	return nil
}
