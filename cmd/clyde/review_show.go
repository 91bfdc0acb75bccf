package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/clydepm/clyde/action"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/report"
	"github.com/clydepm/clyde/internal/review"
)

// showFlags say where a report goes, and in which form.
type showFlags struct {
	format, output            string
	comment, status, annotate bool
}

func (f *showFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.format, "format", "text", "`FORM` of the report: text, markdown, json or sarif")
	flags.StringVar(&f.output, "output", "", "`FILE` that the report is written to, in place of standard output")
	flags.BoolVar(&f.comment, "comment", false, "show the report in a comment on the pull request; there is one, which is edited")
	flags.BoolVar(&f.status, "status", false, "set the status "+report.Context+" of the commit that was judged")
	flags.BoolVar(&f.annotate, "annotate", false, "in a workflow: show the report on the page of the run, and the findings at their places")
}

// check refuses what does not go together, before anything is done.
func (f *showFlags) check(a *app, pull int) error {
	if a.json && f.format == "text" {
		f.format = "json"
	}
	switch f.format {
	case "text", "markdown", "json", "sarif":
	default:
		return withHint(exitUsage, fmt.Errorf("--format: %q is no form of a report", f.format), "choose text, markdown, json or sarif")
	}
	switch {
	case a.json && f.format != "json":
		return usagef("--json does not go with --format %s", f.format)
	case (f.comment || f.status) && pull <= 0:
		return withHint(exitUsage, fmt.Errorf("--comment and --status need a pull request"), "name it with --pull NUMBER")
	case f.annotate && a.Getenv("GITHUB_ACTIONS") != "true":
		return withHint(exitUsage, fmt.Errorf("--annotate: this is no step of a workflow"), "use --format text on your own machine")
	}
	return nil
}

// conversation is a host on which a pull request can be commented, and a commit
// marked. Comment puts the text in place of what this token said under the same
// first line before, unless that is as good.
type conversation interface {
	Comment(ctx context.Context, number int, text string, asGood func(said string) bool) error
	SetStatus(ctx context.Context, s forge.Status) error
}

// show writes the report everywhere it belongs. The error is that of a change
// that does not pass.
func (a *app) show(ctx context.Context, f *showFlags, j judged) error {
	write := func(w io.Writer) error { return writeReport(w, f.format, j) }
	var err error
	if f.output != "" {
		err = writeWhole(a.path(f.output), write)
	} else {
		err = write(a.Stdout)
	}
	if err == nil && f.annotate {
		err = a.annotate(j)
	}
	if err == nil && (f.comment || f.status) {
		err = a.tell(ctx, f, j)
	}
	if err != nil {
		return err
	}
	if j.Verdict != review.Pass {
		return withCode(exitFindings, fmt.Errorf("%s does not pass", j.what))
	}
	return nil
}

func writeReport(w io.Writer, format string, j judged) error {
	var data []byte
	switch format {
	case "markdown":
		data = []byte(report.Markdown(j.Report))
	case "json":
		data = j.JSON()
	case "sarif":
		data = report.SARIF(j.Report, j.tree, version())
	default:
		return report.WriteText(w, j.Report)
	}
	_, err := w.Write(data)
	return err
}

// tell comments on the pull request and marks the commit.
func (a *app) tell(ctx context.Context, f *showFlags, j judged) error {
	host, ok := j.host.(conversation)
	if !ok {
		return usagef("--comment and --status need an index at a host; a repository without one has no pull requests to comment on")
	}
	if f.comment {
		text := report.Markdown(j.Report)
		if err := host.Comment(ctx, j.pull, text, func(said string) bool { return report.Same(said, text) }); err != nil {
			return err
		}
	}
	if !f.status {
		return nil
	}
	state, description := report.Status(j.Report)
	return host.SetStatus(ctx, forge.Status{Commit: j.Binding.Head, Context: report.Context, State: state, Description: description, URL: a.pageOf(j)})
}

// pageOf is where more is to be read: the page of the run, or the pull request.
func (a *app) pageOf(j judged) string {
	if a.Getenv("GITHUB_ACTIONS") == "true" {
		if run, err := (&action.Runner{Getenv: a.Getenv}).Context(); err == nil {
			return run.RunURL()
		}
	}
	return j.url
}

// annotate shows the report on the page of the run, and what failed or warned at
// its place. The runner reads its commands from standard error too, which leaves
// standard output to the report.
func (a *app) annotate(j judged) error {
	runner := &action.Runner{Getenv: a.Getenv, Stdout: a.Stderr, HTTP: a.HTTP}
	for _, level := range []struct {
		status string
		level  action.Level
	}{{review.Fail, action.LevelError}, {review.Warn, action.LevelWarning}} {
		shown := 0
		for _, f := range j.Findings {
			if f.Status != level.status {
				continue
			}
			if shown++; shown > action.AnnotationLimit {
				break // the page of the run has them all
			}
			at := report.PlaceOf(f, j.tree)
			runner.Annotate(action.Annotation{Level: level.level, File: at.File, Line: at.Line, Title: f.Check, Text: withRemedy(f.Detail, f.Hint)})
		}
	}
	return runner.AddSummary(report.Markdown(j.Report))
}
