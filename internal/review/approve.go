package review

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Uncounted is an approval that does not count, and why.
type Uncounted struct {
	By  string `json:"by"`
	Why string `json:"why"`
}

// policyKind is the kind of the change as a policy names it, "" for none.
func (j *judge) policyKind() string {
	switch {
	case j.delta.Kind == index.KindPublish && j.delta.First && !j.registered:
		return "new-package"
	case j.delta.Kind == index.KindPublish:
		return "new-version" // also of the first one, where a person approved the registration
	}
	return string(j.delta.Kind)
}

// approval is who approves a change of this kind. What the policy does not name
// is a change of the policy itself, or a kind that it cannot know.
func (j *judge) approval() string {
	if j.delta.Grants {
		return Person // whatever the policy says of other changes of owners
	}
	if who, ok := j.policy.Approval[j.policyKind()]; ok {
		return who
	}
	return Person
}

// frozen refuses the change while the policy stops changes of its kind. The
// policy itself can always change, or nothing would ever end a freeze.
func (j *judge) frozen() {
	freeze := j.policy.Freeze
	if freeze == nil || !freeze.Until.IsZero() && !j.in.Now.Before(freeze.Until) {
		return
	}
	if _, stoppable := j.policy.Approval[j.policyKind()]; !stoppable {
		return
	}
	if len(freeze.Kinds) > 0 && !slices.Contains(freeze.Kinds, j.policyKind()) {
		return
	}
	until, hint := "", "wait until the keepers of the index end the freeze"
	if !freeze.Until.IsZero() {
		until = " until " + freeze.Until.Format(index.TimeLayout)
		hint = "wait until then"
	}
	j.add(frozenRule, index.PolicyPath, hint, "the index takes no change of kind %s%s: %s", j.policyKind(), until, freeze.Message)
}

// frozenRule is what a freeze breaks. Whoever breaks nothing else only has to
// wait.
const frozenRule = "policy/frozen"

// onlyFrozen reports whether a change fails for nothing but a freeze.
func onlyFrozen(r *Report) bool {
	fails := func(f Finding) bool { return f.Status == Fail }
	return slices.ContainsFunc(r.Findings, fails) &&
		!slices.ContainsFunc(r.Findings, func(f Finding) bool { return fails(f) && f.Check != frozenRule })
}

// waitUntil is when a change may be merged at the earliest. It waits from when
// it was proposed; a change of which this is not known waits from now, for ever.
func (j *judge) waitUntil() time.Time {
	wait := j.policy.Wait[j.policyKind()]
	if wait == 0 {
		return time.Time{}
	}
	opened := j.in.Opened
	if opened.IsZero() || opened.After(j.in.Now) {
		opened = j.in.Now
	}
	return opened.Add(wait).UTC()
}

// known reports whether a new package is signed, every version of it, by an
// account that the policy knows.
func (j *judge) known(signers []Signer) bool {
	if j.policyKind() != "new-package" || len(signers) == 0 || len(signers) != len(j.delta.Added) {
		return false
	}
	stranger := func(s Signer) bool {
		return !s.Verified || !slices.ContainsFunc(j.policy.Known, func(a Account) bool { return a.signed(s) })
	}
	return !slices.ContainsFunc(signers, stranger)
}

// signed reports whether a proved signer is the account.
func (a Account) signed(s Signer) bool {
	if a.Key != "" {
		return s.Identity == "key "+a.Key
	}
	id, err := strconv.ParseInt(s.OwnerID, 10, 64)
	return a.owns(s.Repository, id) && (err == nil || a.OwnerID == 0)
}

// needed is how many approvals a change takes.
func (j *judge) needed() int {
	if j.governs() {
		return j.policy.Reviewers.PolicyApprovals
	}
	return j.policy.Reviewers.Approvals
}

// governs reports whether the change is one of the policy, or anything else
// that decides about other changes than those of one package.
func (j *judge) governs() bool { return j.delta.Package == "" }

// count sorts the approvals into those that count, each account once, and those
// that do not.
func (j *judge) count(may func(Approval) bool) (counted []string, uncounted []Uncounted) {
	for _, a := range j.in.Approvals {
		why := j.discount(a, may)
		switch {
		case hasAccount(counted, a.By):
		case why == "":
			counted = append(counted, a.By)
		default:
			uncounted = append(uncounted, Uncounted{a.By, why})
		}
	}
	uncounted = slices.DeleteFunc(uncounted, func(u Uncounted) bool { return hasAccount(counted, u.By) })
	slices.Sort(counted)
	slices.SortStableFunc(uncounted, func(a, b Uncounted) int { return strings.Compare(a.By+" "+a.Why, b.By+" "+b.Why) })
	return counted, slices.Compact(uncounted)
}

// objected are the accounts that may approve the change and ask for another one
// in place of it. Of others, anybody could stop anything.
func (j *judge) objected(may func(Approval) bool) []string {
	var all []string
	for _, o := range j.in.Objections {
		if may(Approval{By: o.By, Permission: o.Permission}) && !hasAccount(all, o.By) {
			all = append(all, o.By)
		}
	}
	slices.Sort(all)
	return all
}

// discount says why an approval does not count, or "". Without knowing who
// proposed a change, nobody's does.
func (j *judge) discount(a Approval, may func(Approval) bool) string {
	switch {
	case a.By == "":
		return "it is nobody's"
	case j.in.Author == "":
		return "it is not known who proposed the change"
	case strings.EqualFold(a.By, j.in.Author):
		return "nobody approves a change of their own"
	case j.in.HeadID == "" || a.Commit != j.in.HeadID:
		return fmt.Sprintf("it is of commit %.12q, and the change is at %.12q", a.Commit, j.in.HeadID)
	case !may(a):
		return "the account is no reviewer of this change"
	}
	return ""
}

// reviewers tells who may approve the change. These are the accounts that the
// policy lists, or where it lists none those who may write to the repository of
// the index; and but for a transfer the reviewers that the package has in the
// base.
func (j *judge) reviewers() (func(Approval) bool, error) {
	listed := j.policy.Reviewers.Accounts
	if j.governs() && len(j.policy.Reviewers.Policy) > 0 {
		listed = j.policy.Reviewers.Policy
	}
	var own []string
	if !j.governs() && !j.delta.First && j.delta.Kind != index.KindTransfer {
		var err error
		if own, err = j.ownReviewers(); err != nil {
			return nil, err
		}
	}
	return func(a Approval) bool {
		if hasAccount(own, a.By) {
			return true
		}
		if len(listed) > 0 {
			return hasAccount(listed, a.By)
		}
		return slices.Contains([]string{"admin", "maintain", "write"}, a.Permission)
	}, nil
}

// ownReviewers are the reviewers that the package has in the base. An owners
// file that cannot be read names none.
func (j *judge) ownReviewers() ([]string, error) {
	file, err := index.OwnersPath(j.delta.Package)
	if err != nil {
		return nil, err
	}
	owners, err := readOwners(j.in.Base, file)
	if _, unreadable := errors.AsType[strictyaml.Problems](err); unreadable || err == nil && owners == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return owners.Reviewers, nil
}
