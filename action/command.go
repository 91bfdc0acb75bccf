package action

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// AnnotationLimit is how many annotations of one kind GitHub shows for a step.
const AnnotationLimit = 10

// Level is how serious an annotation is.
type Level string

// The levels of annotations.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
	LevelNotice  Level = "notice"
)

// Annotation is a remark at a place of the repository, or on the whole run.
type Annotation struct {
	Level        Level
	File         string // slash-separated, from the top of the checkout; "" for no place
	Line, Column int    // from 1; 0 for none
	Title        string
	Text         string
}

// Annotate shows a remark in the log, on the page of the run, and at its place
// in the files.
func (r *Runner) Annotate(a Annotation) {
	var properties []string
	add := func(key, value string) {
		if value != "" && value != "0" {
			properties = append(properties, key+"="+escapeProperty(value))
		}
	}
	add("file", a.File)
	if a.File != "" {
		add("line", strconv.Itoa(a.Line))
		add("col", strconv.Itoa(a.Column))
	}
	add("title", a.Title)
	r.command(string(a.Level), strings.Join(properties, ","), a.Text)
}

// Mask has the runner replace a secret by *** in everything it logs from now
// on. Each line of it is a secret of its own.
func (r *Runner) Mask(secret string) {
	for line := range strings.FieldsFuncSeq(secret, func(c rune) bool { return c == '\r' || c == '\n' }) {
		if strings.TrimSpace(line) != "" {
			fmt.Fprintf(r.Stdout, "::add-mask::%s\n", escapeLineEnds(line))
		}
	}
}

// Debug writes to the log when the run has debug logging enabled.
func (r *Runner) Debug(format string, args ...any) {
	r.command("debug", "", fmt.Sprintf(format, args...))
}

// Group folds what is printed until the function that it returns is called.
func (r *Runner) Group(title string) (end func()) {
	r.command("group", "", title)
	return func() { r.command("endgroup", "", "") }
}

// Print hands out a writer for text that is no command, whatever is in it.
func (r *Runner) Print(write func(w io.Writer) error) error {
	word := token()
	fmt.Fprintf(r.Stdout, "::stop-commands::%s\n", word)
	err := write(r.Stdout)
	fmt.Fprintf(r.Stdout, "\n::%s::\n", word)
	return err
}

func (r *Runner) command(name, properties, text string) {
	if properties != "" {
		properties = " " + properties
	}
	fmt.Fprintf(r.Stdout, "::%s%s::%s\n", name, properties, escapeData(text))
}

// escapeData writes the text of a command. Characters that a terminal would obey,
// or that turn the direction of reading, become visible.
func escapeData(s string) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && !strings.ContainsRune("\n\r\t", c) || unicode.Is(unicode.Bidi_Control, c) {
			return unicode.ReplacementChar
		}
		return c
	}, s)
	return escapeLineEnds(s)
}

// escapeLineEnds is the escaping of the runner and nothing else: what it takes
// back is the very text.
func escapeLineEnds(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func escapeProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(escapeData(s))
}
