package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/clydepm/clyde/index"
)

// LineOptions say which line is published, that was made and signed elsewhere.
type LineOptions struct {
	Target
	Entry *index.Entry
}

// NewLinePlan plans to publish a version whose archives are where its line says,
// such as one that a release carries until an index collects it. The error is a
// *ConflictError for a version that is published with other bytes.
func NewLinePlan(ctx context.Context, opts LineOptions) (*Plan, error) {
	r := &release{entry: opts.Entry.Clone()}
	return newPlan(ctx, Plan{
		Kind: index.KindPublish, Package: r.entry.Name,
		target: opts.Target, wanted: r.entry.Vers, release: r, derive: r.derive, stored: true,
	})
}

// RegisterOptions say who is to publish a package that has no version yet.
type RegisterOptions struct {
	Target
	Name   string
	Source []byte // the registration, in the form of an owners file
}

// NewRegisterPlan plans to register a package. The error is ErrUsage for a name
// that no package may have.
func NewRegisterPlan(ctx context.Context, opts RegisterOptions) (*Plan, error) {
	if err := index.CheckName(opts.Name); err != nil {
		return nil, &Error{Kind: ErrUsage, Detail: err.Error()}
	}
	path, err := index.SourcePath(opts.Name)
	if err != nil {
		return nil, err
	}
	derive := func(tree fs.FS, _ []byte) (derived, error) {
		before, err := fs.ReadFile(tree, path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return derived{}, err
		}
		if string(before) == string(opts.Source) {
			return derived{done: true}, nil
		}
		if err != nil {
			before = nil
		}
		return derived{change: Change{Path: path, Before: before, After: opts.Source, Message: fmt.Sprintf("Register %s\n", opts.Name)}}, nil
	}
	return newPlan(ctx, Plan{Kind: index.KindRegister, Package: opts.Name, target: opts.Target, derive: derive})
}
