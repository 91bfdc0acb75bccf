package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/spelling"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Who approves a change that breaks no rule. As the status of a rule, Person
// asks for a look at every violation.
const (
	Automatic = "automatic" // nobody has to: the checks suffice
	Person    = "person"
)

// Off is the status of a rule that a policy has turned off.
const Off = "off"

// Whether a change may be merged on a judgement without evidence.
const (
	EvidenceRequired = "require"
	EvidenceOptional = "optional"
)

// Policy is what the keepers of an index decided, the file policy.yaml:
//
//	names:
//	  reserved: [std, core]     # names that nobody may register
//	  popular: [serde]          # names that others keep further away from
//	  similar:                  # how near a new name may be to another; see [Similarity]
//	    - {length: 7, distance: 1}
//	    - {length: 14, distance: 2}
//	  look-alikes: true         # also compare what names look like: rn and m, 0 and o
//	  scopes:                   # who may publish the first version of scope/NAME
//	    acme: [{owner: "https://github.com/acme", owner-id: 456}]
//	approval:                   # who approves what passes: automatic or person
//	  new-package: person
//	  new-version: automatic
//	  yank: automatic
//	  unyank: automatic
//	  retire: automatic
//	  unretire: automatic
//	  owners: person
//	  transfer: person
//	  register: person
//	reviewers:                  # whose approvals count, besides the package's own reviewers
//	  accounts: [ann, bob]
//	  approvals: 1              # how many of them it takes
//	  policy: [ann]             # who approves changes of the policy itself
//	  policy-approvals: 1
//	wait:                       # from when a change was proposed; for any kind under "approval"
//	  new-package: 72h
//	known:                      # whose signed new packages need neither wait nor person
//	  - {owner: "https://github.com/acme", owner-id: 456}
//	freeze:                     # nothing is merged but changes of the policy
//	  message: we are moving
//	  kinds: [new-package]      # without this: everything
//	  until: "2027-01-01T00:00:00Z"
//	rules:                      # rules that are not fixed: fail, person, warn or off
//	  license/changed: fail
//	content:                    # what of a version's content needs a person; see [ContentPolicy]
//	  size-growth: 4
//	evidence: require           # or optional: merge without having seen what a line is about
//	verify: require             # what clients demand of signatures, at least
//	freshness: 720h             # clients refuse an index whose newest commit is older
//
// Everything is optional. A change of the policy itself and of the other files
// that govern the index always needs a person.
type Policy struct {
	Names     NamePolicy
	Approval  map[string]string // by kind of change; see approvalKinds
	Reviewers ReviewerPolicy
	Wait      map[string]time.Duration // by kind of change
	Known     []Account
	Freeze    *Freeze           // nil when nothing is frozen
	Rules     map[string]string // by rule: Fail, Person, Warn or Off
	Content   ContentPolicy
	Evidence  string        // EvidenceRequired or EvidenceOptional; "" when the policy does not say
	Verify    attest.Mode   // "" when the policy does not say
	Freshness time.Duration // 0 when the index may stand still for ever
}

// ReviewerPolicy says whose approvals count.
type ReviewerPolicy struct {
	Accounts        []string // for every change but those of the policy
	Policy          []string // for changes of the policy; Accounts when empty
	Approvals       int
	PolicyApprovals int
}

// Freeze stops changes, such as during an incident.
type Freeze struct {
	Message string
	Kinds   []string  // as in approvalKinds; empty for all
	Until   time.Time // zero for as long as it stands there
}

// Bounds of freshness. A shorter one would refuse an index that nobody happens
// to publish to.
const (
	minFreshness = time.Hour
	maxFreshness = 10 * 365 * 24 * time.Hour
)

// maxWait bounds what a change can be made to wait.
const maxWait = 365 * 24 * time.Hour

// maxApprovals bounds the number of approvals that a policy can ask for.
const maxApprovals = 10

// approvalKinds are the kinds of changes that a policy tells apart, with who
// approves them without a policy.
func approvalKinds() []struct{ kind, otherwise string } {
	return []struct{ kind, otherwise string }{
		{"new-package", Person},
		{"new-version", Automatic},
		{string(index.KindYank), Automatic},
		{string(index.KindUnyank), Automatic},
		{string(index.KindRetire), Automatic},
		{string(index.KindUnretire), Automatic},
		{string(index.KindOwners), Person},
		{string(index.KindRegister), Person},
		{string(index.KindTransfer), Person},
	}
}

func kindNames() []string {
	var names []string
	for _, k := range approvalKinds() {
		names = append(names, k.kind)
	}
	return names
}

// DefaultPolicy is the policy of an index without a policy.yaml.
func DefaultPolicy() *Policy {
	p := &Policy{
		Names:     DefaultNamePolicy(),
		Approval:  map[string]string{},
		Reviewers: ReviewerPolicy{Approvals: 1, PolicyApprovals: 1},
		Wait:      map[string]time.Duration{},
		Rules:     map[string]string{},
		Content:   ContentPolicy{SizeGrowth: defaultGrowth},
	}
	for _, k := range approvalKinds() {
		p.Approval[k.kind] = k.otherwise
	}
	return p
}

// ParsePolicy reads a policy.yaml. The error is [strictyaml.Problems].
func ParsePolicy(file string, data []byte) (*Policy, error) {
	p := DefaultPolicy()
	doc := strictyaml.Parse(file, data)
	root := doc.Root().Mapping("names", "approval", "reviewers", "wait", "known", "freeze", "rules", "content", "evidence", "verify", "freshness")
	p.Names.parse(root.Get("names"))
	p.parseApproval(root.Get("approval"))
	p.Reviewers.parse(root.Get("reviewers"))
	p.parseWait(root.Get("wait"))
	p.Known = parseAccounts(root.Get("known"))
	p.parseFreeze(root.Get("freeze"))
	p.parseRules(root.Get("rules"))
	p.Content.parse(root.Get("content"))
	p.Evidence = oneOf(root.Get("evidence"), "", EvidenceRequired, EvidenceOptional)
	p.Verify = attest.Mode(oneOf(root.Get("verify"), "", attest.Modes()...))
	p.Freshness = root.Get("freshness").Duration(minFreshness, maxFreshness, 0)
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// oneOf reads a word of a few, or gives back otherwise.
func oneOf(v strictyaml.Value, otherwise string, words ...string) string {
	if !v.Present() {
		return otherwise
	}
	word := v.Text()
	if word == "" || slices.Contains(words, word) {
		return cmp.Or(word, otherwise)
	}
	list := strings.Join(words, ", ")
	v.Report(cmp.Or(didYouMean(word, words), "write one of "+list), "%q is none of %s", word, list)
	return otherwise
}

func didYouMean(word string, known []string) string {
	if near := spelling.Nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

func (p *Policy) parseApproval(v strictyaml.Value) {
	approval := v.Mapping(kindNames()...)
	for kind, otherwise := range p.Approval {
		p.Approval[kind] = oneOf(approval.Get(kind), otherwise, Automatic, Person)
	}
}

func (r *ReviewerPolicy) parse(v strictyaml.Value) {
	m := v.Mapping("accounts", "approvals", "policy", "policy-approvals")
	r.Accounts = accounts(m.Get("accounts"))
	r.Policy = accounts(m.Get("policy"))
	r.Approvals = m.Get("approvals").Int(1, maxApprovals, r.Approvals)
	r.PolicyApprovals = m.Get("policy-approvals").Int(1, maxApprovals, r.PolicyApprovals)
}

// accounts reads a list of the names of accounts. A team is none: a forge does
// not tell everyone who is in it.
func accounts(v strictyaml.Value) []string {
	var all []string
	for _, item := range v.List() {
		if all = addAccount(all, item); len(all) > 0 && strings.Contains(all[len(all)-1], "/") {
			item.Report("list the accounts of its members", "%q is a team", all[len(all)-1])
		}
	}
	return all
}

func (p *Policy) parseWait(v strictyaml.Value) {
	wait := v.Mapping(kindNames()...)
	for _, kind := range kindNames() {
		if d := wait.Get(kind).Duration(0, maxWait, 0); d > 0 {
			p.Wait[kind] = d
		}
	}
}

func (p *Policy) parseFreeze(v strictyaml.Value) {
	m := v.Mapping("message", "kinds", "until")
	if !v.Present() {
		return
	}
	p.Freeze = &Freeze{Message: oneLine(m.Require("message", "say why, and whom to ask")), Until: parseTime(m.Get("until"))}
	for _, item := range m.Get("kinds").List() {
		kind := oneOf(item, "", kindNames()...)
		if kind != "" && slices.Contains(p.Freeze.Kinds, kind) {
			item.Report("leave it out", "%q is listed already", kind)
		}
		p.Freeze.Kinds = append(p.Freeze.Kinds, kind)
	}
}

// maxLine bounds the texts that a policy or an override gives to people.
const maxLine = 500

// oneLine reads a text for people.
func oneLine(v strictyaml.Value) string {
	text := v.Text()
	if len(text) > maxLine || strings.Contains(text, "\n") {
		v.Report(fmt.Sprintf("write one line of at most %d bytes", maxLine), "the text is longer than one line")
	}
	return text
}

func (p *Policy) parseRules(v strictyaml.Value) {
	var adjustable []string
	fixed := map[string]bool{}
	for _, rule := range Rules() {
		fixed[rule.ID] = rule.Fixed
		if !rule.Fixed {
			adjustable = append(adjustable, rule.ID)
		}
	}
	for _, e := range v.Entries() {
		isFixed, known := fixed[e.Name]
		switch {
		case !known:
			e.Key.Report(cmp.Or(didYouMean(e.Name, adjustable), "the rules that can be changed are "+strings.Join(adjustable, ", ")), "there is no rule %q", e.Name)
		case isFixed:
			e.Key.Report("leave it out", "rule %q is fixed: it keeps the index intact", e.Name)
		default:
			if status := oneOf(e.Value, "", Fail, Person, Warn, Off); status != "" {
				p.Rules[e.Name] = status
			}
		}
	}
}

// status is what a violation of a rule is under this policy.
func (p *Policy) status(rule Rule) string {
	if s, ok := p.Rules[rule.ID]; ok && !rule.Fixed {
		return s
	}
	return rule.Status
}
