package action

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// maxOutput bounds an output, in the UTF-16 that GitHub counts in.
	maxOutput = 1 << 20
	// maxSummary bounds the summary of a step, in bytes. More is not cut but
	// thrown away by GitHub.
	maxSummary = 1 << 20
)

// SetOutput sets an output of the step: it appends NAME<<DELIMITER, the value and
// the delimiter.
func (r *Runner) SetOutput(name, value string) error {
	if !regexp.MustCompile(`\A[A-Za-z_][A-Za-z0-9_-]{0,99}\z`).MatchString(name) {
		return fmt.Errorf("%q is no name of an output", name)
	}
	value = strings.ToValidUTF8(value, string(utf8.RuneError))
	if strings.ContainsRune(value, 0) {
		return fmt.Errorf("the output %s has a NUL", name)
	}
	if n := 2 * len(utf16.Encode([]rune(value))); n > maxOutput {
		return fmt.Errorf("the output %s has %d bytes; GitHub takes %d", name, n, maxOutput)
	}
	delimiter := "ghadelimiter_" + token()
	return r.appendTo("GITHUB_OUTPUT", name+"<<"+delimiter+"\n"+value+"\n"+delimiter+"\n")
}

// AddSummary appends Markdown to the page of the run. What does not fit is cut
// at the end of a line, and said to be cut.
func (r *Runner) AddSummary(markdown string) error {
	const cut = "\n\n*The rest does not fit on this page; it is in the log.*\n"
	have := int64(0)
	if info, err := os.Stat(r.Getenv("GITHUB_STEP_SUMMARY")); err == nil {
		have = info.Size()
	}
	room := maxSummary - int(min(have, maxSummary))
	markdown = strings.ToValidUTF8(markdown, string(utf8.RuneError))
	if len(markdown) > room {
		if room < len(cut) {
			return nil // the page is full, and says so
		}
		markdown = markdown[:room-len(cut)]
		markdown = markdown[:strings.LastIndexByte(markdown, '\n')+1] + cut
	}
	return r.appendTo("GITHUB_STEP_SUMMARY", markdown)
}

// appendTo writes at the end of a file that the runner has made.
func (r *Runner) appendTo(variable, text string) error {
	name := r.Getenv(variable)
	if name == "" {
		return &Error{Detail: variable + " names no file", Err: ErrNoRunner}
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
