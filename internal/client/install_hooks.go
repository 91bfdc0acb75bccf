package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/hook"
	"github.com/clydepm/clyde/internal/journal"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/manifest"
)

// manifestName is the manifest within the tree of a package.
const manifestName = manifest.Path

// hookedManifest is what installing has to know of a package's own manifest.
type hookedManifest struct {
	platforms []index.Platform
	hooks     map[string]manifest.Hook // that run on the platform
	declared  []index.Hook             // on any platform, as an index line tells of them
}

// runsOn reports whether the package is for a platform.
func (m *hookedManifest) runsOn(p index.Platform) bool {
	return len(m.platforms) == 0 || slices.Contains(m.platforms, p) || slices.Contains(m.platforms, index.Platform{})
}

// hookNames are the names of hooks, in their order.
func hookNames(hooks map[string]manifest.Hook) []string {
	return slices.DeleteFunc(manifest.HookNames(), func(name string) bool { _, ok := hooks[name]; return !ok })
}

// readHooked reads the manifest in the tree of a package, with the hooks that run
// on a platform. An archive that was made elsewhere need not have one; one that
// cannot be read has no hooks.
func (s *Store) readHooked(digest string, platform index.Platform) (*hookedManifest, error) {
	text, err := readBounded(filepath.Join(s.Tree(digest), filepath.FromSlash(manifestName)), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return &hookedManifest{}, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := manifest.Parse(manifestName, text)
	if err != nil {
		return &hookedManifest{}, nil //nolint:nilerr // as said
	}
	declared := m.Entry().Hooks
	maps.DeleteFunc(m.Hooks, func(_ string, h manifest.Hook) bool { return !h.Applies(platform) })
	return &hookedManifest{platforms: m.Platforms, hooks: m.Hooks, declared: declared}, nil
}

// permission is what may run without asking, by flags and by the profile: the
// development one where none was chosen.
func (in *Installer) permission() Permission {
	p := in.Permission
	if profile := in.profile(); profile != nil {
		more := profile.Permission
		p.AllHooks, p.NoHooks = p.AllHooks || more.AllHooks, p.NoHooks || more.NoHooks
		p.All, p.NoExternals = p.All || more.All, p.NoExternals || more.NoExternals
		p.Hooks = slices.Concat(p.Hooks, more.Hooks)
	}
	return p
}

// profile is the one that was chosen, or the development one.
func (in *Installer) profile() *Profile {
	if in.Profile != nil {
		return in.Profile
	}
	usual, err := in.Config.Profile(ProfileDevelopment)
	if err != nil {
		return nil
	}
	return &usual
}

// carryHooks takes over what became of the hooks of packages that stay, and
// notes whose have to be looked at.
func (r *run) carryHooks() {
	was := map[string]LedgerPackage{}
	for _, p := range r.before.Packages {
		was[p.Name] = p
	}
	for i, l := range r.c.ledger.Packages {
		old, ok := was[l.Name]
		if ok && !r.p.opts.Clean && old.sameArchive(l) && r.settled(old) {
			r.c.ledger.Packages[i].Hooks = old.Hooks
			continue
		}
		r.look = append(r.look, i)
	}
}

// sameArchive reports whether two packages are installed from the same bytes.
func (p LedgerPackage) sameArchive(other LedgerPackage) bool {
	return p.Name == other.Name && p.Version == other.Version && p.Registry == other.Registry && p.Cksum == other.Cksum && p.Type == other.Type
}

// settled reports whether an installed package needs nothing more to be done
// about its hooks: it has none, they ran and what they made is there, or they
// were left out and still are not allowed.
func (r *run) settled(p LedgerPackage) bool {
	switch {
	case p.Hooks == nil:
		return true
	case p.Hooks.Allowed:
		return !p.owns() || r.in.Project.Generations.check(p, r.store) == nil
	}
	return r.in.permission().hook(p.Name, p.Version) != AllowedYes
}

// lookAtHooks plans the hooks of the packages that come, as far as the store has
// them or their lines tell of them.
func (r *run) lookAtHooks(ctx context.Context) error {
	r.told = toldHooks(r.p.lock)
	for _, i := range r.look {
		l := r.c.ledger.Packages[i]
		if r.planInstaller(ctx, i) {
			continue // known without its archive
		}
		if !r.lacks(l.Cksum) {
			m, err := r.examine(l)
			if err != nil {
				return err
			}
			r.planHooks(ctx, i, m.hooks)
			continue
		}
		if told := r.told[l.id()]; told != nil {
			r.planHooks(ctx, i, runningOn(told, r.in.Platform))
			continue
		}
		r.plan.Unread = append(r.plan.Unread, l.id())
	}
	return nil
}

// examine looks at a package that the store has. It is an error when it is not
// what its line says; what stands in the way of installing it goes into the plan.
func (r *run) examine(l LedgerPackage) (*hookedManifest, error) {
	m, unreadable := r.store.readHooked(l.Cksum, r.in.Platform)
	if unreadable != nil {
		r.plan.Findings = append(r.plan.Findings, Finding{Check: "manifest", Status: FindingFail, Where: l.id(), Detail: unreadable.Error()})
		return &hookedManifest{}, nil //nolint:nilerr // it is in the plan
	}
	if err := compareTold(l, r.told[l.id()], m.declared); err != nil {
		return nil, err
	}
	r.checkPlatform(l, m)
	r.checkContent(l)
	return m, nil
}

// planHooks plans the hooks of one package of the ledger.
func (r *run) planHooks(ctx context.Context, i int, hooks map[string]manifest.Hook) {
	if len(hooks) == 0 {
		return
	}
	l := r.c.ledger.Packages[i]
	r.c.ledger.Packages[i].Hooks = &LedgerHooks{Names: hookNames(hooks)}
	r.checkSandbox(ctx, l)
	for _, name := range []string{stepPreInstall, stepPostInstall} {
		if h, ok := hooks[name]; ok {
			r.plan.Hooks = append(r.plan.Hooks, r.planned(ctx, l, name, h))
		}
	}
}

// checkSandbox finds out before anything is done that hooks may run in a sandbox
// only, and there is none.
func (r *run) checkSandbox(ctx context.Context, l LedgerPackage) {
	if r.in.Hooks.Mode != hook.Require || r.in.Hooks.Sandbox(ctx) != "none" || r.in.permission().hook(l.Name, l.Version) == AllowedSkip {
		return
	}
	r.plan.Findings = append(r.plan.Findings, Finding{
		Check: "sandbox", Status: FindingFail, Where: l.id(),
		Detail: "has hooks, which are to run in a sandbox, and " + r.in.Hooks.WhyNone(ctx),
		Hint:   "install without hooks with --no-hooks, or let them run without a sandbox with --config hook-sandbox=auto",
	})
}

func (r *run) planned(ctx context.Context, l LedgerPackage, name string, h manifest.Hook) PlannedHook {
	return PlannedHook{
		Package: l.Name, Version: l.Version, Name: name, Run: h.Run, Timeout: h.Timeout,
		Sandbox: r.in.Hooks.Sandbox(ctx), Allowed: r.in.permission().hook(l.Name, l.Version), pkg: l,
	}
}

// planRemoveHooks plans the hooks of packages that leave, or make way for
// another version. What was left out when a package came is left out when it
// goes.
func (r *run) planRemoveHooks(ctx context.Context) {
	for _, old := range r.before.Packages {
		stays := slices.ContainsFunc(r.c.ledger.Packages, old.sameArchive)
		if stays || old.Hooks == nil || !old.Hooks.Allowed || old.Hooks.staged() {
			continue
		}
		m, err := r.store.readHooked(old.Cksum, r.in.Platform)
		if err != nil {
			continue // the store has lost it; what it was is not known any more
		}
		for _, name := range []string{stepPreRemove, stepPostRemove} {
			if h, ok := m.hooks[name]; ok {
				r.plan.Hooks = append(r.plan.Hooks, r.planned(ctx, old, name, h))
			}
		}
	}
}

// lookAgain looks at the packages that were fetched, plans the hooks of those
// whose lines told nothing, and asks about these.
func (r *run) lookAgain(ctx context.Context) error {
	known, found := len(r.plan.Hooks), len(r.plan.Findings)
	for _, i := range r.look {
		l := r.c.ledger.Packages[i]
		if !r.lacks(l.Cksum) || l.Hooks.staged() {
			continue
		}
		m, err := r.examine(l)
		if err != nil {
			return err
		}
		if r.told[l.id()] == nil {
			r.planHooks(ctx, i, m.hooks)
		}
	}
	r.plan.Unread = []string{}
	if err := r.plan.refusal(); err != nil {
		return err
	}
	more := newPlan()
	more.Findings = r.plan.Findings[found:]
	r.out.Warnings = append(r.out.Warnings, more.warnings()...)
	more.Changes = r.plan.Changes
	more.Hooks = slices.Clone(r.plan.Hooks[known:])
	if err := r.agree(ctx, more); err != nil {
		return err
	}
	r.plan.Hooks = append(r.plan.Hooks[:known], more.Hooks...)
	r.sortHooks()
	return nil
}

// settleHooks writes into the ledger whose hooks run, and so who gets a copy of
// their own.
func (r *run) settleHooks() {
	permission := r.in.permission()
	for _, i := range r.look {
		l := &r.c.ledger.Packages[i]
		if l.Hooks == nil && r.in.Project.Environment.Copies {
			l.Hooks = &LedgerHooks{Names: []string{}, Allowed: true, fresh: true}
			continue
		}
		if l.Hooks == nil {
			continue
		}
		l.Hooks.fresh = r.in.Project.Environment.Copies
		l.Hooks.Allowed = permission.hook(l.Name, l.Version) == AllowedYes
		for _, h := range r.plan.Hooks {
			if h.Package == l.Name && (h.Name == stepInstall || h.Name == stepPreInstall || h.Name == stepPostInstall) {
				l.Hooks.Allowed = h.Allowed == AllowedYes
				l.Hooks.fresh = l.Hooks.fresh || l.Hooks.Allowed
			}
		}
	}
}

// hookRank is the place of each package in the order in which packages come
// after what they need.
type hookRank map[string]int

// rankOf orders the packages of a lock. Packages that need each other come in
// the order of their names.
func rankOf(lock *lockfile.Lock) hookRank {
	rank := hookRank{}
	if lock == nil {
		return rank
	}
	versions := lock.Versions()
	visited := map[*lockfile.Package]bool{}
	var visit func(p *lockfile.Package)
	visit = func(p *lockfile.Package) {
		if p == nil || visited[p] {
			return
		}
		visited[p] = true
		for _, d := range p.Dependencies {
			visit(versions.Meeting(d.Name, d.Req, d.Version))
		}
		rank[p.Name] = len(rank)
	}
	for i := range lock.Packages {
		visit(&lock.Packages[i])
	}
	return rank
}

// sortHooks puts the hooks into the order in which they run: what a package
// needs is installed before it, and removed after it.
func (r *run) sortHooks() {
	if len(r.plan.Hooks) == 0 {
		return
	}
	come, go_ := rankOf(r.p.lock), rankOf(r.p.locked)
	phases := []string{stepPreRemove, stepInstall, stepPreInstall, stepPostRemove, stepPostInstall}
	place := func(h PlannedHook) (phase, rank int) {
		phase = slices.Index(phases, h.Name)
		if strings.HasSuffix(h.Name, "-remove") {
			return phase, -go_[h.Package]
		}
		return phase, come[h.Package]
	}
	slices.SortStableFunc(r.plan.Hooks, func(a, b PlannedHook) int {
		phaseA, rankA := place(a)
		phaseB, rankB := place(b)
		return cmp.Or(cmp.Compare(phaseA, phaseB), cmp.Compare(rankA, rankB), cmp.Compare(a.Package, b.Package))
	})
}

// runHooks runs the hooks of these names, in the order of the plan. The first
// that fails ends the run.
func (r *run) runHooks(ctx context.Context, to int, names ...string) error {
	for _, h := range r.plan.Hooks {
		if !slices.Contains(names, h.Name) {
			continue
		}
		step := r.log.Step(h.Name, h.Package+" "+h.Version)
		if h.Allowed != AllowedYes {
			step.End(journal.Skipped, CommandLine(h.Run))
			continue
		}
		r.in.Project.step("run " + h.Name)
		r.in.Report.Note(fmt.Sprintf("running %s of %s %s: %s", h.Name, h.Package, h.Version, CommandLine(h.Run)))
		if h.Name == stepInstall {
			if err := r.installAs(ctx, step, h, to); err != nil {
				return err
			}
			continue
		}
		result, err := r.in.Hooks.Run(ctx, r.hook(h, to))
		err = step.Done(err, fmt.Sprintf("sandbox %s\n%s", result.Sandbox, result.Output))
		if err != nil {
			return hookError(err, result)
		}
	}
	return nil
}

// hook is what the runner is asked to run. A package that comes is given its own
// copy, in which it may write; of one that goes nothing may be changed, for an
// older generation still leads to it.
func (r *run) hook(h PlannedHook, to int) hook.Hook {
	g := r.in.Project.Generations
	run := hook.Hook{
		Package: h.Package, Version: h.Version, Name: h.Name, Run: h.Run, Timeout: h.Timeout,
		Env: map[string]string{
			"CLYDE_PROJECT_DIR": r.in.Project.Root,
			"CLYDE_PLATFORM":    r.in.Platform.String(),
		},
	}
	other := func(packages []LedgerPackage) string {
		i := slices.IndexFunc(packages, func(p LedgerPackage) bool { return p.Name == h.Package })
		if i < 0 {
			return ""
		}
		return packages[i].Version
	}
	if strings.HasSuffix(h.Name, "-remove") {
		run.Dir = g.tree(h.pkg, r.store)
		run.Env["CLYDE_NEXT_VERSION"] = other(r.c.ledger.Packages)
		return run
	}
	own := h.pkg
	own.Hooks = &LedgerHooks{Tree: to}
	run.Dir = g.ownTree(own)
	run.Writable = []string{run.Dir}
	run.Env["CLYDE_PREVIOUS_VERSION"] = other(r.before.Packages)
	return run
}

// shownOutput is how many lines of the output of a failed hook an error shows.
const shownOutput = 20

// hookError says what a failed hook printed last.
func hookError(err error, result hook.Result) error {
	lines := strings.Split(strings.TrimRight(string(result.Output), "\n"), "\n")
	if len(lines) > shownOutput {
		lines = lines[len(lines)-shownOutput:]
	}
	failure := &hookFailure{cause: err}
	if text := strings.Join(lines, "\n  "); strings.TrimSpace(text) != "" {
		failure.output = ":\n  " + text
	}
	return failure
}

// hookFailure is a hook that did not end well, with the end of what it printed.
type hookFailure struct {
	cause  error
	output string
}

func (e *hookFailure) Error() string { return e.cause.Error() + e.output }
func (e *hookFailure) Unwrap() error { return e.cause }

// Hint says how to do without.
func (e *hookFailure) Hint() string {
	hint := "install without hooks with --no-hooks; what it printed is in .clyde/generations/journal.jsonl"
	var hinted interface{ Hint() string }
	if errors.As(e.cause, &hinted) && hinted.Hint() != "" {
		hint = hinted.Hint() + "\n" + hint
	}
	return hint
}
