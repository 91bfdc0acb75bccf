package terminal

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	var table Table
	table.Row("NAME", "VERSION", "DESCRIPTION")
	table.Row("fmt", "10.2.1", "formatting")
	table.Row("漢字", "1.0.0", "wide \x1b[31mred")
	table.Row("longer-name", "1", "")
	var b strings.Builder
	if _, err := table.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"NAME         VERSION  DESCRIPTION",
		"fmt          10.2.1   formatting",
		"漢字         1.0.0    wide \\x1b[31mred",
		"longer-name  1",
		"",
	}, "\n")
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestTableCutsTheLastColumn(t *testing.T) {
	table := Table{Width: 30}
	table.Row("a", strings.Repeat("x", 100))
	var b strings.Builder
	if _, err := table.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if want := "a  " + strings.Repeat("x", 26) + "…\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
