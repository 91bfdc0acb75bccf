package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/internal/terminal"
)

func indexSquashCommand(a *app) *cobra.Command {
	var target, key string
	var dryRun bool
	opts := registry.SquashOptions{}
	cmd := &cobra.Command{
		Use:   "squash --index PATH|URL --sign-key FILE --reason TEXT",
		Short: "Cut off the history of an index, declared and signed",
		Long: `Replace the history of an index by one commit without a parent, which has the
same files but for a record in config.json: the old head, the date, the reason,
and a signature. The old head stays on a branch snapshot-DATE-N, for clients
that know an older commit and for everyone who wants to look.

Clients follow such a squash, and refuse a history that was cut off in any other
way. The key must have been under trust/index in the old head: see 'clyde key
trust --for index'.

The index is a bare repository on this machine, or a URL to push to, which has
to permit a forced push. Nothing is lost when somebody publishes meanwhile: then
nothing is moved. Pull requests that are open have to be made again.`,
		Example: `  clyde index squash --index registry.git --sign-key index.key --reason "the history takes longer than the files" --dry-run
  clyde index squash --index git@git.example.org:team/registry.git --sign-key index.key --reason "yearly"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case target == "":
				return withHint(exitUsage, errors.New("--index is missing: which index?"), "usage: "+cmd.UseLine())
			case key == "":
				return withHint(exitUsage, errors.New("--sign-key is missing: a squash that nobody signed is followed by nobody"), "usage: "+cmd.UseLine())
			case strings.TrimSpace(opts.Reason) == "":
				return withHint(exitUsage, errors.New("--reason is missing: users will ask why"), "usage: "+cmd.UseLine())
			}
			return withConsequence(a.indexSquash(cmd.Context(), target, key, opts, dryRun), nothingChanged)
		},
	}
	cmd.Flags().StringVar(&target, "index", "", "the index: the `PATH` of a bare repository, or a URL")
	cmd.Flags().StringVar(&key, "sign-key", "", "key that signs the record: a `FILE`, or the URI of a key management service")
	cmd.Flags().StringVar(&opts.Reason, "reason", "", "why, for those who use the index: `TEXT`")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be done, and change nothing")
	return cmd
}

func (a *app) indexSquash(ctx context.Context, target, key string, opts registry.SquashOptions, dryRun bool) error {
	signer, err := a.keySigner(ctx, key, attest.Services{})
	if err != nil {
		return err
	}
	by := a.author()
	opts.Key, opts.Author, opts.Email, opts.When = signer, by.Name, by.Email, a.Now()
	var done *registry.Squashed
	if git.IsPath(target) {
		done, err = a.squashLocal(ctx, target, opts, dryRun)
	} else {
		done, err = a.squashRemote(ctx, target, opts, dryRun)
	}
	if err != nil {
		return err
	}
	return a.showSquash(done)
}

func (a *app) squashLocal(ctx context.Context, target string, opts registry.SquashOptions, dryRun bool) (_ *registry.Squashed, err error) {
	repo, err := git.Open(a.path(target))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	if !repo.Bare() {
		return nil, withHint(exitRefused, fmt.Errorf("%s has a worktree, whose files would not follow", target), "squash the bare repository that it was cloned from")
	}
	return registry.SquashLocal(ctx, repo, opts, dryRun)
}

func (a *app) squashRemote(ctx context.Context, target string, opts registry.SquashOptions, dryRun bool) (done *registry.Squashed, err error) {
	err = a.withMirror(ctx, target, func(mirror *git.Mirror, auth git.Auth) error {
		done, err = registry.SquashRemote(ctx, mirror, target, auth, opts, dryRun)
		return err
	})
	return done, err
}

func (a *app) showSquash(done *registry.Squashed) error {
	if a.json {
		return a.printJSON(done)
	}
	verb := "squashed"
	if done.DryRun {
		verb = "would squash"
	}
	a.printf("%s %s\n", verb, strings.TrimPrefix(done.Branch, "refs/heads/"))
	a.printf("  old head  %s, kept on %s\n", done.Old, done.Snapshot)
	if done.New != "" {
		a.printf("  new head  %s\n", done.New)
	}
	a.printf("  key       %s\n", done.Key)
	a.printf("  reason    %s\n", terminal.Escape(done.Reason))
	return nil
}
