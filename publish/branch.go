package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/clydepm/clyde/index"
)

// longestBranch keeps the file of a branch and of its lock within what file
// systems take as a name.
const longestBranch = 200

// Branch returns the name of the branch on which the plan is proposed. It is the
// same for the same change of the same version, whoever makes it and when:
//
//	clyde/publish/hello@1.2.3
//	clyde/yank/scope/hello@1.2.3
//	clyde/retire/hello@all
//	clyde/owners/hello@0a1b2c3d4e5f
//	clyde/transfer/hello@all
//	clyde/trust/release
//
// Names are in lower case, since no index has two that differ in case alone.
// Build metadata is left out, since it makes no other version. What is legal in
// a version and not in a branch is escaped with "@", which no version has: an
// upper-case letter, which some file systems do not tell from the lower-case
// one, is "@" and the lower-case one, and a final ".lock", which git keeps for
// itself, is ".@lock".
//
// Changes of owners have a digest of whom they are about in place of a version,
// and keys that are to be trusted their name.
func (p *Plan) Branch() string {
	if p.branch != "" {
		return p.branch
	}
	version := "all"
	if p.wanted != "" {
		version = branchVersion(p.wanted)
	}
	return branch(group(p.Kind), p.Package, version)
}

// branch is the one for what is changed of a package.
func branch(group, name, what string) string {
	name = strings.ToLower(name)
	if scope, rest, scoped := strings.Cut(name, "/"); scoped {
		name = escapeLock(scope) + "/" + rest
	}
	return "clyde/" + group + "/" + shorten(escapeLock(name+"@"+what))
}

func branchVersion(version string) string {
	if v, err := index.ParseVersion(version); err == nil {
		v.Build = ""
		version = v.String()
	}
	return escapeCase(version)
}

// escapeCase writes upper-case letters as "@" and the lower-case ones.
func escapeCase(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('@')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func escapeLock(component string) string {
	if rest, ok := strings.CutSuffix(component, ".lock"); ok {
		return rest + ".@lock"
	}
	return component
}

// shorten replaces the end of a long name by a digest of the whole.
func shorten(name string) string {
	if len(name) <= longestBranch {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:longestBranch-32] + "@" + hex.EncodeToString(sum[:15])
}
