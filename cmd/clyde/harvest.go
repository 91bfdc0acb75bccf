package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/evidence"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/harvest"
	"github.com/clydepm/clyde/internal/terminal"
	"github.com/clydepm/clyde/publish"
)

// harvestBudget is how many requests a harvest makes when nobody says: those
// that a workflow's token has in an hour, less what proposing takes.
const harvestBudget = 800

// harvestFlags are those of "clyde harvest".
type harvestFlags struct {
	index, host, state string
	requests           int
	fresh, merge       bool
}

func harvestCommand(a *app) *cobra.Command {
	var f harvestFlags
	cmd := &cobra.Command{
		Use:   "harvest --index INDEX",
		Short: "Collect what publishers left on their releases",
		Long: `Ask every repository that an index names for new releases, and propose the lines
that these carry. Who publishes needs neither a token of the index nor a fork of
it: the two lines of workflow leave all there is to collect on the release.

Repositories are named by owners/ and, for packages without a version, by
sources/. They are asked for what is new since the last time, those first that
were asked the longest ago, until --requests are made. What was asked when is in
the file --state; without it everything is asked again, and nothing is proposed
twice. One repository that fails does not stop the others.

Releases are read at GitHub, at the Gitea or Forgejo that has the index, at
codeberg.org and at gitea.com.

INDEX is OWNER/REPO, the URL of its page, or a bare repository on this machine,
to which the lines are written at once.`,
		Example: `  clyde harvest --index example/index
  clyde harvest --index /srv/index.git --state /var/lib/clyde/harvest.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.index == "" {
				return withHint(exitUsage, errors.New("--index is missing: which index?"), "give OWNER/REPO, the URL of its page, or a bare repository's folder")
			}
			if a.offline {
				return withCode(exitNetwork, errors.New("--offline: repositories cannot be asked"))
			}
			return a.harvest(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.index, "index", "", "the `INDEX`: OWNER/REPO, the URL of its page, or a bare repository's folder")
	flags.StringVar(&f.host, "host", "", "what kind of host has the index: `KIND` is github, gitea or forgejo (default: as the URL says)")
	flags.StringVar(&f.state, "state", "", "`FILE` that remembers what was asked (default: in the cache)")
	flags.IntVar(&f.requests, "requests", harvestBudget, "ask repositories with at most `N` requests")
	flags.BoolVar(&f.fresh, "fresh", false, "ask everything again, whatever the state says")
	flags.BoolVar(&f.merge, "merge", false, "merge the pull requests that may be merged at once")
	return cmd
}

func (a *app) harvest(ctx context.Context, f harvestFlags) error {
	h, done, err := a.newHarvest(ctx, f)
	if err != nil {
		return err
	}
	budget := &harvest.Budget{Left: f.requests}
	h.Open = func(repository string) (harvest.Releases, error) {
		releases, err := a.releasesOf(repository, f)
		if err != nil {
			return nil, err
		}
		return budget.Limit(releases), nil
	}
	if err := a.keepState(h, f); err != nil {
		return errors.Join(err, done())
	}
	results, err := h.Run(ctx)
	shown := a.showHarvest(results, f.requests-budget.Left)
	if err := errors.Join(err, shown, done()); err != nil {
		return err
	}
	if f.merge && h.Target.Forge != nil {
		if err := a.mergeHarvested(ctx, f, results); err != nil {
			return err
		}
	}
	return harvestExit(results)
}

// harvestExit is a failure when nothing could be asked at all.
func harvestExit(results []harvest.Result) error {
	for _, r := range results {
		if r.Outcome != harvest.Failed {
			return nil
		}
	}
	if len(results) == 0 {
		return nil
	}
	return withCode(exitNetwork, errors.New("none of the repositories could be asked"))
}

// newHarvest says where the index is read and where lines go.
func (a *app) newHarvest(ctx context.Context, f harvestFlags) (*harvest.Harvest, func() error, error) {
	h := &harvest.Harvest{Target: publish.Target{Now: a.Now}}
	if info, err := os.Stat(a.path(f.index)); err == nil && info.IsDir() && f.host == "" {
		local, err := publish.OpenLocal(a.path(f.index))
		if err != nil {
			return nil, nil, err
		}
		h.Target.Destination, h.Target.Author = local, a.author()
		h.Index = func(ctx context.Context) (fs.FS, error) {
			state, err := local.Head(ctx)
			return state.Tree, err
		}
		return h, local.Close, nil
	}
	x, err := a.parseIndex(f.index, f.host)
	if err != nil {
		return nil, nil, err
	}
	// All owners are read, so that fetching the index once is the cheapest.
	auth, err := a.indexAuth(ctx, x.server, x.kind, (*credential.Finder).Asked)
	if err != nil {
		return nil, nil, err
	}
	mirror, err := git.NewMirror(git.MirrorOptions{URL: x.server + "/" + x.repository + ".git", Depth: 1, Auth: auth})
	if err != nil {
		return nil, nil, err
	}
	h.Index = func(ctx context.Context) (fs.FS, error) {
		head, err := mirror.Update(ctx)
		if err != nil {
			return nil, err
		}
		return mirror.Repo().Tree(head)
	}
	host, done, err := a.openForge(x, auth)
	if err != nil {
		return nil, nil, errors.Join(err, mirror.Close())
	}
	h.Target.Forge, h.Target.Author = host, a.namedAuthor()
	return h, func() error { return errors.Join(mirror.Close(), done()) }, nil
}

// keepState reads the state, and says how it is written.
func (a *app) keepState(h *harvest.Harvest, f harvestFlags) error {
	file := a.path(f.state)
	if f.state == "" {
		places, err := client.PlacesOf(a.Getenv)
		if err != nil {
			return err
		}
		sum := sha256.Sum256([]byte(f.index))
		file = filepath.Join(places.Cache, "harvest", hex.EncodeToString(sum[:8])+".json")
	}
	h.State = harvest.ParseState(nil)
	data, err := os.ReadFile(file)
	switch {
	case err == nil && !f.fresh:
		h.State = harvest.ParseState(data)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	h.Save = func(s *harvest.State) error {
		data, err := s.Format()
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return writeWhole(file, func(w io.Writer) error { _, err := w.Write(data); return err })
	}
	return nil
}

// releasesOf are the releases of a repository, at the hosts that evidence is asked
// of.
func (a *app) releasesOf(repository string, f harvestFlags) (harvest.Releases, error) {
	hosts := evidence.Hosts{Known: a.knownHosts(f.index, f.host), HTTP: &http.Client{Transport: a.HTTP.Transport}, Wait: a.wait}
	origin, err := hosts.Origin(repository)
	if err != nil {
		return nil, err
	}
	releases, ok := origin.(harvest.Releases)
	if !ok {
		return nil, fmt.Errorf("%s: only releases at GitHub, Gitea and Forgejo are harvested", repository)
	}
	return releases, nil
}

// mergeHarvested merges the pull requests that were opened.
func (a *app) mergeHarvested(ctx context.Context, f harvestFlags, results []harvest.Result) error {
	g, done, err := a.judging(ctx, &reviewFlags{mergeFlags: mergeFlags{merge: true, host: f.host}, index: f.index, evidence: "auto"})
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Outcome != harvest.Proposed || err != nil {
			continue
		}
		verdicts, judgeErr := g.JudgeOne(ctx, r.Pull)
		if err = judgeErr; err != nil {
			break
		}
		merged, mergeErr := g.MergeAll(ctx, verdicts)
		err = mergeErr
		for _, m := range merged {
			a.notef("pull request %d: %s %s", m.Number, m.Outcome, terminal.Escape(m.Detail))
		}
	}
	return errors.Join(err, done())
}

// showHarvest shows what became of each line and repository, and the sums.
func (a *app) showHarvest(results []harvest.Result, requests int) error {
	if results == nil {
		results = []harvest.Result{}
	}
	if a.json {
		return a.printJSON(map[string]any{"results": results, "requests": requests})
	}
	sums := map[harvest.Outcome]int{}
	var table terminal.Table
	table.Row("REPOSITORY", "PACKAGE", "VERSION", "OUTCOME", "DETAIL")
	for _, r := range results {
		sums[r.Outcome]++
		detail := r.Detail
		if r.Pull > 0 {
			detail = strings.TrimSpace("#" + strconv.Itoa(r.Pull) + " " + detail)
		}
		table.Row(r.Repository, r.Package, r.Version, string(r.Outcome), detail)
	}
	if len(results) > 0 {
		if _, err := table.WriteTo(a.Stdout); err != nil {
			return err
		}
	}
	var parts []string
	for _, o := range []harvest.Outcome{harvest.Published, harvest.Proposed, harvest.Refused, harvest.Failed, harvest.Unchanged, harvest.Left} {
		if sums[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", sums[o], o))
		}
	}
	if len(parts) == 0 {
		parts = []string{"the index names no repository"}
	}
	a.printf("%s, with %s\n", strings.Join(parts, ", "), count(requests, "request"))
	return nil
}
