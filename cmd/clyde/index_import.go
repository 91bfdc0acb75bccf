package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/internal/terminal"
)

func indexImportCommand(a *app) *cobra.Command {
	var path string
	var opts registry.ImportOptions
	var archives archiveFlags
	cmd := &cobra.Command{
		Use:   "import SOURCE --index PATH [NAME...]",
		Short: "Take packages over from another index, or from a folder of archives",
		Long: `Append the versions of packages of another index to this one, in one commit.
SOURCE is a git repository or its URL, or a folder with the files of an index;
it may be clyde's or Cargo's.

Lines are written in the canonical form. Archives stay where they are: a line
gets the place that the source gives its archive. A version that is there
already is left as it is. A dependency on a package that is not imported points
to SOURCE when that is a URL.

SOURCE may also be a folder of archives that were made for other package managers:
Debian packages (.deb), tarballs of npm, and plain tarballs with a manifest beside
them, in a file named like the archive with ".yaml" behind it. All of them are
taken. Their files are packed again with a manifest made of what they say about
themselves, the archives go to the store of the index, and the index, which may be
new, is built as 'clyde index build' does it. Names, versions, dependencies and
their ranges are mapped; what has to be left out is told in a note, and what cannot
be mapped is not taken. Nothing in an archive is run, and no network is used.

What cannot be taken is reported, the rest is taken, and the exit code is 9.`,
		Example: `  clyde index import ../other.git --index registry.git hello base
  clyde index import https://example.org/other.git --index registry.git --all
  clyde index import tarballs --index registry.git`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Names = args[1:]
			switch {
			case path == "":
				return withHint(exitUsage, errors.New("--index is missing: which index are the packages for?"), "usage: "+cmd.UseLine())
			case a.isArchiveFolder(args[0]):
				if len(opts.Names) > 0 {
					return usagef("%s is a folder of archives, all of which are taken: leave out %q", args[0], opts.Names[0])
				}
				return a.importArchives(cmd.Context(), args[0], path, &archives)
			case opts.All == (len(opts.Names) > 0):
				return withHint(exitUsage, errors.New("which packages?"), "name them, or say --all")
			}
			for _, name := range opts.Names {
				if err := index.CheckLookupName(name); err != nil {
					return withCode(exitUsage, err)
				}
			}
			return a.indexImport(cmd.Context(), args[0], path, opts)
		},
	}
	cmd.Flags().StringVar(&path, "index", "", "bare git repository of the index that the packages are for, or with archives a folder as well: `PATH`")
	cmd.Flags().BoolVar(&opts.All, "all", false, "import every package")
	archives.register(cmd)
	return cmd
}

func (a *app) indexImport(ctx context.Context, from, to string, opts registry.ImportOptions) error {
	repo, err := git.Open(a.path(to))
	if err != nil {
		return err
	}
	defer repo.Close()
	if !repo.Bare() {
		return withHint(exitRefused, fmt.Errorf("%s has a worktree, whose files would not follow", to), "import into a bare repository, and pull from it")
	}
	temp, err := os.MkdirTemp("", "clyde-import-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	source, err := a.importSource(ctx, from, filepath.Join(temp, "source.git"))
	if err != nil {
		return err
	}
	defer source.Close()
	by := a.author()
	opts.Author, opts.Email, opts.When = by.Name, by.Email, a.Now()
	if !git.IsPath(from) {
		opts.Registry = git.Redact(from)
	}
	done, err := registry.Import(repo, source, opts)
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(done)
	} else {
		a.printImport(done)
	}
	if err == nil && len(done.Refused) > 0 {
		err = withCode(exitFindings, fmt.Errorf("%s could not be taken", count(len(done.Refused), "thing")))
	}
	return err
}

// importSource opens the index to import from. A remote one is fetched into the
// folder clone first.
func (a *app) importSource(ctx context.Context, from, clone string) (*registry.Source, error) {
	if git.IsPath(from) {
		return registry.OpenSource(a.path(from), "")
	}
	if err := git.CheckURL(from); err != nil {
		return nil, err
	}
	if a.offline && !strings.HasPrefix(from, "file:") {
		return nil, withCode(exitNetwork, errors.New("--offline: "+git.Redact(from)+" is not on this machine"))
	}
	copied, err := git.Clone(ctx, clone, git.FetchOptions{URL: from, Depth: 1})
	if err != nil {
		return nil, err
	}
	if err := copied.Close(); err != nil {
		return nil, err
	}
	return registry.OpenSource(clone, "")
}

func (a *app) printImport(done *registry.Imported) {
	a.printGrowth("imported", done.Versions, done.Packages, done.Present)
	if done.Commit != "" {
		a.printf("  commit  %s\n", done.Commit)
	}
	for _, r := range done.Refused {
		a.warnf("%s: not taken: %s", terminal.Escape(r.Where), terminal.Escape(r.Detail))
	}
}
