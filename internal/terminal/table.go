package terminal

import (
	"io"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Table is text in aligned columns. The zero value is an empty table.
type Table struct {
	// Width cuts the last column so that no line is wider; 0 cuts nothing.
	Width int
	rows  [][]string
}

// minLastColumn is how much of the last column stays on a narrow terminal.
const minLastColumn = 20

// Row adds a line. Every cell is escaped.
func (t *Table) Row(cells ...string) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = Escape(cell)
	}
	t.rows = append(t.rows, row)
}

// WriteTo writes the lines with two spaces between columns and none at the
// end.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	widths := t.widths()
	var b strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		used := 0
		for i, cell := range row {
			if i == len(row)-1 {
				line.WriteString(t.cut(cell, used))
				break
			}
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-displaywidth.String(cell)+2))
			used += widths[i] + 2
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// widths are the widths of the columns that another one follows.
func (t *Table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row[:max(len(row)-1, 0)] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], displaywidth.String(cell))
		}
	}
	return widths
}

func (t *Table) cut(cell string, used int) string {
	if t.Width == 0 {
		return cell
	}
	return displaywidth.TruncateString(cell, max(t.Width-used, minLastColumn), "…")
}
