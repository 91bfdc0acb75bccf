package archive

import (
	"fmt"
	"strings"
	"time"
)

// ManifestPath is the path of the manifest below the archive's top folder. It
// is in every archive.
const ManifestPath = ".clyde/package.yaml"

// ModTime returns the modification time of every member that Pack writes.
func ModTime() time.Time {
	return time.Date(1985, time.October, 26, 8, 15, 0, 0, time.UTC)
}

// Folder returns the name of the one folder at the top of a package's archive:
// "hello-1.2.3", or "scope-name-1.2.3" for a scoped package. The archive itself
// is named Folder + ".tar.gz".
func Folder(name, version string) string {
	return strings.ReplaceAll(name, "/", "-") + "-" + version
}

// Limits bound what is packed and what is extracted. A field that is zero has
// the value that DefaultLimits gives it: there is no "no limit".
type Limits struct {
	Files      int   // members of the archive
	Size       int64 // bytes of all members, unpacked
	FileSize   int64 // bytes of one member, unpacked
	Ratio      int   // unpacked bytes for each packed byte, judged after ratioFloor bytes
	PathLength int   // bytes of a path below the top folder
}

// ratioFloor is the number of unpacked bytes that are harmless at any ratio.
const ratioFloor = 16 << 20

// componentLength is the longest file name that common file systems hold.
const componentLength = 255

// DefaultLimits returns the limits that suit packages of source code and
// libraries. The path length leaves room for a prefix within the 260 characters
// that many programs on Windows can handle.
func DefaultLimits() Limits {
	return Limits{Files: 50_000, Size: 1 << 30, FileSize: 512 << 20, Ratio: 250, PathLength: 200}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	if l.Files > 0 {
		d.Files = l.Files
	}
	if l.Size > 0 {
		d.Size = l.Size
	}
	if l.FileSize > 0 {
		d.FileSize = l.FileSize
	}
	if l.Ratio > 0 {
		d.Ratio = l.Ratio
	}
	if l.PathLength > 0 {
		d.PathLength = l.PathLength
	}
	return d
}

// Summary holds the facts of an archive.
type Summary struct {
	Files    int    `json:"files"`
	Unpacked int64  `json:"unpacked"` // bytes of all files
	Size     int64  `json:"size"`     // bytes of the archive
	SHA256   string `json:"sha256"`   // of the archive, 64 lower-case hex digits
}

// A Refusal says why one path is not packed. Path is empty when the selection
// as a whole is at fault.
type Refusal struct {
	Path   string `json:"path"`
	Rule   string `json:"rule"`
	Detail string `json:"detail"`
	Hint   string `json:"hint"`
}

func (r Refusal) String() string {
	if r.Path == "" {
		return fmt.Sprintf("%s [%s]", r.Detail, r.Rule)
	}
	return fmt.Sprintf("%s: %s [%s]", display(r.Path), r.Detail, r.Rule)
}

// RefusedError reports all that keeps a tree from being packed.
type RefusedError struct{ Refusals []Refusal }

// Error returns one line for each refusal, without the hints.
func (e *RefusedError) Error() string {
	lines := make([]string, len(e.Refusals))
	for i, r := range e.Refusals {
		lines[i] = r.String()
	}
	return strings.Join(lines, "\n")
}

// Text returns every refusal, each followed by its hint on a line of its own. It
// ends in a newline.
func (e *RefusedError) Text() string {
	var b strings.Builder
	for _, r := range e.Refusals {
		b.WriteString(r.String() + "\n")
		if r.Hint != "" {
			b.WriteString("  hint: " + r.Hint + "\n")
		}
	}
	return b.String()
}

// UnsafeError reports an archive that is not extracted, and the member at fault
// when it is one member.
type UnsafeError struct{ Path, Rule, Detail string }

func (e *UnsafeError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("archive refused: %s [%s]", e.Detail, e.Rule)
	}
	return fmt.Sprintf("archive refused: %s: %s [%s]", display(e.Path), e.Detail, e.Rule)
}

// display returns a path that can be shown on a terminal: as it is when it is
// plain, and quoted when it has characters that could mislead.
func display(path string) string {
	quoted := fmt.Sprintf("%q", path)
	if quoted == `"`+path+`"` {
		return path
	}
	return quoted
}
