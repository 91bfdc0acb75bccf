package forge

import (
	"io/fs"
	"slices"
	"time"
)

// Snapshot is a repository's tree at one commit.
type Snapshot struct {
	ID   string // the commit
	Tree fs.FS
}

// Author is the person or machine that a commit names. The zero Author leaves
// it to the host to name the owner of the token.
type Author struct{ Name, Email string }

// Commit is a new text for one file, on top of a snapshot.
type Commit struct {
	Base    Snapshot
	Path    string
	Data    []byte
	Message string
	Author  Author
	When    time.Time
}

// Text is what people read of a pull request.
type Text struct {
	Title  string   `json:"title"`
	Body   string   `json:"body"` // Markdown
	Labels []string `json:"labels,omitempty"`
}

// The states of a pull request.
const (
	Open   = "open"
	Merged = "merged"
	Closed = "closed" // without having been merged
)

// Pull is a pull request.
type Pull struct {
	Number int
	URL    string // of its page
	Author string // login of who opened it
	State  string // Open, Merged or Closed
	Text   Text

	Branch     string
	Repository string // that has the branch, "owner/name"
	Head       string // commit of the branch
	Base       string // commit of the index's branch when the host last looked

	Own      bool   // the branch is the one that this token would write to
	Labels   bool   // this token may label it
	Identity string // opaque, for the adapter
}

// Says reports whether the pull request has the text already. Labels that
// others gave it do not count, nor do labels that this token cannot give.
func (p Pull) Says(text Text) bool {
	if p.Text.Title != text.Title || p.Text.Body != text.Body {
		return false
	}
	return !p.Labels || !slices.ContainsFunc(text.Labels, func(l string) bool { return !slices.Contains(p.Text.Labels, l) })
}
