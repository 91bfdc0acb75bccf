package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/publish"
)

// publisherFlags name a publisher and say what it may do.
type publisherFlags struct {
	repository, key       string
	repositoryID, ownerID int64
	issuer, workflow      string
	tags, triggers, refs  []string
	runner, signer, until string
}

// registerName registers the flags that name a publisher.
func (f *publisherFlags) registerName(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.repository, "repository", "", "publisher that is a repository: `REPO` is OWNER/REPO at GitHub, or a URL")
	cmd.Flags().StringVar(&f.key, "key", "", "publisher that is a key: its `ID`, as 'clyde key show' prints it")
	cmd.MarkFlagsMutuallyExclusive("repository", "key")
}

// settingFlags are the flags of settings.
func settingFlags() []string {
	return []string{"repository-id", "owner-id", "issuer", "workflow", "tags", "triggers", "runner", "signer", "signer-refs", "until"}
}

// register registers the flags of settings, too.
func (f *publisherFlags) register(cmd *cobra.Command) {
	f.registerName(cmd)
	flags := cmd.Flags()
	flags.Int64Var(&f.repositoryID, "repository-id", 0, "`NUMBER` of the repository at its host")
	flags.Int64Var(&f.ownerID, "owner-id", 0, "`NUMBER` of the repository's owner at its host")
	flags.StringVar(&f.issuer, "issuer", "", "`URL` of who issues the workflow's identity")
	flags.StringVar(&f.workflow, "workflow", "", "the only workflow that may publish: its `PATH`, such as .github/workflows/release.yml")
	flags.StringSliceVar(&f.tags, "tags", nil, "`TAGS` of releases, such as v{version}")
	flags.StringSliceVar(&f.triggers, "triggers", nil, "`EVENTS` that may start the workflow, such as release")
	flags.StringVar(&f.runner, "runner", "", "`KIND` of runner: github-hosted or self-hosted")
	flags.StringVar(&f.signer, "signer", "", "`URL` of a reusable workflow that signs")
	flags.StringSliceVar(&f.refs, "signer-refs", nil, "`REFS` or commits of that workflow, such as refs/tags/v1")
	flags.StringVar(&f.until, "until", "", "`TIME` when the publisher's right ends, such as 2027-01-31T00:00:00Z")
}

// named reports whether a publisher is named.
func (f *publisherFlags) named() bool { return f.repository != "" || f.key != "" }

// name is the publisher that is named, without settings.
func (f *publisherFlags) name(a *app) review.Publisher {
	return review.Publisher{Repository: a.repositoryURL(f.repository), Key: f.key}
}

// repositoryURL is a repository's URL, also for OWNER/REPO.
func (a *app) repositoryURL(text string) string {
	if ownerAndName(text) {
		return a.gitHubServer() + "/" + text
	}
	return text
}

// settings are those that the flags give.
func (f *publisherFlags) settings() (review.Publisher, error) {
	p := review.Publisher{
		RepositoryID: f.repositoryID, OwnerID: f.ownerID, Issuer: f.issuer, Workflow: f.workflow,
		Tags: f.tags, Triggers: f.triggers, Runner: f.runner, Signer: f.signer, SignerRefs: f.refs,
	}
	if f.until == "" {
		return p, nil
	}
	var err error
	if p.Until, err = time.Parse(index.TimeLayout, f.until); err != nil {
		return p, withHint(exitUsage, fmt.Errorf("--until: %q is not a time", f.until), "write it in UTC, such as 2027-01-31T00:00:00Z")
	}
	return p, nil
}

func (f *publisherFlags) anySetting(given func(string) bool) bool {
	for _, name := range settingFlags() {
		if given(name) {
			return true
		}
	}
	return false
}

// set changes those settings of a publisher that were given.
func (f *publisherFlags) set(p *review.Publisher, to review.Publisher, given func(string) bool) {
	for name, assign := range map[string]func(){
		"repository-id": func() { p.RepositoryID = to.RepositoryID },
		"owner-id":      func() { p.OwnerID = to.OwnerID },
		"issuer":        func() { p.Issuer = to.Issuer },
		"workflow":      func() { p.Workflow = to.Workflow },
		"tags":          func() { p.Tags = to.Tags },
		"triggers":      func() { p.Triggers = to.Triggers },
		"runner":        func() { p.Runner = to.Runner },
		"signer":        func() { p.Signer = to.Signer },
		"signer-refs":   func() { p.SignerRefs = to.SignerRefs },
		"until":         func() { p.Until = to.Until },
	} {
		if given(name) {
			assign()
		}
	}
}

// add adds the publisher that is named, if there is one, with its settings and
// with the numbers that its host has for it.
func (f *publisherFlags) add(ctx context.Context, a *app, opts *publish.OwnersOptions) error {
	p, err := f.settings()
	if err != nil || !f.named() {
		return err
	}
	p.Repository, p.Key = a.repositoryURL(f.repository), f.key
	if err := a.identify(ctx, &p); err != nil {
		return err
	}
	opts.Add = []review.Publisher{p}
	return nil
}

// identify looks the numbers of a repository at GitHub up.
func (a *app) identify(ctx context.Context, p *review.Publisher) error {
	if p.Repository == "" || p.RepositoryID != 0 && p.OwnerID != 0 {
		return nil
	}
	server := a.gitHubServer()
	name, here := strings.CutPrefix(p.Repository, server+"/")
	if name = strings.TrimSuffix(name, ".git"); !here || !ownerAndName(name) {
		a.warnf("%s has no --repository-id and --owner-id: whoever takes its name over takes the package over", oneLine(p.Repository))
		return nil
	}
	if a.offline {
		return withHint(exitUsage, errors.New("--offline: the numbers of the repository cannot be looked up"), "give --repository-id and --owner-id")
	}
	client, err := a.gitHub(server, a.Getenv("GITHUB_TOKEN"))
	if err != nil {
		return err
	}
	found, err := client.Identify(ctx, name)
	if err != nil {
		return err
	}
	p.Repository, p.RepositoryID, p.OwnerID = found.URL, found.ID, found.OwnerID
	return nil
}
