package review

import (
	"crypto/sha1" //nolint:gosec // git's IDs are SHA-1
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/clydepm/clyde/index"
)

// decide says what becomes of a change, after its findings are complete.
func (j *judge) decide(r *Report) error {
	known := j.known(r.Signers)
	r.People = append(r.People, j.needs...)
	if j.delta.Kind != "" && r.Approval == Person && !known {
		r.People = append(r.People, Need{Check: "approval", Why: "the policy wants a person for a change of kind " + j.describeKind()})
	}
	may, err := j.reviewers()
	if err != nil {
		return err
	}
	r.Approved, r.Uncounted = j.count(may)
	if len(r.People) > 0 {
		r.Needed = j.needed()
	}
	r.Objected = j.objected(may)
	for _, by := range r.Objected {
		r.People = append(r.People, Need{Check: "objection", Why: by + " asks for changes"})
	}
	if until := j.waitUntil(); j.in.Now.Before(until) && !known {
		r.NotBefore = until
	}
	switch {
	case onlyFrozen(r):
		r.Decision, r.NotBefore = Wait, later(r.NotBefore, j.policy.Freeze.Until)
	case r.Verdict == Fail:
		r.Decision = Refuse
	case len(r.Approved) < r.Needed || len(r.Objected) > 0 || unseen(r):
		r.Decision = NeedsPerson
	case j.in.Now.Before(r.NotBefore):
		r.Decision = Wait
	default:
		r.Decision = Merge
	}
	return nil
}

// unseen reports whether evidence is wanted and was not looked at. Nobody's
// approval makes up for that.
func unseen(r *Report) bool {
	return slices.ContainsFunc(r.People, func(n Need) bool { return n.Check == "evidence/present" })
}

// later is the later of the end of a wait and the end of a freeze, zero when the
// freeze has none.
func later(wait, freeze time.Time) time.Time {
	if freeze.IsZero() || freeze.After(wait) {
		return freeze
	}
	return wait
}

// governing are the files and folders of a tree that decide how changes of it
// are judged.
func governing() []string {
	return []string{index.ConfigPath, index.PolicyPath, overridesFolder, trustFolder}
}

// PolicyDigest is a digest, "sha256:" and 64 hex digits, of all that a tree
// decides by: its configuration, policy, overrides and trusted authorities. A
// nil tree has the digest of nothing. Files count by git's IDs of their
// content, so that a tree that knows these is not read.
func PolicyDigest(tree fs.FS) (string, error) {
	hash := sha256.New()
	if tree != nil {
		entries, err := fs.ReadDir(tree, ".")
		if err != nil {
			return "", err
		}
		for _, e := range entries {
			if !slices.Contains(governing(), e.Name()) {
				continue
			}
			if err := digestEntry(hash, tree, e.Name(), e); err != nil {
				return "", err
			}
		}
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil)), nil
}

func digestEntry(hash io.Writer, tree fs.FS, name string, e fs.DirEntry) error {
	if !e.IsDir() {
		id, err := blobID(tree, name, e)
		fmt.Fprintf(hash, "%q %s %s\n", name, e.Type(), id)
		return err
	}
	entries, err := fs.ReadDir(tree, name)
	if err != nil {
		return err
	}
	for _, child := range entries {
		if err := digestEntry(hash, tree, path.Join(name, child.Name()), child); err != nil {
			return err
		}
	}
	return nil
}

// blobID is git's ID of a file's content.
func blobID(tree fs.FS, name string, e fs.DirEntry) (string, error) {
	if known, ok := e.(interface{ ObjectID() string }); ok && known.ObjectID() != "" {
		return known.ObjectID(), nil
	}
	if !e.Type().IsRegular() {
		return "", nil // no file that anything is read from
	}
	data, err := fs.ReadFile(tree, name)
	sum := sha1.Sum(slices.Concat(fmt.Appendf(nil, "blob %d\x00", len(data)), data)) //nolint:gosec // git's IDs are SHA-1
	return hex.EncodeToString(sum[:]), err
}
