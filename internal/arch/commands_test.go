package arch

import (
	"strings"
	"testing"
)

// A block is one fenced block of a document. What is done with a block of
// shell commands stands in the HTML comment right before it:
//
//	<!-- run -->      run as written, after the document's earlier blocks
//	<!-- network -->  needs more than this machine: parsed only
//	<!-- ci -->       .ci/run runs it, since a test cannot run the tests
//	<!-- workflow --> a whole workflow, held to the rules of our own
//	<!-- output -->   not a command: what the block before it prints
//
// In an output block, "..." stands for any text on that line and a line of
// "..." for any lines.
type block struct {
	File     string
	Line     int
	Language string
	Mark     string
	Text     string
}

// blocks are the fenced blocks of a document.
func blocks(t *testing.T, name string) []block {
	t.Helper()
	var found []block
	var open *block
	mark := ""
	number := 0
	for line := range strings.Lines(read(t, name)) {
		number++
		trimmed := strings.TrimSpace(line)
		switch {
		case open != nil && trimmed == "```":
			found = append(found, *open)
			open, mark = nil, ""
		case open != nil:
			open.Text += line
		case strings.HasPrefix(trimmed, "```"):
			open = &block{File: name, Line: number, Language: strings.TrimPrefix(trimmed, "```"), Mark: mark}
		case strings.HasPrefix(trimmed, "<!-- ") && strings.HasSuffix(trimmed, " -->"):
			mark = strings.TrimSuffix(strings.TrimPrefix(trimmed, "<!-- "), " -->")
		case trimmed != "":
			mark = ""
		}
	}
	if open != nil {
		t.Errorf("%s:%d: a block that does not end", name, open.Line)
	}
	return found
}

// TestCommandsAreMarked: no document shows a command of which nobody knows
// whether it works.
func TestCommandsAreMarked(t *testing.T) {
	ci := read(t, ".ci/run")
	for _, name := range documents(t) {
		for _, b := range blocks(t, name) {
			if b.Language == "" {
				t.Errorf("%s:%d: a block without a language; use text when there is none", b.File, b.Line)
			}
			shell := b.Language == "sh"
			switch b.Mark {
			case "run", "network":
				if !shell {
					t.Errorf("%s:%d: marked %q and not a sh block", b.File, b.Line, b.Mark)
				}
			case "ci":
				for line := range strings.Lines(b.Text) {
					command, _, _ := strings.Cut(line, "#")
					if !strings.Contains(ci, strings.TrimSpace(command)) {
						t.Errorf("%s:%d: .ci/run does not run %q", b.File, b.Line, strings.TrimSpace(command))
					}
				}
			case "output":
				if b.Language != "text" && b.Language != "json" {
					t.Errorf("%s:%d: an output block is text or json", b.File, b.Line)
				}
			default:
				if shell {
					t.Errorf("%s:%d: say before the block what a test does with it: <!-- run -->, <!-- network --> or <!-- ci -->", b.File, b.Line)
				}
			}
		}
	}
}

// TestFirstCommands: the README's two commands are the ones everything else
// is measured by.
func TestFirstCommands(t *testing.T) {
	readme := read(t, "README.md")
	for _, command := range []string{"go run ./cmd/clyde demo", "go test ./..."} {
		if !strings.Contains(readme, command) {
			t.Errorf("README.md does not show %q", command)
		}
	}
}
