package review

import (
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/spelling"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Who approves a change that breaks no rule.
const (
	Automatic = "automatic" // nobody has to: the checks suffice
	Person    = "person"
)

// Off is the status of a rule that a policy has turned off.
const Off = "off"

// Policy is what the keepers of an index decided, the file policy.yaml:
//
//	names:
//	  reserved: [std, core]     # names that nobody may register
//	  similar-distance: 1       # 0 to 3; 0 turns the comparison off
//	approval:                   # who approves what passes: automatic or person
//	  new-package: person
//	  new-version: automatic
//	  yank: automatic
//	  unyank: automatic
//	  retire: automatic
//	  unretire: automatic
//	  owners: person
//	  register: person
//	rules:                      # rules that are not fixed: fail, warn or off
//	  license/changed: fail
//	verify: require             # what clients demand of signatures, at least
//
// Everything is optional. A change of the policy itself and of the other files
// that govern the index always needs a person.
type Policy struct {
	Reserved        []string
	SimilarDistance int
	Approval        map[string]string // by kind of change; see approvalKinds
	Rules           map[string]string // by rule: Fail, Warn or Off
	Verify          attest.Mode       // "" when the policy does not say
}

// maxSimilarDistance bounds similar-distance: names further apart than this
// are not similar to anyone.
const maxSimilarDistance = 3

// approvalKinds are the keys of "approval", with what holds without a policy.
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
	}
}

// DefaultPolicy is the policy of an index without a policy.yaml.
func DefaultPolicy() *Policy {
	p := &Policy{SimilarDistance: 1, Approval: map[string]string{}, Rules: map[string]string{}}
	for _, k := range approvalKinds() {
		p.Approval[k.kind] = k.otherwise
	}
	return p
}

// ParsePolicy reads a policy.yaml. The error is [strictyaml.Problems].
func ParsePolicy(file string, data []byte) (*Policy, error) {
	p := DefaultPolicy()
	doc := strictyaml.Parse(file, data)
	root := doc.Root().Mapping("names", "approval", "rules", "verify")
	p.parseNames(root.Get("names"))
	p.parseApproval(root.Get("approval"))
	p.parseRules(root.Get("rules"))
	p.parseVerify(root.Get("verify"))
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Policy) parseNames(v strictyaml.Value) {
	names := v.Mapping("reserved", "similar-distance")
	p.SimilarDistance = names.Get("similar-distance").Int(0, maxSimilarDistance, p.SimilarDistance)
	for _, item := range names.Get("reserved").List() {
		name := item.Text()
		if name == "" {
			continue
		}
		if err := index.CheckLookupName(name); err != nil {
			item.Report("write a package name", "%s", err)
			continue
		}
		if p.reserves(name) {
			item.Report("leave it out", "%q is reserved already", name)
			continue
		}
		p.Reserved = append(p.Reserved, name)
	}
}

func (p *Policy) parseApproval(v strictyaml.Value) {
	var kinds []string
	for _, k := range approvalKinds() {
		kinds = append(kinds, k.kind)
	}
	approval := v.Mapping(kinds...)
	for _, kind := range kinds {
		value := approval.Get(kind)
		if !value.Present() {
			continue
		}
		switch who := value.Text(); who {
		case Automatic, Person:
			p.Approval[kind] = who
		case "":
		default:
			value.Report("write automatic or person", "%q is neither automatic nor person", who)
		}
	}
}

func (p *Policy) parseVerify(v strictyaml.Value) {
	if !v.Present() {
		return
	}
	mode := v.Text()
	if mode != "" && !slices.Contains(attest.Modes(), mode) {
		v.Report("write one of "+strings.Join(attest.Modes(), ", "), "%q says nothing about signatures", mode)
	}
	p.Verify = attest.Mode(mode)
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
			e.Key.Report(nearestHint(e.Name, adjustable), "there is no rule %q", e.Name)
			continue
		case isFixed:
			e.Key.Report("leave it out", "rule %q is fixed: it keeps the index intact", e.Name)
			continue
		}
		switch status := e.Value.Text(); status {
		case Fail, Warn, Off:
			p.Rules[e.Name] = status
		case "":
		default:
			e.Value.Report("write fail, warn or off", "%q is none of fail, warn, off", status)
		}
	}
}

func nearestHint(word string, known []string) string {
	if near := spelling.Nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "the rules that can be changed are " + strings.Join(known, ", ")
}

// reserves reports whether the name is reserved, by its folded form.
func (p *Policy) reserves(name string) bool {
	return slices.ContainsFunc(p.Reserved, func(r string) bool { return index.Fold(r) == index.Fold(name) })
}

// status is what a violation of a rule is under this policy.
func (p *Policy) status(rule Rule) string {
	if s, ok := p.Rules[rule.ID]; ok && !rule.Fixed {
		return s
	}
	return rule.Status
}
