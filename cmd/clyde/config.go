package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/spelling"
	"github.com/clydepm/clyde/internal/terminal"
)

func configCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the settings, and where each was set",
		Long: `Show the settings of this run, and where each was set: by default, in the file of
the machine, the user or the project, in the environment, or by a flag. A later
one of these wins. 'clyde registry list' shows the registries.`,
		Example: "  clyde config list\n" +
			"  clyde config get store",
	}
	cmd.AddCommand(configListCommand(a), configGetCommand(a))
	return cmd
}

// settingJSON is a setting in --json output.
type settingJSON struct {
	Key      string `json:"key"`
	Value    any    `json:"value"`
	Variable string `json:"variable"`
	Scope    string `json:"scope"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Name     string `json:"name,omitempty"` // of the variable or flag that set it
}

func newSettingJSON(s client.ShownSetting) settingJSON {
	return settingJSON{
		Key: s.Key, Value: s.Value, Variable: s.Variable,
		Scope: string(s.Origin.Scope), File: s.Origin.File, Line: s.Origin.Line, Name: s.Origin.Name,
	}
}

func configListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List all settings",
		Example: "  clyde config list\n" +
			"  clyde config list --config jobs=8 --json",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			config, err := a.loadConfig()
			if err != nil {
				return err
			}
			if a.json {
				all := []settingJSON{}
				for _, s := range config.Settings() {
					all = append(all, newSettingJSON(s))
				}
				return a.printJSON(map[string]any{"settings": all})
			}
			var table terminal.Table
			for _, s := range config.Settings() {
				table.Row(s.Key, fmt.Sprint(s.Value), s.Origin.String())
			}
			_, err = table.WriteTo(a.Stdout)
			return err
		},
	}
}

func configGetCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "get KEY",
		Short:   "Print the value of one setting",
		Example: "  clyde config get store",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			config, err := a.loadConfig()
			if err != nil {
				return err
			}
			var known []string
			for _, s := range config.Settings() {
				if s.Key != args[0] {
					known = append(known, s.Key)
					continue
				}
				if a.json {
					return a.printJSON(newSettingJSON(s))
				}
				a.printf("%s\n", terminal.Escape(fmt.Sprint(s.Value)))
				return nil
			}
			hint := "see 'clyde config list'"
			if near := spelling.Nearest(args[0], known); near != "" {
				hint = "did you mean " + near + "?"
			}
			return withHint(exitNotFound, fmt.Errorf("there is no setting %q", args[0]), hint)
		},
	}
}
