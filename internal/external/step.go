package external

import (
	"github.com/clydepm/clyde/index"
)

// Where is what a plan is for.
type Where struct {
	// Prefix is an absolute folder of which each manager that can install into a
	// folder gets one of its own, PREFIX/MANAGER. It need not exist.
	Prefix string
	// Platform is what is installed for; the zero value is this machine's.
	Platform index.Platform
	// Only are the managers that may be used; nil is all.
	Only []string
}

// A Step is what a plan found out about one requirement and will do about it.
// It can be written as JSON and read back, to be undone by a later process.
type Step struct {
	Requirement Requirement `json:"requirement"`
	Driver      string      `json:"driver"`
	Skipped     string      `json:"skipped,omitempty"`    // why nothing is done about it, "" for most
	Elsewhere   bool        `json:"elsewhere,omitempty"`  // it is skipped because it is for other platforms
	Present     bool        `json:"present"`              // there is nothing to do
	Have        string      `json:"have,omitempty"`       // version that is installed, "" for none or unknown
	Candidate   string      `json:"candidate,omitempty"`  // version that would be, "" when that cannot be known before
	Prefix      string      `json:"prefix,omitempty"`     // folder that it is installed into, "" for the system
	NewPrefix   bool        `json:"new_prefix,omitempty"` // it is made by the step, and taking back the step removes it
	Added       []Package   `json:"added,omitempty"`      // what would come, itself among them
	Changed     []Package   `json:"changed,omitempty"`    // what would move, at the versions of now
	Root        bool        `json:"root,omitempty"`       // the commands run as the administrator
	Install     [][]string  `json:"install,omitempty"`    // the commands, in order
	Undo        [][]string  `json:"undo,omitempty"`       // what takes it back; for those of Added that came
	Note        string      `json:"note,omitempty"`       // what a person should know before
}

// Needed reports whether there is something to do.
func (s Step) Needed() bool { return !s.Present && s.Skipped == "" }

// A Package is an installed package or one that could be.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// A Problem is a reason why a requirement cannot be met here.
type Problem struct {
	Requirement Requirement `json:"requirement"`
	Detail      string      `json:"detail"`
	Remedy      string      `json:"hint,omitempty"`
}

// Error returns "apt:libfoo-dev: detail".
func (p *Problem) Error() string { return p.Requirement.String() + ": " + p.Detail }

// Hint says what can be done about it.
func (p *Problem) Hint() string { return p.Remedy }
