package arch

import (
	"regexp"
	"strings"
	"testing"
)

// TestMapOfRooms holds CONTRIBUTING.md's map to the table of import directions.
func TestMapOfRooms(t *testing.T) {
	const document = "CONTRIBUTING.md"
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| [^|]+ \\| ([^|]+) \\|$")
	drawn := map[string]string{}
	for _, match := range row.FindAllStringSubmatch(read(t, document), -1) {
		drawn[match[1]] = match[2]
	}
	table := allowed()
	for room, may := range table {
		if want := importsInWords(may); drawn[room] != want {
			t.Errorf("%s: the map needs the row \"| `%s` | what it holds | %s |\"", document, room, want)
		}
	}
	for room := range drawn {
		if _, known := table[room]; !known {
			t.Errorf("%s: the map has the room %s, which does not exist", document, room)
		}
	}
}

// importsInWords is the last column of a room.
func importsInWords(may []string) string {
	switch {
	case len(may) == 0:
		return "nothing of ours"
	case may[0] == "*":
		return "everything"
	}
	names := make([]string, len(may))
	for i, dir := range may {
		names[i] = strings.TrimPrefix(dir, "internal/")
	}
	return strings.Join(names, ", ")
}
