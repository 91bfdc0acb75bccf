package git

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// Commit is a change to write: files by slash-separated path on top of the
// tree of Parent. A nil value deletes the file; deleting what is not there is
// an error. Name and Email are author and committer.
type Commit struct {
	Parent      Hash // "" for the first commit of a repository
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
	edits, err := newEdits(c.Files)
	if err != nil {
		return "", err
	}
	base := Hash("")
	if c.Parent != "" {
		if base, err = r.treeOf(c.Parent); err != nil {
			return "", err
		}
	}
	tree, err := r.writeTree(base, ".", edits)
	if err != nil {
		return "", err
	}
	if tree == "" {
		if tree, err = r.writeObject(plumbing.TreeObject, nil); err != nil {
			return "", err
		}
	}
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "tree %s\n", tree)
	if c.Parent != "" {
		fmt.Fprintf(&buf, "parent %s\n", c.Parent)
	}
	fmt.Fprintf(&buf, "author %s\ncommitter %s\n\n%s", signature, signature, message(c.Message))
	return r.writeObject(plumbing.CommitObject, buf.Bytes())
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
				err.(*UnsafeError).Path = name
				return nil, err
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

// writeTree applies edits to the tree base ("" when there is none) and gives
// the new tree, "" when nothing is left in it.
func (r *Repo) writeTree(base Hash, dir string, e *edits) (Hash, error) {
	var list []treeEntry
	if base != "" {
		var err error
		if list, err = r.readTree(base, dir); err != nil {
			return "", err
		}
	}
	entries := make(map[string]treeEntry, len(list))
	for _, entry := range list {
		entries[entry.name] = entry
	}
	for name, sub := range e.dirs {
		if err := r.editDir(entries, path.Join(dir, name), name, sub); err != nil {
			return "", err
		}
	}
	for name, data := range e.files {
		if err := r.editFile(entries, path.Join(dir, name), name, data); err != nil {
			return "", err
		}
	}
	if len(entries) == 0 {
		return "", nil
	}
	return r.writeObject(plumbing.TreeObject, formatTree(entries))
}

func (r *Repo) editDir(entries map[string]treeEntry, at, name string, sub *edits) error {
	old, exists := entries[name]
	if exists && !old.isDir() {
		return fmt.Errorf("%s: is a file and not a folder", at)
	}
	id, err := r.writeTree(old.id, at, sub)
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

func (r *Repo) editFile(entries map[string]treeEntry, at, name string, data []byte) error {
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
	id, err := r.writeObject(plumbing.BlobObject, data)
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

// CommitInfo is what a commit says about itself.
type CommitInfo struct {
	ID, Tree Hash
	Parents  []Hash
	Author   string // "Name <address>"
	When     time.Time
	Message  string
}

// CommitInfo reads a commit. The error is [ErrNotFound] when there is none
// with that ID.
func (r *Repo) CommitInfo(id Hash) (*CommitInfo, error) {
	data, err := r.readObject(id, plumbing.CommitObject)
	if err != nil {
		return nil, err
	}
	info := &CommitInfo{ID: id}
	header, body, _ := strings.Cut(string(data), "\n\n")
	info.Message = body
	for line := range strings.SplitSeq(header, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "tree":
			info.Tree = value
		case "parent":
			info.Parents = append(info.Parents, value)
		case "committer":
			_, info.When = parseSignature(value)
		case "author":
			info.Author, _ = parseSignature(value)
		}
	}
	if !validHash(info.Tree) {
		return nil, &UnsafeError{Rule: "object/malformed", Detail: "commit " + id + " names no tree"}
	}
	return info, nil
}

func parseSignature(s string) (who string, when time.Time) {
	who, rest, ok := strings.Cut(s, "> ")
	if !ok {
		return s, time.Time{}
	}
	seconds, zone, _ := strings.Cut(rest, " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return who + ">", time.Time{}
	}
	when = time.Unix(unix, 0).UTC()
	if t, err := time.Parse("-0700", zone); err == nil {
		when = when.In(t.Location())
	}
	return who + ">", when
}

// treeOf is the tree of a commit; a tree is itself.
func (r *Repo) treeOf(id Hash) (Hash, error) {
	info, err := r.CommitInfo(id)
	if err == nil {
		return info.Tree, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return "", err
	}
	if _, treeErr := r.readObject(id, plumbing.TreeObject); treeErr == nil {
		return id, nil
	}
	return "", err
}

// IsAncestor reports whether the commit old is new or one of its ancestors as
// far as the repository's history goes; that of a shallow clone ends early.
func (r *Repo) IsAncestor(old, new Hash) (bool, error) {
	shallow, err := r.shallowCommits()
	if err != nil {
		return false, &Error{Op: "read the shallow boundary", Err: err}
	}
	seen := map[Hash]bool{new: true}
	for queue := []Hash{new}; len(queue) > 0; {
		id := queue[0]
		queue = queue[1:]
		if id == old {
			return true, nil
		}
		if shallow[id] {
			continue
		}
		info, err := r.CommitInfo(id)
		if err != nil {
			return false, err
		}
		for _, parent := range info.Parents {
			if !seen[parent] {
				seen[parent] = true
				queue = append(queue, parent)
			}
		}
	}
	return false, nil
}

func (r *Repo) shallowCommits() (map[Hash]bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids, err := r.storage.Shallow()
	if err != nil {
		return nil, err
	}
	set := make(map[Hash]bool, len(ids))
	for _, id := range ids {
		set[id.String()] = true
	}
	return set, nil
}

// Resolve is the commit that a revision names: a full or unique short ID, a
// branch, tag or full reference, HEAD, each with ~N and ^N. The error is
// [ErrNotFound] when it names none.
func (r *Repo) Resolve(rev string) (Hash, error) {
	if rev == "" || strings.HasPrefix(rev, "-") || strings.ContainsAny(rev, "\x00\n") {
		return "", &Error{Op: "resolve", Name: strconv.Quote(rev), Kind: ErrNotFound, Err: errors.New("not a revision")}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id, err := r.repo.ResolveRevision(plumbing.Revision(rev))
	if err != nil {
		r.storage.Reindex()
		id, err = r.repo.ResolveRevision(plumbing.Revision(rev))
	}
	if err != nil {
		return "", &Error{
			Op: "resolve", Name: strconv.Quote(rev), Kind: ErrNotFound,
			Remedy: "name a branch, a tag or a commit of " + r.commonDir,
		}
	}
	return id.String(), nil
}
