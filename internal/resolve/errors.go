package resolve

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNotFound is what errors of a [Source] match when a package or a registry
// does not exist.
var ErrNotFound = errors.New("not found")

// Missing is a package, or one version of it, that the root asks for and that
// does not exist.
type Missing struct {
	Package Package
	Version string   // "" when the whole package is missing
	Nearest []string // names, or versions, that exist and are close
}

// NotFoundError reports all that the root asks for and that does not exist. It
// matches [ErrNotFound].
type NotFoundError struct {
	Missing []Missing
}

func (e *NotFoundError) Error() string {
	lines := make([]string, len(e.Missing))
	for i, m := range e.Missing {
		lines[i] = m.describe()
	}
	return strings.Join(lines, "\n")
}

func (m Missing) describe() string {
	what := fmt.Sprintf("package %q does not exist", m.Package.Name)
	if m.Package.Registry != "" {
		what = fmt.Sprintf("registry %q has no package %q", m.Package.Registry, m.Package.Name)
	}
	if m.Version != "" {
		what = fmt.Sprintf("%s has no version %s", m.Package.Name, m.Version)
	}
	return what
}

// Is reports whether target is [ErrNotFound].
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// Hint names what is close to the missing.
func (e *NotFoundError) Hint() string {
	var hints []string
	for _, m := range e.Missing {
		if len(m.Nearest) > 0 {
			hints = append(hints, fmt.Sprintf("instead of %s, did you mean %s?", m.wanted(), alternatives(m.Nearest)))
		}
	}
	return strings.Join(hints, "; ")
}

func (m Missing) wanted() string {
	if m.Version != "" {
		return m.Package.Name + " " + m.Version
	}
	return m.Package.Name
}

// YankedError reports that the root asks for exactly a version that has been
// yanked and that the lock does not hold.
type YankedError struct {
	Package Package
	Version string
	Usable  string // the newest version that is not yanked, "" if none
}

func (e *YankedError) Error() string {
	return fmt.Sprintf("%s %s is yanked: its publisher withdrew it", e.Package.Name, e.Version)
}

// Hint says what to ask for instead.
func (e *YankedError) Hint() string {
	if e.Usable == "" {
		return "every version of " + e.Package.Name + " is yanked; look for another package"
	}
	return fmt.Sprintf("the newest version that is not yanked is %s", e.Usable)
}

// StepLimitError reports that the search was given up. There may be a solution.
type StepLimitError struct {
	Steps    int
	Disputed []string // packages that met most conflicts, worst first
}

func (e *StepLimitError) Error() string {
	message := fmt.Sprintf("gave up after %d steps without finding versions that fit together", e.Steps)
	if len(e.Disputed) > 0 {
		message += "; most conflicts were about " + enumerate(e.Disputed)
	}
	return message
}

// Hint says how to make the search easier.
func (e *StepLimitError) Hint() string {
	if len(e.Disputed) == 0 {
		return "narrow the requirements"
	}
	return fmt.Sprintf("narrow the requirement on %s, for instance to one version with %q", e.Disputed[0], "=")
}

// Conflict reports that no choice of versions satisfies all requirements.
type Conflict struct {
	explanation string
	hint        string
}

func (c *Conflict) Error() string { return c.explanation }

// Explanation returns the proof, in lines from facts to conclusion.
func (c *Conflict) Explanation() string { return c.explanation }

// Hint returns an obvious remedy, "" if there is none.
func (c *Conflict) Hint() string { return c.hint }

// enumerate writes "a, b and c".
func enumerate(items []string) string { return listed(items, "and") }

// alternatives writes "a, b or c".
func alternatives(items []string) string { return listed(items, "or") }

func listed(items []string, word string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := len(items) - 1
	return strings.Join(items[:last], ", ") + " " + word + " " + items[last]
}
