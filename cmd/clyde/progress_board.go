package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clipperhouse/displaywidth"
	"github.com/dustin/go-humanize"
)

// board is what a person sees of transfers: all of them in one line, and one line
// for each that is under way. It knows no terminal and no clock.
type board struct {
	expected int   // transfers in all
	size     int64 // bytes of them in all, 0 when that is not known
	ended    int
	ready    int64 // bytes of those that ended
	meter    meter // of all
	active   []*shownTransfer
	plain    bool // ASCII alone
}

// shownTransfer is one transfer on the board.
type shownTransfer struct {
	name  string
	size  int64 // 0 when not known
	n     int64
	meter meter
}

// expect tells of transfers that will begin.
func (b *board) expect(transfers int, size int64) {
	b.expected += transfers
	b.size += size
}

func (b *board) begin(name string, size int64) *shownTransfer {
	t := &shownTransfer{name: name, size: size}
	b.active = append(b.active, t)
	b.expected = max(b.expected, b.ended+len(b.active))
	return t
}

// at notes where a transfer goes on; that took no time and says nothing about
// how fast it is.
func (b *board) at(t *shownTransfer, n int64) {
	b.meter.skip(n - t.n)
	t.meter.skip(n - t.n)
	t.n = n
}

func (b *board) end(t *shownTransfer) {
	b.active = slices.DeleteFunc(b.active, func(other *shownTransfer) bool { return other == t })
	b.ended++
	b.ready += t.n
}

// mostLines is how many transfers are shown.
const mostLines = 8

// lines is the board on a terminal of that size.
func (b *board) lines(now time.Time, width, height int) []string {
	n := b.ready
	for _, t := range b.active {
		n += t.n
		t.meter.note(now, t.n)
	}
	b.meter.note(now, n)
	all := row{
		name: fmt.Sprintf("fetched %d of %d", b.ended, b.expected),
		n:    n, size: b.size, rate: b.meter.rate(), plain: b.plain,
	}
	room := min(mostLines, height-3) // beside this line, "and more", and the cursor's
	rows := []row{all}
	for _, t := range b.active[:max(0, min(room, len(b.active)))] {
		rows = append(rows, row{name: "  " + t.name, n: t.n, size: t.size, rate: t.meter.rate(), plain: b.plain})
	}
	lines := render(rows, width)
	if more := len(b.active) - (len(rows) - 1); more > 0 && room > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more", more))
	}
	return lines
}

// row is one line of a board.
type row struct {
	name    string
	n, size int64
	rate    float64 // bytes a second, 0 when not known
	plain   bool
}

// Widths of the columns, and how much room those behind the bar need.
const (
	mostName, leastBar, mostBar = 32, 8, 30
	roomAmounts, roomRates      = 25, 53
)

func render(rows []row, width int) []string {
	name := 0
	for _, r := range rows {
		name = max(name, displaywidth.String(r.name))
	}
	name = min(name, mostName, max(width/2, 12))
	lines := make([]string, len(rows))
	for i, r := range rows {
		right := r.right(width - 1 - name - 2)
		bar := min(width-1-name-4-displaywidth.String(right), mostBar)
		line := pad(displaywidth.TruncateString(r.name, name, "…"), name) + "  "
		if bar >= leastBar {
			line += r.bar(bar) + "  "
		}
		lines[i] = strings.TrimRight(line+right, " ")
	}
	return lines
}

// right is what stands behind the bar, as far as there is room.
func (r row) right(room int) string {
	text := "    "
	if r.size > 0 {
		text = fmt.Sprintf("%3d%%", min(100*r.n/r.size, 100))
	}
	if room < roomAmounts {
		return text
	}
	amount := humanize.IBytes(uint64(max(r.n, 0)))
	if r.size > 0 {
		amount += " of " + humanize.IBytes(uint64(r.size))
	}
	text += "  " + fmt.Sprintf("%-19s", amount)
	if room < roomRates || r.rate <= 0 {
		return text
	}
	text += fmt.Sprintf("  %-10s", humanize.IBytes(uint64(r.rate))+"/s")
	if left := r.left(); left > 0 {
		text += fmt.Sprintf("  %s left", left)
	}
	return text
}

// left is how long it will take yet, 0 when nobody knows.
func (r row) left() time.Duration {
	if r.size <= r.n || r.rate <= 0 {
		return 0
	}
	seconds := float64(r.size-r.n) / r.rate
	if seconds > (100 * time.Hour).Seconds() {
		return 0
	}
	return max(time.Second, time.Duration(seconds*float64(time.Second)).Round(time.Second))
}

func (r row) bar(width int) string {
	full, empty := "█", "░"
	if r.plain {
		full, empty = "#", "."
	}
	done := 0
	if r.size > 0 {
		done = int(int64(width) * min(r.n, r.size) / r.size)
	}
	return strings.Repeat(full, done) + strings.Repeat(empty, width-done)
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-displaywidth.String(s)))
}

// meter tells how fast bytes came in the last seconds.
type meter struct{ samples []sample }

type sample struct {
	at time.Time
	n  int64
}

const meterWindow = 5 * time.Second

// note adds how many bytes there are now.
func (m *meter) note(now time.Time, n int64) {
	m.samples = append(m.samples, sample{now, n})
	for len(m.samples) > 2 && now.Sub(m.samples[1].at) >= meterWindow {
		m.samples = m.samples[1:]
	}
}

// skip leaves bytes out that did not come now.
func (m *meter) skip(n int64) {
	for i := range m.samples {
		m.samples[i].n += n
	}
}

// rate is in bytes a second; 0 in the first second.
func (m *meter) rate() float64 {
	if len(m.samples) < 2 {
		return 0
	}
	first, last := m.samples[0], m.samples[len(m.samples)-1]
	span := last.at.Sub(first.at)
	if span < time.Second {
		return 0
	}
	return max(0, float64(last.n-first.n)/span.Seconds())
}
