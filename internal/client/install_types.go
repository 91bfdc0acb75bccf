package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clydepm/clyde/internal/hook"
	"github.com/clydepm/clyde/internal/installer"
	"github.com/clydepm/clyde/internal/journal"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/plugin"
)

// isBuiltIn reports whether clyde installs packages of a type itself.
func isBuiltIn(kind string) bool {
	return kind == "" || slices.Contains(manifest.BuiltInTypes(), kind)
}

// staged reports whether the package's own folder has what an installer made, and
// not a copy of the package.
func (h *LedgerHooks) staged() bool { return h != nil && slices.Contains(h.Names, stepInstall) }

// ran reports whether hooks of the package itself have run in its own folder.
func (h *LedgerHooks) ran() bool {
	return h != nil && h.Allowed && len(h.Names) > 0 && !h.staged()
}

// findInstallers refuses packages of types that nothing installs, before anything
// is fetched.
func (r *run) findInstallers() error {
	if r.in.permission().NoHooks {
		return nil // they are left out, with a warning
	}
	var lines, programs []string
	for _, i := range r.look {
		l := r.c.ledger.Packages[i]
		if isBuiltIn(l.Type) {
			continue
		}
		if _, found := r.in.Types.Lookup(plugin.Installer, l.Type); found {
			continue
		}
		program := plugin.Installer.ProgramName(l.Type)
		lines = append(lines, fmt.Sprintf("%s %s is of the type %q, and there is no program %s", l.Name, l.Version, l.Type, program))
		if !slices.Contains(programs, program) {
			programs = append(programs, program)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return &Error{
		Class: ErrNotFound, Message: "this cannot be installed here:\n  " + strings.Join(lines, "\n  "),
		Remedy: "put " + strings.Join(programs, ", ") + " into a folder of PATH, or install the files alone with --no-hooks",
	}
}

// planInstaller plans the installer of a package of the ledger, if its type has
// one. It takes the place of hooks.
func (r *run) planInstaller(ctx context.Context, i int) bool {
	l := r.c.ledger.Packages[i]
	if isBuiltIn(l.Type) {
		return false
	}
	r.c.ledger.Packages[i].Hooks = &LedgerHooks{Names: []string{stepInstall}}
	r.plan.Hooks = append(r.plan.Hooks, PlannedHook{
		Package: l.Name, Version: l.Version, Name: stepInstall, Run: []string{plugin.Installer.ProgramName(l.Type)}, Timeout: installer.InstallTime,
		Sandbox: r.in.Hooks.Sandbox(ctx), Allowed: r.in.permission().hook(l.Name, l.Version), pkg: l,
	})
	return true
}

// installAs has the installer of its type check and install a package, into the
// folder that the generation leads to.
func (r *run) installAs(ctx context.Context, step *journal.Step, h PlannedHook, to int) error {
	made, err := r.runInstaller(ctx, h, to)
	if err := step.Done(err, fmt.Sprintf("sandbox %s\n%s", h.Sandbox, made.Log)); err != nil {
		return fmt.Errorf("%s %s: %w", h.Package, h.Version, hookError(err, hook.Result{Output: made.Log}))
	}
	for _, l := range r.c.ledger.Packages {
		if l.Name == h.Package && len(made.Search) > 0 {
			l.Hooks.Search = made.Search
		}
	}
	return nil
}

func (r *run) runInstaller(ctx context.Context, h PlannedHook, to int) (installer.Installed, error) {
	found, ok := r.in.Types.Lookup(plugin.Installer, h.pkg.Type)
	if !ok {
		return installer.Installed{}, &Error{Class: ErrNotFound, Message: h.Run[0] + " is gone from PATH", Remedy: "put it back"}
	}
	program := installer.Program{Program: found, Runner: r.in.Hooks}
	pkg := installer.Package{Name: h.Package, Version: h.Version, Platform: r.in.Platform.String(), Tree: r.store.Tree(h.pkg.Cksum)}
	problems, log, err := program.Check(ctx, pkg)
	if err != nil {
		return installer.Installed{Log: log}, err
	}
	if len(problems) > 0 {
		return installer.Installed{}, refusedBy(h.Run[0], problems)
	}
	own := h.pkg
	own.Hooks = &LedgerHooks{Tree: to}
	return program.Install(ctx, pkg, r.in.Project.Generations.ownTree(own))
}

// refusedBy tells all that an installer does not like about a package.
func refusedBy(program string, problems []installer.Problem) error {
	var lines, hints []string
	for _, p := range problems {
		lines = append(lines, strings.TrimPrefix(p.Path+": "+p.Detail, ": "))
		if p.Hint != "" {
			hints = append(hints, p.Hint)
		}
	}
	return &Error{Class: ErrRefused, Message: program + " cannot install it:\n  " + strings.Join(lines, "\n  "), Remedy: strings.Join(hints, "\n")}
}

// checkContent warns of a package that has nothing of what its type promises.
func (r *run) checkContent(l LedgerPackage) {
	var wanted []string
	switch l.Type {
	case manifest.TypeTool:
		wanted = under(prefixes(), []string{"bin"})
	case manifest.TypeLibrary:
		platform := r.in.Platform.String()
		wanted = slices.Concat(under(prefixes(), []string{"include"}), libDirs(platform), pkgConfigDirs(platform))
	default:
		return
	}
	for _, dir := range wanted {
		entries, err := os.ReadDir(filepath.Join(r.store.Tree(l.Cksum), filepath.FromSlash(dir)))
		if err == nil && len(entries) > 0 {
			return
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return // what it is found to be when it is used
		}
	}
	r.plan.Findings = append(r.plan.Findings, Finding{
		Check: "type", Status: FindingWarn, Where: l.id(),
		Detail: fmt.Sprintf("is of the type %q and has none of %s", l.Type, strings.Join(wanted, ", ")),
	})
}
