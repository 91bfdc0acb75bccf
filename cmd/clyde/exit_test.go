package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/client"
)

func TestErrorsAreEscaped(t *testing.T) {
	var b strings.Builder
	reportError(&b, &client.Error{Class: client.ErrNotFound, Message: "no \x1b[2J", Remedy: "try \u202eevil\nor this"})
	if want := "clyde: no \\x1b[2J\n  hint: try \\u202eevil\n  or this\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestInterrupted(t *testing.T) {
	download := fmt.Errorf("download fmt: %w", context.Canceled)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"alone":              {download, "clyde: interrupted\n"},
		"with a consequence": {withConsequence(errors.Join(download, context.Canceled), "nothing was changed"), "clyde: interrupted; nothing was changed\n"},
		"with a failure":     {fmt.Errorf("%w; and %w", download, errors.New("disk full")), "clyde: download fmt: interrupted; and disk full\n"},
		"classed": {
			&client.Error{Class: client.ErrNetwork, Message: "acme does not answer", Err: context.Canceled},
			"clyde: acme does not answer: interrupted\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			reportError(&b, c.err)
			if b.String() != c.want {
				t.Errorf("got %q, want %q", b.String(), c.want)
			}
			if got := exitCode(c.err); got != exitCancelled {
				t.Errorf("exit code %d, want %d", got, exitCancelled)
			}
		})
	}
}
