package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/foreign"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/indexbuild"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/internal/terminal"
	"github.com/clydepm/clyde/publish"
)

// archiveFlags say what becomes of a folder of archives that is imported.
type archiveFlags struct{ store, base, name, overlay string }

func (f *archiveFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.store, "store", "", "of a folder of archives: `DIR` that they go to (default as \"dl\" of the index says, or else beside the index)")
	cmd.Flags().StringVar(&f.base, "dl-base", "", "`URL` under which that folder is served")
	cmd.Flags().StringVar(&f.name, "name", "", "of a folder of archives: `NAME` of a new index")
	cmd.Flags().StringVar(&f.overlay, "overlay", "", "of a folder of archives: index that dependencies may be on: `REGISTRY`")
}

// isArchiveFolder reports whether a source is a folder and no index.
func (a *app) isArchiveFolder(from string) bool {
	if !git.IsPath(from) {
		return false
	}
	info, err := os.Stat(a.path(from))
	if err != nil || !info.IsDir() {
		return false
	}
	source, err := registry.OpenSource(a.path(from), "")
	if err == nil {
		_ = source.Close()
	}
	return errors.Is(err, git.ErrNotFound)
}

// importedArchives is the result for --json.
type importedArchives struct {
	Archives int               `json:"archives"`
	Taken    int               `json:"taken"`
	Notes    []foreign.Note    `json:"notes"`
	Refused  []importRefusal   `json:"refused"`
	Built    *indexbuild.Built `json:"built"`
}

type importRefusal struct {
	Where  string `json:"where"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// importArchives turns foreign archives into clyde's, puts them into a store, and
// builds the index from that.
func (a *app) importArchives(ctx context.Context, from, to string, flags *archiveFlags) error {
	target, config, err := a.importTarget(to)
	if err != nil {
		return err
	}
	has := func(string) bool { return false }
	if target != nil {
		defer target.Close()
		has = func(name string) bool {
			there, err := target.Has(ctx, name)
			return err == nil && there
		}
	}
	base := flags.base
	if base == "" {
		base = publish.DefaultBase(config)
	}
	dir := publish.DefaultStore(a.path(to), config)
	if flags.store != "" {
		dir = a.path(flags.store)
	}
	store, err := publish.NewFileStore(dir, base)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	bar := &countBar{a: a, verb: "importing"}
	imported, err := foreign.Import(ctx, foreign.Options{Dir: a.path(from), Put: store.Put, Has: has, Read: bar.step})
	bar.stop()
	if err != nil {
		return err
	}
	return a.buildImported(ctx, imported, buildFlags{into: to, base: base, name: flags.name, overlay: flags.overlay}, dir)
}

// importTarget opens the index that archives are for, and reads its
// configuration. The index is nil when it is not there yet.
func (a *app) importTarget(to string) (*registry.Source, *index.Config, error) {
	source, err := registry.OpenSource(a.path(to), "")
	if errors.Is(err, git.ErrNotFound) {
		return nil, &index.Config{}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	config, err := source.Config()
	if errors.Is(err, fs.ErrNotExist) {
		err = withCode(exitNotFound, fmt.Errorf("%s is no index: it has no %s", to, index.ConfigPath))
	}
	if err != nil {
		return nil, nil, errors.Join(err, source.Close())
	}
	return source, config, nil
}

// buildImported builds the index from the store and tells of the whole.
func (a *app) buildImported(ctx context.Context, imported *foreign.Imported, flags buildFlags, dir string) error {
	opts, done, err := a.openBuild(ctx, dir, &flags)
	if err != nil {
		return err
	}
	defer done()
	built, err := a.runBuild(ctx, opts)
	if err != nil {
		return err
	}
	result := importedArchives{Archives: imported.Archives, Taken: imported.Taken, Notes: imported.Notes, Built: built, Refused: []importRefusal{}}
	if result.Notes == nil {
		result.Notes = []foreign.Note{}
	}
	for _, r := range imported.Refused {
		result.Refused = append(result.Refused, importRefusal{r.Where, r.Detail, r.Remedy})
	}
	if a.json {
		if err := a.printJSON(result); err != nil {
			return err
		}
	} else {
		a.printImportedArchives(&result)
	}
	err = problemsError(built)
	if len(result.Refused) == 0 {
		return err
	}
	text := count(len(result.Refused), "archive") + " could not be taken"
	if err == nil {
		return withCode(exitFindings, errors.New(text))
	}
	return withCode(exitCode(err), fmt.Errorf("%s, and the index has %w", text, err))
}

func (a *app) printImportedArchives(r *importedArchives) {
	a.printf("took %d of %s\n", r.Taken, count(r.Archives, "archive"))
	for _, n := range r.Notes {
		a.notef("note: %s: %s", terminal.Escape(n.Where), terminal.Escape(n.Detail))
	}
	for _, f := range r.Refused {
		a.warnf("%s: not taken: %s", terminal.Escape(f.Where), terminal.Escape(f.Detail))
		if f.Hint != "" {
			fmt.Fprintf(a.Stderr, "  hint: %s\n", terminal.Escape(f.Hint))
		}
	}
	a.printBuilt(r.Built)
}
