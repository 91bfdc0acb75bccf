package index

import "strings"

// File is the file of one package.
type File struct {
	Entries []*Entry // in the order of the lines
	Skipped []Skipped
}

// Skipped is a line that could not be read.
type Skipped struct {
	Line int   // counted from 1
	Err  error // *LineError or *NewerVersionError
}

// ParseFile reads the file of a package with [ParseLine]. A line that cannot be
// read, has no full version, or is of a newer format hides only itself. Empty lines and a
// missing newline at the end are tolerated, and so is "\r\n". The entries share
// one copy of data.
func ParseFile(data []byte) File { return newFileDecoder().file(string(data), nil) }

func (d *lineDecoder) file(data string, entries []*Entry) File {
	f := File{Entries: entries}
	number := 0
	for line := range strings.Lines(data) {
		number++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		d.resetText(line)
		entry, err := d.entry()
		if err == nil {
			err = checkVersion(entry)
		}
		if err != nil {
			f.Skipped = append(f.Skipped, Skipped{Line: number, Err: err})
			continue
		}
		f.Entries = append(f.Entries, entry)
	}
	return f
}

// checkVersion refuses an entry that has no place among the versions of its package.
func checkVersion(e *Entry) error {
	if _, err := ParseVersion(e.Vers); err != nil {
		return &LineError{Rule: "line/version", Field: "vers", Detail: err.Error()}
	}
	return nil
}
