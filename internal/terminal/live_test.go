package terminal

import (
	"strings"
	"testing"
)

func TestLive(t *testing.T) {
	var out strings.Builder
	l := NewLive(&out)
	for _, step := range []struct {
		what string
		do   func() error
		want string
	}{
		{"nothing to clear", l.Clear, ""},
		{"first", func() error { return l.Draw([]string{"one", "two"}, 20) }, "one\x1b[K\r\ntwo\x1b[K\r\n\x1b[J"},
		{"the same", func() error { return l.Draw([]string{"one", "two"}, 20) }, ""},
		{"other", func() error { return l.Draw([]string{"one", "more"}, 20) }, "\x1b[2A\rone\x1b[K\r\nmore\x1b[K\r\n"},
		{"fewer, cut", func() error { return l.Draw([]string{strings.Repeat("x", 30)}, 20) }, "\x1b[2A\r" + strings.Repeat("x", 18) + "…\x1b[K\r\n\x1b[J"},
		{"narrower", func() error { return l.Draw([]string{"a"}, 10) }, "\x1b[2A\ra\x1b[K\r\n\x1b[J"},
		{"clear", l.Clear, "\x1b[1A\r\x1b[J"},
		{"again", func() error { return l.Draw([]string{"a"}, 10) }, "a\x1b[K\r\n"},
	} {
		out.Reset()
		if err := step.do(); err != nil || out.String() != step.want {
			t.Errorf("%s: %q, %v; want %q", step.what, out.String(), err, step.want)
		}
	}
}
