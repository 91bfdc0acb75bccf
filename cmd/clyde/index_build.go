package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/indexbuild"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/internal/terminal"
	"github.com/clydepm/clyde/publish"
)

func indexBuildCommand(a *app) *cobra.Command {
	var flags buildFlags
	cmd := &cobra.Command{
		Use:   "build DIR",
		Short: "Make an index out of a folder of archives",
		Long: `Make a complete index out of the archives of packages below DIR, with no network:
every version, from the manifest inside each archive, with the line that publishing
it would give. Archives stay where they are.

The index is the folder index below DIR, or INDEX, which may be a bare repository
or a plain folder, new or there already; a new one whose name ends in ".git"
becomes a repository. Running again reads only archives that are new or changed
and appends only lines that are new. Building anew from the same archives gives
the same bytes.

With --overlay, dependencies that neither DIR nor the index has are looked for in
REGISTRY and point to it; nothing of it is copied. REGISTRY is the name of a
configured registry, whose copy on this machine is asked, or the path or URL of an
index. Those who install configure both.

An archive that is no good, and one that says other than the index, is named, and
the rest is taken. The exit code is then 9, or 5 when bytes that the index promises
are others or missing.`,
		Example: `  clyde index build archives
  clyde index build archives --into registry.git --base-url https://packages.example.org/archives
  clyde index build private --into private.git --overlay acme`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.indexBuild(cmd.Context(), args[0], &flags)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&flags.overlay, "overlay", "", "index that dependencies may be on: `REGISTRY`")
	cmd.Flags().BoolVar(&flags.full, "full", false, "read every archive, also those that did not change since the last time")
	return cmd
}

// buildFlags say what index is built.
type buildFlags struct {
	into, base, name, overlay string
	full                      bool
}

func (f *buildFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.into, "into", "", "bare git repository or folder of the index (default DIR/index): `INDEX`")
	cmd.Flags().StringVar(&f.base, "base-url", "", "`URL` under which DIR is served (default a file:// URL)")
	cmd.Flags().StringVar(&f.name, "name", "", "`NAME` of a new index (default: after its folder)")
}

func (a *app) indexBuild(ctx context.Context, dir string, flags *buildFlags) error {
	opts, done, err := a.openBuild(ctx, dir, flags)
	if err != nil {
		return err
	}
	defer done()
	built, err := a.runBuild(ctx, opts)
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(built)
	} else {
		a.printBuilt(built)
	}
	if err != nil {
		return err
	}
	return problemsError(built)
}

// openBuild prepares a build. The caller calls done.
func (a *app) openBuild(ctx context.Context, dir string, flags *buildFlags) (opts indexbuild.Options, done func(), err error) {
	if opts, err = a.buildOptions(dir, flags); err != nil {
		return opts, nil, err
	}
	temp, err := os.MkdirTemp("", "clyde-build-*")
	if err != nil {
		return opts, nil, err
	}
	overlay, closeOverlay, err := a.overlay(ctx, flags.overlay, temp)
	if err != nil {
		return opts, nil, errors.Join(err, os.RemoveAll(temp))
	}
	opts.Overlay, opts.Full = overlay, flags.full
	return opts, func() {
		closeOverlay()
		_ = os.RemoveAll(temp)
	}, nil
}

// buildOptions are the options that flags and configuration decide.
func (a *app) buildOptions(dir string, flags *buildFlags) (indexbuild.Options, error) {
	places, err := client.PlacesOf(a.Getenv)
	if err != nil {
		return indexbuild.Options{}, err
	}
	if _, err := publish.NewFileStore("", flags.base); err != nil {
		return indexbuild.Options{}, err
	}
	const hint = "give the folder with the archives, name-version.tar.gz as 'clyde pack' makes them"
	switch info, err := os.Stat(a.path(dir)); {
	case err != nil:
		return indexbuild.Options{}, withHint(exitNotFound, fmt.Errorf("there is no folder %s", dir), hint)
	case !info.IsDir():
		return indexbuild.Options{}, withHint(exitUsage, fmt.Errorf("%s is a file, not a folder", dir), hint)
	}
	into := filepath.Join(a.path(dir), "index")
	if flags.into != "" {
		into = a.path(flags.into)
	}
	name := flags.name
	if name == "" {
		name = registry.NameFrom(into)
	}
	by := a.author()
	return indexbuild.Options{
		Dir: a.path(dir), Into: into, Git: strings.HasSuffix(into, ".git"), Name: name, BaseURL: flags.base,
		Registry: func(alias string) (string, error) {
			address, err := a.registryAddress(alias, &place{}, "")
			if address == publish.FileURL(into) {
				address = ""
			}
			return address, err
		},
		State:  filepath.Join(places.Cache, "build"),
		Author: by.Name, Email: by.Email, When: a.Now(),
	}, nil
}

// runBuild builds and shows how far it is.
func (a *app) runBuild(ctx context.Context, opts indexbuild.Options) (*indexbuild.Built, error) {
	bar := &countBar{a: a, verb: "reading"}
	defer bar.stop()
	opts.Read = bar.step
	return indexbuild.Build(ctx, opts)
}

// problemsError makes the run end with the code for what a build found.
func problemsError(built *indexbuild.Built) error {
	if len(built.Problems) == 0 {
		return nil
	}
	code := exitFindings
	for _, p := range built.Problems {
		if indexbuild.Integrity(p) {
			code = exitIntegrity
		}
	}
	return withCode(code, errors.New(count(len(built.Problems), "problem")))
}

func (a *app) printBuilt(b *indexbuild.Built) {
	a.printGrowth("added", b.Versions, b.Packages, b.Present)
	a.printf("  read    %d of %s\n", b.Read, count(b.Archives, "archive"))
	a.printf("  index   %s\n", b.Index)
	if b.Commit != "" {
		a.printf("  commit  %s\n", b.Commit)
	}
	a.printProblems(b.Problems)
}

// printGrowth tells how many versions an index got, and how many it had already.
func (a *app) printGrowth(verb string, versions, packages, present int) {
	if versions == 0 {
		a.printf("nothing new")
	} else {
		a.printf("%s %s of %s", verb, count(versions, "version"), count(packages, "package"))
	}
	if present > 0 {
		a.printf("; %d there already", present)
	}
	a.printf("\n")
}

// printProblems tells what was left out, and why.
func (a *app) printProblems(problems []indexbuild.Problem) {
	for _, p := range problems {
		fmt.Fprintf(a.Stderr, "%s: %s [%s]\n", terminal.Escape(p.Where), terminal.Escape(p.Detail), p.Rule)
		if p.Hint != "" {
			fmt.Fprintf(a.Stderr, "  hint: %s\n", terminal.Escape(p.Hint))
		}
	}
}

// overlay opens the index that dependencies may be on, nil when none is named.
// The caller calls done.
func (a *app) overlay(ctx context.Context, name, temp string) (_ *indexbuild.Overlay, done func(), err error) {
	if name == "" {
		return nil, func() {}, nil
	}
	_, registries, err := a.openRegistries()
	if err != nil {
		return nil, nil, err
	}
	if r, err := registries.Get(name); err == nil {
		address, err := a.registryAddress(r.Config().Name, &place{}, "")
		has := func(ctx context.Context, name string) (bool, error) {
			_, err := r.Package(ctx, name)
			var none *client.NoPackageError
			if errors.As(err, &none) {
				return false, nil
			}
			return err == nil, err
		}
		return &indexbuild.Overlay{Address: address, Has: has}, func() { _ = registries.Close() }, err
	}
	if err := registries.Close(); err != nil {
		return nil, nil, err
	}
	source, err := a.importSource(ctx, name, filepath.Join(temp, "overlay.git"))
	if err != nil {
		return nil, nil, err
	}
	address := name
	if git.IsPath(name) {
		address = publish.FileURL(a.path(name))
	}
	return &indexbuild.Overlay{Address: address, Has: source.Has}, func() { _ = source.Close() }, nil
}

// countBar shows on a terminal how many of many things are done.
type countBar struct {
	a    *app
	verb string

	mu    sync.Mutex
	live  *terminal.Live
	drawn time.Time
}

// step shows the name of what is done now.
func (c *countBar) step(name string, done, total int) {
	if !c.a.drawsOnTerminal() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live == nil {
		c.live = terminal.NewLive(c.a.Stderr)
	}
	if now := time.Now(); now.Sub(c.drawn) >= nextDraw { //nolint:forbidigo // how often a person's eyes get something new
		c.drawn = now
		width, _ := c.a.stderrSize()
		bar := row{n: int64(done), size: int64(total), plain: !c.a.speaksUTF8()}.bar(mostBar)
		_ = c.live.Draw([]string{fmt.Sprintf("%s %d of %d  %s  %s", c.verb, done, total, bar, terminal.Escape(name))}, width)
	}
}

// stop takes the bar away.
func (c *countBar) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live != nil {
		_ = c.live.Clear()
	}
}
