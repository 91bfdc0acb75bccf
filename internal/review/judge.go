package review

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Input is what a judgement depends on, and all of it.
type Input struct {
	Base fs.FS // nil is an empty index
	Head fs.FS
	Now  time.Time

	// BaseID and HeadID are the commits of the trees. A merge is bound to them;
	// "" where there is no commit, as on the laptop of a publisher.
	BaseID, HeadID string
	Index          string // address of the index, for the command that reproduces the report; may be ""

	Author    string     // account that opened the pull request, "" when unknown
	Opened    time.Time  // since when the change is proposed as it is, zero when unknown
	Approvals []Approval // of the pull request, whichever commit they are of
	// Objections are those that were neither taken back nor dismissed.
	Objections []Objection

	// Lineage is how the head commit follows the base commit. Nil means that
	// nobody looked: then only the trees are compared.
	Lineage *Lineage

	// Evidence is what was gathered about each added version. Nil means that
	// nobody gathered any: what rests on it is skipped then, and the report
	// says that the change is not to be merged on it.
	Evidence map[string]*Evidence
}

// Approval is one person's approval of one commit.
type Approval struct {
	By         string // account
	Commit     string // that the person looked at
	At         time.Time
	Permission string // in the index's repository: "admin", "write", "read"
}

// Objection is one person's wish that a change be changed. It is about the
// pull request, whichever commit the person looked at.
type Objection struct {
	By         string // account
	At         time.Time
	Permission string // as of an Approval
}

// The decisions about a change.
const (
	Merge       = "merge"  // nothing and nobody has to be waited for
	NeedsPerson = "person" // a person has to look at what Report.People says
	Wait        = "wait"   // until Report.NotBefore
	Refuse      = "refuse" // a check failed
)

// Report is the judgement of a change.
type Report struct {
	Verdict   string      `json:"verdict"`             // Pass or Fail
	Decision  string      `json:"decision"`            // Merge, NeedsPerson, Wait or Refuse
	Approval  string      `json:"approval"`            // of a change that passes: Automatic or Person
	NotBefore time.Time   `json:"notBefore,omitzero"`  // while a wait is not over; zero when its end is not known
	People    []Need      `json:"people,omitempty"`    // what a person has to look at
	Needed    int         `json:"needed,omitempty"`    // approvals that this takes
	Approved  []string    `json:"approved,omitempty"`  // accounts whose approvals count
	Uncounted []Uncounted `json:"uncounted,omitempty"` // approvals that do not
	Objected  []string    `json:"objected,omitempty"`  // reviewers who ask for changes
	Change    Change      `json:"change"`
	Binding   Binding     `json:"binding,omitzero"`
	Signers   []Signer    `json:"signers,omitempty"` // of the added versions, in their order
	Diffs     []Diff      `json:"diffs,omitempty"`   // of each added version to the one before it
	Findings  []Finding   `json:"findings"`
	Reproduce string      `json:"reproduce,omitempty"` // the command that gives this report again
}

// Need is a reason why a person has to look at a change.
type Need struct {
	Check string `json:"check"` // rule, or the policy's key such as "approval.owners"
	Why   string `json:"why"`
}

// Binding is what a judgement is about. A merge compares all three and fails
// when one of them is another by then.
type Binding struct {
	Base   string `json:"base,omitempty"`   // commit
	Head   string `json:"head,omitempty"`   // commit
	Policy string `json:"policy,omitempty"` // digest of what the base decides by; see [PolicyDigest]
}

// Change says what the change is about. It is empty when the change is none of
// those that an index allows.
type Change struct {
	Kind     string   `json:"kind,omitempty"` // as [index.Kind]
	Package  string   `json:"package,omitempty"`
	First    bool     `json:"first,omitempty"`    // the package is new
	Versions []string `json:"versions,omitempty"` // added, or with a changed status
	Files    []string `json:"files,omitempty"`    // of a change of the policy
}

// Judge reports whether head may follow base. The error is that of a tree that
// could not be read for a reason that lies with this machine, such as a failing
// disk; everything that lies with the change is in the report.
func Judge(in Input) (*Report, error) {
	j := &judge{in: in, policy: DefaultPolicy(), said: map[string]bool{}, skipped: map[string]string{}}
	if err := j.run(); err != nil {
		return nil, err
	}
	r := j.report()
	r.Signers, r.Diffs = j.signers, j.diffs
	r.Binding = Binding{Base: in.BaseID, Head: in.HeadID, Policy: j.digest}
	if err := j.decide(r); err != nil {
		return nil, err
	}
	return r, nil
}

type judge struct {
	in        Input
	policy    *Policy
	overrides []*Override
	delta     index.Delta
	findings  []Finding
	needs     []Need          // that come from findings
	said      map[string]bool // rules that have a finding
	digest    string          // of the policy and all that belongs to it
	signers   []Signer
	diffs     []Diff
	skipped   map[string]string // rules about evidence that do not apply, and why

	configured *index.Config   // see config
	profile    *attest.Profile // see authorities
	noProfile  bool
	// registered: the package is new, and comes as the base has it registered
	registered bool
}

func (j *judge) run() error {
	if err := j.readPolicy(); err != nil {
		return err
	}
	j.lineage()
	changes, err := index.Changes(j.in.Base, j.in.Head)
	if err != nil {
		return j.unreadable(err)
	}
	delta, violations := index.Classify(changes)
	if len(violations) > 0 {
		for _, v := range violations {
			j.add(v.Rule, where(v), v.Hint, "%s", v.Detail)
		}
		return nil
	}
	j.delta = delta
	switch delta.Kind {
	case index.KindPublish:
		err = j.publish()
	case index.KindYank, index.KindUnyank, index.KindRetire, index.KindUnretire:
		j.status()
	case index.KindOwners, index.KindTransfer:
		err = j.owners(delta.Owners)
	case index.KindRegister:
		err = j.register()
	case index.KindSquash:
		err = j.squash()
	case index.KindPolicy:
		j.policyFiles()
	default:
		j.add("delta/path", "", "", "this program does not know changes of kind %q", delta.Kind)
	}
	j.frozen()
	j.expiredOverrides()
	if err != nil {
		return j.unreadable(err)
	}
	return nil
}

// unreadable turns what is wrong with a tree into a finding and gives other
// errors back.
func (j *judge) unreadable(err error) error {
	var tooLarge *index.TooLargeError
	if errors.As(err, &tooLarge) || errors.Is(err, fs.ErrInvalid) {
		j.add("tree/readable", "", "", "%s", err)
		return nil
	}
	return err
}

func (j *judge) readPolicy() error {
	var err error
	if j.digest, err = PolicyDigest(j.in.Base); err != nil {
		return j.unreadable(err)
	}
	if j.in.Base == nil {
		return nil
	}
	j.overrides, err = readOverrides(j.in.Base)
	if err := j.wrongBase(err); err != nil {
		return err
	}
	data, err := fs.ReadFile(j.in.Base, index.PolicyPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return j.unreadable(err)
	}
	policy, err := ParsePolicy(index.PolicyPath, data)
	if err != nil {
		return j.wrongBase(err)
	}
	j.policy = policy
	return nil
}

// wrongBase turns what is wrong with the files that the base decides by into a
// finding and gives other errors back.
func (j *judge) wrongBase(err error) error {
	problems, wrong := errors.AsType[strictyaml.Problems](err)
	if !wrong {
		return j.unreadable(err)
	}
	j.add("policy/base", problems[0].File, "repair the file first, in a change of the policy", "%s", firstLine(problems))
	return nil
}

// firstLine is the first of an error's lines and how many follow it.
func firstLine(err error) string {
	first, rest, more := strings.Cut(strings.TrimRight(err.Error(), "\n"), "\n")
	if more {
		first += fmt.Sprintf(" (and %d more)", strings.Count(rest, "\n")+1)
	}
	return first
}

// rule finds a rule by its ID. A rule that the table does not have, which the
// tests exclude, is fixed: it fails.
func rule(id string) Rule {
	for _, r := range Rules() {
		if r.ID == id {
			return r
		}
	}
	return Rule{ID: id, Status: Fail, Fixed: true}
}

// add reports a violation of a rule, with the status that the policy gives it.
// One that an override permits is only told, with who answers for it.
func (j *judge) add(id, where, hint, format string, args ...any) {
	f := Finding{Check: id, Status: j.policy.status(rule(id)), Where: where, Detail: fmt.Sprintf(format, args...), Hint: hint}
	if f.Status == Off {
		return
	}
	if o := j.overriddenBy(id); o != nil && f.Status != Pass {
		f.Status, f.Hint = Pass, ""
		f.Detail += fmt.Sprintf("; permitted by %s until %s: %s (%s)", o.File, o.Expires.Format(index.TimeLayout), o.Reason, o.By)
	}
	if f.Status == Person {
		f.Status = Warn
		j.needs = append(j.needs, Need{Check: id, Why: f.Detail})
	}
	j.said[id] = true
	j.findings = append(j.findings, f)
}

// report completes the findings with those of the rules that say nothing.
func (j *judge) report() *Report {
	r := &Report{Verdict: Pass, Approval: j.approval(), Change: j.change()}
	for _, f := range j.findings {
		if f.Status == Fail {
			r.Verdict = Fail
		}
	}
	for _, rule := range Rules() {
		if j.said[rule.ID] {
			continue
		}
		f := Finding{Check: rule.ID, Status: Pass}
		switch {
		case j.policy.status(rule) == Off:
			f.Status, f.Detail = Skip, "turned off by the policy"
		case !j.applies(rule):
			f.Status, f.Detail = Skip, j.whySkipped(rule.ID)
		}
		j.findings = append(j.findings, f)
	}
	sortFindings(j.findings)
	r.Findings = j.findings
	return r
}

// applies reports whether a rule had anything to check. The rules that need a
// classified change have not, when there is none.
func (j *judge) applies(rule Rule) bool {
	group, _, _ := strings.Cut(rule.ID, "/")
	kind := j.delta.Kind
	publish := kind == index.KindPublish
	switch group {
	case "policy":
		return rule.ID != "policy/valid" || kind == index.KindPolicy
	case "tree", "delta":
		return true
	case "name", "sources":
		return publish && j.delta.First || kind == index.KindRegister
	case "line", "version", "dependency", "license", "attestation":
		return publish
	case "evidence", "content", "bundle", "signature", "statement", "identity", "provenance":
		return j.appliesEvidence(rule.ID)
	case "time":
		return j.appliesTime(rule.ID)
	case "owners":
		if rule.ID == "owners/source" {
			return publish
		}
		return j.delta.Owners != nil
	case "history":
		return j.in.Lineage != nil
	case "squash":
		return kind == index.KindSquash && (rule.ID != "squash/root" || j.in.Lineage != nil)
	case "config":
		return kind == index.KindPolicy || kind == index.KindSquash
	case "trust":
		return kind == index.KindPolicy
	}
	return true
}

// appliesTime is applies for the rules about times: a retirement has one of its
// own, which is compared with nothing before it.
func (j *judge) appliesTime(id string) bool {
	return j.delta.Kind == index.KindPublish || j.delta.Kind == index.KindRetire && id != "time/order"
}

func (j *judge) whySkipped(id string) string {
	if why := j.whyNoEvidence(id); why != "" {
		return why
	}
	if family, _, _ := strings.Cut(id, "/"); family == "history" || id == "squash/root" && j.delta.Kind == index.KindSquash {
		return "nobody looked at the commits"
	}
	if j.delta.Kind == "" {
		return "the change is none of those that an index allows"
	}
	return fmt.Sprintf("not for a change of kind %s", j.describeKind())
}

func (j *judge) describeKind() string {
	if j.delta.Kind != index.KindPublish {
		return string(j.delta.Kind)
	}
	if j.delta.First {
		return "publish (new package)"
	}
	return "publish (new version)"
}

func (j *judge) change() Change {
	c := Change{Kind: string(j.delta.Kind), Package: j.delta.Package, First: j.delta.First}
	for _, e := range j.delta.Added {
		c.Versions = append(c.Versions, e.Vers)
	}
	for _, s := range j.delta.Changed {
		c.Versions = append(c.Versions, s.Version)
	}
	for _, f := range j.delta.Policy {
		c.Files = append(c.Files, f.Path)
	}
	return c
}

// policyFiles checks the files that govern the index.
func (j *judge) policyFiles() {
	if slices.ContainsFunc(j.delta.Policy, func(c index.FileChange) bool { return strings.HasPrefix(c.Path, trustFolder+"/") }) {
		j.trust()
	}
	for _, change := range j.delta.Policy {
		switch {
		case change.After == nil:
		case index.IsOverridePath(change.Path):
			j.override(change)
		case change.Path == index.PolicyPath:
			if _, err := ParsePolicy(index.PolicyPath, change.After.Data); err != nil {
				j.add("policy/valid", change.Path, "", "%s", firstLine(err))
			}
		}
	}
}

// trustFolder holds the authorities that a registry trusts of its own.
const trustFolder = "trust"

// trust reads the trust folder as a client will.
func (j *judge) trust() {
	folder, err := fs.Sub(j.in.Head, trustFolder)
	if err == nil {
		_, err = attest.FromTrust(trustFolder, folder)
	}
	// Without any, clients trust the public-good Sigstore.
	if err != nil && !errors.Is(err, attest.ErrNoTrust) {
		j.add("trust/valid", trustFolder, "", "%s", firstLine(err))
		return
	}
	if _, err := attest.ReadIndexKeys(folder); err != nil {
		j.add("trust/valid", trustFolder, "", "%s", firstLine(err))
	}
}

// status checks versions that were yanked, retired or taken back.
func (j *judge) status() {
	for _, s := range j.delta.Changed {
		if s.After.Retired != nil {
			j.notFuture(s.After, "retired.since", s.After.Retired.Since)
		}
	}
}

// owners checks an owners file, which may come with the package itself.
func (j *judge) owners(change *index.FileChange) error {
	if change == nil || change.After == nil {
		return nil
	}
	if _, err := ParseOwners(change.Path, change.After.Data); err != nil {
		j.add("owners/valid", change.Path, "", "%s", firstLine(err))
	}
	name, _ := index.OwnersOf(change.Path)
	file, err := index.Path(name)
	if err != nil {
		return err
	}
	_, err = fs.Stat(j.in.Head, file)
	if errors.Is(err, fs.ErrNotExist) {
		j.add("owners/package", change.Path, "publish the package first", "there is no package %s", name)
		return nil
	}
	return err
}
