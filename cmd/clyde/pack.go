package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/terminal"
	"github.com/clydepm/clyde/publish"
)

const nothingPacked = "nothing was written"

func packCommand(a *app) *cobra.Command {
	var opts packOptions
	cmd := &cobra.Command{
		Use:   "pack",
		Short: "Write the archive of this package",
		Long: `Write the archive of this package, NAME-VERSION.tar.gz.

Equal files give equal bytes on every machine. "include", "exclude" and
"allow-secrets" of .clyde/package.yaml and the .gitignore files decide what is
packed. Files that other systems cannot hold and files that look like secrets
are refused, all at once.

The files under "artifacts" are in the builds for their platforms only.`,
		Example: `  clyde pack
  clyde pack --list
  clyde pack -o dist/
  clyde pack --platform linux-x86_64`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withConsequence(a.pack(cmd.Context(), opts), nothingPacked)
		},
	}
	cmd.Flags().StringVarP(&opts.output, "output", "o", "", "folder or file to write: `PATH` (default: the current folder)")
	cmd.Flags().BoolVar(&opts.list, "list", false, "list the files that would be packed, and write nothing")
	cmd.Flags().StringVar(&opts.platform, "platform", "", "pack the build for `PLATFORM`, which has its artifacts too")
	return cmd
}

type packOptions struct {
	output   string
	list     bool
	platform string
}

func (a *app) pack(ctx context.Context, opts packOptions) error {
	root, err := a.openPackage()
	if err != nil {
		return err
	}
	defer root.Close()
	m, err := publish.ReadManifest(root)
	if err != nil {
		return err
	}
	target := a.archiveFile(opts.output, m.ArchiveName(opts.platform))
	m.Exclude = append(m.Exclude, withinTree(root, target)...)
	files, err := publish.Select(root, m, opts.platform, archive.Limits{})
	if err != nil {
		return err
	}
	if opts.list {
		return a.listFiles(files)
	}
	var sum archive.Summary
	err = writeWhole(target, func(w io.Writer) error {
		sum, err = publish.Pack(ctx, w, root, m, files, archive.Limits{})
		return err
	})
	if err != nil {
		return err
	}
	return a.reportPacked(target, sum)
}

// writeWhole makes the file name with what write writes, or leaves what is
// there: the content goes to a temporary file beside it, which gets the name
// when all of it is on the disk.
func writeWhole(name string, write func(io.Writer) error) error {
	temp, err := os.CreateTemp(filepath.Dir(name), archive.TempPattern)
	if err != nil {
		return err
	}
	if err := errors.Join(write(temp), temp.Chmod(0o644), temp.Sync(), temp.Close()); err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	if err := os.Rename(temp.Name(), name); err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// archiveFile is where the archive goes: into a folder that exists or is
// written with a slash at its end, or to the file named.
func (a *app) archiveFile(output, name string) string {
	if output == "" {
		return filepath.Join(a.Dir, name)
	}
	target := a.path(output)
	if info, err := os.Stat(target); err == nil && info.IsDir() || os.IsPathSeparator(output[len(output)-1]) {
		return filepath.Join(target, name)
	}
	return target
}

// withinTree is the pattern that leaves the archive out of itself when it is
// written into the tree.
func withinTree(root *os.Root, target string) []string {
	rel, err := filepath.Rel(root.Name(), target)
	if err != nil || !filepath.IsLocal(rel) {
		return nil
	}
	quote := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`, "{", `\{`, "}", `\}`)
	return []string{quote.Replace(filepath.ToSlash(rel))}
}

func (a *app) reportPacked(target string, sum archive.Summary) error {
	name := filepath.Base(target)
	if a.json {
		return a.printJSON(struct {
			File string `json:"file"`
			publish.ArchiveView
		}{target, publish.ArchiveView{Name: name, Summary: sum}})
	}
	var text bytes.Buffer
	publish.RenderArchive(&text, name, sum)
	a.printf("packed %s\n%s", terminal.Escape(a.shorten(target)), text.String())
	return nil
}

// shorten is a path as a person in the folder of the run would write it.
func (a *app) shorten(path string) string {
	if rel, err := filepath.Rel(a.Dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

type listedFile struct {
	Path       string `json:"path"`
	Size       int64  `json:"size"`
	Executable bool   `json:"executable,omitempty"`
}

func (a *app) listFiles(files []archive.File) error {
	listed := make([]listedFile, len(files))
	var total int64
	for i, f := range files {
		listed[i] = listedFile{Path: f.Path, Size: f.Size, Executable: f.Executable}
		total += f.Size
	}
	if a.json {
		return a.printJSON(map[string][]listedFile{"files": listed})
	}
	for _, f := range listed {
		a.printf("%s\n", terminal.Escape(f.Path))
	}
	a.notef("%d files, %d bytes", len(listed), total)
	return nil
}

// refusedText is what a person reads about a tree that cannot be packed.
func refusedText(err error) (text, summary string, ok bool) {
	var refused *archive.RefusedError
	if !errors.As(err, &refused) {
		return "", "", false
	}
	if n := len(refused.Refusals); n != 1 {
		return refused.Text(), fmt.Sprintf("the package is refused for %d reasons", n), true
	}
	return refused.Text(), "the package is refused", true
}
