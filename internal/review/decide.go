package review

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/clydepm/clyde/index"
)

// decide says what becomes of a change, after its findings are complete.
func (j *judge) decide(r *Report) {
	if j.delta.Kind != "" && r.Approval == Person {
		r.People = append(r.People, Need{Check: "approval", Why: "the policy wants a person for a change of kind " + j.describeKind()})
	}
	switch {
	case r.Verdict == Fail:
		r.Decision = Refuse
	case len(r.People) > 0:
		r.Decision = NeedsPerson
	case j.in.Now.Before(r.NotBefore):
		r.Decision = Wait
	default:
		r.Decision = Merge
	}
}

// governing are the files and folders of a tree that decide how changes of it
// are judged.
func governing() []string {
	return []string{index.ConfigPath, index.PolicyPath, "overrides", trustFolder}
}

// PolicyDigest is a digest, "sha256:" and 64 hex digits, of all that a tree
// decides by: its configuration, policy, overrides and trusted authorities. A
// nil tree has the digest of nothing.
func PolicyDigest(tree fs.FS) (string, error) {
	hash := sha256.New()
	if tree == nil {
		return "sha256:" + hex.EncodeToString(hash.Sum(nil)), nil
	}
	for _, top := range governing() {
		err := fs.WalkDir(tree, top, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(tree, name)
			if err == nil {
				fmt.Fprintf(hash, "%q %s %d\n", name, d.Type(), len(data))
				hash.Write(data)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil)), nil
}
