package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/history"
	"github.com/clydepm/clyde/internal/terminal"
)

func registryUpdateCommand(a *app) *cobra.Command {
	var opts client.UpdateOptions
	cmd := &cobra.Command{
		Use:   "update [NAME...]",
		Short: "Bring the copies of registries up to date",
		Long: `Fetch what is new in all registries, or in those named. They are asked at the
same time, and one that fails does not stop the others.

A registry whose new state does not continue the history known here is refused
with exit code 5, and its copy stays as it was: the history was rewritten, went
back or was forked, or the index stands still for longer than its policy says it
does. A squash that the registry declared, with the signature of a key that was
known before, is followed.

--accept-history NAME=COMMIT takes over the history of that commit all the same.
Ask the registry's maintainers for the commit, over another way than the
registry itself.`,
		Example: "  clyde registry update\n  clyde registry update libs",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkAccepted(opts.AcceptHistory); err != nil {
				return err
			}
			return a.withRegistries(func(registries *client.Registries) error {
				which, err := pick(registries, args)
				if err != nil {
					return err
				}
				if len(which) == 0 && !a.json {
					a.noteNoRegistry()
					return nil
				}
				outcomes, failed := registries.Update(cmd.Context(), which, opts)
				return errors.Join(a.renderUpdates(outcomes), failed)
			})
		},
	}
	cmd.Flags().StringToStringVar(&opts.AcceptHistory, "accept-history", nil, "dangerous: take over the history of this commit, whatever was known before: `NAME=COMMIT`")
	cmd.Flags().Lookup("accept-history").DefValue = "" // which the help would show as []
	return cmd
}

// acceptedCommit is a commit that names one head, and not many.
var acceptedCommit = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{12,40}$`) })

func checkAccepted(accepted map[string]string) error {
	for name, commit := range accepted {
		if !acceptedCommit().MatchString(commit) {
			return withHint(exitUsage, fmt.Errorf("--accept-history: %q is no commit of %s", commit, name), "give the ID that the maintainers name, 12 to 40 hex digits")
		}
	}
	return nil
}

// pick finds the registries by their names; no names are all of them.
func pick(registries *client.Registries, names []string) ([]client.Registry, error) {
	if len(names) == 0 {
		return registries.All(), nil
	}
	var which []client.Registry
	for _, name := range names {
		r, err := registries.Get(name)
		if err != nil {
			return nil, err
		}
		which = append(which, r)
	}
	return which, nil
}

func (a *app) renderUpdates(outcomes []client.Updated) error {
	if a.json {
		return a.printJSON(updatesJSON(outcomes))
	}
	for _, o := range outcomes {
		name := o.Registry.Config().Name
		switch c := o.Change; {
		case o.Err != nil:
			if len(outcomes) > 1 { // a single failure is the error of the command
				reportError(a.Stderr, o.Err)
			}
		case c.New == "":
			a.printf("%s: read in place\n", name)
		case c.Old == "":
			a.printf("%s: first copy, %s at commit %s\n", name, count(c.Packages, "package"), shortCommit(c.New))
		case c.Old == c.New:
			a.printf("%s: up to date at commit %s\n", name, shortCommit(c.New))
		default:
			for _, squash := range slices.Backward(c.Squashes) {
				a.printf("%s: its history was squashed on %s: %s\n", name, squash.Date, terminal.Escape(squash.Reason))
			}
			a.printf("%s: %s..%s, %s changed\n", name, shortCommit(c.Old), shortCommit(c.New), count(c.Packages, "package"))
		}
	}
	return nil
}

// updateJSON is one updated registry in --json output.
type updateJSON struct {
	Name    string `json:"name"`
	Old     string `json:"old,omitempty"`
	New     string `json:"new,omitempty"`
	Changed int    `json:"changed"`
	Error   string `json:"error,omitempty"`

	Squashes []squashJSON `json:"squashes,omitempty"` // followed, oldest first
	History  *historyJSON `json:"history,omitempty"`  // why it was refused
}

// squashJSON is a declared squash.
type squashJSON struct {
	Commit   string `json:"commit"`
	Head     string `json:"head"`
	Snapshot string `json:"snapshot"`
	Date     string `json:"date"`
	Reason   string `json:"reason"`
	Key      string `json:"key"`
}

// historyJSON is what is wrong with a history.
type historyJSON struct {
	Check  string    `json:"check"` // history/rewritten, -/rolled-back, -/forked, -/frozen or -/unknown
	Known  string    `json:"known,omitempty"`
	Head   string    `json:"head"`
	Common string    `json:"common,omitempty"`
	Last   time.Time `json:"last,omitzero"`
	Detail string    `json:"detail"`
	Hint   string    `json:"hint"`
}

func newHistoryJSON(err error) *historyJSON {
	var problem *history.Error
	if !errors.As(err, &problem) {
		return nil
	}
	h := &historyJSON{Check: problem.Check(), Known: problem.Known, Head: problem.Head, Common: problem.Common, Last: problem.Last, Detail: problem.Detail}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		h.Hint = hinted.Hint()
	}
	return h
}

func updatesJSON(outcomes []client.Updated) any {
	list := []updateJSON{}
	for _, o := range outcomes {
		u := updateJSON{Name: o.Registry.Config().Name, Old: o.Change.Old, New: o.Change.New, Changed: o.Change.Packages}
		if o.Err != nil {
			u.Error, u.History = o.Err.Error(), newHistoryJSON(o.Err)
		}
		for _, s := range slices.Backward(o.Change.Squashes) {
			u.Squashes = append(u.Squashes, squashJSON{s.Commit, s.Head, s.Snapshot, s.Date, s.Reason, s.Key})
		}
		list = append(list, u)
	}
	return struct {
		Registries []updateJSON `json:"registries"`
	}{list}
}
