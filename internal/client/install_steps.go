package client

import (
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/external"
	"github.com/clydepm/clyde/internal/journal"
)

// The steps of a run, by the names under which the journal has them, in their
// order. What the steps after stepConsent do is taken back when one fails.
const (
	stepPreflight   = "preflight"    // may places be written to, is there room
	stepPlan        = "plan"         // resolve, and compare with what is there
	stepConsent     = "consent"      // to run programs
	stepExternal    = "external"     // one for each, by other tools
	stepFetch       = "fetch"        // one archive each
	stepVerify      = "verify"       // its digest, and then that of all that is needed
	stepExtract     = "extract"      // one archive each, into the store; then the generation
	stepPreInstall  = "pre-install"  // one hook each
	stepPreRemove   = "pre-remove"   // one hook each
	stepInstall     = "install"      // by the installer of a package's type, one package each
	stepActivate    = "activate"     // manifest, lock and tree
	stepPostInstall = "post-install" // one hook each
	stepPostRemove  = "post-remove"  // one hook each
	stepLedger      = "ledger"       // what hooks made is sealed and written down
	stepUndo        = "undo"         // what a failure or an interruption left
)

// didSomething reports whether a journal tells of more than looking and asking.
func didSomething(name string) bool {
	records, err := journal.Read(name)
	return err != nil || slices.ContainsFunc(records, func(r journal.Record) bool {
		return r.Outcome != journal.Skipped && !slices.Contains([]string{stepPreflight, stepPlan, stepVerify, stepConsent}, r.Step)
	})
}

// Plan is what a run is about to do, for a person or a program to look at. It
// is made before anything is changed.
type Plan struct {
	Changes   []PackageChange   `json:"changes"`      // of the installed packages, by name
	Lock      []PackageChange   `json:"lock_changes"` // by name
	Files     []string          `json:"files"`        // of the project that are written: manifest, lock
	Fetch     []PlannedFetch    `json:"fetch"`        // archives that the store lacks
	Bytes     int64             `json:"bytes"`        // to fetch, as far as known
	Stored    int               `json:"stored"`       // archives that the store has
	Externals []PlannedExternal `json:"externals"`
	Hooks     []PlannedHook     `json:"hooks"` // in the order in which they run
	// Unread are the packages of which hooks are known only once they are
	// fetched. When there are some, the run asks then.
	Unread   []string  `json:"hooks_unknown"`
	Findings []Finding `json:"preflight"` // what stands in the way, or may
}

// PlannedFetch is an archive to be fetched.
type PlannedFetch struct {
	Package string `json:"package"` // name and version
	URL     string `json:"url"`     // without what may be secret
	SHA256  string `json:"sha256"`
	Size    int64  `json:"size,omitempty"` // 0 when the index does not say
}

// PlannedExternal is something that another tool has to have installed.
type PlannedExternal struct {
	Requirement string     `json:"requirement"` // as packages write it: "apt:libfoo-dev"
	Packages    []string   `json:"packages"`    // that need it
	Present     bool       `json:"present"`
	Have        string     `json:"have,omitempty"` // the version that is there
	Commands    [][]string `json:"commands"`       // that install it, none when it is present
	Undo        [][]string `json:"undo"`           // that take it back when the run fails
	Root        bool       `json:"root"`           // the commands need the rights of an administrator
	Note        string     `json:"note,omitempty"`
	Allowed     Allowance  `json:"allowed"`

	step external.Step
}

// PlannedHook is a program of a package that is to run.
type PlannedHook struct {
	Package string        `json:"package"`
	Version string        `json:"version"`
	Name    string        `json:"hook"` // pre-install, post-install, pre-remove or post-remove
	Run     []string      `json:"run"`  // program and arguments
	Timeout time.Duration `json:"timeout_ns"`
	Sandbox string        `json:"sandbox"` // what it runs under; "none" for nothing
	Allowed Allowance     `json:"allowed"`

	pkg LedgerPackage
}

// Allowance says whether something that is planned may run.
type Allowance string

// What may be said about something that is planned.
const (
	AllowedYes  Allowance = "yes"  // by a flag or a setting
	AllowedSkip Allowance = "skip" // it was asked to leave it out
	AllowedAsk  Allowance = "ask"  // a person has to say
)

// Finding is one thing that a check before the run found.
type Finding struct {
	Check  string `json:"check"`  // disk, permissions, platform, external, sandbox
	Status string `json:"status"` // fail or warn
	Where  string `json:"where"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// String is the finding in one line.
func (f Finding) String() string { return strings.TrimPrefix(f.Where+": "+f.Detail, ": ") }

// Statuses of a [Finding].
const (
	FindingFail = "fail"
	FindingWarn = "warn"
)

// refusal is the error about everything that stands in the way, nil if nothing
// does.
func (p *Plan) refusal() error {
	var lines, hints []string
	for _, f := range p.Findings {
		if f.Status != FindingFail {
			continue
		}
		lines = append(lines, f.String())
		for hint := range strings.SplitSeq(f.Hint, "\n") {
			if hint != "" && !slices.Contains(hints, hint) {
				hints = append(hints, hint)
			}
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return &Error{Class: ErrRefused, Message: "this cannot be installed here:\n  " + strings.Join(lines, "\n  "), Remedy: strings.Join(hints, "\n")}
}

// warnings are the findings that do not stand in the way.
func (p *Plan) warnings() []string {
	var all []string
	for _, f := range p.Findings {
		if f.Status == FindingWarn {
			all = append(all, f.String())
		}
	}
	return all
}

// Sandboxed reports whether hooks run, and all of them in a sandbox.
func (p *Plan) Sandboxed() bool {
	return len(p.Hooks) > 0 && !slices.ContainsFunc(p.Hooks, func(h PlannedHook) bool { return h.Sandbox == "none" })
}
