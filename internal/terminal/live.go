package terminal

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Live is a block of lines at the end of what a terminal shows, which is drawn
// again as things change. The cursor stays visible, on the line below, so that a
// program which is killed leaves nothing to be put right.
type Live struct {
	out   io.Writer
	drawn []string
	width int // of the terminal when they were drawn
}

// NewLive returns an empty block.
func NewLive(out io.Writer) *Live { return &Live{out: out} }

// Draw shows lines in the place of those that were drawn before, cut so that
// none is wider than a terminal of width columns. It writes at most once, what
// changes nothing is not written, and lines are overwritten before their rest is
// cleared: nothing flickers. What a stranger wrote must be escaped.
func (l *Live) Draw(lines []string, width int) error {
	cut := make([]string, len(lines))
	for i, line := range lines {
		// The last column stays free: in it some terminals wrap at once.
		cut[i] = displaywidth.TruncateString(line, max(width-1, 1), "…")
	}
	if slices.Equal(cut, l.drawn) && width == l.width {
		return nil
	}
	var b strings.Builder
	b.WriteString(l.top(width))
	for _, line := range cut {
		b.WriteString(line + "\x1b[K\r\n")
	}
	if len(cut) < len(l.drawn) || width != l.width {
		b.WriteString("\x1b[J")
	}
	l.drawn, l.width = cut, width
	_, err := io.WriteString(l.out, b.String())
	return err
}

// Clear takes the block away, for other output or for good.
func (l *Live) Clear() error {
	if len(l.drawn) == 0 {
		return nil
	}
	_, err := io.WriteString(l.out, l.top(l.width)+"\x1b[J")
	l.drawn = nil
	return err
}

// top moves the cursor to the first line of the block. A terminal that became
// narrower wraps lines that were drawn when it was wider.
func (l *Live) top(width int) string {
	rows := 0
	for _, line := range l.drawn {
		rows += max(1, (displaywidth.String(line)+width-1)/max(width, 1))
	}
	if rows == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA\r", rows)
}
