package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/internal/terminal"
)

func indexInspectCommand(a *app) *cobra.Command {
	var flags sourceFlags
	cmd := &cobra.Command{
		Use:   "inspect [NAME[@VERSION]]",
		Short: "Tell facts about an index, a package or a version",
		Long: `Tell facts about an index, a package of it, or one version, straight from the
files of the index. What a project would install is told by 'clyde info'.`,
		Example: `  clyde index inspect --index registry.git
  clyde index inspect hello
  clyde index inspect hello@1.2.3 --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			source, err := flags.open(a)
			if err != nil {
				return err
			}
			defer source.Close()
			if len(args) == 0 {
				return a.inspectIndex(source)
			}
			name, version, _ := strings.Cut(args[0], "@")
			if err := index.CheckLookupName(name); err != nil {
				return withCode(exitUsage, err)
			}
			return a.inspectPackage(source, name, version)
		},
	}
	flags.register(cmd)
	return cmd
}

func (a *app) inspectIndex(source *registry.Source) error {
	facts, err := registry.InspectIndex(source)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(facts)
	}
	var t terminal.Table
	row := func(name, value string) {
		if value != "" {
			t.Row(name, value)
		}
	}
	row("name", facts.Name)
	if facts.Format > 0 {
		row("format", fmt.Sprint(facts.Format))
	} else {
		row("format", "Cargo's")
	}
	row("archives", facts.DL)
	row("sparse", facts.Sparse)
	row("commit", facts.Commit)
	if !facts.Changed.IsZero() {
		row("changed", facts.Changed.Format(time.RFC3339))
	}
	row("packages", fmt.Sprint(facts.Packages))
	row("versions", fmt.Sprintf("%d, of them %d yanked and %d retired", facts.Versions, facts.Yanked, facts.Retired))
	if facts.Skipped > 0 {
		row("unread", count(facts.Skipped, "line"))
	}
	if facts.Size > 0 {
		row("size", humanize.Bytes(uint64(facts.Size)))
	}
	_, err = t.WriteTo(a.Stdout)
	return err
}

func (a *app) inspectPackage(source *registry.Source, name, version string) error {
	facts, err := registry.InspectPackage(source, name, version)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(facts)
	}
	if version != "" {
		return a.inspectVersion(facts.Versions[0])
	}
	a.printf("%s, in %s\n", terminal.Escape(facts.Name), facts.Path)
	var t terminal.Table
	t.Row("VERSION", "PUBLISHED", "SIZE", "LICENSE", "STATUS")
	for _, v := range facts.Versions {
		size := ""
		if v.Entry.Size > 0 {
			size = humanize.Bytes(uint64(v.Entry.Size))
		}
		t.Row(v.Entry.Vers, v.Entry.Pubtime, size, v.Entry.License, entryStatus(v.Entry))
	}
	if _, err := t.WriteTo(a.Stdout); err != nil {
		return err
	}
	for _, s := range facts.Skipped {
		a.warnf("%s: %s", facts.Path, terminal.Escape(s))
	}
	return nil
}

func entryStatus(e *index.Entry) string {
	var status []string
	if e.Yanked {
		status = append(status, "yanked")
	}
	if e.Retired != nil {
		status = append(status, "retired: "+e.Retired.Reason)
	}
	return strings.Join(status, ", ")
}

func (a *app) inspectVersion(v registry.VersionFacts) error {
	e := v.Entry
	var t terminal.Table
	row := func(name, value string) {
		if value != "" {
			t.Row(name, value)
		}
	}
	row("name", e.Name)
	row("version", e.Vers)
	row("status", entryStatus(e))
	if e.Retired != nil {
		row("message", e.Retired.Message)
	}
	row("published", e.Pubtime)
	row("description", e.Description)
	row("license", e.License)
	row("homepage", e.Homepage)
	row("repository", e.Repository)
	row("authors", strings.Join(e.Authors, ", "))
	row("keywords", strings.Join(e.Keywords, ", "))
	row("platforms", strings.Join(e.Platforms, ", "))
	row("sha256", e.Cksum)
	row("archive", v.Download)
	if e.Size > 0 {
		row("size", humanize.Bytes(uint64(e.Size)))
	}
	for _, d := range e.Deps {
		row("needs", dependencyText(d))
	}
	for _, x := range e.External {
		row("needs", x)
	}
	for _, h := range e.Hooks {
		row("hook", client.HookText(h))
	}
	_, err := t.WriteTo(a.Stdout)
	return err
}

// dependencyText is a dependency as a person would tell it.
func dependencyText(d index.Dependency) string {
	text := d.PackageName() + " " + d.Req
	var notes []string
	if d.Kind != "" && d.Kind != index.KindNormal {
		notes = append(notes, d.Kind)
	}
	if d.Optional {
		notes = append(notes, "optional")
	}
	if d.Target != "" {
		notes = append(notes, "for "+d.Target)
	}
	if d.Registry != "" {
		notes = append(notes, "from "+d.Registry)
	}
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	return text
}
