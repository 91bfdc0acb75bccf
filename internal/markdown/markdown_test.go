package markdown_test

import (
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/markdown"
	"github.com/clydepm/clyde/internal/markdown/markdowntest"
	"github.com/clydepm/clyde/internal/terminal"
)

func TestCode(t *testing.T) {
	for in, want := range map[string]string{
		"hello":            "`hello`",
		"":                 "`\"\"`",
		"a  b\n# c":        "`a b # c`",
		"a`b":              "``a`b``",
		"`":                "`` ` ``",
		"``x```y":          "```` ``x```y ````",
		"a|b\\":            "`a|b\\`",
		"@ann <b>":         "`@ann <b>`",
		"x\x1b[31m\u202ey": "`x\\x1b[31m\\u202ey`",
	} {
		if got := markdown.Code(in); got != want {
			t.Errorf("Code(%q) = %s, want %s", in, got, want)
		}
	}
	if got, want := markdown.Cell("a|b\\|c"), "`a\\x7cb\\\\x7cc`"; got != want {
		t.Errorf("Cell: %s, want %s", got, want)
	}
	long := markdown.Code(strings.Repeat("größe", 1000))
	if len(long) > 700 || !strings.HasSuffix(long, "… (cut)`") {
		t.Errorf("a long text is %d bytes: …%s", len(long), long[len(long)-30:])
	}
}

func TestBlock(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb\n":               "```sh\na\nb\n```\n",
		"x\n````\n<!-- y":      "`````sh\nx\n````\n<!-- y\n`````\n",
		"a\x1b\u200bb\n  tail": "```sh\na\\x1b\\u200bb\n  tail\n```\n",
	} {
		if got := markdown.Block("sh", in); got != want {
			t.Errorf("Block(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestProse(t *testing.T) {
	for in, want := range map[string]string{
		"every version of fmt is yanked":              "every version of fmt is yanked",
		"1.2.0 of the same release line is there":     "`1.2.0` of the same release line is there",
		`"MIT", and 1.0.0 has "Apache-2.0 OR MIT"`:    "`\"MIT\"`, and `1.0.0` has `\"Apache-2.0 OR MIT\"`",
		"sign it (with 'clyde publish --sign-key F')": "sign it (with `clyde publish --sign-key F`)",
		"run 'clyde x', 'it' or 'so":                  "run `clyde x`, 'it' or `'so`",
		"write v2, as he/ll/hello:3 does.":            "write `v2`, as `he/ll/hello:3` does.",
		"thanks @ann, see #12 and gh-7":               "thanks `@ann`, see `#12` and `gh-7`",
		"https://evil.example/x [y](z) ![i](j) <b>":   "`https://evil.example/x [y](z) ![i](j) <b>`",
		"1. a list":                            "`1`. a list",
		"- a list":                             "`-` a list",
		"42 files, 7 more":                     "42 files, 7 more",
		"the commit deadbeef or defaced":       "the commit `deadbeef` or `defaced`",
		"a \"quote that does not end and @ann": "a `\"quote` that does not end and `@ann`",
		"it's first-time, e.g. :tada:":         "it's first-time, `e.g`. `:tada`:",
		"two (words of ours) here":             "two (words of ours) here",
		"zero\u200bwidth \u202e and größe":     "`zero\\u200bwidth \\u202e` and `größe`",
		"":                                     "",
	} {
		if got := markdown.Prose(in); got != want {
			t.Errorf("Prose(%q)\n got %s\nwant %s", in, got, want)
		}
	}
}

// FuzzText puts text from outside into every place, and looks at the page as a
// host would render it: nothing in it is active, and all of it can be read.
func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"plain words", "@octo/team #1 GH-2 octo/repo#3", "a`b``c", "```\n<script>", "\\`", "\\", "`", "a\\|b|", "|---|\n| x |",
		"[x](javascript:y) ![i](http://z.y/i.png)", "<https://x.y> www.x.y ann@example.org", "deadbeefdeadbeef", ":tada:",
		"-->\n<!-- x", "</details></table>", "- [x] task\n\n# h", "&#64;ann &lt;b&gt;", "\x1b[31m\u202e\u200b\xff\x00", "$x$ $`y`$",
		"\"quoted @ann\" \"open", "(@ann)", "1) x\n2. y", "[^1]: note [^1]", "~~x~~ **y** __z__", "a\u2028b\u00a0c", "\U000e0041",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		page := markdown.Code(s) + "\n\n" + markdown.Prose(s) + "\n\nx " + markdown.Prose(s) + "\n\n" +
			"| a | b | c |\n| --- | --- | --- |\n| " + markdown.Cell(s) + " | " + markdown.CellProse(s) + " | end |\n\n" +
			markdown.Block("text", s)
		active, err := markdowntest.Active(page, markdowntest.Expected{})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range active {
			t.Errorf("%s\n%s", a, page)
		}
		rendered, err := markdowntest.HTML(page)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(rendered, "<td"); n != 3 || !strings.Contains(rendered, "<td>end</td>") {
			t.Errorf("%d cells in\n%s", n, rendered)
		}
		shown, err := markdowntest.Text(markdown.Block("text", s))
		if want := terminal.EscapeLines(strings.TrimRight(s, "\n")) + "\n\n"; err != nil || shown != want {
			t.Errorf("the block shows %q, want %q (%v)", shown, want, err)
		}
	})
}
