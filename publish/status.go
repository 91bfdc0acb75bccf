package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// YankOptions say which version is yanked, or taken back with Undo.
type YankOptions struct {
	Target
	Name, Version string
	Undo          bool
}

// NewYankPlan plans to yank a version. The error is ErrNotFound when there is no
// such package or version.
func NewYankPlan(ctx context.Context, opts YankOptions) (*Plan, error) {
	kind, verb := index.KindYank, "Yank"
	if opts.Undo {
		kind, verb = index.KindUnyank, "Unyank"
	}
	if opts.Version == "" {
		return nil, &Error{Kind: ErrUsage, Detail: "which version of " + opts.Name + "?", Remedy: "write NAME@VERSION, such as hello@1.2.3"}
	}
	return newStatusPlan(ctx, opts.Target, statusEdit{
		kind: kind, verb: verb, name: opts.Name, version: opts.Version,
		apply: func(e, _ *index.Entry) bool {
			changed := e.Yanked == opts.Undo
			e.Yanked = !opts.Undo
			return changed
		},
	})
}

// RetireOptions say which versions are retired and why, or taken back with Undo.
type RetireOptions struct {
	Target
	Name, Version   string // Version is "" for all versions
	Reason, Message string
	Undo            bool
}

// NewRetirePlan plans to retire versions. A version that is retired for another
// reason, or with another message, is retired anew. The error is ErrUsage for a
// reason that the format does not know and ErrNotFound when there is no such
// package or version.
func NewRetirePlan(ctx context.Context, opts RetireOptions) (*Plan, error) {
	edit := statusEdit{kind: index.KindRetire, verb: "Retire", name: opts.Name, version: opts.Version}
	if opts.Undo {
		edit.kind, edit.verb = index.KindUnretire, "Unretire"
		edit.apply = func(e, _ *index.Entry) bool {
			changed := e.Retired != nil
			e.Retired = nil
			return changed
		}
		return newStatusPlan(ctx, opts.Target, edit)
	}
	if !slices.Contains(index.RetiredReasons(), opts.Reason) {
		return nil, &Error{
			Kind:   ErrUsage,
			Detail: fmt.Sprintf("%q is no reason to retire a version", opts.Reason),
			Remedy: "choose one of " + strings.Join(index.RetiredReasons(), ", "),
		}
	}
	edit.body = "Reason: " + opts.Reason + "\n"
	if opts.Message != "" {
		edit.body += "\n" + opts.Message + "\n"
	}
	since := opts.Now().UTC().Format(index.TimeLayout)
	says := func(e *index.Entry) bool {
		return e != nil && e.Retired != nil && e.Retired.Reason == opts.Reason && e.Retired.Message == opts.Message
	}
	edit.apply = func(e, proposed *index.Entry) bool {
		if says(e) {
			return false
		}
		e.Retired = &index.Retired{Reason: opts.Reason, Message: opts.Message, Since: since}
		if says(proposed) {
			e.Retired.Since = proposed.Retired.Since
		}
		return true
	}
	return newStatusPlan(ctx, opts.Target, edit)
}

// statusEdit changes the status of one version, or of all when version is "".
type statusEdit struct {
	kind                index.Kind
	verb, name, version string
	body                string // of the commit message
	// apply changes a line and reports whether it did. The same line in what is
	// proposed already, which may be nil, decides where a choice is free.
	apply func(entry, proposed *index.Entry) bool
}

func newStatusPlan(ctx context.Context, target Target, edit statusEdit) (*Plan, error) {
	if edit.version != "" {
		if _, err := index.ParseVersion(edit.version); err != nil {
			return nil, &Error{Kind: ErrUsage, Detail: err.Error(), Remedy: "write NAME@VERSION, such as hello@1.2.3"}
		}
	}
	if err := index.CheckLookupName(edit.name); err != nil {
		return nil, &Error{Kind: ErrUsage, Detail: err.Error(), Remedy: "write NAME@VERSION, such as hello@1.2.3"}
	}
	return newPlan(ctx, Plan{Kind: edit.kind, Package: edit.name, wanted: edit.version, target: target, derive: edit.derive})
}

// derive rewrites the lines that change and keeps every other byte.
func (s statusEdit) derive(tree fs.FS, proposed []byte) (derived, error) {
	path, before, err := readPackage(tree, s.name)
	if err != nil {
		return derived{}, err
	}
	if before == nil {
		return derived{}, &Error{Kind: ErrNotFound, Detail: "there is no package " + s.name + " in the index"}
	}
	already := map[string]*index.Entry{}
	for _, e := range index.ParseFile(proposed).Entries {
		already[e.Vers] = e
	}
	var d derived
	var after bytes.Buffer
	var matched []string
	for line := range bytes.Lines(before) {
		text := bytes.TrimRight(line, "\r\n")
		entry, err := index.ParseLine(text)
		if !s.concerns(entry, err) {
			after.Write(line)
			continue
		}
		if err != nil {
			return derived{}, err
		}
		matched = append(matched, entry.Vers)
		if !s.apply(entry, already[entry.Vers]) {
			after.Write(line)
			continue
		}
		changed := entry.AppendLine(nil)
		after.Write(changed)
		after.Write(line[len(text):])
		d.lines = append(d.lines, changed)
		d.versions = append(d.versions, entry.Vers)
	}
	if len(matched) == 0 {
		return derived{}, s.noVersion(before)
	}
	if len(d.lines) == 0 {
		return derived{done: true, versions: matched}, nil
	}
	message := Subject(s.verb, s.name, d.versions) + "\n"
	if s.body != "" {
		message += "\n" + s.body
	}
	d.change = Change{Path: path, Before: before, After: after.Bytes(), Message: message}
	return d, nil
}

// concerns reports whether a line is of the version that is meant. A line of a
// newer format counts, so that nobody believes that it was changed.
func (s statusEdit) concerns(entry *index.Entry, err error) bool {
	if err == nil {
		return s.version == "" || sameVersion(entry.Vers, s.version)
	}
	var newer *index.NewerVersionError
	return errors.As(err, &newer) && (s.version == "" || sameVersion(newer.Vers, s.version))
}

func sameVersion(a, b string) bool {
	v, err := index.ParseVersion(a)
	w, err2 := index.ParseVersion(b)
	return err == nil && err2 == nil && v.Compare(w) == 0
}

func (s statusEdit) noVersion(data []byte) error {
	var versions []string
	for _, e := range index.ParseFile(data).Entries {
		versions = append(versions, e.Vers)
	}
	return &Error{
		Kind:   ErrNotFound,
		Detail: fmt.Sprintf("there is no version %s of %s", s.version, s.name),
		Remedy: "there are " + strings.Join(versions, ", "),
	}
}
