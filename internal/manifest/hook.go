package manifest

import (
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/strictyaml"
)

const (
	minTimeout = time.Second
	maxTimeout = time.Hour
	maxRun     = 100 // program and arguments
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
	if len(items) == 0 || len(items) > maxRun {
		v.Report("write [PROGRAM, ARGUMENT]", "has %d items, not 1 to %d", len(items), maxRun)
		return nil
	}
	var argv []string
	for _, item := range items {
		text := item.Text()
		if strings.ContainsRune(text, 0) || utf8.RuneCountInString(text) > maxArgument {
			item.Report("", "is not text of at most %d characters without NUL", maxArgument)
		}
		argv = append(argv, text)
	}
	checkProgram(items[0])
	return argv
}

// A program is a file of the package or is looked for in the search path. One
// elsewhere would be another program on each machine.
var (
	programPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\./)?[^/\\]+(/[^/\\]+)*$`) })
	parentPattern  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(^|/)\.\.(/|$)`) })
)

func checkProgram(v strictyaml.Value) {
	text := v.Written()
	if text != "" && (!programPattern().MatchString(text) || parentPattern().MatchString(text)) {
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
