package client

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/clydepm/clyde/internal/hook"
	"github.com/clydepm/clyde/internal/spelling"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// sandboxModes are the modes of hooks by what a person writes.
func sandboxModes() map[string]hook.Mode {
	return map[string]hook.Mode{"auto": hook.Auto, "require": hook.Require, "off": hook.Off}
}

// hookSandboxSetting says whether hooks run in a sandbox. A project may not turn
// it off.
func hookSandboxSetting() setting {
	return setting{
		key: "hook-sandbox", variable: "CLYDE_HOOK_SANDBOX", personal: true,
		show: func(c *Config) any {
			for word, mode := range sandboxModes() {
				if mode == c.HookSandbox {
					return word
				}
			}
			return ""
		},
		fromText: func(c *Config, text string) error {
			mode, ok := sandboxModes()[text]
			if !ok {
				return fmt.Errorf("%q is not auto, require or off", text)
			}
			c.HookSandbox = mode
			return nil
		},
		fromYAML: func(v strictyaml.Value, _ string) func(*Config) {
			mode, ok := sandboxModes()[v.Text()]
			if !ok && v.Text() != "" {
				known := slices.Sorted(maps.Keys(sandboxModes()))
				hint := "write " + strings.Join(known, ", ")
				if near := spelling.Nearest(v.Text(), known); near != "" {
					hint = "did you mean " + near + "?"
				}
				v.Report(hint, "%q is not a way to run hooks", v.Text())
			}
			return func(c *Config) { c.HookSandbox = mode }
		},
	}
}
