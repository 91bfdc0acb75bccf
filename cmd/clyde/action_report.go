package main

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/clydepm/clyde/action"
	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/markdown"
	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/internal/strictyaml"
	"github.com/clydepm/clyde/internal/terminal"
	"github.com/clydepm/clyde/publish"
)

// reportedError is an error that the log has already, in a form that the runner
// does not take for commands.
type reportedError struct{ error }

func (e reportedError) Unwrap() error { return e.error }

// report sets the outputs, writes the summary and says what is missing.
func (r *actionRun) report() error {
	if r.unsigned && r.plan != nil && r.state != statePublished {
		r.runner.Annotate(action.Annotation{
			Level: action.LevelWarning, Title: "Not signed",
			Text: "The job has no identity to sign with, so an index that asks for signatures will refuse this version. Add to the job:\n" +
				"permissions:\n  contents: write\n  id-token: write",
		})
	}
	if missing := r.workflowRun().Missing(); r.signed() && len(missing) > 0 {
		r.runner.Annotate(action.Annotation{
			Level: action.LevelNotice, Title: "No provenance",
			Text: "The version is signed, but how it was built is not: this runner does not set " + strings.Join(missing, ", ") + ".",
		})
	}
	if r.state == stateSkipped {
		r.runner.Annotate(action.Annotation{
			Level: action.LevelNotice, Title: "Prerelease skipped",
			Text: fmt.Sprintf("%s %s is a prerelease. To publish prereleases, write prerelease: publish.", r.manifest.Name, r.manifest.Version),
		})
	}
	outputs := [][2]string{{"name", r.manifest.Name}, {"version", r.manifest.Version}, {"state", r.state}}
	outputs = append(outputs, r.planOutputs()...)
	for _, o := range outputs {
		if err := r.runner.SetOutput(o[0], o[1]); err != nil {
			return err
		}
	}
	return r.runner.AddSummary(r.summary())
}

// signed reports whether this run signed the version.
func (r *actionRun) signed() bool {
	return !r.unsigned && r.plan != nil && (r.state == stateUploaded || r.state == stateProposed)
}

func (r *actionRun) planOutputs() [][2]string {
	if r.plan == nil {
		return nil
	}
	main := r.plan.Archives[0] // the package's own comes first
	outputs := [][2]string{{"archive", main.URL}, {"sha256", main.Summary.SHA256}}
	if line := r.line(); line != "" {
		outputs = append(outputs, [2]string{"entry", line})
		if entry, err := index.ParseLine([]byte(line)); err == nil && entry.Att != nil {
			outputs = append(outputs, [2]string{"bundle", entry.Att.URL})
			if entry.Att.Provenance != nil {
				outputs = append(outputs, [2]string{"provenance", entry.Att.Provenance.URL})
			}
		}
	}
	if p := r.applied.Proposal; r.state == stateProposed && p != nil {
		outputs = append(outputs, [2]string{"pull-request", p.URL})
	}
	return outputs
}

// line is the exact line of the index.
func (r *actionRun) line() string {
	if r.plan == nil || len(r.plan.Lines) == 0 {
		return ""
	}
	return string(r.plan.Lines[0])
}

// summary is the page of the run.
func (r *actionRun) summary() string {
	var b strings.Builder
	title := map[string]string{
		stateSkipped: "was skipped", statePlanned: "would be published", stateUploaded: "is on the release",
		stateProposed: "is proposed", statePublished: "is published",
	}[r.state]
	fmt.Fprintf(&b, "### %s %s %s\n\n%s\n", markdown.Code(r.manifest.Name), markdown.Code(r.manifest.Version), title, r.next())
	if r.plan == nil {
		return b.String()
	}
	b.WriteString("\n| Archive | SHA-256 | Bytes |\n| --- | --- | --- |\n")
	for _, a := range r.plan.Archives {
		fmt.Fprintf(&b, "| %s | %s | %d |\n", markdown.Cell(a.Name), markdown.Cell(a.Summary.SHA256), a.Summary.Size)
	}
	if r.unsigned {
		b.WriteString("\n**Not signed:** the job has no `id-token: write`.\n")
	}
	if line := r.line(); line != "" {
		fmt.Fprintf(&b, "\nThe line of %s:\n\n%s", markdown.Code(r.plan.Change.Path), markdown.Block("json", line))
	}
	return b.String()
}

// next says what happens now, and what to do for it.
func (r *actionRun) next() string {
	switch r.state {
	case stateSkipped:
		return "It is a prerelease, and the input `prerelease` is `skip`. Nothing was packed or uploaded."
	case statePlanned:
		return "This was a dry run: nothing was uploaded or proposed."
	case stateUploaded:
		return "Archive and index line are on the release " + markdown.Code(r.tag) + ". " +
			"An index that knows this repository collects the line from there; to propose it yourself, give the action `index` and `index-token`."
	case statePublished:
		return "The index has this version already, with the same bytes. There was nothing to do."
	}
	p := r.applied.Proposal
	text := "The pull request " + markdown.Code(p.URL) + " proposes it to the index. Its checks run there; it is installable once it is merged."
	if p.Outcome == publish.Pushed {
		text = "The branch is written, but this token may open no pull request. Open it here: " + markdown.Code(p.URL)
	}
	if p.Note != "" {
		text += "\n\n" + markdown.Prose(p.Note) + " " + markdown.Prose(p.Hint)
	}
	return text
}

// fail annotates what is wrong, at its place where it has one, and ends the run
// with the code of the error.
func (r *actionRun) fail(err error) error {
	err = withConsequence(err, nothingPublished)
	annotations := r.annotations(err)
	for i, a := range annotations {
		if more := len(annotations) - i; i == action.AnnotationLimit-1 && more > 1 {
			r.runner.Annotate(action.Annotation{Level: action.LevelError, Title: "clyde", Text: fmt.Sprintf("and %d more, in the log", more)})
			break
		}
		r.runner.Annotate(a)
	}
	text := terminal.EscapeLines(errorText(err))
	told := r.runner.Print(func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	summary := r.runner.AddSummary("### Nothing was published\n\n" + markdown.Block("text", text))
	if errors.Is(summary, action.ErrNoRunner) {
		return err // nobody reads annotations here
	}
	return reportedError{errors.Join(err, told, summary)}
}

// annotations are what an error says, one for each place.
func (r *actionRun) annotations(err error) []action.Annotation {
	var problems strictyaml.Problems
	if errors.As(err, &problems) {
		var all []action.Annotation
		for _, p := range problems {
			all = append(all, action.Annotation{
				Level: action.LevelError, File: r.inCheckout(p.File), Line: p.Line, Column: p.Column,
				Title: p.Field, Text: withRemedy(p.Detail, p.Hint),
			})
		}
		return all
	}
	var refused *archive.RefusedError
	if errors.As(err, &refused) {
		var all []action.Annotation
		for _, f := range refused.Refusals {
			all = append(all, action.Annotation{Level: action.LevelError, File: r.inCheckout(f.Path), Title: f.Rule, Text: withRemedy(f.Detail, f.Hint)})
		}
		return all
	}
	var reviewed *publish.RefusedError
	if errors.As(err, &reviewed) {
		var all []action.Annotation
		for _, f := range reviewed.Report.Findings {
			if f.Status == review.Fail {
				all = append(all, action.Annotation{Level: action.LevelError, Title: f.Check, Text: withRemedy(f.Detail, f.Hint)})
			}
		}
		return all
	}
	var inputs inputErrors
	if errors.As(err, &inputs) {
		var all []action.Annotation
		for _, e := range inputs {
			all = append(all, action.Annotation{Level: action.LevelError, Title: "Inputs", Text: withRemedy(e.Error(), remedyOf(e))})
		}
		return all
	}
	return []action.Annotation{{Level: action.LevelError, Title: "clyde", Text: withRemedy(err.Error(), remedyOf(err))}}
}

// inCheckout is the path of a file of the package, from the top of the checkout.
func (r *actionRun) inCheckout(file string) string {
	if file == "" {
		return ""
	}
	return path.Join(r.in.folder, file)
}

func withRemedy(detail, hint string) string {
	if hint == "" {
		return detail
	}
	return detail + "\n" + hint
}
