package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/action"
	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/release"
	"github.com/clydepm/clyde/internal/strictyaml"
	"github.com/clydepm/clyde/publish"
)

// What came of a run of the action, its output "state".
const (
	stateSkipped   = "skipped"   // a prerelease, by policy
	statePlanned   = "planned"   // a dry run
	stateUploaded  = "uploaded"  // the release carries the line, for the index to collect
	stateProposed  = "proposed"  // a pull request on the index
	statePublished = "published" // the index has it already
)

// actionCommand is what action.yml runs. It is hidden: nobody types it.
func actionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    "action",
		Short:  "Publish from a workflow of GitHub Actions",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			runner := &action.Runner{Getenv: a.Getenv, Stdout: a.Stdout, HTTP: a.HTTP}
			run := &actionRun{app: a, runner: runner}
			err := run.publish(cmd.Context())
			if err == nil {
				return run.report()
			}
			return run.fail(err)
		},
	}
}

// actionRun is one run of the action, and what it knows so far.
type actionRun struct {
	*app
	runner *action.Runner

	in       actionInputs
	at       action.Context
	event    action.Release // zero for a workflow that no release started
	tag      string         // "" on a dry run without a release
	manifest *manifest.Manifest
	releases *release.Client
	release  *release.Release // nil on a dry run without a release
	carrier  *release.Carrier
	plan     *publish.Plan
	applied  publish.Applied
	unsigned bool // the job has no identity
	state    string
}

// publish does what the inputs ask for, as far as the tokens permit.
func (r *actionRun) publish(ctx context.Context) error {
	var err error
	if r.at, err = r.runner.Context(); err != nil {
		return err
	}
	if r.in, err = readInputs(r.runner); err != nil {
		return withHint(exitUsage, err, remedyOf(err))
	}
	if err := r.findTag(); err != nil {
		return err
	}
	if err := r.readManifest(); err != nil {
		return err
	}
	if r.tag != "" {
		if err := action.MatchTag(r.tag, r.manifest.Name, r.manifest.Version); err != nil {
			return r.mismatch(err)
		}
	}
	if r.isSkipped() {
		r.state = stateSkipped
		return nil
	}
	if err := r.findRelease(ctx); err != nil {
		return err
	}
	return r.carryOutPlan(ctx)
}

// findTag decides which release is published: the one that the input names, that
// of the event, or that of the tag that was pushed.
func (r *actionRun) findTag() error {
	var err error
	if r.at.Event == "release" {
		if r.event, err = r.runner.Release(); err != nil {
			return withHint(exitRefused, err, remedyOf(err))
		}
	}
	switch {
	case r.in.tag != "":
		r.tag = r.in.tag
	case r.event.Tag != "":
		r.tag = r.event.Tag
	case r.at.Tag() != "":
		r.tag = r.at.Tag()
		if err := action.CheckTag(r.tag); err != nil {
			return withHint(exitRefused, err, remedyOf(err))
		}
	case !r.in.dryRun:
		return withHint(exitUsage, fmt.Errorf("the event %s has no release", r.at.Event), "start the workflow with 'on: release', or give the input tag")
	}
	return nil
}

func (r *actionRun) readManifest() error {
	root, err := os.OpenRoot(filepath.Join(r.at.Workspace, filepath.FromSlash(r.in.folder)))
	if errors.Is(err, os.ErrNotExist) {
		return withHint(exitNotFound, fmt.Errorf("there is no %s in the checkout", path.Join(r.in.folder, manifest.Path)), "check the input manifest, and that actions/checkout ran before")
	}
	if err != nil {
		return err
	}
	defer root.Close()
	r.manifest, err = publish.ReadManifest(root)
	return err
}

// mismatch places the disagreement of tag and manifest on the version.
func (r *actionRun) mismatch(err error) error {
	return strictyaml.Problems{r.manifest.Problem("version", remedyOf(err), err.Error())}
}

// isSkipped reports whether this is a prerelease that the policy leaves out.
func (r *actionRun) isSkipped() bool {
	version, err := index.ParseVersion(r.manifest.Version)
	return r.in.prerelease == prereleaseSkip && (r.event.Prerelease || err == nil && version.Prerelease())
}

// findRelease looks the release up. A dry run needs none.
func (r *actionRun) findRelease(ctx context.Context) error {
	var err error
	r.releases, err = release.NewClient(release.Options{
		API: r.at.APIURL, Web: r.at.ServerURL, Repository: r.at.Repository,
		Token: r.in.token, HTTP: r.transport(),
	})
	if err != nil || r.tag == "" {
		return err
	}
	r.release, err = r.releases.Find(ctx, r.tag)
	if r.in.dryRun && errors.Is(err, forge.ErrNotFound) {
		return nil
	}
	return err
}

func (r *actionRun) transport() http.RoundTripper { return r.HTTP.Transport }

// carryOutPlan packs, signs, uploads and proposes, or shows what it would do.
func (r *actionRun) carryOutPlan(ctx context.Context) error {
	opts, err := r.planOptions(ctx)
	if err != nil {
		return err
	}
	end := r.runner.Group("Pack " + r.manifest.Name + " " + r.manifest.Version)
	r.plan, err = publish.NewPackagePlan(ctx, opts)
	end()
	if err != nil {
		return err
	}
	defer r.plan.Close()
	if err := r.runner.Print(func(w io.Writer) error { return r.plan.Render(w) }); err != nil {
		return err
	}
	if err := r.plan.Refused(); err != nil {
		return err
	}
	if line := r.line(); r.in.indexToken == "" && r.release != nil && line != "" {
		if err := r.carrier.Check(ctx, []byte(line)); err != nil {
			return err
		}
	}
	if r.in.dryRun {
		r.state = statePlanned
		return nil
	}
	if r.applied, err = r.plan.Apply(ctx); err != nil {
		return err
	}
	switch {
	case r.in.indexToken == "":
		r.state = stateUploaded
	case r.applied.Proposal == nil:
		r.state = statePublished
	default:
		r.state = stateProposed
	}
	if r.plan.Done {
		r.state = statePublished
	}
	return nil
}

// checkedOut returns the commit of the checkout, "" when it is none.
func (r *actionRun) checkedOut() (string, error) {
	repo, err := git.Open(r.at.Workspace)
	if errors.Is(err, git.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer repo.Close()
	return repo.Resolve("HEAD")
}
