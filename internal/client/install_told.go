package client

import (
	"fmt"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/manifest"
)

// Index lines tell of the hooks of packages, and the lock keeps what they tell, so
// that what will run is known and agreed to before anything is downloaded. What
// runs is what the archive declares: an archive with other hooks than its line is
// not what was reviewed. A line from before lines told of hooks, or of a package
// that has none, tells nothing; its archive is looked at once it is there.

// toldHooks are the hooks that lines tell of, by name and version of the package.
func toldHooks(lock *lockfile.Lock) map[string][]index.Hook {
	told := map[string][]index.Hook{}
	if lock == nil {
		return told
	}
	for _, p := range lock.Packages {
		if len(p.Hooks) > 0 {
			told[p.Name+" "+p.Version] = p.IndexHooks()
		}
	}
	return told
}

// id is the package by name and version.
func (p LedgerPackage) id() string { return p.Name + " " + p.Version }

// runningOn are those of the hooks that run on a platform, by their names.
func runningOn(hooks []index.Hook, p index.Platform) map[string]manifest.Hook {
	running := map[string]manifest.Hook{}
	for _, h := range hooks {
		if !h.Applies(p) {
			continue
		}
		hook := manifest.Hook{Run: h.Run, Timeout: manifest.DefaultTimeout}
		if h.Timeout > 0 {
			hook.Timeout = time.Duration(h.Timeout) * time.Second
		}
		running[h.Phase] = hook
	}
	return running
}

// compareTold refuses an archive that declares other hooks than its line told of.
func compareTold(l LedgerPackage, told, declared []index.Hook) error {
	if told == nil || index.SameHooks(told, declared) {
		return nil
	}
	return &Error{
		Class: ErrIntegrity,
		Message: fmt.Sprintf("the archive of %s is not what its index line says: it declares other hooks:\n  line:    %s\n  archive: %s",
			l.id(), hooksText(told), hooksText(declared)),
		Remedy: "do not install this version; tell the keepers of the registry " + l.Registry,
	}
}

func hooksText(hooks []index.Hook) string {
	if len(hooks) == 0 {
		return "none"
	}
	var all []string
	for _, h := range hooks {
		all = append(all, HookText(h))
	}
	return strings.Join(all, "; ")
}

// HookText writes a hook of an index line for a person to read.
func HookText(h index.Hook) string {
	text := h.Phase + ": " + CommandLine(h.Run)
	if h.Timeout > 0 {
		text += fmt.Sprintf(", at most %d s", h.Timeout)
	}
	if len(h.Platforms) > 0 {
		text += ", on " + strings.Join(h.Platforms, " ")
	}
	return text
}
