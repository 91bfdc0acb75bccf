package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/internal/terminal"
	"github.com/clydepm/clyde/publish"
)

// changeFlags are the flags of every command that changes an index.
type changeFlags struct {
	via       string
	index     string
	host      string
	autoMerge bool
	dryRun    bool
}

func (f *changeFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.via, "via", f.via, "how the change reaches the index: `WAY` is pr, push or local")
	flags.StringVar(&f.index, "index", "", "the `INDEX`: OWNER/REPO or the URL of its page (pr), a git URL (push), a bare repository's folder (local)")
	flags.StringVar(&f.host, "host", "", "what kind of host has the index, with --via pr: `KIND` is github, gitea or forgejo (default: as the URL says)")
	flags.BoolVar(&f.autoMerge, "auto-merge", false, "ask the host to merge the pull request once the index's checks have passed")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show the change and its review, and change nothing")
}

// place is an index that a change goes to.
type place struct {
	target publish.Target
	local  *publish.Local // nil when it is elsewhere
	remote address        // of an index elsewhere
	close  func() error
}

// open opens the index that the flags name. The caller closes it.
func (f *changeFlags) open(ctx context.Context, a *app) (*place, error) {
	const ways = "--via pr --index OWNER/REPO opens a pull request, --via push --index URL pushes, --via local --index PATH writes to a bare git repository on this machine"
	switch {
	case f.via == "":
		return nil, withHint(exitUsage, errors.New("--via is missing: how does the change reach the index?"), ways)
	case f.via != "local" && f.via != "push" && f.via != "pr":
		return nil, withHint(exitUsage, fmt.Errorf("--via: %q is no way to an index", f.via), ways)
	case f.index == "":
		return nil, withHint(exitUsage, errors.New("--index is missing: which index?"), ways)
	case f.via != "pr" && (f.autoMerge || f.host != ""):
		return nil, usagef("--auto-merge and --host go with --via pr")
	case f.via != "local" && a.offline:
		return nil, usagef("--offline goes with --via local")
	}
	p := &place{target: publish.Target{Now: a.Now, AutoMerge: f.autoMerge, Observe: func(s publish.Step) {
		if a.verbose {
			a.notef("%s", s)
		}
	}}}
	return p, p.open(ctx, a, f)
}

func (p *place) open(ctx context.Context, a *app, f *changeFlags) error {
	switch f.via {
	case "local":
		local, err := publish.OpenLocal(a.path(f.index))
		if err != nil {
			return err
		}
		p.local, p.target.Destination, p.target.Author, p.close = local, local, a.author(), local.Close
		return nil
	case "push":
		auth, err := a.gitAuth(ctx, f.index)
		if err != nil {
			return err
		}
		remote, err := publish.OpenRemote(f.index, auth)
		if err != nil {
			return err
		}
		p.remote.url = f.index
		p.target.Destination, p.target.Author, p.close = remote, a.author(), remote.Close
		return nil
	}
	var err error
	if p.remote, err = a.parseIndex(f.index, f.host); err != nil {
		return err
	}
	p.target.Author = a.namedAuthor()
	auth, err := a.indexAuth(ctx, p.remote.server, p.remote.kind, (*credential.Finder).Asked)
	if err != nil {
		return err
	}
	p.target.Forge, p.close, err = a.openForge(p.remote, auth)
	return err
}

// config reads the configuration of the index.
func (p *place) config(ctx context.Context) (*index.Config, error) {
	state, err := p.target.Head(ctx)
	if err != nil {
		return nil, err
	}
	return publish.ReadConfig(state.Tree)
}

// namedAuthor is who the environment names, or nobody: then the host names the
// owner of the token.
func (a *app) namedAuthor() publish.Author {
	by := publish.Author{Name: a.Getenv("GIT_AUTHOR_NAME"), Email: a.Getenv("GIT_AUTHOR_EMAIL")}
	if by.Name == "" || by.Email == "" {
		return publish.Author{}
	}
	return by
}

// author is who git would name, as far as the environment says.
func (a *app) author() publish.Author {
	by := publish.Author{Name: a.Getenv("GIT_AUTHOR_NAME"), Email: a.Getenv("GIT_AUTHOR_EMAIL")}
	if by.Name == "" {
		by.Name = "clyde"
	}
	if by.Email == "" {
		by.Email = "clyde@localhost"
	}
	return by
}

// carryOut shows a plan on a dry run and applies it otherwise. Verb is what
// happened when it was applied, undone what did not when it was not.
func (a *app) carryOut(ctx context.Context, plan *publish.Plan, dryRun bool, verb, undone string) error {
	if dryRun {
		if err := a.showPlan(plan, nil); err != nil {
			return err
		}
		return withConsequence(plan.Refused(), undone)
	}
	applied, err := plan.Apply(ctx)
	if err != nil {
		a.showFindings(plan, review.Fail)
		return withConsequence(err, undone)
	}
	a.showFindings(plan, review.Warn)
	if a.json {
		return a.printJSON(plan.View(&applied))
	}
	if plan.Done {
		a.printf("%s\n", plan.DoneText())
		return nil
	}
	if applied.Proposal != nil {
		verb = "proposed: " + verb
	}
	if len(plan.Versions) == 0 {
		a.printf("%s %s\n", verb, plan.Package)
	}
	for _, version := range plan.Versions {
		a.printf("%s %s %s\n", verb, plan.Package, version)
	}
	for _, archive := range plan.Archives {
		a.printf("  archive  %s\n  sha256   %s\n", archive.URL, archive.Summary.SHA256)
	}
	if att := plan.Signature(); att != nil {
		a.printf("  bundle   %s\n  sha256   %s\n", terminal.Escape(att.URL), att.SHA256)
	}
	a.printf("  commit   %s\n", applied.ID)
	a.showProposal(applied.Proposal)
	return nil
}

// showProposal says where the pull request is and what became of it.
func (a *app) showProposal(p *publish.Proposal) {
	if p == nil {
		return
	}
	a.printf("  branch   %s\n", p.Branch)
	switch p.Outcome {
	case publish.Pushed:
		a.printf("  open it  %s\n", terminal.Escape(p.URL))
	default:
		a.printf("  pull     %s (%s)\n", terminal.Escape(p.URL), p.Outcome)
	}
	for _, n := range p.Closed {
		a.printf("  closed   #%d, which this one replaces\n", n)
	}
	if p.Note == "" {
		return
	}
	a.warnf("%s", terminal.Escape(p.Note))
	if p.Hint != "" {
		fmt.Fprintf(a.Stderr, "  hint: %s\n", terminal.Escape(p.Hint))
	}
}

func (a *app) showPlan(plan *publish.Plan, applied *publish.Applied) error {
	if a.json {
		return a.printJSON(plan.View(applied))
	}
	return plan.Render(a.Stdout)
}

// showFindings writes the findings of one status to standard error.
func (a *app) showFindings(plan *publish.Plan, status string) {
	if plan.Report == nil {
		return
	}
	for _, f := range plan.Report.Findings {
		if f.Status != status {
			continue
		}
		where := f.Check
		if f.Where != "" {
			where += ": " + f.Where
		}
		fmt.Fprintf(a.Stderr, "%s: %s: %s\n", status, terminal.Escape(where), terminal.Escape(f.Detail))
		if f.Hint != "" {
			fmt.Fprintf(a.Stderr, "  hint: %s\n", terminal.Escape(f.Hint))
		}
	}
}

// sameFolder reports whether two paths name one folder.
func sameFolder(one, other string) bool {
	one, err := filepath.EvalSymlinks(one)
	if err != nil {
		return false
	}
	other, err = filepath.EvalSymlinks(other)
	return err == nil && one == other
}
