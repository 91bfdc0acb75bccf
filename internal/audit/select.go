package audit

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/clydepm/clyde/index"
)

// Line is a published version and where it stands.
type Line struct {
	Path   string
	Number int
	Entry  *index.Entry
}

// Selection says which lines are audited. Zero is all of them, in the order of
// the index.
type Selection struct {
	Since  fs.FS     // only lines that these files do not have; nil for all
	From   time.Time // only lines published then or later, and those that do not say when
	Seed   string    // orders the lines; "" leaves them in the order of the index
	Skip   int       // how many of them to pass over
	Sample int       // how many to take; 0 for all
}

// Select lists the lines of an index that are to be audited, and how many there
// are without Skip and Sample. Lines that cannot be read are not among them.
func Select(files fs.FS, want Selection) (selected []Line, total int, err error) {
	var lines []Line
	err = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if _, ok := index.NameOf(path); !ok {
			return nil
		}
		found, err := linesOf(files, path, want)
		lines = append(lines, found...)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	if want.Seed != "" {
		shuffle(lines, want.Seed)
	}
	total = len(lines)
	lines = lines[min(want.Skip, total):]
	if want.Sample > 0 {
		lines = lines[:min(want.Sample, len(lines))]
	}
	return lines, total, nil
}

func linesOf(files fs.FS, path string, want Selection) ([]Line, error) {
	data, err := fs.ReadFile(files, path)
	if err != nil {
		return nil, err
	}
	known, err := countBefore(want.Since, path)
	if err != nil {
		return nil, err
	}
	var lines []Line
	for i, text := range bytes.Split(data, []byte("\n")) {
		entry, err := index.ParseLine(text)
		if i < known || err != nil {
			continue
		}
		if at, err := time.Parse(time.RFC3339, entry.Pubtime); err == nil && at.Before(want.From) {
			continue
		}
		lines = append(lines, Line{path, i + 1, entry})
	}
	return lines, nil
}

// countBefore is how many lines a file had.
func countBefore(files fs.FS, path string) (int, error) {
	if files == nil {
		return 0, nil
	}
	data, err := fs.ReadFile(files, path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return bytes.Count(data, []byte("\n")), err
}

// shuffle orders lines by the digest of the seed and what they are about.
func shuffle(lines []Line, seed string) {
	type keyed struct {
		key  [sha256.Size]byte
		line Line
	}
	all := make([]keyed, len(lines))
	for i, l := range lines {
		all[i] = keyed{sha256.Sum256([]byte(seed + "\n" + l.Entry.Name + "\n" + l.Entry.Vers)), l}
	}
	slices.SortFunc(all, func(a, b keyed) int {
		return cmp.Or(bytes.Compare(a.key[:], b.key[:]), cmp.Compare(a.line.Path, b.line.Path), a.line.Number-b.line.Number)
	})
	for i := range all {
		lines[i] = all[i].line
	}
}
