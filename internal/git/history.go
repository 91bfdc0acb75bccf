package git

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

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
	return ParseCommit(id, data)
}

// ParseCommit reads what a commit, as git keeps it, says about itself. Whether it
// has that ID is not looked at.
func ParseCommit(id Hash, data []byte) (*CommitInfo, error) {
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

// Parents are the parents of a commit. It reports whether the commit is here at
// all; those behind the boundary of a shallow clone are not.
func (r *Repo) Parents(id Hash) (parents []Hash, here bool, err error) {
	info, err := r.CommitInfo(id)
	if errors.Is(err, ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return info.Parents, true, nil
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

// IsAncestor reports whether the commit old is tip or one of its ancestors as
// far as the repository's history goes; that of a shallow clone ends early.
func (r *Repo) IsAncestor(old, tip Hash) (bool, error) {
	shallow, err := r.shallowCommits()
	if err != nil {
		return false, &Error{Op: "read the shallow boundary", Err: err}
	}
	seen := map[Hash]bool{tip: true}
	for queue := []Hash{tip}; len(queue) > 0; {
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

// ForkPoint returns the newest commit of tip's history that a commit has among
// its first parents, or the commit itself. The error is [ErrNotFound] when there
// is none.
func (r *Repo) ForkPoint(commit, tip Hash) (Hash, error) {
	for at := commit; ; {
		common, err := r.IsAncestor(at, tip)
		if err != nil || common {
			return at, err
		}
		info, err := r.CommitInfo(at)
		if err != nil {
			return "", err
		}
		if len(info.Parents) == 0 {
			return "", &Error{Op: "compare", Name: commit, Kind: ErrNotFound, Err: errors.New("it has no commit in common with " + tip)}
		}
		at = info.Parents[0]
	}
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

// RawCommit is a commit as git keeps it: its ID is the SHA-1 of that. The error
// is [ErrNotFound] when there is none with that ID.
func (r *Repo) RawCommit(id Hash) ([]byte, error) { return r.readObject(id, plumbing.CommitObject) }
