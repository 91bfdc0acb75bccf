package terminal

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain text, 1.2 \\n":    "plain text, 1.2 \\n",
		"größe 大きさ ✓":            "größe 大きさ ✓",
		"\x1b[31mred\x1b[0m":     `\x1b[31mred\x1b[0m`,
		"\x1b]0;title\a":         `\x1b]0;title\x07`,
		"two\nlines\r\n\tindent": `two\nlines\r\n\tindent`,
		"c1 \u009b31m":           `c1 \u009b31m`,
		"rtl \u202egnp.exe":      `rtl \u202egnp.exe`,
		"isolate \u2066x\u2069":  `isolate \u2066x\u2069`,
		"zero\u200bwidth":        `zero\u200bwidth`,
		"filler \u3164.":         `filler \u3164.`,
		"line \u2028 sep":        `line \u2028 sep`,
		"nbsp\u00a0":             `nbsp\u00a0`,
		"bad \xff utf8":          `bad \xff utf8`,
		"tag \U000e0041":         `tag \U000e0041`,
		"del \x7f":               `del \x7f`,
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEscapeLines(t *testing.T) {
	if got, want := EscapeLines("a\x1b\n  b\tc\r\n"), "a\\x1b\n  b\\tc\\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("\x1b[2J\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		out := Escape(s)
		if !utf8.ValidString(out) {
			t.Fatalf("not UTF-8: %q", out)
		}
		for _, r := range out {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
				t.Fatalf("%q keeps %q", out, r)
			}
		}
		if again := Escape(out); again != out {
			t.Fatalf("escaped twice: %q then %q", out, again)
		}
	})
}
