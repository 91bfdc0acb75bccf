package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/markdown"
)

// Forge is an index at a host that takes changes as pull requests. All of its
// methods may be called again after they failed, whatever they did until then.
type Forge interface {
	// Head returns the present state of the index.
	Head(ctx context.Context) (State, error)
	// Pulls returns the open pull requests whose branch has a name, from
	// whatever repository.
	Pulls(ctx context.Context, branch string) ([]Pull, error)
	// ReadFile reads a file of a pull request's branch; nil when there is none.
	ReadFile(ctx context.Context, pull Pull, path string) ([]byte, error)
	// Write makes the branch a commit on top of a state of the index, whatever
	// it was before.
	Write(ctx context.Context, branch string, commit forge.Commit) (id string, err error)
	// Open opens a pull request for the branch that was written last, or finds
	// the one that is open. The error is a *forge.CompareError when nobody but a
	// person may.
	Open(ctx context.Context, branch string, text PullText) (Pull, error)
	// Update gives a pull request another text, and returns its present state.
	Update(ctx context.Context, pull Pull, text PullText) (Pull, error)
	// ClosePull closes a pull request and says why.
	ClosePull(ctx context.Context, pull Pull, comment string) error
	// AutoMerge asks for a pull request to be merged as soon as it may be.
	AutoMerge(ctx context.Context, pull Pull) error
	// String is the address of the index for people.
	String() string
}

// Pull is a pull request.
type Pull = forge.Pull

// PullText is what people read of a pull request.
type PullText = forge.Text

// Outcome says what became of a proposal.
type Outcome string

// The outcomes.
const (
	Opened    Outcome = "opened"    // a new pull request
	Updated   Outcome = "updated"   // one that was open says and proposes this now
	Unchanged Outcome = "unchanged" // one that was open did already
	Pushed    Outcome = "pushed"    // the branch is written; a person has to open it
)

// Proposal is a pull request that Apply left behind.
type Proposal struct {
	Outcome Outcome `json:"outcome"`
	Branch  string  `json:"branch"`
	Number  int     `json:"number,omitempty"`
	URL     string  `json:"url"`              // of the pull request, or of the page to open it on
	Closed  []int   `json:"closed,omitempty"` // that this one replaces
	Note    string  `json:"note,omitempty"`   // what could not be done, and is no failure
	Hint    string  `json:"hint,omitempty"`   // about the note
	Text    string  `json:"-"`                // the title
	pull    Pull
}

// propose makes one attempt to have the forge show the plan as a pull request.
// It reports ErrMoved when the index moved meanwhile.
func (p *Plan) propose(ctx context.Context) (Applied, error) {
	branch := p.Branch()
	pulls, err := p.target.Forge.Pulls(ctx, branch)
	if err != nil {
		return Applied{}, err
	}
	own := ownOf(pulls)
	if err := p.takeUp(ctx, own); err != nil {
		return Applied{}, err
	}
	if p.Done {
		return Applied{}, p.withdraw(ctx, own)
	}
	if err := p.Refused(); err != nil {
		return Applied{}, err
	}
	if err := p.prepare(ctx); err != nil {
		return Applied{}, err
	}
	applied, err := p.show(ctx, branch, own)
	if err != nil || applied.Proposal.Outcome == Pushed {
		return applied, err
	}
	if err := p.closeOthers(ctx, applied.Proposal, pulls); err != nil {
		return Applied{}, err
	}
	return applied, p.autoMerge(ctx, applied.Proposal)
}

func ownOf(pulls []Pull) *Pull {
	for i := range pulls {
		if pulls[i].Own {
			return &pulls[i]
		}
	}
	return nil
}

// takeUp makes the plan again in the light of what is proposed already.
func (p *Plan) takeUp(ctx context.Context, own *Pull) error {
	p.proposed = nil
	if own == nil || p.Done {
		return nil
	}
	var err error
	if p.proposed, err = p.target.Forge.ReadFile(ctx, *own, p.Change.Path); err != nil {
		return err
	}
	return p.rederive()
}

// withdraw closes a pull request that has nothing left to propose.
func (p *Plan) withdraw(ctx context.Context, own *Pull) error {
	if own == nil {
		return nil
	}
	p.observe(StepClose)
	return p.target.Forge.ClosePull(ctx, *own, "Nothing is left to change: "+markdown.Code(p.DoneText())+".")
}

// show writes the branch and opens or updates its pull request, as far as either
// is needed.
func (p *Plan) show(ctx context.Context, branch string, own *Pull) (Applied, error) {
	text := p.PullText()
	proposal := &Proposal{Outcome: Unchanged, Branch: branch}
	applied := Applied{Proposal: proposal}
	if own != nil {
		applied.ID, proposal.pull = own.Head, *own
	}
	written := own == nil || !bytes.Equal(p.proposed, p.Change.After)
	if written {
		p.observe(StepWrite)
		id, err := p.target.Forge.Write(ctx, branch, forge.Commit{
			Base: p.base, Path: p.Change.Path, Data: p.Change.After, Others: p.Change.Others,
			Message: p.Change.Message, Author: p.target.Author, When: p.target.Now(),
		})
		if err != nil {
			return Applied{}, err
		}
		applied.ID = id
	}
	var err error
	switch {
	case own == nil:
		p.observe(StepPropose)
		proposal.Outcome = Opened
		proposal.pull, err = p.target.Forge.Open(ctx, branch, text)
		if err == nil && !proposal.pull.Says(text) {
			proposal.Outcome = Updated
			proposal.pull, err = p.target.Forge.Update(ctx, proposal.pull, text)
		}
	case written || !own.Says(text):
		p.observe(StepPropose)
		proposal.Outcome = Updated
		proposal.pull, err = p.target.Forge.Update(ctx, *own, text)
	}
	var compare *forge.CompareError
	if errors.As(err, &compare) {
		proposal.Outcome, proposal.URL = Pushed, compare.URL
		proposal.Note, proposal.Hint = compare.Error(), compare.Hint()
		return applied, nil
	}
	if err != nil {
		return Applied{}, err
	}
	proposal.Number, proposal.URL = proposal.pull.Number, proposal.pull.URL
	moved := proposal.Outcome == Opened && proposal.pull.Base != "" && proposal.pull.Base != p.base.ID
	if moved || proposal.pull.State != forge.Open {
		return Applied{}, fmt.Errorf("%w while pull request %d was made", ErrMoved, proposal.Number)
	}
	return applied, nil
}

// closeOthers closes the pull requests of the same person for the same change.
// Those of others are theirs.
func (p *Plan) closeOthers(ctx context.Context, proposal *Proposal, pulls []Pull) error {
	for _, other := range pulls {
		if other.Own || other.Number == proposal.Number || other.Author != proposal.pull.Author {
			continue
		}
		p.observe(StepClose)
		if err := p.target.Forge.ClosePull(ctx, other, fmt.Sprintf("Replaced by #%d (%s).", proposal.Number, proposal.URL)); err != nil {
			return err
		}
		proposal.Closed = append(proposal.Closed, other.Number)
	}
	slices.Sort(proposal.Closed)
	return nil
}

// autoMerge asks for the merge where that is wanted. A forge that refuses leaves
// a pull request that a person merges.
func (p *Plan) autoMerge(ctx context.Context, proposal *Proposal) error {
	if !p.target.AutoMerge {
		return nil
	}
	err := p.target.Forge.AutoMerge(ctx, proposal.pull)
	if !errors.Is(err, forge.ErrRefused) && !errors.Is(err, forge.ErrNotPermitted) {
		return err
	}
	proposal.Note = err.Error()
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		proposal.Hint = hinted.Hint()
	}
	return nil
}

// group is what the branches of a kind of change have in common. A change and
// its undoing share a branch, so that of the two the last one stands.
func group(kind index.Kind) string {
	switch kind {
	case index.KindUnyank:
		return string(index.KindYank)
	case index.KindUnretire:
		return string(index.KindRetire)
	}
	return string(kind)
}
