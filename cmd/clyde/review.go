package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/history"
	"github.com/clydepm/clyde/internal/review"
)

// reviewFlags are those of "clyde review".
type reviewFlags struct {
	mergeFlags
	index, base, head string
	pull              int
	at                string
	evidence          string
	show              showFlags
}

func reviewCommand(a *app) *cobra.Command {
	var f reviewFlags
	cmd := &cobra.Command{
		Use:   "review [BASE HEAD]",
		Short: "Judge a proposed change of an index",
		Long: `Judge whether the tree of one commit of an index may follow that of another.

The rules are those of the index format and of the policy in the base, never of
the head. It is the same judgement that 'clyde publish --dry-run' shows.

With two commits, they have to be in the repository, which may be bare. With
--pull, the pull request of an index at a host is read, on top of the index as it
is; what the versions it adds claim is fetched and compared, unless --evidence
says otherwise. Every report names the command that gives the same report again,
byte for byte in JSON, on any machine.

Exits with 0 when the change passes, also when the policy wants a person to
approve it, and with 9 when a rule is broken.

With --queue, every open pull request is judged on top of those before it, and
the verdicts are written to --verdicts; nothing else is. With --merge, what may
be merged is, by these verdicts or by those of its own: only what was judged, on
the index as it is, or not at all. With --pull as well, it is about that one, and
the exit code is 0 only if it may be merged, or was. With --group, the pull
request is the one that a host's merge queue made a commit of, which must have
nothing else in it. See also 'clyde harvest'.`,
		Example: `  clyde review main topic
  clyde review --index /srv/index.git --base main --head refs/pull/7/head --json
  clyde review --index example/index --pull 7
  clyde review --index example/index --pull 7 --comment --status
  clyde review --index example/index --queue --verdicts verdicts.jsonl
  clyde review --index example/index --merge --verdicts verdicts.jsonl`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 0 && len(args) != 2 {
				return fmt.Errorf("two commits are needed, BASE and HEAD, and there are %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.wanted() {
				return a.reviewQueue(cmd.Context(), &f)
			}
			if len(args) == 2 {
				if f.base != "" || f.head != "" {
					return usagef("give BASE and HEAD once: as arguments or as --base and --head")
				}
				f.base, f.head = args[0], args[1]
			}
			return a.review(cmd.Context(), &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.index, "index", ".", "the `INDEX`: its git repository on this machine, or OWNER/REPO or the URL of its page")
	flags.StringVar(&f.base, "base", "", "commit, branch or tag that the change is to be merged into: `REV`")
	flags.StringVar(&f.head, "head", "", "commit, branch or tag with the change: `REV`")
	flags.IntVar(&f.pull, "pull", 0, "pull request: its `NUMBER`")
	flags.StringVar(&f.at, "at", "", "judge as at this `TIME`, such as 2026-01-02T03:04:05Z (default: now)")
	flags.StringVar(&f.evidence, "evidence", "auto", "fetch what the new versions claim: `WHEN` is always, never or auto, which is for an index at a host")
	f.register(flags)
	f.show.register(flags)
	return cmd
}

// judged is a report with what it is about.
type judged struct {
	*review.Report
	tree fs.FS  // that was judged
	what string // for the last line of a failure
	host any    // its adapter, nil for none
	pull int    // 0 for none
	url  string // of the pull request
}

func (a *app) review(ctx context.Context, f *reviewFlags) error {
	if err := f.show.check(a, f.pull); err != nil {
		return err
	}
	if f.pull > 0 {
		return a.reviewPull(ctx, f)
	}
	if f.base == "" || f.head == "" {
		return withHint(exitUsage, errors.New("--base and --head are needed: which change is to be judged?"),
			"name two commits, such as --base main --head topic, or --pull NUMBER of an index at a host")
	}
	return a.reviewCommits(ctx, f)
}

// judgedAt is the time of the judgement, in the seconds that a command can name.
func (a *app) judgedAt(text string) (time.Time, error) {
	if text == "" {
		return a.Now().UTC().Truncate(time.Second), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, withHint(exitUsage, fmt.Errorf("--at: %q is no time", text), "write it as 2026-01-02T03:04:05Z")
	}
	return at.UTC(), nil
}

// gathers reports whether evidence is fetched.
func (f *reviewFlags) gathers(a *app) (bool, error) {
	switch f.evidence {
	case "always":
		if a.offline {
			return false, usagef("--evidence always does not go with --offline")
		}
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return (f.pull > 0 || f.wanted()) && !a.offline && !a.isFolder(f.index), nil
	}
	return false, withHint(exitUsage, fmt.Errorf("--evidence: %q is no answer", f.evidence), "choose always, never or auto")
}

// reviewCommits judges the difference of two commits of a repository here.
func (a *app) reviewCommits(ctx context.Context, f *reviewFlags) error {
	now, err := a.judgedAt(f.at)
	if err != nil {
		return err
	}
	gather, err := f.gathers(a)
	if err != nil {
		return err
	}
	path := a.path(f.index)
	repo, err := git.Open(path)
	if err != nil {
		return err
	}
	defer repo.Close()
	input := review.Input{Now: now, Index: f.index}
	if input.Base, err = repo.TreeAt(f.base); err != nil {
		return err
	}
	if input.Head, err = repo.TreeAt(f.head); err != nil {
		return err
	}
	if err := addLineage(ctx, &input, repo, f.base, f.head); err != nil {
		return err
	}
	r, err := a.judgeWith(ctx, input, gather, true, f.host)
	if err != nil {
		return err
	}
	r.Reproduce = f.reproduce(0, r.Binding, now, gather)
	return a.show(ctx, &f.show, judged{Report: r, tree: input.Head, what: fmt.Sprintf("%s: the change from %s to %s", path, f.base, f.head)})
}

// addLineage says which commits are judged and how they follow each other, for
// revisions that are commits and not only trees.
func addLineage(ctx context.Context, in *review.Input, repo *git.Repo, base, head string) (err error) {
	if in.BaseID, err = repo.Resolve(base); err != nil {
		return err
	}
	if in.HeadID, err = repo.Resolve(head); err != nil {
		return err
	}
	step, err := history.Follow(ctx, in.BaseID, in.HeadID, repo, history.Options{})
	in.Lineage, err = review.LineageOf(step, err)
	return err
}
