package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/fetch"
	"github.com/clydepm/clyde/internal/journal"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/manifest"
)

// run is one run of an installer: what it found, what it decided, what came of
// it.
type run struct {
	in    *Installer
	log   *journal.Run
	p     *plan
	store *Store

	active int
	before *Ledger // of the active generation
	c      change
	plan   *Plan
	out    *Outcome

	lacking []Archive // that the store has to get
	look    []int     // packages of c.ledger that come, or whose hooks are not settled

	told map[string][]index.Hook // by index lines; see toldHooks

	recorded *externalRecord // on disk, nil for none
}

// changing makes a plan while no other process changes the project, and carries
// it out. A dry run ends with the plan.
func (in *Installer) changing(ctx context.Context, opts InstallOptions, decide func(p *plan) error) (*Outcome, error) {
	r := &run{in: in, log: journal.Begin(in.Now), p: &plan{opts: opts}, store: in.store(), plan: newPlan()}
	var err error
	if opts.DryRun {
		err = in.Project.reading(ctx, in.Report, func() error { return r.foresee(ctx, decide) })
	} else {
		err = in.exclusive(ctx, r.log, func() error { return r.do(ctx, decide) })
	}
	if err != nil {
		return nil, err
	}
	return r.out, nil
}

func newPlan() *Plan {
	return &Plan{
		Changes: []PackageChange{}, Lock: []PackageChange{}, Files: []string{}, Fetch: []PlannedFetch{},
		Externals: []PlannedExternal{}, Hooks: []PlannedHook{}, Unread: []string{}, Findings: []Finding{},
	}
}

// exclusive runs do while no other process changes the project, after what an
// interrupted run left was taken back. The journal has what went wrong.
func (in *Installer) exclusive(ctx context.Context, log *journal.Run, do func() error) error {
	return in.Project.exclusive(ctx, in.Report, func() (err error) {
		defer func() {
			if err != nil {
				in.keepLog(log)
			}
			if closeErr := log.Close(); closeErr != nil {
				in.Report.Note(closeErr.Error())
			}
		}()
		if err := in.undoLeft(ctx, log); err != nil {
			return err
		}
		return do()
	})
}

// keepLog begins to write the journal. That it cannot be written is told, and
// ends no run.
func (in *Installer) keepLog(log *journal.Run) {
	if err := log.Keep(in.Project.JournalPath()); err != nil {
		in.Report.Note(err.Error())
	}
}

// logged is a downloader that records what it does.
func (in *Installer) logged(log *journal.Run) *Downloader {
	d := in.downloader()
	d.log = log
	return d
}

// foresee makes the plan and writes nothing.
func (r *run) foresee(ctx context.Context, decide func(p *plan) error) error {
	if err := r.decide(ctx, decide); err != nil || r.out != nil {
		return err
	}
	r.out = outcomeOf(r.before, r.c.ledger)
	r.out.Generation, r.out.DryRun, r.out.Lock = r.active, true, lockChanges(r.p.locked, r.p.lock)
	r.out.UpToDate = r.nothingToDo()
	r.out.Plan = r.plan
	if r.out.UpToDate {
		return nil
	}
	return r.makePlan(ctx)
}

// do carries the steps out.
func (r *run) do(ctx context.Context, decide func(p *plan) error) (err error) {
	if err := r.decide(ctx, decide); err != nil || r.out != nil {
		return err
	}
	release, err := r.store.use(ctx, r.in.Project.Root, r.in.Report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	r.out = outcomeOf(r.before, r.c.ledger)
	r.out.Generation, r.out.Lock = r.active, lockChanges(r.p.locked, r.p.lock)
	if r.nothingToDo() {
		r.out.UpToDate = true
		return nil
	}
	if err := r.makePlan(ctx); err != nil {
		return err
	}
	r.in.keepLog(r.log)
	r.out.Warnings = append(r.out.Warnings, r.plan.warnings()...)
	if err := r.plan.refusal(); err != nil {
		return err
	}
	return r.carryOut(ctx)
}

// decide settles lock and ledger. A run that only writes the lock is over then
// and has an outcome.
func (r *run) decide(ctx context.Context, decide func(p *plan) error) (err error) {
	r.preflight()
	step := r.log.Step(stepPlan, "")
	if err := step.Done(decide(r.p), ""); err != nil {
		return err
	}
	if r.active, r.before, err = r.in.installedNow(); err != nil {
		return err
	}
	var warnings []string
	if r.p.lock != r.p.locked && !r.p.opts.DryRun {
		// A new lock records what was found about the signatures in it.
		if warnings, err = r.verify(ctx, func(string) bool { return true }); err != nil {
			return err
		}
	}
	if r.p.opts.LockOnly {
		return r.lockOnly(ctx, warn(r.p.warnings, warnings...))
	}
	if r.c, err = r.in.changeFor(r.p, r.active); err != nil {
		return err
	}
	r.carryHooks()
	if err := r.findInstallers(); err != nil {
		return err
	}
	r.plan.Findings = append(r.plan.Findings, warningsAbout("history", r.p.warnings)...)
	r.plan.Findings = append(r.plan.Findings, warningsAbout("signature", warnings)...)
	return nil
}

// verify verifies the signatures of the packages of the lock that are meant.
func (r *run) verify(ctx context.Context, meant func(name string) bool) (warnings []string, err error) {
	step := r.log.Step(stepVerify, "")
	r.p.lock, warnings, err = r.in.verify(ctx, r.p.lock, meant)
	return warnings, step.Done(err, "signatures")
}

// lockOnly writes manifest and lock and leaves what is installed as it is.
func (r *run) lockOnly(ctx context.Context, warnings []string) error {
	s := outcomeOf(r.before, r.before)
	s.Platform, s.Generation, s.DryRun = r.in.Platform.String(), r.active, r.p.opts.DryRun
	s.Lock, s.Warnings = lockChanges(r.p.locked, r.p.lock), append(s.Warnings, warnings...)
	c := r.p.writes()
	c.log = r.log
	s.UpToDate = c.manifest == nil && (c.lock == nil || bytes.Equal(c.lock, r.p.lockText))
	r.out = s
	if s.DryRun {
		r.plan.Lock, r.plan.Files = s.Lock, c.files(r.p)
		s.Plan = r.plan
	}
	if s.UpToDate || s.DryRun {
		return nil
	}
	r.in.keepLog(r.log)
	return r.in.Project.apply(ctx, c, r.store, r.in.Config.Keep)
}

// files are the names of the files of the project that a change writes.
func (c change) files(p *plan) []string {
	names := []string{}
	if c.manifest != nil {
		names = append(names, manifest.Path)
	}
	if c.lock != nil && !bytes.Equal(c.lock, p.lockText) {
		names = append(names, lockfile.Path)
	}
	return names
}

// nothingToDo reports whether the project already is as the change would make
// it.
func (r *run) nothingToDo() bool {
	return r.active != 0 && !r.p.opts.Clean && len(r.c.files(r.p)) == 0 &&
		r.before.sameContent(r.c.ledger) && r.in.Project.Generations.sound(r.active, r.before, r.store)
}

// makePlan works out what the steps after it will do.
func (r *run) makePlan(ctx context.Context) error {
	step := r.log.Step(stepPlan, "")
	r.plan.Changes, r.plan.Lock, r.plan.Files = r.out.Tree, r.out.Lock, r.c.files(r.p)
	r.planFetch()
	r.checkRoom()
	err := r.lookAtHooks(ctx)
	if err == nil {
		r.planRemoveHooks(ctx)
		r.sortHooks()
		err = r.planExternals(ctx)
	}
	return step.Done(err, r.plan.summary())
}

// summary is a plan in one line.
func (p *Plan) summary() string {
	return fmt.Sprintf("%d changes, %d to fetch (%d bytes), %d in the store, %d external, %d hooks",
		len(p.Changes), len(p.Fetch), p.Bytes, p.Stored, len(p.Externals), len(p.Hooks))
}

// planFetch lists the archives that the store lacks.
func (r *run) planFetch() {
	archives := r.c.ledger.archives()
	r.lacking = missingFrom(archives, r.inspect)
	seen := map[string]bool{}
	for _, a := range archives {
		seen[a.SHA256] = true
	}
	r.plan.Stored = len(seen) - len(r.lacking)
	for _, a := range r.lacking {
		f := PlannedFetch{Package: a.Name, SHA256: a.SHA256, Size: a.Size}
		if u, err := archiveURL(a); err == nil {
			f.URL = fetch.Display(u)
		}
		r.plan.Fetch = append(r.plan.Fetch, f)
		r.plan.Bytes += a.Size
	}
}

// lacks reports whether the plan found that the store lacks an archive.
func (r *run) lacks(digest string) bool {
	return slices.ContainsFunc(r.lacking, func(a Archive) bool { return a.SHA256 == digest })
}

// sound is the question of [Downloader.Ensure]. What the plan found sound is not
// looked at again.
func (r *run) sound(digest string) error {
	if !r.lacks(digest) {
		return nil
	}
	return r.inspect(digest)
}

// inspect looks whether the store has an archive, as closely as was asked for.
func (r *run) inspect(digest string) error {
	if r.p.opts.Clean {
		return r.store.Verify(digest)
	}
	return r.store.Check(digest)
}

// carryOut does what was planned. What other tools installed for it is taken
// back when it fails.
func (r *run) carryOut(ctx context.Context) (err error) {
	if r.p.lock == r.p.locked {
		warnings, err := r.verify(ctx, r.c.ledger.has)
		if err != nil {
			return err
		}
		r.out.Warnings = warn(r.out.Warnings, warnings...)
	}
	if err := r.agree(ctx, r.plan); err != nil {
		return err
	}
	if err := r.installExternals(ctx); err != nil {
		return err
	}
	defer func() { err = r.concludeExternals(ctx, err) }()
	if r.out.Downloaded, err = r.in.logged(r.log).Ensure(ctx, r.store, r.c.ledger.archives(), r.sound); err != nil {
		return err
	}
	if err := r.lookAgain(ctx); err != nil {
		return err
	}
	r.settleHooks()
	r.out.Warnings = append(r.out.Warnings, r.in.standing(ctx, r.p.lock, r.out)...)
	r.out.Warnings = append(r.out.Warnings, r.plan.leftOut()...)
	if err := ctx.Err(); err != nil {
		return err
	}
	r.c.log = r.log
	r.c.beforeActivation = func(to int) error { return r.runHooks(ctx, to, stepPreRemove, stepInstall, stepPreInstall) }
	r.c.afterActivation = func(to int) error { return r.runHooks(ctx, to, stepPostRemove, stepPostInstall) }
	if err := r.noteGeneration(); err != nil {
		return err
	}
	if err := r.in.Project.apply(ctx, r.c, r.store, r.in.Config.Keep); err != nil {
		return err
	}
	r.out.Generation, err = r.in.Project.Generations.Active()
	return err
}

// agree is [Installer.agree] with a record.
func (r *run) agree(ctx context.Context, p *Plan) error {
	if !p.runs() {
		return nil
	}
	step := r.log.Step(stepConsent, "")
	return step.Done(r.in.agree(ctx, p), p.agreement())
}

// runs reports whether the plan has programs to run.
func (p *Plan) runs() bool {
	return len(p.Hooks) > 0 || slices.ContainsFunc(p.Externals, func(e PlannedExternal) bool { return !e.Present })
}

// agreement says how it was settled what may run.
func (p *Plan) agreement() string {
	var lines []string
	for _, e := range p.Externals {
		if !e.Present {
			lines = append(lines, fmt.Sprintf("%s: %s", e.Requirement, e.Allowed))
		}
	}
	for _, h := range p.Hooks {
		lines = append(lines, fmt.Sprintf("%s of %s %s: %s", h.Name, h.Package, h.Version, h.Allowed))
	}
	return strings.Join(lines, "\n")
}

// leftOut warns of what was planned and is left out.
func (p *Plan) leftOut() []string {
	var warnings []string
	for _, h := range p.Hooks {
		if h.Allowed == AllowedSkip {
			warnings = append(warnings, fmt.Sprintf("%s of %s %s was left out: %s", h.Name, h.Package, h.Version, CommandLine(h.Run)))
		}
	}
	for _, e := range p.Externals {
		if e.Allowed == AllowedSkip && !e.Present {
			warnings = append(warnings, fmt.Sprintf("%s needs %s, which was left out", strings.Join(e.Packages, ", "), e.Requirement))
		}
	}
	return warnings
}

func warningsAbout(check string, warnings []string) []Finding {
	var all []Finding
	for _, w := range warnings {
		all = append(all, Finding{Check: check, Status: FindingWarn, Detail: w})
	}
	return all
}

// JournalPath is the file in which the runs of the project are recorded; see
// [journal.Record].
func (p *Project) JournalPath() string { return filepath.Join(p.Generations.dir(), "journal.jsonl") }
