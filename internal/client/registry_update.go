package client

import (
	"context"
	"errors"
	"fmt"
)

// Updated is the outcome of updating one registry.
type Updated struct {
	Registry Registry
	Change   Change
	Err      error
}

// Update brings registries up to date, several at a time; one that fails does
// not stop the others. The outcomes are in the order given. The error, if any,
// is that of the only registry, or counts the failures and has the class of the
// gravest.
func (s *Registries) Update(ctx context.Context, registries []Registry, opts UpdateOptions) ([]Updated, error) {
	outcomes := make([]Updated, len(registries))
	s.Each(ctx, registries, func(ctx context.Context, i int, r Registry) {
		change, err := r.Update(ctx, opts)
		outcomes[i] = Updated{Registry: r, Change: change, Err: err}
	})
	var failed []error
	for _, o := range outcomes {
		if o.Err != nil {
			failed = append(failed, o.Err)
		}
	}
	switch {
	case len(failed) == 0:
		return outcomes, nil
	case len(registries) == 1:
		return outcomes, failed[0]
	case ctx.Err() != nil:
		return outcomes, ctx.Err()
	}
	verb := "were"
	if len(failed) == 1 {
		verb = "was"
	}
	return outcomes, &Error{
		Class:   gravest(failed),
		Message: fmt.Sprintf("%d of %d registries %s not updated", len(failed), len(registries), verb),
	}
}

// gravest is the class that a person must hear of first.
func gravest(errs []error) error {
	for _, class := range []error{ErrIntegrity, ErrRefused, ErrConflict, ErrUsage, ErrNotFound, ErrNetwork} {
		for _, err := range errs {
			if errors.Is(err, class) {
				return class
			}
		}
	}
	return errors.Join(errs...)
}
