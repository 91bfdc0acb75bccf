package publish

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/clydepm/clyde/internal/forge"
)

// ErrMoved reports that an index is no longer in the state that a change was
// made for.
var ErrMoved = errors.New("the index has moved")

// Destination is an index that can be changed.
type Destination interface {
	// Head returns the present state of the index.
	Head(ctx context.Context) (State, error)
	// Write writes a change on top of a state and returns its ID. Nobody sees
	// it yet.
	Write(ctx context.Context, base State, change Change, by Author, when time.Time) (id string, err error)
	// Advance makes a written change the state of the index. It reports
	// ErrMoved, and does nothing, when the index is no longer at base.
	Advance(ctx context.Context, base State, id string) error
	// String names the destination for people.
	String() string
}

// State is an index at one moment.
type State = forge.Snapshot

// Author is the person or machine that makes a change.
type Author = forge.Author

// Change is a new text for one file of an index, and for a new package its
// owners.
type Change struct {
	Path          string
	Before, After []byte            // Before is nil when there is no such file
	Others        map[string][]byte // further new files that belong to it; may be nil
	Message       string
}

// files are all files that change.
func (c Change) files() map[string][]byte {
	files := map[string][]byte{c.Path: c.After}
	maps.Copy(files, c.Others)
	return files
}
