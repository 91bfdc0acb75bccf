// Package pause waits, as everything that asks a host again does when nothing
// else is put in its place: for a time by the clock of the system, or until the
// one who waits gives up. It decides nothing about how long that is.
package pause

import (
	"context"
	"time"
)

// For waits for d. The error is the context's, when that is done first.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
