package client

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/clydepm/clyde/index"
)

// Permission says which programs a run may start without asking: those of
// packages (hooks) and those of other tools that install what packages need
// (externals). What is neither allowed nor left out is asked about.
type Permission struct {
	All         bool      // everything
	Hooks       []Request // of these packages, in the versions that they admit
	AllHooks    bool      // of all packages
	NoHooks     bool      // leave all hooks out
	NoExternals bool      // leave it to the person to install externals
}

// Consent asks a person about a plan. It shows what of it would run and
// reports whether that may.
type Consent func(ctx context.Context, p *Plan) (bool, error)

// hook decides about a hook.
func (p Permission) hook(name, version string) Allowance {
	switch {
	case p.NoHooks:
		return AllowedSkip
	case p.All || p.AllHooks || slices.ContainsFunc(p.Hooks, func(r Request) bool { return r.admits(name, version) }):
		return AllowedYes
	}
	return AllowedAsk
}

// external decides about an external that is not there.
func (p Permission) external() Allowance {
	switch {
	case p.NoExternals:
		return AllowedSkip
	case p.All:
		return AllowedYes
	}
	return AllowedAsk
}

// admits reports whether a version of a package is what r asks for.
func (r Request) admits(name, version string) bool {
	if index.Fold(r.Name) != index.Fold(name) {
		return false
	}
	if r.Req == "" {
		return true
	}
	req, err := index.ParseRequirement(r.Req)
	v, err2 := index.ParseVersion(version)
	return err == nil && err2 == nil && req.Matches(v)
}

// askable reports whether a person has to say something about the plan.
func (p *Plan) askable() bool {
	return slices.ContainsFunc(p.Hooks, func(h PlannedHook) bool { return h.Allowed == AllowedAsk }) ||
		slices.ContainsFunc(p.Externals, func(e PlannedExternal) bool { return e.Allowed == AllowedAsk })
}

// agree asks for what of the plan needs asking. Everything that was asked about
// is allowed afterwards; the error is of the class [ErrRefused] when the person
// says no, or when there is nobody to ask.
func (in *Installer) agree(ctx context.Context, p *Plan) error {
	if !p.askable() {
		return nil
	}
	if in.Consent == nil {
		return p.unattended()
	}
	yes, err := in.Consent(ctx, p)
	if err != nil {
		return err
	}
	if !yes {
		return &Error{Class: ErrRefused, Message: "you did not agree to run these programs", Remedy: p.leaveOut()}
	}
	for i := range p.Hooks {
		if p.Hooks[i].Allowed == AllowedAsk {
			p.Hooks[i].Allowed = AllowedYes
		}
	}
	for i := range p.Externals {
		if p.Externals[i].Allowed == AllowedAsk {
			p.Externals[i].Allowed = AllowedYes
		}
	}
	return nil
}

// unattended refuses to run programs when nobody is there to agree, and names
// the flags that do.
func (p *Plan) unattended() error {
	var lines, packages []string
	external := false
	for _, e := range p.Externals {
		if e.Allowed != AllowedAsk {
			continue
		}
		external = true
		for _, argv := range e.Commands {
			lines = append(lines, fmt.Sprintf("%s: %s", e.Requirement, CommandLine(argv)))
		}
	}
	for _, h := range p.Hooks {
		if h.Allowed != AllowedAsk {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s %s, %s: %s", h.Package, h.Version, h.Name, CommandLine(h.Run)))
		if !slices.Contains(packages, h.Package) {
			packages = append(packages, h.Package)
		}
	}
	e := &Error{Class: ErrRefused, Message: "programs would run, and nobody was asked:\n  " + strings.Join(lines, "\n  ")}
	switch {
	case external:
		e.Remedy = "agree with --yes; " + p.leaveOut()
	default:
		e.Remedy = fmt.Sprintf("agree with --allow-hooks=%s, or once for all with 'profiles: {development: {allow-hooks: [%s]}}' in your own config.yaml; %s",
			strings.Join(packages, ","), strings.Join(packages, ", "), p.leaveOut())
	}
	return e
}

// leaveOut names the flags that install without what was asked about.
func (p *Plan) leaveOut() string {
	var flags []string
	if slices.ContainsFunc(p.Hooks, func(h PlannedHook) bool { return h.Allowed == AllowedAsk }) {
		flags = append(flags, "--no-hooks")
	}
	if slices.ContainsFunc(p.Externals, func(e PlannedExternal) bool { return e.Allowed == AllowedAsk }) {
		flags = append(flags, "--no-externals")
	}
	return "or install without them with " + strings.Join(flags, " ")
}

// CommandLine writes a program and its arguments for a person to read: what
// holds spaces or special characters is quoted, so that one argument is not
// taken for two. It is not meant for a shell.
func CommandLine(argv []string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = word
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.ContainsAny(word, " \"'\\$`;|&<>()*?[]{}!#~") {
			words[i] = fmt.Sprintf("%q", word)
		}
	}
	return strings.Join(words, " ")
}
