package git

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// Commit is a change to write: files by slash-separated path on top of the
// tree of Parent. A nil value deletes the file; deleting what is not there is
// an error. Name and Email are author and committer.
type Commit struct {
	Parent      Hash // "" for the first commit of a repository
	Merged      Hash // a second parent, which the commit takes in; "" for none
	Base        Hash // of a commit without a parent: the commit whose files it starts from; "" for none
	Files       map[string][]byte
	Message     string
	Name, Email string
	When        time.Time
}

// WriteCommit writes the objects of a commit and reports its ID. Every object
// is on the disk when it returns; no reference is moved. Files that exist keep
// their mode, new ones are regular files with mode 0644.
func (r *Repo) WriteCommit(c Commit) (Hash, error) {
	id, err := r.writeCommit(c)
	if err != nil {
		var unsafe *UnsafeError
		if errors.As(err, &unsafe) {
			return "", err
		}
		return "", &Error{Op: "write a commit", Err: err}
	}
	return id, nil
}

func (r *Repo) writeCommit(c Commit) (Hash, error) {
	if len(c.Files) == 0 {
		return "", errors.New("no files are changed")
	}
	signature, err := signature(c)
	if err != nil {
		return "", err
	}
	var objects []newObject
	tree, err := r.editTree(c, func(kind plumbing.ObjectType, content []byte) (Hash, error) {
		o := newObject{objectID(kind, content), kind, content}
		objects = append(objects, o)
		return o.id, nil
	})
	if err != nil {
		return "", err
	}
	if err := r.writeObjects(objects); err != nil {
		return "", err
	}
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "tree %s\n", tree)
	if c.Parent != "" {
		fmt.Fprintf(&buf, "parent %s\n", c.Parent)
	}
	if c.Merged != "" {
		fmt.Fprintf(&buf, "parent %s\n", c.Merged)
	}
	fmt.Fprintf(&buf, "author %s\ncommitter %s\n\n%s", signature, signature, message(c.Message))
	return r.writeObject(plumbing.CommitObject, buf.Bytes())
}

// treeWriter edits trees and hands the objects that come out of it to put.
type treeWriter struct {
	repo *Repo
	put  func(kind plumbing.ObjectType, content []byte) (Hash, error)
}

// editTree makes the tree of a commit from that of its parent.
func (r *Repo) editTree(c Commit, put func(plumbing.ObjectType, []byte) (Hash, error)) (Hash, error) {
	edits, err := newEdits(c.Files)
	if err != nil {
		return "", err
	}
	base := Hash("")
	if from := cmp.Or(c.Parent, c.Base); from != "" {
		if base, err = r.treeOf(from); err != nil {
			return "", err
		}
	}
	w := treeWriter{r, put}
	tree, err := w.tree(base, ".", edits)
	if err != nil || tree != "" {
		return tree, err
	}
	return put(plumbing.TreeObject, nil)
}

// signature is "name <email> seconds zone", which cannot hold every byte.
func signature(c Commit) (string, error) {
	for what, s := range map[string]string{"name": c.Name, "e-mail": c.Email} {
		if strings.TrimSpace(s) == "" || strings.ContainsAny(s, "<>\n\x00") {
			return "", fmt.Errorf("the author's %s %q is empty or has one of < > NUL newline in it", what, s)
		}
	}
	if c.When.Unix() <= 0 {
		return "", errors.New("the commit has no time")
	}
	return fmt.Sprintf("%s <%s> %d %s", strings.TrimSpace(c.Name), strings.TrimSpace(c.Email),
		c.When.Unix(), c.When.Format("-0700")), nil
}

// message ends in one newline and holds no NUL, as git wants it.
func message(s string) string {
	return strings.TrimRight(strings.ReplaceAll(s, "\x00", ""), "\n") + "\n"
}

// edits is the changes below one folder.
type edits struct {
	files map[string][]byte // nil deletes
	dirs  map[string]*edits
}

// newEdits sorts changes by folder and refuses paths that git would refuse.
func newEdits(files map[string][]byte) (*edits, error) {
	root := &edits{files: map[string][]byte{}, dirs: map[string]*edits{}}
	for name, data := range files {
		if !fs.ValidPath(name) || name == "." {
			return nil, &UnsafeError{Path: name, Rule: "tree/name", Detail: "not a clean relative path"}
		}
		segments := strings.Split(name, "/")
		if len(segments) > maxTreeDepth {
			return nil, &UnsafeError{Path: name, Rule: "tree/depth", Detail: fmt.Sprintf("folders are nested deeper than %d", maxTreeDepth)}
		}
		e := root
		for i, segment := range segments {
			if err := checkEntryName(segment); err != nil {
				return nil, fmt.Errorf("%q: %w", name, err)
			}
			if i == len(segments)-1 {
				e.files[segment] = data
				break
			}
			if e.dirs[segment] == nil {
				e.dirs[segment] = &edits{files: map[string][]byte{}, dirs: map[string]*edits{}}
			}
			e = e.dirs[segment]
		}
	}
	return root, nil
}

// tree applies edits to the tree base ("" when there is none) and gives the new
// tree, "" when nothing is left in it.
func (w treeWriter) tree(base Hash, dir string, e *edits) (Hash, error) {
	var list []treeEntry
	if base != "" {
		var err error
		if list, err = w.repo.readTree(base, dir); err != nil {
			return "", err
		}
	}
	entries := make(map[string]treeEntry, len(list))
	for _, entry := range list {
		entries[entry.name] = entry
	}
	for name, sub := range e.dirs {
		if err := w.dir(entries, path.Join(dir, name), name, sub); err != nil {
			return "", err
		}
	}
	for name, data := range e.files {
		if err := w.file(entries, path.Join(dir, name), name, data); err != nil {
			return "", err
		}
	}
	if len(entries) == 0 {
		return "", nil
	}
	return w.put(plumbing.TreeObject, formatTree(entries))
}

func (w treeWriter) dir(entries map[string]treeEntry, at, name string, sub *edits) error {
	old, exists := entries[name]
	if exists && !old.isDir() {
		return fmt.Errorf("%s: is a file and not a folder", at)
	}
	id, err := w.tree(old.id, at, sub)
	if err != nil {
		return err
	}
	if id == "" {
		delete(entries, name)
		return nil
	}
	entries[name] = treeEntry{name: name, mode: modeDir, id: id}
	return nil
}

func (w treeWriter) file(entries map[string]treeEntry, at, name string, data []byte) error {
	old, exists := entries[name]
	switch {
	case exists && old.isDir():
		return fmt.Errorf("%s: is a folder and not a file", at)
	case data == nil && !exists:
		return fmt.Errorf("%s: cannot be deleted, it is not there: %w", at, ErrNotFound)
	case data == nil:
		delete(entries, name)
		return nil
	}
	mode := uint32(modeRegular)
	if exists && old.mode == modeExec {
		mode = modeExec
	}
	id, err := w.put(plumbing.BlobObject, data)
	if err != nil {
		return err
	}
	entries[name] = treeEntry{name: name, mode: mode, id: id}
	return nil
}

func formatTree(entries map[string]treeEntry) []byte {
	list := make([]treeEntry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	slices.SortFunc(list, compareEntries)
	var buf bytes.Buffer
	for _, e := range list {
		fmt.Fprintf(&buf, "%o %s\x00", e.mode, e.name)
		id := plumbing.NewHash(e.id)
		buf.Write(id[:])
	}
	return buf.Bytes()
}
