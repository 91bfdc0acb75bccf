package attest

import (
	"errors"
	"fmt"
	"slices"
)

// ErrRejected is the class of every failed verification (errors.Is).
var ErrRejected = errors.New("the signature is not acceptable")

// Ids of the checks, in the order in which they are made.
const (
	CheckSize          = "bundle/size"
	CheckFormat        = "bundle/format"
	CheckLog           = "signature/transparency-log"
	CheckTimestamp     = "signature/timestamp"
	CheckCertificate   = "signature/certificate"
	CheckSCT           = "signature/certificate-timestamp"
	CheckKey           = "signature/key"
	CheckSignature     = "signature/valid"
	CheckStatement     = "statement/form"
	CheckPredicateType = "statement/predicate-type"
	CheckSubjectCount  = "statement/one-subject"
	CheckSubjectName   = "statement/subject-name"
	CheckSubjectDigest = "statement/subject-digest"
	CheckPURL          = "statement/purl"
	CheckName          = "statement/name"
	CheckVersion       = "statement/version"
	CheckRegistry      = "statement/registry"
	CheckEntryDigest   = "statement/entry-digest"
	CheckKind          = "identity/kind"
	CheckSignerKey     = "identity/key"
	CheckIssuer        = "identity/issuer"
	CheckRepository    = "identity/repository"
	CheckRepositoryID  = "identity/repository-id"
	CheckOwnerID       = "identity/owner-id"
	CheckRef           = "identity/ref"
	CheckCommit        = "identity/commit"
	CheckWorkflow      = "identity/workflow"
	CheckSigner        = "identity/signer"
	CheckTrigger       = "identity/trigger"
	CheckRunner        = "identity/runner"
	CheckPeriod        = "identity/period"
)

// Checks lists the ids of all checks, in the order in which they are made.
func Checks() []string {
	return []string{
		CheckSize, CheckFormat,
		CheckLog, CheckTimestamp, CheckCertificate, CheckSCT, CheckKey, CheckSignature,
		CheckStatement, CheckPredicateType, CheckSubjectCount, CheckSubjectName, CheckSubjectDigest,
		CheckPURL, CheckName, CheckVersion, CheckRegistry, CheckEntryDigest,
		CheckKind, CheckSignerKey, CheckIssuer, CheckRepository, CheckRepositoryID, CheckOwnerID,
		CheckRef, CheckCommit, CheckWorkflow, CheckSigner, CheckTrigger, CheckRunner, CheckPeriod,
	}
}

// Status of a check.
const (
	Pass = "pass"
	Fail = "fail"
	Skip = "skip"
)

// Check is the outcome of one check.
type Check struct {
	ID     string `json:"check"`
	Status string `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// RejectedError reports the checks that failed. It matches [ErrRejected].
type RejectedError struct {
	Failed []Check
}

// Error names the first failed check and counts the others.
func (e *RejectedError) Error() string {
	first := e.Failed[0]
	text := fmt.Sprintf("%v: %s: %s", ErrRejected, first.ID, first.Detail)
	if more := len(e.Failed) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// Is reports whether target is ErrRejected.
func (e *RejectedError) Is(target error) bool { return target == ErrRejected }

// recorder collects the outcome of checks.
type recorder struct {
	checks []Check
}

func (r *recorder) check(id string, problem error) bool {
	if problem != nil {
		r.checks = append(r.checks, Check{ID: id, Status: Fail, Detail: problem.Error()})
		return false
	}
	r.checks = append(r.checks, Check{ID: id, Status: Pass})
	return true
}

func (r *recorder) skip(id, why string) {
	r.checks = append(r.checks, Check{ID: id, Status: Skip, Detail: why})
}

func (r *recorder) equal(id, what, got, want string) bool {
	switch {
	case want == "":
		return r.check(id, fmt.Errorf("%s is %q, but the index records none", what, got))
	case got != want:
		return r.check(id, fmt.Errorf("%s is %q, expected %q", what, got, want))
	}
	return r.check(id, nil)
}

// complete is the outcome of each of the checks, in their order. What was not
// made is skipped.
func (r *recorder) complete(ids []string) []Check {
	var all []Check
	for _, id := range ids {
		i := slices.IndexFunc(r.checks, func(c Check) bool { return c.ID == id })
		if i < 0 {
			all = append(all, Check{ID: id, Status: Skip, Detail: "does not apply"})
			continue
		}
		all = append(all, r.checks[i])
	}
	return all
}

func (r *recorder) failed() []Check {
	return slices.DeleteFunc(slices.Clone(r.checks), func(c Check) bool { return c.Status != Fail })
}

// err is the RejectedError of the failed checks, or nil.
func (r *recorder) err() error {
	if failed := r.failed(); len(failed) > 0 {
		return &RejectedError{Failed: failed}
	}
	return nil
}
