package archive

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// Extract unpacks an archive into dst, without its one top folder, and returns
// the facts of what it read. Nothing outside dst is touched, and nothing within
// it is overwritten. The error is an *UnsafeError when the archive is refused,
// ctx's error when it was cancelled, and otherwise that of r or of the file
// system. After an error dst holds a part of the archive, which the caller
// removes.
func Extract(ctx context.Context, r io.Reader, dst *os.Root, limits Limits) (Summary, error) {
	a, err := newReader(ctx, r, limits)
	if err != nil {
		return Summary{}, err
	}
	t := newTree(ctx, dst)
	files, err := place(a, t)
	if err := errors.Join(err, t.close()); err != nil {
		return Summary{}, err
	}
	return a.summary(files), nil
}

// Extracted is a file that ExtractReadOnly made.
type Extracted struct {
	Path       string // with slashes
	Executable bool
	Size       int64
	Modified   time.Time
	SHA256     string // 64 lower-case hex digits
}

// ExtractReadOnly is [Extract] for a tree that is never to change: its files have
// mode 0444 or 0555 and are listed by path, with the digests of what was written.
// Folders stay as Extract makes them, and nothing is brought to disk.
func ExtractReadOnly(ctx context.Context, r io.Reader, dst *os.Root, limits Limits) ([]Extracted, error) {
	a, err := newReader(ctx, r, limits)
	if err != nil {
		return nil, err
	}
	t := newTree(ctx, dst)
	a.source.hash = nil // the caller knows the digest of the archive
	t.sum = sha256.New()
	_, err = place(a, t)
	if err := errors.Join(err, t.close()); err != nil {
		return nil, err
	}
	slices.SortFunc(t.files, func(a, b Extracted) int { return cmp.Compare(a.Path, b.Path) })
	return t.files, nil
}

// target is what becomes of the members of an archive.
type target interface {
	folder(path string) error
	file(path string, mode fs.FileMode, content io.Reader) error
	// copied makes a file of the same content as one that was placed before.
	copied(path, from string, mode fs.FileMode) error
}

// place applies the rules of extraction to all members, whatever becomes of
// them, and returns the number of files.
func place(a *reader, to target) (int, error) {
	x := &extraction{
		reader: a, to: to, paths: newPathSet(), files: map[string]placed{},
		folders: map[string]bool{".": true}, links: map[string]string{},
	}
	for {
		m, err := a.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		if err := x.place(m); err != nil {
			return 0, err
		}
	}
	for _, link := range x.order {
		if err := x.leaveOut(x.materialise(link)); err != nil {
			return 0, err
		}
	}
	return len(x.files), nil
}

// placed is a regular file of the archive.
type placed struct {
	mode fs.FileMode
	size int64
}

// extraction is the state of one reading of a whole archive.
type extraction struct {
	*reader
	to      target
	paths   *pathSet
	files   map[string]placed // regular files placed so far
	folders map[string]bool   // folders so far
	links   map[string]string // links, made last, to their targets
	order   []string          // links as they came
}

// place writes one member, or puts it off when it is a link.
func (x *extraction) place(m member) error {
	if m.path == "." {
		return nil
	}
	isDir := m.header.Typeflag == tar.TypeDir
	if rule, other := x.paths.add(m.path, !isDir); rule != "" {
		return &UnsafeError{Path: m.path, Rule: rule, Detail: fmt.Sprintf("stands in the way of %s", display(other))}
	}
	switch m.header.Typeflag {
	case tar.TypeDir:
		x.noteFolders(m.path)
		return x.to.folder(m.path)
	case tar.TypeSymlink:
		return x.leaveOut(x.putOff(m, path.Dir(m.path)))
	case tar.TypeLink:
		return x.leaveOut(x.putOffHard(m))
	}
	mode := memberMode(m.header)
	x.note(m.path, placed{mode, m.header.Size})
	return x.to.file(m.path, mode, &memberReader{x.reader})
}

func (x *extraction) note(name string, file placed) {
	x.files[name] = file
	x.noteFolders(path.Dir(name))
}

func (x *extraction) noteFolders(folder string) {
	for ; !x.folders[folder]; folder = path.Dir(folder) {
		x.folders[folder] = true
	}
}

func memberMode(header *tar.Header) fs.FileMode {
	if header.Mode&0o100 != 0 {
		return 0o755
	}
	return 0o644
}

// memberReader reads the content of the current member and explains errors.
type memberReader struct{ *reader }

func (m *memberReader) Read(p []byte) (int, error) {
	n, err := m.members.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = m.source.explain(err)
	}
	return n, err
}

// putOff notes a link whose target is relative to folder.
func (x *extraction) putOff(m member, folder string) error {
	target := m.header.Linkname
	if x.foreign && strings.HasPrefix(target, "/") {
		folder, target = "", strings.TrimLeft(target, "/") // of the root that the archive is made for
	}
	if target == "" || isAbsolute(target) || len(target) >= 2 && target[1] == ':' {
		return &UnsafeError{Path: m.path, Rule: RuleLinkOutside, Detail: "the link is absolute or leads nowhere"}
	}
	joined := path.Join(folder, target)
	if joined == ".." || len(joined) > 2 && joined[:3] == "../" {
		return &UnsafeError{Path: m.path, Rule: RuleLinkOutside, Detail: "the link leads out of the archive"}
	}
	x.links[m.path] = joined
	x.order = append(x.order, m.path)
	return nil
}

// putOffHard notes a hard link, whose target is a member's full name.
func (x *extraction) putOffHard(m member) error {
	clean, err := cleanPath(m.header.Linkname)
	if err != nil {
		return &UnsafeError{Path: m.path, Rule: RuleLinkOutside, Detail: "the link leads out of the archive"}
	}
	target, ok := cutTop(clean, x.top)
	if x.foreign {
		target, ok = clean, true
	}
	if !ok {
		return &UnsafeError{Path: m.path, Rule: RuleLinkOutside, Detail: "the link leads out of the archive"}
	}
	x.links[m.path] = target
	x.order = append(x.order, m.path)
	return nil
}

func cutTop(name, top string) (rest string, ok bool) {
	if len(name) > len(top) && name[:len(top)] == top && name[len(top)] == '/' {
		return name[len(top)+1:], true
	}
	return "", false
}

// materialise makes a link a copy of the file that it leads to. No folder of
// the tree is a link, so that the lexical path of a target is its real one.
func (x *extraction) materialise(link string) error {
	target := x.links[link]
	for range len(x.links) {
		next, isLink := x.links[target]
		if !isLink {
			break
		}
		target = next
	}
	file, isFile := x.files[target]
	switch {
	case x.folders[target]:
		return &UnsafeError{Path: link, Rule: RuleLinkDirectory, Detail: fmt.Sprintf("the link leads to the folder %s", display(target))}
	case !isFile:
		return &UnsafeError{Path: link, Rule: RuleLinkDangling, Detail: fmt.Sprintf("the link leads to %s, which is no file of the archive", display(target))}
	}
	if err := x.account(link, file.size); err != nil {
		return err
	}
	x.note(link, file)
	return x.to.copied(link, target, file.mode)
}
