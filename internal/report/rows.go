package report

import (
	"fmt"
	"strings"

	"github.com/clydepm/clyde/internal/review"
)

// diffRow is one thing that a version changes.
type diffRow struct {
	what          string // our own word for its kind
	name          string // of the thing, "" where there is only one
	before, after string // "" for what was not, or is no more, there
	note          string // our own words
	own           bool   // before and after are our own words too
}

// sign is that of a difference: "+" for what came, "-" for what went.
func (r diffRow) sign() string {
	switch {
	case r.before == "":
		return "+"
	case r.after == "":
		return "-"
	}
	return "~"
}

// text is what it was and what it is.
func (r diffRow) text() string {
	switch {
	case r.before == "":
		return r.after
	case r.after == "" || r.before == r.after:
		return r.before
	}
	return r.before + " → " + r.after
}

// diffRows are all differences but the list of files.
func diffRows(d review.Diff) []diffRow {
	var rows []diffRow
	if d.Size.After > 0 {
		row := diffRow{what: "archive", after: size(d.Size.After), note: grown(d.Size), own: true}
		if d.Size.Before > 0 {
			row.before = size(d.Size.Before)
		}
		rows = append(rows, row)
	}
	if l := d.License; l != nil {
		rows = append(rows, diffRow{what: "licence", before: orNone(l.Before), after: orNone(l.After)})
	}
	for _, list := range []struct {
		what        string
		differences []review.Difference
	}{{"dependency", d.Dependencies}, {"external", d.External}, {"hook", d.Hooks}} {
		for _, x := range list.differences {
			rows = append(rows, diffRow{what: list.what, name: x.Name, before: x.Before, after: x.After})
		}
	}
	for _, f := range d.Native {
		row := fileRow{f.Path, f.Sizes}
		if row.Before == 0 {
			row.Before = -1
		}
		rows = append(rows, diffRow{what: "machine code", name: f.Path, before: row.before(), after: row.after(), own: true})
	}
	if d.Files != nil {
		rows = append(rows, diffRow{what: "files", after: fileCounts(d.Files), own: true})
	}
	return rows
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// fileRow is one file that differs.
type fileRow struct {
	path string
	review.Sizes
}

// fileRows are what came, then what went, then what changed.
func fileRows(d *review.FileDiffs) []fileRow {
	if d == nil {
		return nil
	}
	var rows []fileRow
	for _, f := range d.Added {
		rows = append(rows, fileRow{f.Path, review.Sizes{Before: -1, After: f.After}})
	}
	for _, f := range d.Removed {
		rows = append(rows, fileRow{f.Path, review.Sizes{Before: f.Before, After: -1}})
	}
	for _, f := range d.Changed {
		rows = append(rows, fileRow{f.Path, f.Sizes})
	}
	return rows
}

// sign tells the three apart. A file that is there and empty has the size 0, so
// one that is not there has -1.
func (f fileRow) sign() string {
	switch {
	case f.Before < 0:
		return "+"
	case f.After < 0:
		return "-"
	}
	return "~"
}

func (f fileRow) before() string {
	if f.Before < 0 {
		return ""
	}
	return size(f.Before)
}

func (f fileRow) after() string {
	if f.After < 0 {
		return ""
	}
	return size(f.After)
}

func (f fileRow) sizes() string {
	switch {
	case f.Before < 0:
		return size(f.After)
	case f.After < 0:
		return size(f.Before)
	}
	return size(f.Before) + " → " + size(f.After)
}

// signature says in our own words what the signature of a version is worth.
func signature(s review.Signer) string {
	if s.Verified {
		return "signed by a publisher on record"
	}
	return "not signed by a publisher on record"
}

// nobody stands in place of a publisher on record.
const nobody = "nobody who matches"

// signerRows are what the signature proves, and who is on record.
func signerRows(s review.Signer) [][2]string {
	withID := func(name, id string) string {
		if name == "" || id == "" {
			return name + id
		}
		return fmt.Sprintf("%s (ID %s)", name, id)
	}
	var rows [][2]string
	for _, row := range [][2]string{
		{"signer", s.Identity},
		{"repository", withID(s.Repository, s.RepositoryID)},
		{"owner ID", s.OwnerID},
		{"commit", s.Commit},
		{"signed at", s.SignedAt},
		{"vouched for by", s.Profile},
		{"on record", s.Recorded},
	} {
		if strings.TrimSpace(row[1]) != "" {
			rows = append(rows, row)
		}
	}
	if s.Recorded == "" {
		rows = append(rows, [2]string{"on record", nobody})
	}
	return rows
}
