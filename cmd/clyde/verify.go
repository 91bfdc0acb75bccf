package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/terminal"
)

// maxManifestRead bounds the manifest that is read out of an archive.
const maxManifestRead = 1 << 20

func verifyCommand(a *app) *cobra.Command {
	var index, registry, bundle string
	cmd := &cobra.Command{
		Use:   "verify [ARCHIVE|PACKAGE[@VERSION]]",
		Short: "Check what is installed, or who built a package from what",
		Long: `Without an argument, compare what is installed in this project with the ledger
and the lock: every file is read, and what is changed, missing or extra is listed.
So is a lock that was made from another history of a registry than the one that
is known here. The exit code is 5 then. 'clyde ci' repairs what is installed.

With one, verify the signature of a package and show who signed it, from which commit
and by which workflow it was built, when, trusted by whom, and every check that was
made.

Who may sign is what the owners file in the registry says, never what the
signature says. For a package, line, archive and signature are looked up in the
registry; for an archive, the package is the one of the manifest in it. The exit
code is 5 when the signature is not acceptable, or when there is none.`,
		Example: `  clyde verify
  clyde verify hello
  clyde verify hello@1.2.3 --registry libs --json
  clyde verify hello-1.2.3.tar.gz --index ../registry.git`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				if index+registry+bundle != "" {
					return usagef("--index, --registry and --bundle are about a package: name one")
				}
				return a.verifyTree(cmd)
			}
			if a.environment != "" {
				return usagef("--env is about what is installed: name no package with it")
			}
			config, registries, err := a.openRegistries()
			if err != nil {
				return err
			}
			defer registries.Close()
			target, err := a.verifyTarget(args[0])
			if err != nil {
				return err
			}
			r, done, err := a.verifySource(cmd.Context(), config, registries, target.name, index, registry)
			if err != nil {
				return err
			}
			defer done()
			progress := newProgress(a)
			defer progress.stop()
			x := client.Examiner{
				Downloader: &client.Downloader{HTTP: config.HTTP(a.HTTP), Wait: a.Wait, Offline: config.Offline, Jobs: 1, Timeout: config.Timeout, Mirrors: config.Mirrors, Report: progress},
				Store:      client.OpenStore(config.Store), Digest: target.digest,
			}
			if bundle != "" {
				if x.Given, err = a.readBundle(bundle); err != nil {
					return err
				}
			}
			e, err := x.Examine(cmd.Context(), r, target.name, target.version)
			if err != nil {
				return err
			}
			progress.stop()
			return a.showExamination(e)
		},
	}
	a.addEnvironment(cmd)
	cmd.Flags().StringVar(&index, "index", "", "look in the index at `PATH`, configured or not")
	cmd.Flags().StringVar(&registry, "registry", "", "look in the registry called `NAME`, or its URL")
	cmd.Flags().StringVar(&bundle, "bundle", "", "verify the signature in `FILE` in place of the one that the registry names")
	cmd.MarkFlagsMutuallyExclusive("index", "registry")
	return cmd
}

// verifyTarget is what is to be verified.
type verifyTarget struct{ name, version, digest string }

// verifyTarget takes what is a file for an archive, and all else for a package.
func (a *app) verifyTarget(arg string) (verifyTarget, error) {
	info, err := os.Stat(a.path(arg))
	if err == nil && info.Mode().IsRegular() {
		return a.readArchiveTarget(arg)
	}
	if strings.HasSuffix(arg, ".tar.gz") {
		return verifyTarget{}, withHint(exitNotFound, fmt.Errorf("there is no archive %s", arg), "give the path of an archive that 'clyde pack' made, or the NAME of a package")
	}
	name, version, _ := strings.Cut(arg, "@")
	return verifyTarget{name: name, version: version}, nil
}

// readArchiveTarget reads an archive: its digest, and the manifest in it.
func (a *app) readArchiveTarget(arg string) (verifyTarget, error) {
	f, err := os.Open(a.path(arg))
	if err != nil {
		return verifyTarget{}, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return verifyTarget{}, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return verifyTarget{}, err
	}
	text, err := archive.ReadMember(f, manifest.Path, maxManifestRead)
	if err != nil {
		return verifyTarget{}, withCode(exitIntegrity, fmt.Errorf("%s: which package is it? %w", arg, err))
	}
	m, err := manifest.Parse(manifest.Path, text)
	if err != nil {
		return verifyTarget{}, err
	}
	if err := m.CheckPublishable(); err != nil {
		return verifyTarget{}, err
	}
	return verifyTarget{name: m.Name, version: m.Version, digest: hex.EncodeToString(sum.Sum(nil))}, nil
}

// verifySource opens the index that the flags name, or chooses the configured
// registry that has the package.
func (a *app) verifySource(ctx context.Context, config *client.Config, registries *client.Registries, name, index, registry string) (client.Registry, func() error, error) {
	if index == "" {
		r, err := registries.Locate(ctx, name, registry, "")
		return r, func() error { return nil }, err
	}
	r, err := client.OpenRegistry(config, client.RegistryConfig{Name: "index", URL: a.path(index)}, a.access())
	if err != nil {
		return nil, nil, err
	}
	if _, err := r.Update(ctx, client.UpdateOptions{}); err != nil {
		return nil, nil, errors.Join(err, r.Close())
	}
	return r, r.Close, nil
}

// readBundle reads a file of at most the size of a bundle and one byte, which
// is what verification refuses.
func (a *app) readBundle(name string) ([]byte, error) {
	f, err := os.Open(a.path(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, withCode(exitNotFound, fmt.Errorf("there is no file %s", name))
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, attest.MaxBundleSize+1))
}

// verifyView is an examination as data.
type verifyView struct {
	Name       string         `json:"name"`
	Version    string         `json:"version"`
	Registry   string         `json:"registry"`
	Index      string         `json:"index"`
	IndexAt    string         `json:"index_commit,omitempty"`
	SHA256     string         `json:"sha256"`
	Acceptable bool           `json:"acceptable"`
	Installs   bool           `json:"installs"`
	Demanded   string         `json:"demanded"`
	Reason     string         `json:"reason,omitempty"`
	Profile    string         `json:"profile,omitempty"`
	Signer     string         `json:"signer,omitempty"`
	SignedAt   string         `json:"signed_at,omitempty"`
	Repository string         `json:"repository,omitempty"`
	Commit     string         `json:"commit,omitempty"`
	Ref        string         `json:"ref,omitempty"`
	Workflow   string         `json:"workflow,omitempty"`
	Trigger    string         `json:"trigger,omitempty"`
	Runner     string         `json:"runner,omitempty"`
	Run        string         `json:"run,omitempty"`
	Bundle     string         `json:"bundle,omitempty"`
	Archive    string         `json:"archive,omitempty"`
	Checks     []attest.Check `json:"checks,omitempty"`

	Provenance *provenanceView `json:"provenance,omitempty"`
}

// provenanceView is what is known about how a version was built, as data.
type provenanceView struct {
	Acceptable bool           `json:"acceptable"`
	Reason     string         `json:"reason,omitempty"`
	Builder    string         `json:"builder,omitempty"`
	BuildType  string         `json:"build_type,omitempty"`
	Source     string         `json:"source,omitempty"`
	Commit     string         `json:"commit,omitempty"`
	Invocation string         `json:"invocation,omitempty"`
	Bundle     string         `json:"bundle"`
	Checks     []attest.Check `json:"checks,omitempty"`
}

func newProvenanceView(p *client.Provenance) *provenanceView {
	if p == nil {
		return nil
	}
	v := &provenanceView{Acceptable: p.Reason == nil, Bundle: p.Bundle}
	if p.Reason != nil {
		v.Reason = p.Reason.Error()
	}
	if p.Verified != nil {
		v.Checks = p.Verified.Checks
	}
	if s := p.Says; s != nil {
		v.Builder, v.BuildType, v.Source, v.Commit, v.Invocation = s.Builder, s.BuildType, s.Source, s.Commit, s.Invocation
	}
	return v
}

func newVerifyView(e *client.Examination) verifyView {
	v := verifyView{
		Name: e.Entry.Name, Version: e.Entry.Vers, Registry: e.Authority.Registry, Index: e.Registry.URL, IndexAt: e.Commit,
		SHA256: e.Entry.Cksum, Acceptable: e.Reason == nil, Installs: e.Installs, Demanded: string(e.Mode),
		Bundle: e.Bundle, Archive: e.Archive,
	}
	if e.Reason != nil {
		v.Reason = e.Reason.Error()
	}
	v.Provenance = newProvenanceView(e.Provenance)
	s := e.Verified
	if s == nil {
		return v
	}
	v.Profile, v.Signer, v.Checks = s.Profile, s.Signer(), s.Checks
	if !s.SignedAt.IsZero() {
		v.SignedAt = s.SignedAt.Format(time.RFC3339)
	}
	if c := s.Certificate; c != nil {
		v.Repository, v.Commit, v.Ref, v.Workflow = c.SourceRepositoryURI, c.SourceRepositoryDigest, c.SourceRepositoryRef, c.BuildConfigURI
		v.Trigger, v.Runner, v.Run = c.BuildTrigger, c.RunnerEnvironment, c.RunInvocationURI
	}
	return v
}

// showExamination prints everything and returns the reason, if there is one, as
// the error of the run.
func (a *app) showExamination(e *client.Examination) error {
	view := newVerifyView(e)
	if a.json {
		if err := a.printJSON(view); err != nil {
			return err
		}
		return a.notAcceptable(e)
	}
	a.printf("%s %s\n", terminal.Escape(view.Name), terminal.Escape(view.Version))
	if err := a.showFacts([]fact{
		{"sha256", view.SHA256},
		{"archive", view.Archive},
		{"registry", strings.TrimSpace(view.Registry + " " + view.Index)},
		{"index at", view.IndexAt},
		{"signature", view.Bundle},
		{"signed by", view.Signer},
		{"signed at", view.SignedAt},
		{"trusted by", view.Profile},
		{"built from", view.Repository},
		{"commit", view.Commit},
		{"ref", view.Ref},
		{"workflow", view.Workflow},
		{"started by", view.Trigger},
		{"on", view.Runner},
		{"run", view.Run},
	}); err != nil {
		return err
	}
	if err := a.showChecks("checks", view.Checks); err != nil {
		return err
	}
	if err := a.showProvenance(view.Provenance); err != nil {
		return err
	}
	if e.Reason == nil {
		a.printf("\nacceptable: signed by whom the registry names, for exactly this\n")
	}
	return a.notAcceptable(e)
}

// fact is something known, under its name; "" is not shown.
type fact struct{ name, value string }

func (a *app) showFacts(facts []fact) error {
	var table terminal.Table
	for _, f := range facts {
		if f.value != "" {
			table.Row("  "+f.name, oneLine(f.value))
		}
	}
	_, err := table.WriteTo(a.Stdout)
	return err
}

func (a *app) showChecks(title string, checks []attest.Check) error {
	if len(checks) == 0 {
		return nil
	}
	a.printf("\n%s\n", title)
	var table terminal.Table
	for _, c := range checks {
		table.Row("  "+c.Status, c.ID, oneLine(c.Detail))
	}
	_, err := table.WriteTo(a.Stdout)
	return err
}

// showProvenance shows how a version was built and, where that is not to be
// believed, why.
func (a *app) showProvenance(p *provenanceView) error {
	if p == nil {
		return nil
	}
	verdict := "acceptable"
	if !p.Acceptable {
		verdict = "not acceptable: " + p.Reason
	}
	a.printf("\nprovenance\n")
	err := a.showFacts([]fact{
		{"bundle", p.Bundle},
		{"builder", p.Builder},
		{"build type", p.BuildType},
		{"source", p.Source},
		{"commit", p.Commit},
		{"invocation", p.Invocation},
		{"verdict", verdict},
	})
	if err != nil || p.Acceptable {
		return err
	}
	return a.showChecks("checks of the provenance", p.Checks)
}

// notAcceptable is the error of an examination that did not end well.
func (a *app) notAcceptable(e *client.Examination) error {
	if e.Reason == nil {
		return nil
	}
	hint := fmt.Sprintf("'clyde install' refuses it: %q is demanded of signatures", e.Mode)
	switch {
	case e.Installs:
		hint = fmt.Sprintf("'clyde install' takes it all the same: no more than %q is demanded of signatures", e.Mode)
	case e.Signers == 0 && e.Verified != nil && e.Verified.Certificate != nil:
		hint = "the registry has no owners file that says who may sign this package"
	}
	return withHint(exitIntegrity, e.Reason, hint)
}
