package report

import (
	"bytes"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/review"
)

// A Place is where in the index a finding is.
type Place struct {
	File string // slash-separated, from the top of the index; "" is nowhere
	Line int    // from 1; 0 is the file as a whole
}

// PlaceOf finds the place of a finding in the head of the change. Findings name
// a file, perhaps with a line or a version, and perhaps a field; a version is
// looked up.
func PlaceOf(f review.Finding, head fs.FS) Place {
	where := f.Where
	if where == "" {
		return Place{}
	}
	if m := regexp.MustCompile(`^([^:]+):([0-9]{1,7})(?::|$)`).FindStringSubmatch(where); m != nil {
		line, err := strconv.Atoi(m[2])
		if err == nil && fs.ValidPath(m[1]) {
			return Place{m[1], line}
		}
	}
	if file, rest, ok := strings.Cut(where, " "); ok && fs.ValidPath(file) {
		version, _, _ := strings.Cut(rest, ":")
		if _, err := index.ParseVersion(version); err == nil {
			return Place{file, lineOf(head, file, version)}
		}
	}
	file, _, _ := strings.Cut(where, ": ")
	if !fs.ValidPath(file) || file == "." {
		return Place{}
	}
	return Place{File: file}
}

// lineOf is the line of a version, 0 when it is not there.
func lineOf(head fs.FS, file, version string) int {
	if head == nil {
		return 0
	}
	data, err := fs.ReadFile(head, file)
	if err != nil {
		return 0
	}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if e, err := index.ParseLine(bytes.TrimSuffix(line, []byte("\n"))); err == nil && e.Vers == version {
			return number
		}
	}
	return 0
}
