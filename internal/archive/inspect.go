package archive

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"
)

// memberHead is how much of a file's beginning Inspect keeps: enough to tell
// machine code by its magic number.
const memberHead = 64

// Member is one file of an archive that was inspected.
type Member struct {
	Path       string
	Executable bool
	Size       int64
	SHA256     string // 64 lower-case hex digits
	Head       []byte // the first bytes of the file, at most 64
}

// Contents are what an archive holds.
type Contents struct {
	Summary
	Top     string   // the one folder that everything is in
	Members []Member // sorted by path
	// Manifest is the text of the file at ManifestPath, nil when there is none
	// or when it has more than a megabyte, which no manifest has.
	Manifest []byte
	// Newest is the latest modification time of a file, as the archive says.
	// One that Pack made says [ModTime] of all.
	Newest time.Time
}

// maxManifest bounds the manifest that Inspect keeps.
const maxManifest = 1 << 20

// Inspect reads an archive by the rules and within the limits of [Extract] and
// writes nothing. What Extract refuses it refuses with the same error.
func Inspect(ctx context.Context, r io.Reader, limits Limits) (*Contents, error) {
	a, err := newReader(ctx, r, limits)
	if err != nil {
		return nil, err
	}
	l := &listing{members: map[string]Member{}}
	files, err := place(a, l)
	if err != nil {
		return nil, err
	}
	c := &Contents{Summary: a.summary(files), Top: a.top, Manifest: l.manifest, Newest: a.newest}
	for _, m := range l.members {
		c.Members = append(c.Members, m)
	}
	slices.SortFunc(c.Members, func(a, b Member) int { return cmp.Compare(a.Path, b.Path) })
	return c, nil
}

// listing is the target of an archive that is looked at only.
type listing struct {
	members  map[string]Member
	manifest []byte
}

func (l *listing) folder(string) error { return nil }

func (l *listing) file(name string, mode fs.FileMode, content io.Reader) error {
	sum := sha256.New()
	keep := int64(memberHead)
	if name == ManifestPath {
		keep = maxManifest + 1
	}
	var start bytes.Buffer
	if _, err := io.CopyN(io.MultiWriter(sum, &start), content, keep); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	rest, err := io.Copy(sum, content)
	if err != nil {
		return err
	}
	if name == ManifestPath && start.Len() <= maxManifest {
		l.manifest = start.Bytes()
	}
	l.members[name] = Member{
		Path: name, Executable: mode&0o100 != 0, Size: int64(start.Len()) + rest,
		SHA256: hex.EncodeToString(sum.Sum(nil)), Head: slices.Clone(start.Bytes()[:min(start.Len(), memberHead)]),
	}
	return nil
}

func (l *listing) copied(name, from string, _ fs.FileMode) error {
	m := l.members[from]
	m.Path = name
	l.members[name] = m
	if from == ManifestPath || name == ManifestPath {
		l.manifest = nil // a manifest is a file of its own
	}
	return nil
}
