package report

import (
	"strings"
	"unicode/utf8"

	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/internal/terminal"
)

// Context is the name of the status that [Status] is for. An index may require
// it of a commit before it is merged.
const Context = "clyde/review"

// MaxStatus is how many characters of a status hosts take.
const MaxStatus = 140

// Status is the judgement as the mark beside a commit: its state, which is
// "success" for what can be merged as it is, "pending" for what waits for a
// person or a time, and "failure" otherwise, and one line of at most
// [MaxStatus] characters.
func Status(r *review.Report) (state, description string) {
	state = "success"
	switch r.Decision {
	case review.Refuse:
		state = "failure"
	case review.NeedsPerson, review.Wait:
		state = "pending"
	}
	c := countOf(r.Findings)
	var counts []string
	if c.fail > 0 {
		counts = append(counts, counted(c.fail, "failure"))
	}
	if c.warn > 0 {
		counts = append(counts, counted(c.warn, "warning"))
	}
	text := decided(r)
	if len(counts) > 0 {
		text += " (" + strings.Join(counts, ", ") + ")"
	}
	return state, cut(text+": "+terminal.Escape(r.Change.String()), MaxStatus)
}

// cut leaves at most n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
