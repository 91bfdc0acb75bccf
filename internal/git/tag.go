package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// Tag is an annotated tag of a commit: an object of its own with a message, to
// which any reference may point.
type Tag struct {
	Commit      Hash
	Name        string
	Tagger      string
	TaggerEmail string
	When        time.Time
	Message     string
}

// WriteTag writes a tag. Nothing refers to it afterwards.
func (r *Repo) WriteTag(t Tag) (Hash, error) {
	if !validHash(t.Commit) || strings.ContainsAny(t.Name+t.Tagger+t.TaggerEmail, "\n<>") || t.Name == "" {
		return "", &Error{Op: "write a tag", Name: t.Name, Err: errors.New("its name, commit or tagger is not one")}
	}
	content := fmt.Sprintf("object %s\ntype commit\ntag %s\ntagger %s <%s> %d +0000\n\n%s", t.Commit, t.Name, t.Tagger, t.TaggerEmail, t.When.Unix(), t.Message)
	return r.writeObject(plumbing.TagObject, []byte(content))
}

// Tag reads a tag. The error is [ErrNotFound] when there is none with that ID.
func (r *Repo) Tag(id Hash) (*Tag, error) {
	data, err := r.readObject(id, plumbing.TagObject)
	if err != nil {
		return nil, err
	}
	return parseTag(id, data)
}

// Tag reads a tag of the pack. The error is [ErrNotFound] when it has none with
// that ID.
func (p *Pack) Tag(id Hash) (*Tag, error) {
	part, ok := p.inner[plumbing.NewHash(id)]
	if !ok || part.kind != plumbing.TagObject {
		return nil, &Error{Op: "read tag", Name: id, Kind: ErrNotFound}
	}
	return parseTag(id, part.content)
}

// maxTagPack bounds the bytes that come along with a tag.
const maxTagPack = 64 << 20

// FetchTag fetches a tag and, of what it is of, the commits that a commit which
// is here does not lead from. A temporary file is made in dir, or in the folder
// for them if that is "".
func (u *Upload) FetchTag(ctx context.Context, id, have Hash, dir string) (tag *Tag, err error) {
	req := UploadRequest{Want: id, Have: have, Whole: true, Commits: true, Limit: maxTagPack}
	err = u.Fetch(ctx, req, func(r io.Reader) error {
		pack, err := ReadPack(r, dir, nil)
		if err != nil {
			return err
		}
		tag, err = pack.Tag(id)
		return errors.Join(err, pack.Close())
	})
	return tag, err
}

// parseTag reads what a tag says of the commit and its own name, and the message.
func parseTag(id Hash, data []byte) (*Tag, error) {
	header, message, _ := strings.Cut(string(data), "\n\n")
	t := &Tag{Message: message}
	kind := ""
	for line := range strings.SplitSeq(header, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "object":
			t.Commit = value
		case "type":
			kind = value
		case "tag":
			t.Name = value
		}
	}
	if kind != "commit" || !validHash(t.Commit) {
		return nil, &UnsafeError{Rule: "object/malformed", Detail: "tag " + id + " is of no commit"}
	}
	return t, nil
}
