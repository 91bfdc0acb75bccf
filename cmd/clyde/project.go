package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/external"
	"github.com/clydepm/clyde/internal/hook"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/plugin"
	"github.com/clydepm/clyde/internal/terminal"
)

// project is the one that the folder of the run belongs to, with the environment
// that is meant.
func (a *app) project() (*client.Project, error) {
	project, err := a.anyProject()
	if err != nil {
		return nil, err
	}
	return a.inEnvironment(project)
}

// anyProject is the project, whatever environment is meant.
func (a *app) anyProject() (*client.Project, error) {
	root, ok := client.FindProject(a.Dir)
	if !ok {
		return nil, &client.Error{
			Class: client.ErrNotFound, Message: "not in a project: no .clyde/package.yaml here or above",
			Remedy: "add a package with 'clyde add NAME', or start one of your own with 'clyde init'",
		}
	}
	return client.OpenProject(root), nil
}

// projectHere is project, or the folder of the run where there is none yet.
func (a *app) projectHere() (*client.Project, error) {
	if _, ok := client.FindProject(a.Dir); ok {
		return a.project()
	}
	return client.OpenProject(a.Dir), nil
}

// installing runs one operation on a project and tells what came of it. Every
// operation leaves the project as it was when it fails.
func (a *app) installing(find func() (*client.Project, error), flags *runFlags, do func(*client.Installer) (*client.Outcome, error), render func(*client.Outcome)) error {
	outcome, err := a.outcomeOf(find, flags, do)
	if err != nil {
		return a.refused(err)
	}
	if a.json {
		return a.printJSON(outcome)
	}
	render(outcome)
	a.warnAll(outcome.Warnings)
	return nil
}

// refused gives a failure back. When a history was refused, it is what a --json
// run prints.
func (a *app) refused(err error) error {
	if h := newHistoryJSON(err); h != nil && a.json {
		if printErr := a.printJSON(map[string]any{"history": h}); printErr != nil {
			return errors.Join(err, printErr)
		}
	}
	return err
}

// outcomeOf runs one operation on a project.
func (a *app) outcomeOf(find func() (*client.Project, error), flags *runFlags, do func(*client.Installer) (*client.Outcome, error)) (outcome *client.Outcome, err error) {
	err = a.withInstaller(find, func(in *client.Installer) error {
		if err := flags.permit(in); err != nil {
			return err
		}
		if outcome, err = do(in); err != nil {
			return err
		}
		outcome.Environment, outcome.Place = in.Project.Environment.Name, in.Project.Place()
		return nil
	})
	return outcome, err
}

// withInstaller runs do with an installer for a project. When do fails, it left
// the project as it was.
func (a *app) withInstaller(find func() (*client.Project, error), do func(*client.Installer) error) (err error) {
	project, err := find()
	if err != nil {
		return err
	}
	config, registries, err := a.openRegistries()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, registries.Close()) }()
	profile, platform, err := a.partFor(config, project)
	if err != nil {
		return err
	}
	drivers, err := externalDrivers(config.Places)
	if err != nil {
		return err
	}
	progress := newProgress(a)
	err = do(&client.Installer{
		Project: project, Config: config, Registries: registries, Profile: profile, Platform: platform,
		HTTP: config.HTTP(a.HTTP), Wait: a.Wait, Report: progress,
		Consent: a.consent(progress), Hooks: &hook.Runner{Getenv: a.Getenv, Mode: config.HookSandbox}, Externals: drivers, Types: plugin.SearchOf(a.Getenv), Now: a.Now,
	})
	progress.stop()
	return withConsequence(err, "nothing was changed")
}

// warnAll tells of what a person should look at, whoever wrote it.
func (a *app) warnAll(warnings []string) {
	for _, warning := range warnings {
		a.warnf("%s", terminal.Escape(warning))
	}
}

// externalDrivers are the package managers that are known: those that clyde
// brings, and those that files of the machine and the person describe.
func externalDrivers(places client.Places) (*external.Drivers, error) {
	drivers := external.Builtin()
	for _, config := range []string{places.SystemConfig, places.UserConfig} {
		file := filepath.Join(filepath.Dir(config), "drivers.yaml")
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			drivers, err = drivers.With(file, data)
		}
		if err != nil {
			return nil, err
		}
	}
	return drivers, nil
}

// buildEnv is what a build and 'clyde run' have to know of a project.
func (a *app) buildEnv() (*client.BuildEnv, error) {
	project, err := a.project()
	if err != nil {
		return nil, err
	}
	places, err := client.PlacesOf(a.Getenv)
	if err != nil {
		return nil, err
	}
	drivers, err := externalDrivers(places)
	if err != nil {
		return nil, err
	}
	return project.Generations.BuildEnv(drivers)
}

// renderInstalled tells what an operation did, or would do, to the installed
// packages.
func (a *app) renderInstalled(o *client.Outcome) {
	if o.DryRun && !o.UpToDate {
		a.renderPlan(o, o.Tree)
		return
	}
	a.renderChanges(o.Tree)
	switch {
	case o.UpToDate:
		a.printf("up to date: %s\n", packageCount(o.Packages))
	case len(o.Tree) == 0:
		a.printf("nothing new to install: %s\n", packageCount(o.Packages))
	default:
		a.printf("%s in %s\n", packageCount(o.Packages), terminal.Escape(o.Place))
	}
}

// renderLocked tells what an operation did, or would do, to the lock.
func (a *app) renderLocked(o *client.Outcome) {
	if o.DryRun && len(o.Lock) > 0 {
		a.renderPlan(o, o.Lock)
		return
	}
	a.renderChanges(o.Lock)
	switch {
	case len(o.Lock) == 0:
		a.printf("up to date: every package is at the newest version that fits\n")
	default:
		a.printf("%s in %s\n", packageCount(o.Packages), terminal.Escape(o.Place))
	}
}

// rendering chooses how an outcome is told: as usual, or, if nothing was to be
// installed, what became of the lock.
func (a *app) rendering(lockOnly bool, usual func(*client.Outcome)) func(*client.Outcome) {
	if lockOnly {
		return a.renderLockOnly
	}
	return usual
}

func (a *app) renderLockOnly(o *client.Outcome) {
	a.renderChanges(o.Lock)
	switch {
	case o.UpToDate:
		a.printf("up to date: %s\n", lockfile.Path)
	case o.DryRun:
		a.printf("nothing was written (dry run)\n")
	default:
		a.printf("wrote %s; nothing was installed\n", lockfile.Path)
	}
}

func (a *app) renderChanges(changes []client.PackageChange) {
	for _, c := range changes {
		name := terminal.Escape(c.Name)
		switch {
		case c.Before == "":
			a.printf("added       %s %s (%s)\n", name, c.After, terminal.Escape(c.Registry))
		case c.After == "":
			a.printf("removed     %s %s\n", name, c.Before)
		case c.Before == c.After:
			a.printf("replaced    %s %s (%s)\n", name, c.After, terminal.Escape(c.Registry))
		case isOlder(c.After, c.Before):
			a.printf("downgraded  %s %s -> %s\n", name, c.Before, c.After)
		default:
			a.printf("updated     %s %s -> %s\n", name, c.Before, c.After)
		}
	}
}

func isOlder(a, b string) bool {
	v, err := index.ParseVersion(a)
	w, err2 := index.ParseVersion(b)
	return err == nil && err2 == nil && v.Compare(w) < 0
}

func packageCount(n int) string {
	if n == 1 {
		return "1 package"
	}
	return fmt.Sprintf("%d packages", n)
}

// installFlags are the flags of commands that install.
type installFlags struct {
	runFlags
	locked, frozen, noDev bool
	environments          []string // to install into; none is the current one
	all                   bool     // into all environments
}

func (f *installFlags) add(a *app, cmd *cobra.Command) {
	f.runFlags.add(cmd)
	cmd.Flags().StringArrayVar(&f.environments, "env", nil, "install into the environment `NAME`; repeat it for more")
	cmd.Flags().BoolVar(&f.all, "all-envs", false, "install into all environments")
	cmd.MarkFlagsMutuallyExclusive("env", "all-envs")
	a.completeEnvironments(cmd)
	cmd.Flags().BoolVar(&f.noDev, "no-dev", false, "leave out what only development dependencies need")
	cmd.Flags().StringVar(&a.platform, "platform", "", "install for `PLATFORM`, such as linux-x86_64, instead of this machine")
	cmd.Flags().StringVar(&a.profile, "profile", "", "install what the profile `NAME` says, see 'clyde env profile'")
}

func addLockOnly(cmd *cobra.Command, lockOnly *bool) {
	cmd.Flags().BoolVar(lockOnly, "lock-only", false, "write the lock and install nothing")
}

// options applies the flags to the run.
func (f *installFlags) options(a *app) client.InstallOptions {
	if f.frozen {
		a.offline = true
	}
	return client.InstallOptions{Locked: f.locked || f.frozen, NoDev: f.noDev, DryRun: f.dryRun}
}
