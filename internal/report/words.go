package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/clydepm/clyde/internal/review"
)

// RulesURL is the page that explains every check.
const RulesURL = "https://github.com/clydepm/clyde/blob/main/docs/review-rules.md"

// AuditURL is the page that explains what an audit looks for.
const AuditURL = "https://github.com/clydepm/clyde/blob/main/docs/audit.md"

// count is how many findings have which status.
type count struct{ pass, warn, fail, skip int }

func countOf(findings []review.Finding) count {
	var c count
	for _, f := range findings {
		switch f.Status {
		case review.Fail:
			c.fail++
		case review.Warn:
			c.warn++
		case review.Skip:
			c.skip++
		default:
			c.pass++
		}
	}
	return c
}

// counted is "1 failure" or "2 failures".
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// of are the findings of a status, in their order.
func of(r *review.Report, status string) []review.Finding {
	var found []review.Finding
	for _, f := range r.Findings {
		if f.Status == status {
			found = append(found, f)
		}
	}
	return found
}

// notes are the findings that passed and still have something to say.
func notes(r *review.Report) []review.Finding {
	var found []review.Finding
	for _, f := range of(r, review.Pass) {
		if f.Detail != "" {
			found = append(found, f)
		}
	}
	return found
}

// decided says what becomes of the change, in a few words.
func decided(r *review.Report) string {
	switch r.Decision {
	case review.Refuse:
		return "Refused"
	case review.NeedsPerson:
		return "Needs a person"
	case review.Wait:
		return "Waits until " + moment(r.NotBefore)
	}
	return "Passes"
}

// next says what happens now, and what to do for it.
func next(r *review.Report) string {
	switch r.Decision {
	case review.Refuse:
		n := countOf(r.Findings).fail
		if n == 1 {
			return "One check failed, so this cannot be merged. Push what repairs it to the same branch, and it is judged again."
		}
		return fmt.Sprintf("%d checks failed, so this cannot be merged. Push what repairs it to the same branch, and it is judged again.", n)
	case review.NeedsPerson:
		return "No check failed. Before it is merged, a person has to look at what is named below, and approve it."
	case review.Wait:
		return "No check failed. It can be merged from then on; until then, nothing has to be done."
	}
	return "No check failed, and the policy lets it be merged without a person."
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// size is a number of bytes for a person.
func size(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }

// grown is the difference of two sizes, such as "+12 %".
func grown(s review.Sizes) string {
	switch {
	case s.Before <= 0 || s.Before == s.After:
		return ""
	case s.After >= 10*s.Before:
		return fmt.Sprintf("%d times as large", s.After/s.Before)
	}
	percent := 100 * float64(s.After-s.Before) / float64(s.Before)
	if percent > -0.5 && percent < 0.5 {
		return "nearly the same"
	}
	return fmt.Sprintf("%+.0f %%", percent)
}

// fileCounts says how many files differ, and how.
func fileCounts(d *review.FileDiffs) string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{len(d.Added), "added"}, {len(d.Removed), "removed"}, {len(d.Changed), "changed"}, {d.More, "more"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if len(parts) == 0 {
		return "the same"
	}
	return strings.Join(parts, ", ")
}
