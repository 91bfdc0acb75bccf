package review

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/clydepm/clyde/index"
)

// The states of a finding.
const (
	Pass = "pass"
	Warn = "warn"
	Fail = "fail"
	Skip = "skip"
)

// Finding is what one check says.
type Finding struct {
	Check  string `json:"check"`            // the rule's stable ID
	Status string `json:"status"`           // Pass, Warn, Fail or Skip
	Where  string `json:"where,omitempty"`  // "he/ll/hello:3: deps[2].req"
	Detail string `json:"detail,omitempty"` // what is so
	Hint   string `json:"hint,omitempty"`   // what to do instead
}

// where is the place of a violation: file, line and field as far as known.
func where(v index.Violation) string {
	place := v.Path
	if v.Line > 0 {
		place += fmt.Sprintf(":%d", v.Line)
	}
	if v.Field != "" {
		if place != "" {
			place += ": "
		}
		place += v.Field
	}
	return place
}

// FindingOf is the finding, not yet with a status, of a violation of the format.
func FindingOf(v index.Violation) Finding {
	return Finding{Check: v.Rule, Where: where(v), Detail: v.Detail, Hint: v.Hint}
}

// sortFindings orders findings by rule, in the order of [Rules], then by place,
// so that equal trees give equal reports.
func sortFindings(findings []Finding) {
	order := map[string]int{}
	for i, rule := range Rules() {
		order[rule.ID] = i
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(order[a.Check], order[b.Check]), cmp.Compare(a.Check, b.Check),
			cmp.Compare(a.Where, b.Where), cmp.Compare(a.Detail, b.Detail))
	})
}
