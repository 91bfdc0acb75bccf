package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/external"
	"github.com/clydepm/clyde/internal/journal"
)

// externalsName is the folder beside the generations for tools that install
// into a folder.
const externalsName = "external"

// ExternalPrefix is the folder below which package managers that install into
// a folder put what the project needs.
func (g Generations) ExternalPrefix() string { return filepath.Join(g.dir(), externalsName) }

// planExternals asks the other package managers about what the packages that
// come need of them.
func (r *run) planExternals(ctx context.Context) error {
	needed, by, err := r.externals()
	if err != nil || len(needed) == 0 {
		return err
	}
	if r.in.permission().NoExternals {
		for _, e := range needed {
			if !e.Applies(r.in.Platform) {
				continue
			}
			r.plan.Externals = append(r.plan.Externals, PlannedExternal{
				Requirement: e.String(), Packages: by[e.String()], Commands: [][]string{}, Undo: [][]string{}, Allowed: AllowedSkip,
			})
		}
		return nil
	}
	managers := r.managers()
	slices.SortStableFunc(needed, func(a, b external.Requirement) int {
		return slices.Index(managers, a.Tool) - slices.Index(managers, b.Tool)
	})
	where := external.Where{Prefix: r.in.Project.Generations.ExternalPrefix(), Platform: r.in.Platform, Only: managers}
	steps, problems, err := r.in.Externals.Plan(ctx, needed, where)
	if err != nil {
		return err
	}
	for _, p := range problems {
		r.plan.Findings = append(r.plan.Findings, Finding{
			Check: "external", Status: FindingFail, Where: p.Requirement.String(), Detail: p.Detail,
			Hint: p.Remedy + orNewline(p.Remedy) + "install without such packages with --no-externals",
		})
	}
	for _, s := range steps {
		if s.Elsewhere {
			continue // a package says what it needs on every platform
		}
		r.plan.Externals = append(r.plan.Externals, plannedExternal(s, by[s.Requirement.String()], r.in.permission().external()))
	}
	return nil
}

// managers are the package managers that the profile chooses, in the order in which
// they are used; nil for all.
func (r *run) managers() []string {
	if profile := r.in.profile(); profile != nil {
		return profile.Managers
	}
	return nil
}

func orNewline(text string) string {
	if text == "" {
		return ""
	}
	return "\n"
}

func plannedExternal(s external.Step, packages []string, allowed Allowance) PlannedExternal {
	e := PlannedExternal{
		Requirement: s.Requirement.String(), Packages: packages, Present: s.Present, Have: s.Have,
		Commands: [][]string{}, Undo: [][]string{}, Root: s.Root, Note: s.Note, Allowed: allowed, step: s,
	}
	switch {
	case s.Present:
		e.Allowed = AllowedYes
	case s.Skipped != "":
		e.Allowed, e.Note = AllowedSkip, s.Skipped
	default:
		e.Commands, e.Undo = append(e.Commands, s.Install...), append(e.Undo, s.Undo...)
	}
	return e
}

// externals are the requirements of the packages that come, each once, and who
// has them. Something is installed for this machine or not at all.
func (r *run) externals() (needed []external.Requirement, by map[string][]string, err error) {
	selected, err := r.p.selected(r.in.Platform)
	if err != nil {
		return nil, nil, err
	}
	by = map[string][]string{}
	for _, l := range selected {
		comes := slices.ContainsFunc(r.look, func(i int) bool { return r.c.ledger.Packages[i].Name == l.Name })
		if !comes {
			continue
		}
		for _, text := range l.External {
			e, err := external.ParseRequirement(text)
			if err != nil {
				r.plan.Findings = append(r.plan.Findings, Finding{
					Check: "external", Status: FindingFail, Where: l.Name + " " + l.Version,
					Detail: fmt.Sprintf("needs %q: %v", text, err), Hint: "tell its publisher, or install without such packages with --no-externals",
				})
				continue
			}
			if by[e.String()] == nil {
				needed = append(needed, e)
			}
			by[e.String()] = append(by[e.String()], l.Name)
		}
	}
	host, ok := index.PlatformOf(runtime.GOOS, runtime.GOARCH)
	if len(needed) > 0 && (!ok || host != r.in.Platform) {
		r.plan.Findings = append(r.plan.Findings, warningsAbout("external", []string{
			fmt.Sprintf("what packages for %s need of other package managers is not looked at on this machine", r.in.Platform),
		})...)
		return nil, nil, nil
	}
	return needed, by, nil
}

// externalRecord says what a run asks other package managers to install. It is
// on disk from before the first is asked until the run is over, so that a later
// run can take back what a killed one left. It lies in the store, not in the
// project: what it says is done without asking, and whoever hands on a project
// must not be able to say it.
type externalRecord struct {
	Version int             `json:"externals"`
	From    int             `json:"from"` // the active generation before
	To      int             `json:"to"`   // the one that the run makes, 0 until it is known
	Steps   []external.Step `json:"steps"`
}

const (
	externalRecordVersion = 1
	maxExternalRecord     = 4 << 20
)

func (in *Installer) externalRecord() string {
	return filepath.Join(in.store().usersDir(), digestOf([]byte(in.Project.Generations.dir()))+".externals")
}

func (in *Installer) writeExternalRecord(record *externalRecord) error {
	data, err := json.Marshal(record)
	if err != nil {
		return err
	}
	if err := writeFile(in.externalRecord(), data); err != nil {
		return fmt.Errorf("write down what other package managers install, so that it can be taken back: %w", err)
	}
	return nil
}

// installExternals has the other package managers install what is missing and
// may be installed.
func (r *run) installExternals(ctx context.Context) error {
	record := &externalRecord{Version: externalRecordVersion, From: r.active}
	for _, e := range r.plan.Externals {
		step := r.log.Step(stepExternal, e.Requirement)
		switch {
		case e.Present:
			step.End(journal.OK, "already there: "+e.Have)
			continue
		case e.Allowed != AllowedYes:
			step.End(journal.Skipped, e.Note)
			continue
		}
		record.Steps = append(record.Steps, e.step)
		r.recorded = record
		r.in.Project.step("write down an external")
		err := r.in.writeExternalRecord(record)
		var out bytes.Buffer
		if err == nil {
			r.in.Project.step("install an external")
			r.in.Report.Note("installing " + e.Requirement)
			err = r.in.Externals.Install(ctx, e.step, &out)
		}
		if err := step.Done(err, out.String()); err != nil {
			return r.concludeExternals(ctx, err)
		}
	}
	return nil
}

// noteGeneration writes down which generation the externals are for. Once it is
// active and the change final, they stay.
func (r *run) noteGeneration() (err error) {
	if r.recorded == nil {
		return nil
	}
	if r.recorded.To, err = r.in.Project.Generations.nextNumber(); err != nil {
		return err
	}
	return r.in.writeExternalRecord(r.recorded)
}

// concludeExternals ends a run: when it failed, what other package managers
// installed for it is taken back. It returns failure.
func (r *run) concludeExternals(ctx context.Context, failure error) error {
	if r.recorded == nil {
		return failure
	}
	if failure != nil {
		r.in.takeBackExternals(context.WithoutCancel(ctx), r.log, r.recorded)
	}
	r.in.Project.step("forget the externals")
	r.recorded = nil
	return errors.Join(failure, removeIfThere(r.in.externalRecord()))
}

// undoLeft takes back what an interrupted run had other package managers
// install. The project is as it was before that run already.
func (in *Installer) undoLeft(ctx context.Context, log *journal.Run) error {
	data, err := readOptional(in.externalRecord(), maxExternalRecord)
	if err != nil || data == nil {
		return err
	}
	var record externalRecord
	if err := json.Unmarshal(data, &record); err != nil || record.Version != externalRecordVersion {
		in.Report.Note(fmt.Sprintf("%s cannot be read: what an interrupted run had other package managers install stays", in.externalRecord()))
		return removeIfThere(in.externalRecord())
	}
	active, err := in.Project.Generations.Active()
	if err != nil {
		return err
	}
	if record.To == 0 || active != record.To {
		in.keepLog(log)
		in.takeBackExternals(ctx, log, &record)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return removeIfThere(in.externalRecord())
}

// takeBackExternals undoes the steps, last first. What cannot be taken back is
// told: it is nothing that should keep a person from working.
func (in *Installer) takeBackExternals(ctx context.Context, log *journal.Run, record *externalRecord) {
	for _, s := range slices.Backward(record.Steps) {
		step := log.Step(stepUndo, s.Requirement.String())
		in.Project.step("take back an external")
		in.Report.Note("taking back " + s.Requirement.String())
		var out bytes.Buffer
		if err := in.Externals.Undo(ctx, s, &out); err != nil {
			in.Report.Note(fmt.Sprintf("cannot take back %s: %v", s.Requirement, err))
			_ = step.Done(err, out.String())
			continue
		}
		step.End(journal.Undone, out.String())
	}
}
