package main

import (
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
