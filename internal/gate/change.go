package gate

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/publish"
)

// Change is what a pull request proposes, apart from the tree it was made on.
type Change struct {
	Delta index.Delta
	Files map[string][]byte // as they become; nil deletes. Empty: the index has it all already
}

// ConflictError reports a change that cannot be made on the index as it is.
type ConflictError struct {
	Path, Detail string
	Err          error // may be nil
}

func (e *ConflictError) Error() string {
	if e.Err != nil {
		return e.Path + ": " + e.Detail + ": " + e.Err.Error()
	}
	return e.Path + ": " + e.Detail
}

// Hint says what its author can do.
func (e *ConflictError) Hint() string {
	return "propose it again on top of the index as it is"
}

func (e *ConflictError) Unwrap() error { return e.Err }

// NoChangeError reports a difference that is none of the changes that an index
// allows.
type NoChangeError struct{ Violations []index.Violation }

func (e *NoChangeError) Error() string {
	return "not a change that an index allows: " + e.Violations[0].Detail
}

// Regenerate says again on base what lies between fork and head. It reports a
// [*NoChangeError] or a [*ConflictError]; other errors are those of the trees.
func Regenerate(fork, head, base fs.FS) (*Change, error) {
	changes, err := index.Changes(fork, head)
	if err != nil {
		return nil, err
	}
	delta, violations := index.Classify(changes)
	if len(violations) > 0 {
		return nil, &NoChangeError{violations}
	}
	c := &Change{Delta: delta, Files: map[string][]byte{}}
	switch delta.Kind {
	case index.KindPublish:
		return c, c.publish(base)
	case index.KindYank, index.KindUnyank, index.KindRetire, index.KindUnretire:
		return c, c.status(base)
	}
	for _, f := range changes {
		if err := c.replace(base, f); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// read reads a file of a tree; nil when there is none.
func read(tree fs.FS, name string) ([]byte, error) {
	data, err := fs.ReadFile(tree, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// publish appends the lines to the file as it is now. The owners that come with
// a new package come only with a package that is still new.
func (c *Change) publish(base fs.FS) error {
	path, err := index.Path(c.Delta.Package)
	if err != nil {
		return err
	}
	before, err := read(base, path)
	if err != nil {
		return err
	}
	file, changed := before, false
	for _, e := range c.Delta.Added {
		after, err := publish.AppendLine(file, e)
		if err != nil {
			return &ConflictError{Path: path, Detail: e.Vers, Err: err}
		}
		if after != nil {
			file, changed = after, true
		}
	}
	if changed {
		c.Files[path] = file
	}
	if c.Delta.Owners == nil {
		return nil
	}
	return c.replace(base, *c.Delta.Owners)
}

// status sets the status of the lines as they are now.
func (c *Change) status(base fs.FS) error {
	path, err := index.Path(c.Delta.Package)
	if err != nil {
		return err
	}
	before, err := read(base, path)
	if err != nil {
		return err
	}
	want := map[string]*index.Entry{}
	for _, s := range c.Delta.Changed {
		want[s.Version] = s.After
	}
	var file bytes.Buffer
	for line := range bytes.Lines(before) {
		entry, err := index.ParseLine(bytes.TrimRight(line, "\n"))
		if err != nil || want[entry.Vers] == nil {
			file.Write(line)
			continue
		}
		after := entry.Clone()
		if c.Delta.Kind == index.KindYank || c.Delta.Kind == index.KindUnyank {
			after.Yanked = want[entry.Vers].Yanked
		} else {
			after.Retired = want[entry.Vers].Retired
		}
		delete(want, entry.Vers)
		if bytes.Equal(after.AppendLine(nil), entry.AppendLine(nil)) {
			file.Write(line)
			continue
		}
		file.Write(append(after.AppendLine(nil), '\n'))
	}
	for version := range want {
		return &ConflictError{Path: path, Detail: "there is no version " + version + " any more"}
	}
	if !bytes.Equal(file.Bytes(), before) {
		c.Files[path] = file.Bytes()
	}
	return nil
}

// replace takes over a file as a whole, if nobody else changed it.
func (c *Change) replace(base fs.FS, f index.FileChange) error {
	now, err := read(base, f.Path)
	if err != nil {
		return err
	}
	before, after := content(f.Before), content(f.After)
	switch {
	case same(now, after):
		return nil
	case !same(now, before):
		return &ConflictError{Path: f.Path, Detail: "somebody else changed the file meanwhile"}
	}
	c.Files[f.Path] = after
	return nil
}

// content is that of a file, nil of none.
func content(b *index.Blob) []byte {
	if b == nil {
		return nil
	}
	if b.Data == nil {
		return []byte{}
	}
	return b.Data
}

func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// On returns the tree with the change made.
func (c *Change) On(base fs.FS) fs.FS {
	for path, data := range c.Files {
		base = publish.WithFile(base, path, data)
	}
	return base
}

// Message is that of the commit: what changes, and where it was proposed.
func (c *Change) Message(pull forge.Pull) string {
	text := c.subject()
	if pull.URL != "" {
		text += fmt.Sprintf(" (#%d)", pull.Number)
	}
	return text + "\n"
}

func (c *Change) subject() string {
	var versions []string
	for _, e := range c.Delta.Added {
		versions = append(versions, e.Vers)
	}
	for _, s := range c.Delta.Changed {
		versions = append(versions, s.Version)
	}
	switch c.Delta.Kind {
	case index.KindPublish:
		return publish.Subject("Publish", c.Delta.Package, versions)
	case index.KindYank:
		return publish.Subject("Yank", c.Delta.Package, versions)
	case index.KindUnyank:
		return publish.Subject("Unyank", c.Delta.Package, versions)
	case index.KindRetire:
		return publish.Subject("Retire", c.Delta.Package, versions)
	case index.KindUnretire:
		return publish.Subject("Unretire", c.Delta.Package, versions)
	case index.KindOwners:
		return "Change the owners of " + c.Delta.Package
	case index.KindTransfer:
		return "Transfer " + c.Delta.Package
	case index.KindRegister:
		return "Register " + c.Delta.Package
	}
	return "Change what governs the index"
}
