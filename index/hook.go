package index

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Hook is a program that a package runs where it is installed or removed. A line
// tells of it so that it is known before the archive is there.
type Hook struct {
	Phase     string   // one of [HookPhases]
	Run       []string // program and arguments; no shell takes them apart
	Timeout   int64    // seconds that it may take; 0 means [DefaultHookTimeout]
	Platforms []string // of [Platform]; empty means every platform

	Extra []Member
}

// DefaultHookTimeout is how many seconds a hook may take that says nothing else.
const DefaultHookTimeout = 60

// Bounds of a hook.
const (
	MaxHookTimeout  = 3600 // seconds
	MaxHookRun      = 100  // program and arguments
	MaxHookArgument = 4096 // characters of each
)

// HookPhases returns the points at which hooks run, in the order of a line.
func HookPhases() []string {
	return []string{"pre-install", "post-install", "pre-remove", "post-remove"}
}

// IsHookProgram reports whether s can be what a hook runs: a file of the package,
// such as "./tools/setup", or the bare name of a program.
func IsHookProgram(s string) bool {
	if strings.ContainsRune(s, '\\') || !printable(s, false) {
		return false
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(s, "./"), "/") {
		if part == "" || part == ".." {
			return false
		}
	}
	return true
}

// IsHookArgument reports whether s can be an argument of a hook: text of bounded
// length that shows whoever reads it what it is, with line breaks where needed.
func IsHookArgument(s string) bool {
	return utf8.RuneCountInString(s) <= MaxHookArgument && printable(s, true)
}

// CheckHooks reports the first thing that is wrong with the hooks of a line, as
// the member at fault and what it is; both are "" for none.
func CheckHooks(hooks []Hook) (field, detail string) {
	phases := HookPhases()
	next := 0 // the first phase that may follow
	for i, h := range hooks {
		phase := slices.Index(phases, h.Phase)
		place := fmt.Sprintf("hooks[%d].", i)
		switch {
		case phase < 0:
			return place + "phase", fmt.Sprintf("%q is none of %s", h.Phase, strings.Join(phases, ", "))
		case phase < next:
			return place + "phase", fmt.Sprintf("%q is given twice or too late; the order is %s", h.Phase, strings.Join(phases, ", "))
		}
		next = phase + 1
		if member, detail := h.fault(); member != "" {
			return place + member, detail
		}
	}
	return "", ""
}

// fault is what is wrong with a hook apart from its phase.
func (h Hook) fault() (member, detail string) {
	if len(h.Run) == 0 || len(h.Run) > MaxHookRun {
		return "run", fmt.Sprintf("has %d elements, not 1 to %d", len(h.Run), MaxHookRun)
	}
	for i, argument := range h.Run {
		if !IsHookArgument(argument) {
			return fmt.Sprintf("run[%d]", i), fmt.Sprintf("is not text of at most %d characters that print", MaxHookArgument)
		}
	}
	if !IsHookProgram(h.Run[0]) {
		return "run[0]", fmt.Sprintf("%q is neither a file of the package nor the name of a program", h.Run[0])
	}
	if h.Timeout < 0 || h.Timeout > MaxHookTimeout || h.Timeout == DefaultHookTimeout {
		return "timeout", fmt.Sprintf("%d is not 1 to %d seconds, left out for %d", h.Timeout, MaxHookTimeout, DefaultHookTimeout)
	}
	for i, text := range h.Platforms {
		if p, err := ParsePlatform(text); err != nil || p == (Platform{}) || slices.Index(h.Platforms, text) < i {
			return fmt.Sprintf("platforms[%d]", i), fmt.Sprintf("%q is not a platform, given once", text)
		}
	}
	return "", ""
}

// Applies reports whether the hook runs on a platform.
func (h Hook) Applies(p Platform) bool {
	return len(h.Platforms) == 0 || slices.Contains(h.Platforms, p.String())
}

// SameHooks reports whether two lists tell of the same programs.
func SameHooks(a, b []Hook) bool {
	return slices.EqualFunc(a, b, func(x, y Hook) bool {
		return x.Phase == y.Phase && x.Timeout == y.Timeout && slices.Equal(x.Run, y.Run) && slices.Equal(x.Platforms, y.Platforms)
	})
}

func cloneHooks(hooks []Hook) []Hook {
	c := slices.Clone(hooks)
	for i := range c {
		c[i].Run = slices.Clone(c[i].Run)
		c[i].Platforms = slices.Clone(c[i].Platforms)
		c[i].Extra = cloneMembers(c[i].Extra)
	}
	return c
}

func appendHook(dst []byte, h Hook) []byte {
	o := newObject(dst)
	o.string("phase", h.Phase)
	o.key("run")
	o.dst = appendArray(o.dst, h.Run, appendString)
	o.optionalInt("timeout", h.Timeout)
	o.optionalStrings("platforms", h.Platforms)
	return o.end(h.Extra)
}

func (d *lineDecoder) hook() (h Hook) {
	h.Extra = d.object(func(name string) bool {
		switch name {
		case "phase":
			h.Phase = d.string()
		case "run":
			h.Run = d.strings()
		case "timeout":
			h.Timeout = d.int()
		case "platforms":
			h.Platforms = d.strings()
		default:
			return false
		}
		return true
	})
	return h
}

func (c *lineChecker) hooks(hooks []Hook) {
	if field, detail := CheckHooks(hooks); field != "" {
		c.add("line/hook", field, "write it as the manifest in the archive has it", "%s", detail)
	}
	for i, h := range hooks {
		c.unknown(fmt.Sprintf("hooks[%d].", i), h.Extra)
	}
}
