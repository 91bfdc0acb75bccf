package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/audit"
	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/evidence"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/internal/report"
	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/internal/terminal"
)

// auditFlags are those of "clyde audit-index".
type auditFlags struct {
	source       sourceFlags
	since, seed  string
	sample, skip int
	jobs         int
	localNetwork bool
	host         string // kind of the host of the index, "" for GitHub or none
	format       string // "" is text, or JSON with --json
}

func auditIndexCommand(a *app) *cobra.Command {
	var flags auditFlags
	cmd := &cobra.Command{
		Use:   "audit-index",
		Short: "Look whether what was published is still as it was",
		Long: `Check published versions against the world again: fetch the archive, the
signature, the tag, the release and the repository of each, and compare them
with its line. An archive that was replaced, a tag that moved, a release or a
repository that is gone or belongs to someone else, and a signer who may not
sign any more are each a finding of their own. The index is never changed.

What a host does not answer now is reported and is no failure.

--since takes the versions that were published after a commit, or since a day.
--sample takes that many, chosen by a seed: the same seed gives the same order
of all versions every time, so that --skip goes on where the last run ended.
GITHUB_TOKEN is used for questions to GitHub, which permits few without.

INDEX is a repository or folder of this machine, OWNER/REPO, or the URL of the
page of an index. Publishers at a Gitea or Forgejo are asked by its API, with
GITEA_TOKEN: at codeberg.org, gitea.com, and with --host where the index is; of
a folder that is the host it was cloned from.

Exits with 9 when something happened to a version.`,
		Example: `  clyde audit-index --index registry.git --since 2026-01-01
  clyde audit-index --index https://git.example.org/acme/index --host forgejo
  clyde audit-index --sample 200 --seed weekly --skip 400 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case flags.format != "" && flags.format != "sarif":
				return usagef("--format: %q is not sarif; --json is a flag of its own", flags.format)
			case flags.sample < 0 || flags.skip < 0 || flags.jobs < 1:
				return usagef("--sample and --skip are numbers from 0, --jobs from 1")
			case flags.skip > 0 && flags.seed == "":
				return withHint(exitUsage, errors.New("--skip without --seed: go on in which order?"), "give the seed that the last run printed")
			case a.offline:
				return usagef("--offline: an audit looks at the world")
			}
			return a.auditIndex(cmd.Context(), &flags)
		},
	}
	cmd.Flags().StringVar(&flags.source.path, "index", ".", "the `INDEX`: a repository or folder, OWNER/REPO, or the URL of its page")
	cmd.Flags().StringVar(&flags.source.rev, "rev", "", "commit, branch or tag to read (default HEAD): `REV`")
	cmd.Flags().StringVar(&flags.host, "host", "", "what kind of host has the index: `KIND` is github, gitea or forgejo (default: as the URL says)")
	cmd.Flags().StringVar(&flags.since, "since", "", "only versions published after this `COMMIT` of the index, or since this DATE such as 2026-01-31")
	cmd.Flags().IntVar(&flags.sample, "sample", 0, "check this many `VERSIONS` (default: all)")
	cmd.Flags().StringVar(&flags.seed, "seed", "", "`TEXT` that decides the order of a sample (default: a new one, which is printed)")
	cmd.Flags().IntVar(&flags.skip, "skip", 0, "pass over this many `VERSIONS` of the seed's order first")
	cmd.Flags().IntVar(&flags.jobs, "jobs", 4, "how many `VERSIONS` are looked at at a time")
	cmd.Flags().StringVar(&flags.format, "format", "", "write the findings in another `FORM`: sarif, for hosts that show them beside the files")
	cmd.Flags().BoolVar(&flags.localNetwork, "local-network", false, "archives and repositories may be on hosts of the local network, as those of a private index are")
	return cmd
}

func (a *app) auditIndex(ctx context.Context, flags *auditFlags) (err error) {
	source, address, err := flags.open(ctx, a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	want, err := flags.selection(source)
	if err != nil {
		return err
	}
	lines, total, err := audit.Select(source.Tree, want)
	if err != nil {
		return err
	}
	opts, err := a.auditOptions(source, address, flags)
	if err != nil {
		return err
	}
	found, failed := audit.Run(ctx, lines, opts)
	found.Seed, found.Total = want.Seed, total
	if next := want.Skip + found.Checked; next < total {
		found.Next = next
	}
	if err := a.showAudit(found, flags.format, failed != nil); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	if found.Verdict != review.Pass {
		return withCode(exitFindings, fmt.Errorf("%s: published versions are not what they were", flags.source.path))
	}
	return nil
}

// open opens the index, and says where its host has it: "" where no host matters.
// The caller closes it.
func (f *auditFlags) open(ctx context.Context, a *app) (source *registry.Source, address string, err error) {
	path := a.path(f.source.path)
	if _, err := os.Stat(path); err != nil && (f.host != "" || ownerAndName(f.source.path) || strings.Contains(f.source.path, "://")) {
		return f.fetch(ctx, a)
	}
	if f.host != "" {
		if address = originOf(path); address == "" {
			return nil, "", withHint(exitUsage, fmt.Errorf("--host: %s was not cloned from a host", f.source.path), "give the URL of the index's page with --index")
		}
		if _, err := a.parseIndex(address, f.host); err != nil {
			return nil, "", err
		}
	}
	source, err = f.source.open(a)
	return source, address, err
}

// fetch fetches an index from its host, with its history.
func (f *auditFlags) fetch(ctx context.Context, a *app) (_ *registry.Source, address string, err error) {
	x, err := a.parseIndex(f.source.path, f.host)
	if err != nil {
		return nil, "", err
	}
	auth, err := a.indexAuth(ctx, x.server, x.kind, (*credential.Finder).Ready)
	if err != nil {
		return nil, "", err
	}
	mirror, err := git.NewMirror(git.MirrorOptions{URL: x.server + "/" + x.repository + ".git", Auth: auth})
	if err != nil {
		return nil, "", err
	}
	source, err := registry.FetchSource(ctx, mirror, f.source.rev)
	if err != nil {
		return nil, "", errors.Join(err, mirror.Close())
	}
	return source, x.server + "/" + x.repository, nil
}

// selection reads which versions are asked for.
func (f *auditFlags) selection(source *registry.Source) (audit.Selection, error) {
	want := audit.Selection{Seed: f.seed, Skip: f.skip, Sample: f.sample}
	if f.sample > 0 && f.seed == "" {
		want.Seed = strings.ToLower(rand.Text()[:8])
	}
	if f.since == "" {
		return want, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, f.since); err == nil {
			want.From = at
			return want, nil
		}
	}
	if source.Repo == nil {
		return want, usagef("--since: %q is no date, and a folder has no commits", f.since)
	}
	var err error
	want.Since, err = source.Repo.TreeAt(f.since)
	return want, err
}

// auditOptions say how the world is asked.
func (a *app) auditOptions(source *registry.Source, address string, flags *auditFlags) (audit.Options, error) {
	config, err := source.Config()
	if err != nil {
		return audit.Options{}, err
	}
	authority, err := client.ReadAuthority(source.Tree)
	if err != nil {
		return audit.Options{}, err
	}
	files := strings.HasPrefix(config.DL, "file:") // the index is of this machine
	gather := a.evidenceOptions(flags.localNetwork || files, address, flags.host)
	gather.Files = files
	gather.Origin = evidence.Remember(gather.Origin)
	opts := audit.Options{
		Jobs: flags.jobs,
		Gather: func(ctx context.Context, e *index.Entry) (*review.Evidence, func() error, error) {
			set, err := evidence.GatherPublished(ctx, gather, source.Tree, e)
			if err != nil {
				return nil, nil, err
			}
			return set.Versions[e.Vers], set.Close, nil
		},
		Verify: func(e *index.Entry, bundle []byte) error {
			signers, err := client.ReadSigners(source.Tree, e.Name)
			if err != nil {
				return err
			}
			_, err = authority.Verify(bundle, e, signers)
			return err
		},
	}
	if a.verbose {
		opts.Each = func(done, total int) { a.notef("checked %d of %d", done, total) }
	}
	return opts, nil
}

func (a *app) showAudit(r *audit.Report, format string, brokenOff bool) error {
	if format == "sarif" {
		_, err := a.Stdout.Write(report.AuditSARIF(r, version()))
		return err
	}
	if a.json {
		return a.printJSON(r)
	}
	text := fmt.Sprintf("%s: checked %d of %s", r.Verdict, r.Checked, count(r.Total, "version"))
	if r.Seed != "" {
		text += ", seed " + terminal.Escape(r.Seed)
	}
	if brokenOff {
		text += ", then broken off"
	}
	a.printf("%s\n", text)
	for _, f := range r.Findings {
		a.printf("  %s %s %s %s\n    %s: %s\n", f.Status, f.Check, terminal.Escape(f.Package), terminal.Escape(f.Version), terminal.Escape(f.Where), terminal.Escape(f.Detail))
	}
	if r.Next > 0 && r.Seed != "" {
		a.printf("go on with --seed %s --skip %d\n", terminal.Escape(r.Seed), r.Next)
	}
	return nil
}
