package action

import (
	"fmt"
	"slices"
	"strings"
)

// maxTag bounds a tag, in bytes.
const maxTag = 200

// CheckTag reports a tag that is not made of ASCII letters, digits and
// ". _ - + / @" alone. Git takes almost anything as a tag, also what a shell
// would execute: "v1.0.0$(id)" is one.
func CheckTag(tag string) error {
	refuse := func(why string) error {
		return &Error{
			Detail: fmt.Sprintf("the tag %.200q is refused: %s", tag, why),
			Remedy: "delete the tag and its release, and release a tag such as v1.2.3",
		}
	}
	if tag == "" {
		return refuse("it is empty")
	}
	if len(tag) > maxTag {
		return refuse(fmt.Sprintf("it has more than %d bytes", maxTag))
	}
	for _, c := range tag {
		if !isTagCharacter(c) {
			return refuse(fmt.Sprintf("%q is not among the letters, digits and . _ - + / @ of which a tag is made", c))
		}
	}
	for part := range strings.SplitSeq(tag, "/") {
		if part == "" || part[0] == '.' || part[0] == '-' || strings.HasSuffix(part, ".lock") || strings.HasSuffix(part, ".") || strings.Contains(part, "..") {
			return refuse(fmt.Sprintf("%q is no part of a reference of git", part))
		}
	}
	return nil
}

func isTagCharacter(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-+/@", c)
}

// TagsFor returns the tags that name a version of a package: "v1.2.3", "1.2.3"
// and, for a repository of several packages, "NAME-v1.2.3". For a scoped name the
// last comes with "/" and with "-": "scope/name-v1.2.3", "scope-name-v1.2.3".
func TagsFor(name, version string) []string {
	tags := []string{"v" + version, version, name + "-v" + version}
	if strings.Contains(name, "/") {
		tags = append(tags, strings.ReplaceAll(name, "/", "-")+"-v"+version)
	}
	return tags
}

// MatchTag reports a tag that does not name this version of this package.
func MatchTag(tag, name, version string) error {
	tags := TagsFor(name, version)
	if slices.Contains(tags, tag) {
		return nil
	}
	return &Error{
		Detail: fmt.Sprintf("the tag is %s, but the manifest says %s %s", tag, name, version),
		Remedy: "release one of the tags " + strings.Join(tags, ", ") + ", or correct the version",
	}
}
