package staticindex

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // git's object IDs
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/git"
)

// Files of an export beside those of packages and config.json.
const (
	ChangesFile = "changes.jsonl"
	NamesFile   = "names.jsonl"
)

// Bounds of a change log.
const (
	MaxCommits = 1000
	MaxLog     = 512 << 10 // bytes, after which no further commit is told
	maxFiles   = 1000      // of one commit
	maxBlob    = 64 << 10  // bytes of one content
	// MaxChanges bounds the whole file changes.jsonl: the last line may go beyond MaxLog.
	MaxChanges = 4 << 20
)

// RegularMode is the mode of a file that is told without one.
const RegularMode = "100644"

// Commit is a line of the change log.
type Commit struct {
	ID     string            `json:"commit"`
	Object []byte            `json:"object"`          // as git keeps it
	Files  map[string]*Blob  `json:"files,omitempty"` // nil: not told
	Blobs  map[string][]byte `json:"blobs,omitempty"` // contents by ID
}

// Blob is what a file of a commit is; a nil one is a file that is gone.
type Blob struct {
	Mode string // "100644" and the like
	ID   string
}

// MarshalText writes the ID, after the mode when it is not [RegularMode].
func (b Blob) MarshalText() ([]byte, error) {
	if b.Mode == RegularMode {
		return []byte(b.ID), nil
	}
	return []byte(b.Mode + " " + b.ID), nil
}

// UnmarshalText reads what MarshalText writes.
func (b *Blob) UnmarshalText(text []byte) error {
	mode, id, other := strings.Cut(string(text), " ")
	if !other {
		mode, id = RegularMode, mode
	}
	if !isObjectID(id) || !isMode(mode) {
		return fmt.Errorf("%q is no blob", text)
	}
	b.Mode, b.ID = mode, id
	return nil
}

func isObjectID(id string) bool {
	digits, err := hex.DecodeString(id)
	return err == nil && len(digits) == sha1.Size && id == strings.ToLower(id)
}

func isMode(mode string) bool {
	return mode == RegularMode || mode == "100755" || mode == "120000" || mode == "160000"
}

// ObjectID is the ID that git gives an object.
func ObjectID(kind string, content []byte) string {
	h := sha1.New() //nolint:gosec // see the import
	h.Write(append(strconv.AppendInt([]byte(kind+" "), int64(len(content)), 10), 0))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// FitsBlob reports whether a content may stand in the log.
func FitsBlob(content []byte) bool { return len(content) <= maxBlob }

// FitsFiles reports whether so many files may be told of one commit.
func FitsFiles(n int) bool { return n <= maxFiles }

// check reports a line that cannot be.
func (c *Commit) check() error {
	if got := ObjectID("commit", c.Object); got != c.ID {
		return fmt.Errorf("the commit %.40q has the object of %s", c.ID, got)
	}
	if _, err := git.ParseCommit(c.ID, c.Object); err != nil {
		return err
	}
	if len(c.Files) > maxFiles {
		return fmt.Errorf("commit %s has %d changed files, more than %d", c.ID, len(c.Files), maxFiles)
	}
	for id, content := range c.Blobs {
		if got := ObjectID("blob", content); got != id {
			return fmt.Errorf("the blob %.40q of commit %s has the content of %s", id, c.ID, got)
		}
	}
	return nil
}

// info is what the commit says about itself; one that was checked says it.
func (c *Commit) info() *git.CommitInfo {
	info, err := git.ParseCommit(c.ID, c.Object)
	if err != nil {
		return &git.CommitInfo{}
	}
	return info
}

// Tree is the ID of the tree.
func (c *Commit) Tree() string { return c.info().Tree }

// Parents are the IDs of the parents, the first one first.
func (c *Commit) Parents() []string { return c.info().Parents }

// When is when it was made, as it says itself.
func (c *Commit) When() time.Time { return c.info().When }

// Changes is the content of changes.jsonl.
type Changes struct {
	Envelope Envelope
	Commits  []Commit // the head first
}

// Format writes changes.jsonl.
func (c *Changes) Format() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(c.Envelope); err != nil {
		return nil, err
	}
	for i := range c.Commits {
		if err := encoder.Encode(c.Commits[i]); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// ParseChanges reads changes.jsonl and the statement in it, whose signature is
// not looked at. What is left is a chain: each commit is the first parent of the
// one before, and the first is the head.
func ParseChanges(data []byte) (*Changes, *Head, error) {
	wrong := func(line int, err error) (*Changes, *Head, error) {
		return nil, nil, fmt.Errorf("%s:%d: %w", ChangesFile, line, err)
	}
	if len(data) > MaxChanges {
		return wrong(1, fmt.Errorf("it has %d bytes, more than %d", len(data), MaxChanges))
	}
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	c := &Changes{}
	if err := json.Unmarshal(lines[0], &c.Envelope); err != nil {
		return wrong(1, err)
	}
	head, err := c.Envelope.Head()
	if err != nil {
		return wrong(1, err)
	}
	next := head.Commit
	for i, line := range lines[1:] {
		var commit Commit
		if err := json.Unmarshal(line, &commit); err != nil {
			return wrong(i+2, err)
		}
		if err := commit.check(); err != nil {
			return wrong(i+2, err)
		}
		if commit.ID != next {
			return wrong(i+2, fmt.Errorf("commit %s stands where %s should", commit.ID, next))
		}
		c.Commits = append(c.Commits, commit)
		next = ""
		if parents := commit.Parents(); len(parents) > 0 {
			next = parents[0]
		}
	}
	if len(c.Commits) == 0 {
		return wrong(2, fmt.Errorf("the head %s is missing", head.Commit))
	}
	return c, head, nil
}
