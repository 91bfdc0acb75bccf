package index

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// SquashPayloadType is the media type of [Squash.Payload], which a signature
// binds together with it.
const SquashPayloadType = "application/vnd.clyde.squash.v1+json"

// maxSquashReason bounds the reason of a squash, in bytes.
const maxSquashReason = 500

// Squash is the record of a declared squash, "clyde.squash" of config.json. The
// history of an index may be cut off: one commit without a parent then has the
// files of the old head, byte for byte, but for this record. The old head stays
// on a branch of its own, so that whoever knows an older commit can see that it
// led there.
type Squash struct {
	Head      string // commit that was the head before, 40 hex digits
	Snapshot  string // branch that keeps it: "snapshot-2026-01-02-1"
	Date      string // RFC 3339 in UTC
	Reason    string // for people
	Key       string // ID of the key that signed, of one under trust/index in the files of Head
	Signature string // base64 of the signature of Payload
	Extra     []Member
}

var (
	commitID       = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{40}$`) })
	snapshotBranch = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^snapshot-[0-9]{4}-[0-9]{2}-[0-9]{2}-[1-9][0-9]{0,8}$`)
	})
)

// SnapshotBranch is the name of the nth branch that keeps an old head on a day.
func SnapshotBranch(day time.Time, n int) string {
	return fmt.Sprintf("snapshot-%s-%d", day.UTC().Format(time.DateOnly), n)
}

// Payload is what the signature is over, for the registry of that name: its
// name and every member but the signature itself. It is signed in the encoding
// of DSSE version 1 with [SquashPayloadType].
func (s *Squash) Payload(registry string) []byte {
	o := newObject(nil)
	o.string("registry", registry)
	s.members(&o)
	return o.end(s.Extra)
}

// Check reports the first member that cannot be, as a [*ConfigError].
func (s *Squash) Check() error {
	problem := func(field, detail string) error { return &ConfigError{"clyde.squash." + field, detail} }
	switch _, err := time.Parse(time.RFC3339, s.Date); {
	case !commitID().MatchString(s.Head):
		return problem("head", "is no commit ID of 40 lower-case hex digits")
	case !snapshotBranch().MatchString(s.Snapshot):
		return problem("snapshot", `is no branch such as "snapshot-2026-01-02-1"`)
	case err != nil || !strings.HasSuffix(s.Date, "Z"):
		return problem("date", "is no time in the form of RFC 3339 in UTC")
	case strings.TrimSpace(s.Reason) == "" || len(s.Reason) > maxSquashReason:
		return problem("reason", fmt.Sprintf("is empty or longer than %d bytes", maxSquashReason))
	case s.Key == "":
		return problem("key", "is empty")
	case s.Signature == "":
		return problem("signature", "is empty")
	}
	return nil
}

func (s *Squash) members(o *objectWriter) {
	o.string("head", s.Head)
	o.string("snapshot", s.Snapshot)
	o.string("date", s.Date)
	o.string("reason", s.Reason)
	o.string("key", s.Key)
}

func (s *Squash) append(dst []byte) []byte {
	o := newObject(dst)
	s.members(&o)
	o.string("signature", s.Signature)
	return o.end(s.Extra)
}

func (s *Squash) equal(other *Squash) bool {
	if s == nil || other == nil {
		return s == other
	}
	return bytes.Equal(s.append(nil), other.append(nil))
}

func (d *lineDecoder) squash() *Squash {
	s := &Squash{}
	s.Extra = d.object(func(name string) bool {
		switch name {
		case "head":
			s.Head = d.string()
		case "snapshot":
			s.Snapshot = d.string()
		case "date":
			s.Date = d.string()
		case "reason":
			s.Reason = d.string()
		case "key":
			s.Key = d.string()
		case "signature":
			s.Signature = d.string()
		default:
			return false
		}
		return true
	})
	return s
}

// OnlySquash reports whether a config.json says the same as another but for the
// record of a squash, which is a new one.
func OnlySquash(before, after *Config) bool {
	if after.Clyde.Squash == nil || after.Clyde.Squash.equal(before.Clyde.Squash) {
		return false
	}
	return bytes.Equal(before.withoutSquash(), after.withoutSquash())
}

func (c *Config) withoutSquash() []byte {
	bare := *c
	bare.Clyde.Squash = nil
	return bare.Format()
}
