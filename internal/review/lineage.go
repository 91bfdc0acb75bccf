package review

import (
	"errors"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/history"
)

// Lineage is how the head commit follows the base commit, as
// [history.Follow] tells it.
type Lineage struct {
	Kind    history.Kind   // "" when it does not follow
	Problem *history.Error // why it does not follow, or nil
}

// LineageOf takes the outcome of [history.Follow]. An error that says nothing
// about the history, such as that of a failing disk, is given back.
func LineageOf(step history.Step, err error) (*Lineage, error) {
	var problem *history.Error
	if err != nil && !errors.As(err, &problem) {
		return nil, err
	}
	return &Lineage{Kind: step.Kind, Problem: problem}, nil
}

// lineage checks that the commits follow each other, where that is known.
func (j *judge) lineage() {
	if j.in.Lineage == nil || j.in.Lineage.Problem == nil {
		return
	}
	problem := j.in.Lineage.Problem
	id, hint := "history/rewritten", "make the change on top of the base"
	switch {
	case errors.Is(problem, history.ErrRolledBack):
		id, hint = "history/rolled-back", "the head is part of the base already"
	case errors.Is(problem, history.ErrForked):
		id, hint = "history/forked", "make the change again on top of the base as it is now"
	}
	j.add(id, "", hint, "%s", problem.Detail)
}

// squash checks the record of a squash against the base, which is the old head.
func (j *judge) squash() error {
	record := j.delta.Squash
	if j.in.Lineage != nil && j.in.Lineage.Kind != history.Squashed && j.in.Lineage.Problem == nil {
		j.add("squash/root", index.ConfigPath, "make the squash with 'clyde index squash'",
			"the commit with the record of a squash goes on with the history that it says is cut off")
	}
	if j.in.BaseID != "" && record.Head != j.in.BaseID {
		j.add("squash/head", index.ConfigPath, "make the squash again from the base as it is now",
			"the old head is said to be %s, and the base is %s", record.Head, j.in.BaseID)
	}
	if date, err := time.Parse(time.RFC3339, record.Date); err == nil && date.After(j.in.Now.Add(clockSkew)) {
		j.add("squash/date", index.ConfigPath, "look at the clock of the machine that made the squash", "the squash is of %s, which is still to come", record.Date)
	}
	problem, err := history.SquashSignature(j.in.Base, record)
	if problem != nil {
		j.add("squash/signature", index.ConfigPath, "sign it with a key that the base has under trust/index", "%s", problem)
	}
	return err
}
