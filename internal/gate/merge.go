package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/review"
)

// attempts is how often one pull request is tried when the index moves in
// between.
const attempts = 20

// MergeAll merges what the verdicts say may be merged and is still as they say,
// in their order. One pull request that fails does not stop the others; the
// error is that of a host that cannot be reached.
func (g *Gate) MergeAll(ctx context.Context, verdicts []Verdict) ([]Result, error) {
	results := []Result{}
	for _, v := range verdicts {
		r, err := g.merge(ctx, v)
		if err != nil {
			return results, err
		}
		results = append(results, r)
	}
	return results, nil
}

// merge brings one pull request to its end, as far as its verdict says.
func (g *Gate) merge(ctx context.Context, v Verdict) (Result, error) {
	r := Result{Number: v.Number, Branch: v.Branch, URL: v.URL, Detail: v.Detail}
	if v.Report != nil {
		r.Package = v.Report.Change.Package
	}
	switch {
	case v.Done:
		return g.closeDone(ctx, v, r)
	case v.Report == nil:
		r.Outcome = Refused
		return r, nil
	case v.Report.Decision == review.Refuse:
		r.Outcome, r.Detail = Refused, Failures(v.Report)
		return r, nil
	case v.Report.Decision == review.NeedsPerson:
		r.Outcome, r.Detail = Person, needs(v.Report)
		return r, nil
	case v.Report.Decision == review.Wait && g.Now().Before(v.Report.NotBefore):
		r.Outcome, r.Detail = Waits, "until "+v.Report.NotBefore.UTC().Format(time.RFC3339)
		return r, nil
	case v.Report.Decision != review.Merge:
		r.Outcome = Stale
		return r, nil
	}
	for range attempts {
		done, err := g.tryMerge(ctx, v, &r)
		if done || err != nil {
			return r, err
		}
	}
	r.Outcome, r.Detail = Stale, fmt.Sprintf("the index moved during each of %d attempts", attempts)
	return r, nil
}

// closeDone closes a pull request that has nothing left to propose.
func (g *Gate) closeDone(ctx context.Context, v Verdict, r Result) (Result, error) {
	pull, err := g.Forge.Pull(ctx, v.Number)
	if err != nil {
		return r, err
	}
	if pull.Branch != v.Branch || pull.State != forge.Open {
		r.Outcome, r.Detail = Stale, "it was closed"
		return r, nil
	}
	r.Outcome, r.Detail = Done, "the index has it all already"
	return r, g.Forge.ClosePull(ctx, pull, "Nothing is left to change: the index has it all already.")
}

// tryMerge compares what the verdict is bound to and makes one attempt. It
// reports false when the index moved and another may succeed.
func (g *Gate) tryMerge(ctx context.Context, v Verdict, r *Result) (bool, error) {
	stale := func(detail string) (bool, error) {
		r.Outcome, r.Detail = Stale, detail
		return true, nil
	}
	base, err := g.Forge.Head(ctx)
	if err != nil {
		return true, err
	}
	pull, err := g.Forge.Pull(ctx, v.Number)
	switch {
	case err != nil:
		return true, err
	case pull.State != forge.Open || pull.Branch != v.Branch:
		return stale("it was closed")
	case pull.Head != v.Report.Binding.Head:
		return stale("it was pushed to after it was judged")
	}
	policy, err := review.PolicyDigest(base.Tree)
	if err != nil {
		return true, err
	}
	if policy != v.Report.Binding.Policy {
		return stale("the policy of the index changed after it was judged")
	}
	fork, change, detail, err := g.rejudge(ctx, v, pull, base)
	if err != nil {
		return true, err
	}
	if detail != "" {
		return stale(detail)
	}
	g.observe(StepMerge, pull)
	r.Commit, err = g.Forge.Merge(ctx, forge.Merge{
		Pull: pull, Fork: fork, Base: base, Files: change.Files, Message: change.Message(pull), Author: g.Author, When: g.Now(),
	})
	switch {
	case errors.Is(err, forge.ErrMoved):
		return false, nil
	case errors.Is(err, forge.ErrRefused), errors.Is(err, forge.ErrNotPermitted):
		r.Outcome, r.Detail = Failed, err.Error()
		var hinted interface{ Hint() string }
		if errors.As(err, &hinted) {
			r.Hint = hinted.Hint()
		}
		return true, nil
	}
	r.Outcome = Merged
	return true, err
}

// rejudge makes the change of a verdict again on the index as it is, and judges
// it there without evidence: the verdict has what rests on evidence, as long as
// its scope is the same. The detail says why the verdict does not hold any more.
func (g *Gate) rejudge(ctx context.Context, v Verdict, pull forge.Pull, base forge.Snapshot) (fork string, change *Change, detail string, err error) {
	from, head, err := g.Forge.Proposed(ctx, pull)
	if errors.Is(err, forge.ErrMoved) {
		return "", nil, "it was pushed to after it was judged", nil
	}
	if err != nil {
		return "", nil, "", err
	}
	change, err = Regenerate(from.Tree, head.Tree, base.Tree)
	var conflict *ConflictError
	if errors.As(err, &conflict) {
		return "", nil, err.Error(), nil
	}
	if err != nil {
		return "", nil, "", err
	}
	if len(change.Files) == 0 {
		return "", nil, "the index has it all already", nil
	}
	now, err := scope(base.Tree, change)
	if err != nil {
		return "", nil, "", err
	}
	if now != v.Scope {
		return "", nil, "the package changed after it was judged", nil
	}
	reviews, err := g.Forge.Reviews(ctx, pull)
	if err != nil {
		return "", nil, "", err
	}
	report, err := review.Judge(g.input(pull, base, change.On(base.Tree), reviews, g.Now()))
	switch {
	case err != nil:
		return "", nil, "", err
	case report.Verdict != review.Pass:
		return "", nil, "it does not pass on the index as it is now: " + Failures(report), nil
	case len(report.Approved) < len(v.Report.Approved):
		return "", nil, "an approval was taken back", nil
	case len(report.Objected) > 0:
		return "", nil, "a reviewer asks for changes", nil
	}
	return from.ID, change, "", nil
}

// Failures are the rules that a change breaks, each with its first reason.
func Failures(report *review.Report) string {
	var all []string
	said := map[string]bool{}
	for _, f := range report.Findings {
		if f.Status == review.Fail && !said[f.Check] {
			said[f.Check] = true
			all = append(all, f.Check+": "+f.Detail)
		}
	}
	return strings.Join(all, "; ")
}

// needs are the reasons why a person has to look at a change.
func needs(report *review.Report) string {
	var all []string
	for _, n := range report.People {
		all = append(all, n.Why)
	}
	return strings.Join(all, "; ")
}
