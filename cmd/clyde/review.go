package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/history"
	"github.com/clydepm/clyde/internal/report"
	"github.com/clydepm/clyde/internal/review"
)

func reviewCommand(a *app) *cobra.Command {
	var path, base, head string
	var pull int
	var queue mergeFlags
	cmd := &cobra.Command{
		Use:   "review --base REV --head REV",
		Short: "Judge a proposed change of an index",
		Long: `Judge whether the tree of one commit of an index may follow that of another.

The rules are those of the index format and of the policy in the base, never of
the head. It is the same judgement that 'clyde publish --dry-run' shows. Nothing
is fetched or written; the commits have to be in the repository, which may be
bare.

Exits with 0 when the change passes, also when the policy wants a person to
approve it, and with 9 when a rule is broken.`,
		Example: `  clyde review --base main --head topic
  clyde review --index /srv/index.git --base main --head refs/pull/7/head --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if queue.wanted() {
				return a.reviewQueue(cmd.Context(), &queue, path, pull)
			}
			if base == "" || head == "" {
				return withHint(exitUsage, errors.New("--base and --head are needed: which change is to be judged?"),
					"name two commits, such as --base main --head topic")
			}
			return a.review(cmd.Context(), a.path(path), base, head)
		},
	}
	cmd.Flags().StringVar(&path, "index", ".", "git repository of the index: its `PATH`")
	cmd.Flags().StringVar(&base, "base", "", "commit, branch or tag that the change is to be merged into: `REV`")
	cmd.Flags().StringVar(&head, "head", "", "commit, branch or tag with the change: `REV`")
	cmd.Flags().IntVar(&pull, "pull", 0, "pull request: its `NUMBER`")
	queue.register(cmd.Flags())
	return cmd
}

func (a *app) review(ctx context.Context, path, base, head string) error {
	repo, err := git.Open(path)
	if err != nil {
		return err
	}
	defer repo.Close()
	input := review.Input{Now: a.Now()}
	if input.Base, err = repo.TreeAt(base); err != nil {
		return err
	}
	if input.Head, err = repo.TreeAt(head); err != nil {
		return err
	}
	if err := addLineage(ctx, &input, repo, base, head); err != nil {
		return err
	}
	judged, err := review.Judge(input)
	if err != nil {
		return err
	}
	if err := a.showReport(judged); err != nil {
		return err
	}
	if judged.Verdict != review.Pass {
		return withCode(exitFindings, fmt.Errorf("%s: the change from %s to %s does not pass", path, base, head))
	}
	return nil
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

func (a *app) showReport(r *review.Report) error {
	if a.json {
		_, err := a.Stdout.Write(r.JSON())
		return err
	}
	return report.WriteText(a.Stdout, r)
}
