package gate

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/history"
	"github.com/clydepm/clyde/internal/review"
)

// Forge is an index whose proposed changes can be read and merged. Only Merge
// and ClosePull write.
type Forge interface {
	// Head returns the present state of the index.
	Head(ctx context.Context) (forge.Snapshot, error)
	// OpenPulls returns the open pull requests, oldest first.
	OpenPulls(ctx context.Context) ([]forge.Pull, error)
	// Tree returns the tree of a commit.
	Tree(ctx context.Context, commit string) (fs.FS, error)
	// Pull returns a pull request as it is now.
	Pull(ctx context.Context, number int) (forge.Pull, error)
	// Proposed returns the commit of the index that a pull request was made on,
	// and its head. It reports forge.ErrMoved when the head is another by now.
	Proposed(ctx context.Context, pull forge.Pull) (fork, head forge.Snapshot, err error)
	// ProposedAt returns the time since when a pull request proposes what it does:
	// that of its opening, or of the push that brought its head, whichever is
	// later. It is by the clock of the host, and zero when the host does not know.
	ProposedAt(ctx context.Context, pull forge.Pull) (time.Time, error)
	// Reviews returns the reviews of a pull request that stand.
	Reviews(ctx context.Context, pull forge.Pull) ([]forge.Review, error)
	// Merge moves the index from the merge's base to a commit with its files. It
	// reports forge.ErrMoved, and has done nothing, when the index is no longer
	// at the base or the pull request no longer open at its head, and
	// forge.ErrRefused when the host will not do it.
	Merge(ctx context.Context, m forge.Merge) (id string, err error)
	// ClosePull closes a pull request and says why.
	ClosePull(ctx context.Context, pull forge.Pull, comment string) error
	// String is the address of the index for people.
	String() string
}

// Gate judges and merges the pull requests of one index.
type Gate struct {
	Forge Forge
	// Judge judges one change, with the evidence that it gathers; nil judges
	// without any.
	Judge func(ctx context.Context, in review.Input) (*review.Report, error)
	// Reproduce returns the command that gives a report again; nil for none. A
	// report on top of changes that are not merged yet has none.
	Reproduce func(pull int, about review.Binding, at time.Time) string
	Now       func() time.Time
	Index     string // address of the index, for the reports; may be ""
	Author    forge.Author
	Observe   func(Step, forge.Pull) // called before each step; may be nil
}

// Step is a step on the way of a pull request.
type Step string

// The steps.
const (
	StepJudge Step = "judge"
	StepMerge Step = "merge"
)

func (g *Gate) observe(s Step, p forge.Pull) {
	if g.Observe != nil {
		g.Observe(s, p)
	}
}

// JudgeAll judges the open pull requests, each on the index as it will be when
// those before it are merged. Nothing is written.
func (g *Gate) JudgeAll(ctx context.Context) ([]Verdict, error) {
	pulls, err := g.Forge.OpenPulls(ctx)
	if err != nil {
		return nil, err
	}
	return g.judge(ctx, pulls)
}

// JudgeOne judges one pull request, on the index as it is.
func (g *Gate) JudgeOne(ctx context.Context, number int) ([]Verdict, error) {
	pull, err := g.Forge.Pull(ctx, number)
	if err != nil {
		return nil, err
	}
	return g.judge(ctx, []forge.Pull{pull})
}

func (g *Gate) judge(ctx context.Context, pulls []forge.Pull) ([]Verdict, error) {
	base, err := g.Forge.Head(ctx)
	if err != nil {
		return nil, err
	}
	tree, alone := base.Tree, true
	verdicts := []Verdict{}
	for _, pull := range pulls {
		g.observe(StepJudge, pull)
		now := g.Now()
		v, change, err := g.judgeOn(ctx, pull, forge.Snapshot{ID: base.ID, Tree: tree}, now)
		if err != nil {
			return nil, err
		}
		if v.Report != nil && alone && g.Reproduce != nil {
			v.Report.Reproduce = g.Reproduce(pull.Number, v.Report.Binding, now)
		}
		verdicts = append(verdicts, v)
		if v.Report != nil && v.Report.Decision == review.Merge {
			tree, alone = change.On(tree), false
		}
	}
	return verdicts, nil
}

// judgeOn judges one pull request on a state of the index. A pull request that
// cannot be judged has no report, and does not stop the others.
func (g *Gate) judgeOn(ctx context.Context, pull forge.Pull, base forge.Snapshot, now time.Time) (Verdict, *Change, error) {
	v := Verdict{Number: pull.Number, Branch: pull.Branch, URL: pull.URL}
	fork, head, err := g.Forge.Proposed(ctx, pull)
	if errors.Is(err, forge.ErrMoved) || errors.Is(err, forge.ErrRefused) {
		v.Detail = err.Error()
		return v, nil, nil
	}
	if err != nil {
		return v, nil, err
	}
	change, err := Regenerate(fork.Tree, head.Tree, base.Tree)
	var conflict *ConflictError
	var none *NoChangeError
	switch {
	case errors.As(err, &conflict):
		v.Detail = err.Error()
		return v, nil, nil
	case errors.As(err, &none):
		// The report says what is wrong with the whole of it.
		v.Report, err = g.report(ctx, g.input(pull, fork, head.Tree, nil, now))
		return v, nil, err
	case isUnreadable(err):
		v.Report, err = g.report(ctx, g.input(pull, fork, head.Tree, nil, now))
		return v, nil, err
	case err != nil:
		return v, nil, err
	}
	if len(change.Files) == 0 {
		v.Done = true
		return v, nil, nil
	}
	if v.Scope, err = scope(base.Tree, change); err != nil {
		return v, nil, err
	}
	if pull.Opened, err = g.Forge.ProposedAt(ctx, pull); err != nil {
		return v, nil, err
	}
	reviews, err := g.Forge.Reviews(ctx, pull)
	if err != nil {
		return v, nil, err
	}
	v.Report, err = g.report(ctx, g.input(pull, base, change.On(base.Tree), reviews, now))
	return v, change, err
}

// isUnreadable reports whether a tree is at fault and not this machine.
func isUnreadable(err error) bool { return errors.Is(err, fs.ErrInvalid) }

func (g *Gate) report(ctx context.Context, in review.Input) (*review.Report, error) {
	if g.Judge != nil {
		return g.Judge(ctx, in)
	}
	return review.Judge(in)
}

func (g *Gate) input(pull forge.Pull, base forge.Snapshot, head fs.FS, reviews []forge.Review, now time.Time) review.Input {
	in := review.Input{
		Base: base.Tree, Head: head, BaseID: base.ID, HeadID: pull.Head, Now: now,
		Index: g.Index, Author: pull.Author, Opened: pull.Opened,
		// What is merged goes on with the history of the base, so nothing that
		// cuts a history off can be.
		Lineage: &review.Lineage{Kind: history.Forward},
	}
	for _, r := range reviews {
		if r.Approves {
			in.Approvals = append(in.Approvals, review.Approval{By: r.By, Commit: r.Commit, At: r.At, Permission: r.Permission})
		} else {
			in.Objections = append(in.Objections, review.Objection{By: r.By, At: r.At, Permission: r.Permission})
		}
	}
	return in
}

// Outcome is what became of a pull request.
type Outcome string

// The outcomes.
const (
	Merged  Outcome = "merged"
	Done    Outcome = "done"    // closed: the index has it all already
	Refused Outcome = "refused" // a check fails, or it cannot be made on the index as it is
	Person  Outcome = "person"  // waits for a person
	Waits   Outcome = "waits"   // until a time
	Stale   Outcome = "stale"   // something moved since it was judged; it has to be judged again
	Failed  Outcome = "failed"  // the host does not merge it
)

// Result is what became of one pull request.
type Result struct {
	Number  int     `json:"number"`
	Branch  string  `json:"branch"`
	URL     string  `json:"url,omitempty"`
	Outcome Outcome `json:"outcome"`
	Commit  string  `json:"commit,omitempty"` // of the index, when merged
	Package string  `json:"package,omitempty"`
	Detail  string  `json:"detail,omitempty"`
	Hint    string  `json:"hint,omitempty"`
}

// idleRounds is how often Drain judges again although nothing was merged,
// because something else moved in between.
const idleRounds = 5

// Drain judges and merges until nothing more can be merged. What is left is
// refused, waits, or needs a person. The results are in the order in which it
// happened, the last word about each pull request only.
func (g *Gate) Drain(ctx context.Context) ([]Result, error) {
	all := []Result{}
	for idle := 0; idle < idleRounds; {
		verdicts, err := g.JudgeAll(ctx)
		if err != nil {
			return all, err
		}
		round, err := g.MergeAll(ctx, verdicts)
		for _, r := range round {
			if r.Outcome == Done && slices.ContainsFunc(all, func(old Result) bool { return old.Number == r.Number && old.Outcome == Merged }) {
				continue // the host still shows it
			}
			all = slices.DeleteFunc(all, func(old Result) bool { return old.Number == r.Number })
			all = append(all, r)
		}
		merged, stale, refused := count(round, Merged), count(round, Stale), count(round, Refused)
		// What was refused for want of another package may pass now.
		if err != nil || stale == 0 && (merged == 0 || refused == 0) {
			return all, err
		}
		if merged == 0 {
			idle++
		}
	}
	return all, nil
}

func count(results []Result, of Outcome) (n int) {
	for _, r := range results {
		if r.Outcome == of {
			n++
		}
	}
	return n
}
