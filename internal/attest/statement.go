package attest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/clydepm/clyde/index"
)

const (
	// StatementType is the only in-toto statement type that is accepted.
	StatementType = "https://in-toto.io/Statement/v1"
	// PredicateType says that the predicate is a [Publish].
	PredicateType = "https://github.com/clydepm/clyde/attestation/publish/v1"
	// payloadType is the media type of a statement in its envelope.
	payloadType = "application/vnd.in-toto+json"
)

// AnyRegistry is the registry of a statement that was made before anybody chose
// one, as for a release that waits to be collected. It holds in every registry
// whose owners file names the signer and does not ask for more; no registry may
// have it for a name.
const AnyRegistry = "*"

// Publish is the predicate: what was published, and where.
type Publish struct {
	PURL        string `json:"purl"`
	Name        string `json:"name"`
	Version     string `json:"version"`
	Registry    string `json:"registry"`    // the name in the index's config.json, or AnyRegistry
	EntryDigest string `json:"entryDigest"` // "sha256:" and 64 hex digits
}

// statement is an in-toto statement whose predicate is a Publish.
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     Publish   `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// PURL returns the package URL of a version.
func PURL(name, version string) string {
	return "pkg:clyde/" + strings.ToLower(name) + "@" + strings.ReplaceAll(version, "+", "%2B")
}

// EntryDigest returns the digest of an index line, "sha256:" and 64 hex digits,
// over its canonical bytes without what is not known when it is signed (att)
// and what may change afterwards (yanked, retired).
func EntryDigest(e *index.Entry) string {
	signed := e.Clone()
	signed.Att, signed.Retired, signed.Yanked = nil, nil, false
	sum := sha256.Sum256(signed.AppendLine(nil))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// NewStatement returns the statement to sign for a line of the named registry,
// or of AnyRegistry. The line needs its cksum.
func NewStatement(e *index.Entry, registry string) ([]byte, error) {
	subjects, err := subjectsOf(e)
	if err != nil {
		return nil, err
	}
	if registry == "" {
		return nil, fmt.Errorf("%w: the registry has no name; give it one in its %s", ErrSign, index.ConfigPath)
	}
	return json.Marshal(statement{
		Type:          StatementType,
		Subject:       subjects,
		PredicateType: PredicateType,
		Predicate:     predicateOf(e, registry),
	})
}

// subjectsOf is the one thing that is signed: the archive of the line.
func subjectsOf(e *index.Entry) ([]subject, error) {
	if len(e.Cksum) != hex.EncodedLen(sha256.Size) {
		return nil, fmt.Errorf("%w: %s %s has no checksum", ErrSign, e.Name, e.Vers)
	}
	return []subject{{Name: index.ArchiveName(e.Name, e.Vers), Digest: map[string]string{"sha256": e.Cksum}}}, nil
}

func predicateOf(e *index.Entry, registry string) Publish {
	return Publish{
		PURL:        PURL(e.Name, e.Vers),
		Name:        e.Name,
		Version:     e.Vers,
		Registry:    registry,
		EntryDigest: EntryDigest(e),
	}
}

// parseStatement reads a signed statement strictly: what is not part of it, or
// is there twice, could be read differently by someone else.
func parseStatement(payload []byte) (*statement, error) {
	var s statement
	if err := json.Unmarshal(payload, &s, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	return &s, nil
}
