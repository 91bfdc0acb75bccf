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
	Others  map[string][]byte // further files that belong to it; may be nil
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
	URL    string    // of its page
	Author string    // login of who opened it
	State  string    // Open, Merged or Closed
	Opened time.Time // by the host's clock
	Text   Text

	Branch     string
	Repository string // that has the branch, "owner/name"
	Head       string // commit of the branch
	Base       string // commit of the index's branch when the host last looked

	Own      bool   // the branch is the one that this token would write to
	Labels   bool   // this token may label it
	Identity string // opaque, for the adapter
}

// Merge is a pull request on its way into the index's branch: not the text that
// the pull request has, merged by the host, but these very files on top of Base.
type Merge struct {
	Pull    Pull
	Fork    string // commit of the index that the pull request was made on
	Base    Snapshot
	Files   map[string][]byte // nil deletes
	Message string
	Author  Author // zero: the host names the owner of the token
	When    time.Time
}

// Review is one person's latest word on a pull request that stands: an approval,
// or the wish that it be changed.
type Review struct {
	By         string // account
	Commit     string // that was reviewed
	At         time.Time
	Permission string // in the index's repository: "admin", "write", "read" or "none"
	Approves   bool   // otherwise it asks for changes
}

// The states of a commit's status.
const (
	Success = "success"
	Failure = "failure"
	Pending = "pending"
)

// Status is what a check says about a commit, for the host to show and to
// require.
type Status struct {
	Commit, Context, State, Description string
	URL                                 string // of more about it; may be ""
}

// Says reports whether the pull request has the text already. Labels that
// others gave it do not count, nor do labels that this token cannot give.
func (p Pull) Says(text Text) bool {
	if p.Text.Title != text.Title || p.Text.Body != text.Body {
		return false
	}
	return !p.Labels || !slices.ContainsFunc(text.Labels, func(l string) bool { return !slices.Contains(p.Text.Labels, l) })
}

// Later is the later of two times.
func Later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
