package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/hook"
	"github.com/clydepm/clyde/internal/installer"
	"github.com/clydepm/clyde/internal/plugin"
	"github.com/clydepm/clyde/internal/process"
	"github.com/clydepm/clyde/internal/terminal"
)

func pluginCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "List and try programs that add to clyde",
		Long: `Programs in the folders of PATH add to clyde: one called clyde-NAME adds the command
NAME, and one called clyde-installer-NAME installs packages of the type NAME.`,
		Example: "  clyde plugin list\n" +
			"  clyde plugin check ./clyde-hello",
	}
	cmd.AddCommand(pluginListCommand(a), pluginCheckCommand(a))
	return cmd
}

// listedPlugin is one line of plugin list.
type listedPlugin struct {
	Kind   plugin.Kind `json:"kind"`
	Name   string      `json:"name"`
	Path   string      `json:"path"`
	Hidden bool        `json:"hidden"` // clyde has a command of this name itself
}

func pluginListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the programs on PATH that add to clyde",
		Example: "  clyde plugin list\n" +
			"  clyde plugin list --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := []listedPlugin{}
			for _, kind := range []plugin.Kind{plugin.Command, plugin.Installer} {
				for _, p := range plugin.SearchOf(a.Getenv).All(kind) {
					all = append(all, listedPlugin{kind, p.Name, p.Path, kind == plugin.Command && isBuiltIn(cmd.Root(), p.Name)})
				}
			}
			if a.json {
				return a.printJSON(map[string]any{"plugins": all})
			}
			if len(all) == 0 {
				a.notef("there is no program clyde-NAME or clyde-installer-NAME on PATH")
				return nil
			}
			var table terminal.Table
			table.Row("KIND", "NAME", "PROGRAM")
			for _, p := range all {
				note := ""
				if p.Hidden {
					note = " (hidden by clyde's own)"
				}
				table.Row(string(p.Kind), p.Name, p.Path+note)
			}
			_, err := table.WriteTo(a.Stdout)
			return err
		},
	}
}

func pluginCheckCommand(a *app) *cobra.Command {
	var sample string
	cmd := &cobra.Command{
		Use:   "check PROGRAM",
		Short: "Try whether a program keeps to what clyde expects of it",
		Long: `Try whether a program that adds to clyde keeps to what is expected of it, and report
every check. It runs the program. The exit code is 9 when a check fails.

Of a command: its name, and that --help answers. Of an installer: that it keeps to
the protocol, refuses what it does not know, and with --sample, the folder of a
package of its type, that it installs it, twice alike, and leaves the package alone.`,
		Example: "  clyde plugin check ./clyde-hello\n  clyde plugin check ./clyde-installer-font --sample testdata/sans",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, ok := plugin.SearchOf(a.Getenv).At(a.path(args[0]))
			if !ok {
				return withHint(exitUsage, fmt.Errorf("%s is not a program that adds to clyde", args[0]),
					"call it clyde-NAME or clyde-installer-NAME, NAME of a-z, 0-9 and \"-\", and make it executable")
			}
			findings, err := a.tryPlugin(cmd, p, sample)
			if err != nil {
				return err
			}
			return a.renderTried(p, findings)
		},
	}
	cmd.Flags().StringVar(&sample, "sample", "", "install the package in the folder `DIR` (for an installer)")
	return cmd
}

func (a *app) tryPlugin(cmd *cobra.Command, p plugin.Program, sample string) ([]installer.Finding, error) {
	if p.Kind == plugin.Installer {
		if sample != "" {
			sample = a.path(sample)
		}
		program := installer.Program{Program: p, Runner: &hook.Runner{Getenv: a.Getenv}}
		return program.Conform(cmd.Context(), sample)
	}
	if sample != "" {
		return nil, usagef("--sample: %s adds a command, and installs nothing", filepath.Base(p.Path))
	}
	return a.tryCommand(cmd, p)
}

// helpTime and helpSize bound the answer to --help.
const (
	helpTime = 10 * time.Second
	helpSize = 64 << 10
)

// tryCommand asks a program that adds a command for help.
func (a *app) tryCommand(cmd *cobra.Command, p plugin.Program) ([]installer.Finding, error) {
	findings := []installer.Finding{{Check: "name", Status: "pass"}}
	if isBuiltIn(cmd.Root(), p.Name) {
		findings[0] = installer.Finding{Check: "name", Status: "fail", Detail: "clyde has a command " + p.Name + " itself, which is found first"}
	}
	dir, err := os.MkdirTemp("", "clyde-plugin-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	help := installer.Finding{Check: "--help", Status: "pass"}
	output := process.NewTail(helpSize)
	ended, err := process.Run(cmd.Context(), process.Command{
		Path: p.Path, Args: []string{"--help"}, Dir: dir, Env: withVariable(process.WithoutSecrets(a.Environ()), "CLYDE", a.Program),
		Stdout: output, Stderr: process.NewTail(helpSize), Timeout: helpTime, Grace: time.Second,
	})
	switch {
	case cmd.Context().Err() != nil:
		return nil, cmd.Context().Err()
	case err != nil:
		help.Status, help.Detail = "fail", err.Error()
	case ended.Exit != 0:
		help.Status, help.Detail = "fail", ended.String()
	case strings.TrimSpace(string(output.Bytes())) == "":
		help.Status, help.Detail = "fail", "it printed nothing"
	}
	quiet := installer.Finding{Check: "--help changes nothing", Status: "pass"}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		quiet.Status, quiet.Detail = "fail", "it wrote into the working folder"
	}
	return append(findings, help, quiet), nil
}

func (a *app) renderTried(p plugin.Program, findings []installer.Finding) error {
	failed := 0
	for _, f := range findings {
		if f.Status == "fail" {
			failed++
		}
	}
	if a.json {
		if err := a.printJSON(map[string]any{"program": p.Path, "kind": p.Kind, "name": p.Name, "findings": findings}); err != nil {
			return err
		}
	} else {
		var table terminal.Table
		for _, f := range findings {
			table.Row(f.Status, f.Check, oneLine(f.Detail))
		}
		if _, err := table.WriteTo(a.Stdout); err != nil {
			return err
		}
	}
	if failed > 0 {
		return withCode(exitFindings, fmt.Errorf("%s: %s", terminal.Escape(filepath.Base(p.Path)), count(failed, "failed check")))
	}
	return nil
}
