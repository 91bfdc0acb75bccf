package manifest

import (
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/strictyaml"
)

const (
	minTimeout = time.Second
	maxTimeout = index.MaxHookTimeout * time.Second
)

// durationPattern is the part of Go's durations that manifests may use.
var durationPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`) })

func parseHooks(v strictyaml.Value) map[string]Hook {
	root := v.Mapping(HookNames()...)
	var hooks map[string]Hook
	for _, name := range HookNames() {
		if !root.Get(name).Present() {
			continue
		}
		if hooks == nil {
			hooks = map[string]Hook{}
		}
		hooks[name] = parseHook(root.Get(name))
	}
	return hooks
}

func parseHook(v strictyaml.Value) Hook {
	if v.IsText() || v.IsList() {
		v.Report("write {run: [PROGRAM, ARGUMENT], timeout: 60s}", "must be a mapping with the key run")
		return Hook{}
	}
	hook := v.Mapping("run", "timeout", "platforms")
	run := hook.Require("run", "add run: [PROGRAM, ARGUMENT]")
	return Hook{Run: parseRun(run), Timeout: parseTimeout(hook.Get("timeout")), Platforms: parsePlatforms(hook.Get("platforms"))}
}

func parseRun(v strictyaml.Value) []string {
	if v.IsText() {
		v.Report("write "+list(strings.Fields(v.Text())), "must be a list of a program and its arguments; no shell splits it")
		return nil
	}
	items := v.List()
	if !v.Present() || v.IsMapping() {
		return nil
	}
	if len(items) == 0 || len(items) > index.MaxHookRun {
		v.Report("write [PROGRAM, ARGUMENT]", "has %d items, not 1 to %d", len(items), index.MaxHookRun)
		return nil
	}
	var argv []string
	for _, item := range items {
		text := item.Text()
		if !index.IsHookArgument(text) {
			item.Report("leave out control characters; what a hook runs is shown to people", "is not text of at most %d characters that print", index.MaxHookArgument)
		}
		argv = append(argv, text)
	}
	checkProgram(items[0])
	return argv
}

// checkProgram wants a file of the package or a name that is looked for in the
// search path. A program elsewhere would be another one on each machine.
func checkProgram(v strictyaml.Value) {
	text := v.Written()
	if text != "" && index.IsHookArgument(text) && !index.IsHookProgram(text) {
		v.Report(`write a file of the package, such as "./tools/setup", or the name of a program`, "%q is neither a file of the package nor the name of a program", text)
	}
}

func parseTimeout(v strictyaml.Value) time.Duration {
	if v.IsText() && !durationPattern().MatchString(v.Text()) {
		v.Report(`write a number and a unit, such as "90s" or "5m"`, "%q is not a duration", v.Text())
		return DefaultTimeout
	}
	return v.Duration(minTimeout, maxTimeout, DefaultTimeout)
}

// entry is the hook as an index line tells of it: in whole seconds, and on every
// platform when it is for the universal one.
func (h Hook) entry(phase string) index.Hook {
	e := index.Hook{Phase: phase, Run: h.Run}
	if h.Timeout != DefaultTimeout {
		e.Timeout = int64((h.Timeout + time.Second - 1) / time.Second)
	}
	if e.Timeout == index.DefaultHookTimeout {
		e.Timeout = 0 // a little less, rounded up
	}
	for _, p := range h.Platforms {
		if p == (index.Platform{}) {
			e.Platforms = nil
			break
		}
		e.Platforms = append(e.Platforms, p.String())
	}
	return e
}

func parseArtifacts(v strictyaml.Value) map[string]string {
	entries := v.Entries()
	if len(entries) == 0 {
		return nil
	}
	artifacts := map[string]string{}
	for _, entry := range entries {
		if _, err := index.ParsePlatform(entry.Name); err != nil {
			entry.Key.Report(platformHint(entry.Name), "%q is not a platform", entry.Name)
		}
		artifacts[entry.Name] = parsePattern(entry.Value)
	}
	return artifacts
}
