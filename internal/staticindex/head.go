package staticindex

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/history"
)

// PayloadType is the media type of the statement about the head, which a
// signature binds together with it.
const PayloadType = "application/vnd.clyde.head.v1+json"

// HeadFormat is the version of the statement that is written, and the highest
// that is read.
const HeadFormat = 1

// Head is the statement about the newest commit of an index.
type Head struct {
	Format   int       `json:"format"`
	Registry string    `json:"registry"` // clyde.name of its config.json
	Commit   string    `json:"commit"`
	Time     time.Time `json:"time"`             // of the statement, or of the commit when it is not signed
	Expires  time.Time `json:"expires,omitzero"` // zero when it is not signed
	Packed   []Packed  `json:"packed,omitempty"` // forms of the packed file
}

// Packed is a packed file of the commit.
type Packed struct {
	Format int    `json:"format"` // of the packed file
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// PackedPath is where a packed file of a format and digest lies.
func PackedPath(format int, sha256 string) string {
	return fmt.Sprintf("packed-v%d-%s.index", format, sha256)
}

// IsPackedPath reports whether a packed file could lie there.
func IsPackedPath(path string) bool { return packedPath().MatchString(path) }

var packedPath = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^packed-v[1-9][0-9]*-[0-9a-f]{64}\.index$`) })

// Says reports whether two statements say the same, whenever they were made.
func (h *Head) Says(other Head) bool {
	return h.Format == HeadFormat && h.Registry == other.Registry && h.Commit == other.Commit && slices.Equal(h.Packed, other.Packed)
}

// Envelope is a statement with its signature.
type Envelope struct {
	Payload   string `json:"payload"`             // the statement in JSON, as it is signed
	Key       string `json:"key,omitempty"`       // ID of the key
	Signature string `json:"signature,omitempty"` // base64
}

// Key signs statements.
type Key interface {
	KeyID() (string, error)
	SignPayload(ctx context.Context, payloadType string, payload []byte) (string, error)
}

// Seal puts a statement into an envelope, signed unless the key is nil.
func Seal(ctx context.Context, head Head, key Key) (Envelope, error) {
	head.Format = HeadFormat
	payload, err := json.Marshal(head)
	if err != nil {
		return Envelope{}, err
	}
	e := Envelope{Payload: string(payload)}
	if key == nil {
		return e, nil
	}
	if e.Key, err = key.KeyID(); err != nil {
		return Envelope{}, err
	}
	e.Signature, err = key.SignPayload(ctx, PayloadType, payload)
	return e, err
}

// Head reads the statement; who made it is not looked at.
func (e *Envelope) Head() (*Head, error) {
	h := &Head{}
	if err := json.Unmarshal([]byte(e.Payload), h); err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	if h.Format < 1 || h.Format > HeadFormat {
		return nil, fmt.Errorf("payload: format %d is not known", h.Format)
	}
	if !isObjectID(h.Commit) {
		return nil, fmt.Errorf("payload: %.60q is no commit", h.Commit)
	}
	for _, p := range h.Packed {
		digest, err := hex.DecodeString(p.SHA256)
		if err != nil || len(digest) != 32 || p.Size < 0 || p.Path != PackedPath(p.Format, p.SHA256) {
			return nil, fmt.Errorf("payload: packed file %.100q", p.Path)
		}
	}
	return h, nil
}

// ErrSignature reports a statement that no key of the index has signed.
var ErrSignature = errors.New("the head is not signed as the index demands")

// HeadRef is the reference of a repository that has the statement about its head:
// an annotated tag, [HeadTag], of the commit, whose message is the envelope in
// JSON.
const (
	HeadRef = "refs/clyde/head"
	HeadTag = "clyde-head"
)

// Message is the envelope as a tag has it.
func (e *Envelope) Message() (string, error) {
	data, err := json.Marshal(e)
	return string(data) + "\n", err
}

// maxMessage bounds the message of a tag.
const maxMessage = 64 << 10

// ParseTag reads the statement that the tag of a commit has for its message; who
// made it is not looked at.
func ParseTag(tag *git.Tag) (*Envelope, *Head, error) {
	if len(tag.Message) > maxMessage {
		return nil, nil, fmt.Errorf("%s has %d bytes", HeadRef, len(tag.Message))
	}
	e := &Envelope{}
	if err := json.Unmarshal([]byte(tag.Message), e); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", HeadRef, err)
	}
	h, err := e.Head()
	if err == nil && h.Commit != tag.Commit {
		err = fmt.Errorf("the tag is of commit %s, and its message of %s", tag.Commit, h.Commit)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", HeadRef, err)
	}
	return e, h, nil
}

// Verify holds a statement against the keys that the index has under
// trust/index, and against the time. Without keys nothing can be demanded. The
// error is [ErrSignature], or [history.ErrFrozen] when the statement is too old.
func (e *Envelope) Verify(head *Head, keys *attest.IndexKeys, registry string, now time.Time) error {
	if keys.Empty() {
		return nil
	}
	switch {
	case e.Signature == "":
		return fmt.Errorf("%w: it has no signature, and the index has keys under trust/%s", ErrSignature, attest.IndexKeysFolder)
	case head.Registry != registry:
		return fmt.Errorf("%w: it is of the registry %q, and this one is %q", ErrSignature, head.Registry, registry)
	case !head.Expires.After(head.Time):
		return fmt.Errorf("%w: it never holds", ErrSignature)
	}
	if err := keys.Verify(e.Key, PayloadType, []byte(e.Payload), e.Signature); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return CheckFresh(head, now)
}

// CheckFresh reports a signed statement that does not hold any more, as
// [history.ErrFrozen].
func CheckFresh(head *Head, now time.Time) error {
	return history.CheckFresh(head.Commit, head.Time, now, head.Expires.Sub(head.Time))
}
