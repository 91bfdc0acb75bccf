package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/gate"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/gitea"
	"github.com/clydepm/clyde/internal/report"
	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/internal/terminal"
)

// mergeFlags are those of "clyde review" that judge or merge pull requests as a
// queue.
type mergeFlags struct {
	merge, queue bool
	group        string
	verdicts     string
	host         string
}

func (f *mergeFlags) register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.merge, "merge", false, "merge the pull requests that may be merged, all or the one of --pull")
	flags.BoolVar(&f.queue, "queue", false, "judge all open pull requests, each on top of those before it")
	flags.StringVar(&f.group, "group", "", "judge the commit that a host's merge queue made, --head on top of --base: `REF` is its branch, refs/heads/gh-readonly-queue/...")
	flags.StringVar(&f.verdicts, "verdicts", "", "`FILE` that --queue writes what it found out to, and --merge reads it from")
	if flags.Lookup("host") == nil {
		flags.StringVar(&f.host, "host", "", "what kind of host has the index: `KIND` is github, gitea or forgejo (default: as the URL says)")
	}
}

func (f *mergeFlags) wanted() bool { return f.merge || f.queue || f.group != "" }

// reviewQueue judges pull requests, merges them, or both.
func (a *app) reviewQueue(ctx context.Context, f *reviewFlags) error {
	switch {
	case f.group != "" && (f.merge || f.queue || f.pull > 0):
		return usagef("--group judges one commit: it goes with neither --merge, --queue nor --pull")
	case f.group != "" && (f.base == "" || f.head == ""):
		return withHint(exitUsage, errors.New("--group: which commit, and on top of which?"), "name both commits with --base and --head")
	case f.merge && f.queue:
		return usagef("--queue and --merge are two steps: give one of them, or --merge alone for both")
	case f.queue && f.verdicts == "" && !a.json:
		return withHint(exitUsage, errors.New("--queue: where do the verdicts go?"), "name a file with --verdicts")
	case !f.merge && (f.show.comment || f.show.status):
		return usagef("--queue and --group write to nothing but --verdicts: give --comment and --status to --merge")
	case f.at != "":
		return usagef("--at is for a report: what is merged is judged as at now")
	}
	g, done, err := a.judging(ctx, f)
	if err != nil {
		return err
	}
	if !f.merge {
		return errors.Join(a.judgeQueue(ctx, g, f), done())
	}
	return errors.Join(a.merge(ctx, g, f), done())
}

// merge merges, and shows what became of each pull request.
func (a *app) merge(ctx context.Context, g *gate.Gate, f *reviewFlags) error {
	results, err := a.mergeQueue(ctx, g, f)
	if err := errors.Join(err, a.showMerged(results)); err != nil {
		return err
	}
	return mergeExit(results, f.pull)
}

// judgeQueue judges, and writes the verdicts down.
func (a *app) judgeQueue(ctx context.Context, g *gate.Gate, f *reviewFlags) error {
	verdicts, err := f.judge(ctx, g)
	if err != nil {
		return err
	}
	file, pull := f.verdicts, f.pull
	if f.group != "" {
		pull = verdicts[0].Number
	}
	data, err := gate.FormatVerdicts(verdicts)
	if err != nil {
		return err
	}
	if file != "" {
		write := func(w io.Writer) error { _, err := w.Write(data); return err }
		if err := writeWhole(a.path(file), write); err != nil {
			return err
		}
	}
	if a.json {
		return errors.Join(a.printJSON(map[string]any{"verdicts": verdicts}), judgedExit(verdicts, pull))
	}
	var table terminal.Table
	table.Row("PULL", "PACKAGE", "DECISION", "DETAIL")
	for _, v := range verdicts {
		decision, detail, name := "refuse", v.Detail, ""
		switch {
		case v.Done:
			decision, detail = "close", "the index has it all already"
		case v.Report != nil:
			decision, detail, name = v.Report.Decision, report.Summary(v.Report), v.Report.Change.Package
			if failed := gate.Failures(v.Report); failed != "" {
				detail = failed
			}
		}
		table.Row(strconv.Itoa(v.Number), name, decision, detail)
	}
	if _, err := table.WriteTo(a.Stdout); err != nil {
		return err
	}
	return judgedExit(verdicts, pull)
}

// judgedExit says of the one pull request that was named whether it may be
// merged, so that a required check passes then and only then.
func judgedExit(verdicts []gate.Verdict, pull int) error {
	if pull == 0 || len(verdicts) != 1 || verdicts[0].Done {
		return nil
	}
	switch r := verdicts[0].Report; {
	case r == nil || r.Decision == review.Refuse:
		return withCode(exitFindings, fmt.Errorf("pull request %d does not pass", pull))
	case r.Decision != review.Merge:
		return withCode(exitRefused, fmt.Errorf("pull request %d passes, but may not be merged yet: %s", pull, report.Summary(r)))
	}
	return nil
}

// judge judges the commit of a merge queue, the pull request that is named, or
// all.
func (f *reviewFlags) judge(ctx context.Context, g *gate.Gate) ([]gate.Verdict, error) {
	switch {
	case f.group != "":
		number, err := gate.PullOfGroup(f.group)
		if err != nil {
			return nil, withHint(exitUsage, fmt.Errorf("--group: %w", err), "give the GITHUB_REF of the event merge_group")
		}
		v, err := g.JudgeGroup(ctx, gate.Group{Number: number, Base: f.base, Head: f.head})
		return []gate.Verdict{v}, err
	case f.pull > 0:
		return g.JudgeOne(ctx, f.pull)
	}
	return g.JudgeAll(ctx)
}

// mergeQueue merges by verdicts that another job wrote down, or by its own.
func (a *app) mergeQueue(ctx context.Context, g *gate.Gate, f *reviewFlags) ([]gate.Result, error) {
	if f.verdicts == "" && f.pull == 0 && !f.show.comment && !f.show.status {
		return g.Drain(ctx)
	}
	verdicts, err := a.readOrJudge(ctx, g, f)
	if err != nil {
		return nil, err
	}
	for _, v := range verdicts {
		if v.Report == nil || !f.show.comment && !f.show.status {
			continue
		}
		if err := a.tell(ctx, &f.show, judged{Report: v.Report, host: g.Forge, pull: v.Number, url: v.URL}); err != nil {
			return nil, err
		}
	}
	return g.MergeAll(ctx, verdicts)
}

func (a *app) readOrJudge(ctx context.Context, g *gate.Gate, f *reviewFlags) ([]gate.Verdict, error) {
	if f.verdicts == "" {
		return f.judge(ctx, g)
	}
	data, err := os.ReadFile(a.path(f.verdicts))
	if err != nil {
		return nil, err
	}
	verdicts, err := gate.ParseVerdicts(data)
	if f.pull > 0 {
		verdicts = only(verdicts, f.pull)
	}
	return verdicts, err
}

func only(verdicts []gate.Verdict, pull int) []gate.Verdict {
	var found []gate.Verdict
	for _, v := range verdicts {
		if v.Number == pull {
			found = append(found, v)
		}
	}
	return found
}

func (a *app) showMerged(results []gate.Result) error {
	if a.json {
		return a.printJSON(map[string]any{"results": results})
	}
	if len(results) == 0 {
		a.printf("nothing to merge\n")
		return nil
	}
	var table terminal.Table
	table.Row("PULL", "PACKAGE", "OUTCOME", "DETAIL")
	for _, r := range results {
		detail := r.Detail
		if r.Commit != "" {
			detail = "as " + r.Commit
		}
		table.Row(strconv.Itoa(r.Number), r.Package, string(r.Outcome), detail)
	}
	_, err := table.WriteTo(a.Stdout)
	return err
}

// mergeExit is the outcome of the one pull request that was named. Of a whole
// queue it is a failure only what a person has to set right at the host.
func mergeExit(results []gate.Result, pull int) error {
	for _, r := range results {
		text := fmt.Errorf("pull request %d: %s", r.Number, terminal.Escape(r.Detail))
		switch {
		case r.Outcome == gate.Failed:
			return withHint(exitRefused, text, r.Hint)
		case pull == 0:
		case r.Outcome == gate.Refused:
			return withCode(exitFindings, text)
		case r.Outcome == gate.Person, r.Outcome == gate.Waits:
			return withCode(exitRefused, text)
		case r.Outcome == gate.Stale:
			return withHint(exitConflict, text, "run the same again; it is judged anew")
		}
	}
	return nil
}

// judging opens the gate of the index that the flags name. Whatever judges a pull
// request at a host does it through this, so that all give the same report.
func (a *app) judging(ctx context.Context, f *reviewFlags) (*gate.Gate, func() error, error) {
	gather, err := f.gathers(a)
	if err != nil {
		return nil, nil, err
	}
	if _, err := a.judgedAt(f.at); err != nil {
		return nil, nil, err
	}
	g, done, err := a.openGate(ctx, f.index, f.host)
	if err != nil {
		return nil, nil, err
	}
	local := a.isFolder(f.index)
	g.Now = func() time.Time {
		at, _ := a.judgedAt(f.at) // that it can be read is known
		return at
	}
	g.Judge = func(ctx context.Context, in review.Input) (*review.Report, error) {
		return a.judgeWith(ctx, in, gather, local, f.host)
	}
	g.Reproduce = func(pull int, about review.Binding, at time.Time) string {
		return f.reproduce(pull, about, at, gather)
	}
	return g, done, nil
}

// openGate opens the index at a host, or in a bare repository of this machine.
func (a *app) openGate(ctx context.Context, address, kind string) (*gate.Gate, func() error, error) {
	g := &gate.Gate{Now: a.Now, Author: a.author()}
	if info, err := os.Stat(a.path(address)); err == nil && info.IsDir() && kind == "" {
		bare, err := gate.OpenBare(a.path(address))
		if err != nil {
			return nil, nil, err
		}
		g.Forge = bare
		return g, bare.Close, nil
	}
	if a.offline {
		return nil, nil, withCode(exitNetwork, errors.New("--offline: "+git.Redact(address)+" is not on this machine"))
	}
	x, err := a.parseIndex(address, kind)
	if err != nil {
		return nil, nil, err
	}
	auth, err := a.indexAuth(ctx, x.server, x.kind, (*credential.Finder).Ready)
	if err != nil {
		return nil, nil, err
	}
	host, done, err := a.openForge(x, auth)
	if err != nil {
		return nil, nil, err
	}
	if index, ok := host.(*gitea.Index); ok {
		index.FetchHistory()
	}
	g.Forge, g.Author, g.Index = host.(gate.Forge), a.namedAuthor(), address
	return g, done, nil
}
