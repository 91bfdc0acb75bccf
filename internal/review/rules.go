package review

import "slices"

// Rule is one thing that a change must satisfy.
type Rule struct {
	ID      string
	Status  string // what a violation is by default: Fail, Person, Warn, or Pass for a mere note
	Fixed   bool   // a policy cannot change the status
	Summary string
}

// Rules lists every rule, in the order of a report: the tree, the change as a
// whole, names, lines, and then what needs a look at the rest of the index.
func Rules() []Rule {
	fixed := func(id, summary string) Rule { return Rule{ID: id, Status: Fail, Fixed: true, Summary: summary} }
	rules := []Rule{
		fixed("policy/base", "the policy and the overrides of the base tree can be read"),
		fixed("policy/frozen", "the policy has not stopped changes of this kind"),
		{ID: "policy/expired", Status: Warn, Summary: "no override for the package has expired"},
		fixed("tree/readable", "both trees can be read: safe names, sane modes, sizes within bounds"),

		fixed("history/rewritten", "the head descends from the base"),
		fixed("history/rolled-back", "the head is not older than the base"),
		fixed("history/forked", "nothing was committed to the base since the head left it"),

		fixed("delta/base", "the lines that were there before can be read"),
		fixed("delta/empty", "something changes"),
		fixed("delta/path", "every changed file has a place in the format"),
		fixed("delta/mode", "every changed file is a plain one: no link, no executable, no submodule"),
		fixed("delta/mixed", "a change is of one kind"),
		fixed("delta/one-package", "a change is about one package"),
		fixed("delta/delete", "no file of a package, its owners, the policy or the configuration is deleted"),
		fixed("delta/append-only", "published lines stay as they are and where they are; only yanked and retired may change"),
		fixed("delta/newline", "a file ends with a newline"),
		fixed("delta/size", "a file stays within the size bound"),
		fixed("delta/status", "a new line is neither yanked nor retired"),
		fixed("delta/duplicate-version", "a version is published once; build metadata does not make another"),
		fixed("delta/squash", "the record of a squash changes by a squash, which changes nothing else"),

		fixed("name/empty", "a name and each of its parts has at least one character"),
		fixed("name/length", "a name is within the length bound"),
		fixed("name/characters", "a name has ASCII letters, digits, \"-\", \"_\" and \".\" only"),
		fixed("name/start", "a name starts with a letter"),
		fixed("name/end", "a name ends with a letter or digit"),
		fixed("name/dots", "a name has no \"..\""),
		fixed("name/early-dot", "a name has no \".\" in its first four characters, which name folders"),
		fixed("name/json", "a name does not end with \".json\""),
		fixed("name/gz", "a name does not end with \".gz\""),
		fixed("name/device", "a name is no device of Windows"),
		fixed("name/scope", "a scoped name is \"scope/name\""),
		fixed("name/scope-case", "a scoped name is in lower case"),
		fixed("name/scope-length", "a scope is longer than a prefix folder"),
		fixed("name/scope-reserved", "a scope is no folder of the index itself"),
		fixed("name/unique", "a new name, or a new scope, differs from every other by more than case, \"-\", \"_\" and \".\""),
		{ID: "name/reserved", Status: Fail, Summary: "a new name is not one that the policy reserves"},
		{ID: "name/similar", Status: Person, Summary: "a new name is not easily taken for another: by a slip of the finger, by its look, by its parts in another order"},
		{ID: "name/scope-owner", Status: Fail, Summary: "a new name in a scope is of those to whom the scope belongs"},

		fixed("line/json", "a line is one JSON object"),
		fixed("line/object", "a member that should be an object is one"),
		fixed("line/list", "a member that should be a list is one, within bounds"),
		fixed("line/type", "a member has the type that the format gives it"),
		fixed("line/duplicate-member", "no member stands twice in an object"),
		fixed("line/unknown-member", "a new line has no member that the format does not know"),
		fixed("line/missing", "a line has every member it must have"),
		fixed("line/canonical", "a line is written in the canonical form, byte for byte"),
		fixed("line/newline", "a line has no line break in it"),
		fixed("line/v", "a line's format version is the one its features need"),
		fixed("line/name", "a line has the name of its file, spelled as in the other lines"),
		fixed("line/version", "a version is a full semantic version"),
		fixed("line/requirement", "a dependency's requirement can be read"),
		fixed("line/kind", "a dependency's kind is normal, dev or build"),
		fixed("line/target", "a dependency's target is a cfg(...) or a triple"),
		fixed("line/package", "a dependency's real name is a name"),
		fixed("line/optional", "an optional dependency is one that a feature can turn on"),
		fixed("line/feature", "a feature is about dependencies and features that there are"),
		fixed("line/cksum", "a digest is 64 lower-case hex digits"),
		fixed("line/archive-size", "an archive's size is a positive number"),
		fixed("line/size", "a line is within the size bound"),
		fixed("line/text", "a text is printable and within bounds"),
		fixed("line/repeated", "a list has no item twice"),
		fixed("line/time", "a time is RFC 3339 in UTC"),
		fixed("line/url", "a URL is absolute and of a permitted scheme"),
		fixed("line/platform", "a platform is one that the format knows"),
		fixed("line/external", "an external dependency is \"manager:package\""),
		fixed("line/hook", "a hook has a phase, once and in order, and a program that a manifest could have"),
		fixed("line/ref", "a source names its commit and reference in full"),
		fixed("line/retired", "a retirement has a reason that the format knows"),

		{ID: "time/future", Status: Fail, Summary: "a time of publishing or retirement is not in the future"},
		{ID: "time/order", Status: Fail, Summary: "a line is not older than the one before it, where no release bounds its time"},
		{ID: "version/order", Status: Warn, Summary: "a new version is newer than every other of its release line"},
		{ID: "version/gap", Status: Pass, Summary: "a new version is the next after the one before it; a gap is noted"},
		{ID: "dependency/exists", Status: Fail, Summary: "every dependency on this index is there"},
		{ID: "dependency/version", Status: Fail, Summary: "every dependency on this index has a version that the requirement permits"},
		{ID: "dependency/yanked", Status: Warn, Summary: "not every version that a requirement permits is yanked"},
		{ID: "dependency/resolve", Status: Fail, Summary: "its dependencies on this index, and theirs, can be chosen together"},
		{ID: "dependency/search", Status: Warn, Summary: "it is found out with little work whether they can"},
		{ID: "dependency/registry", Status: Person, Summary: "a dependency on another index is on one that the policy declares"},
		{ID: "license/changed", Status: Warn, Summary: "the licence is the one of the version before"},

		{ID: "attestation/present", Status: Fail, Summary: "a version is signed when the policy demands it, or its owners name only keys"},

		fixed("owners/valid", "an owners file can be read"),
		fixed("owners/package", "an owners file is of a package that exists"),
		{ID: "owners/source", Status: Fail, Summary: "where the owners name repositories, a new line's source is one of them"},
		fixed("sources/valid", "a registration can be read, and names a repository with the numbers of it and of its owner"),
		fixed("sources/new", "a registration is of a package that has no version yet"),
		fixed("sources/owners", "the first version of a registered package brings the registration as its owners file"),
		fixed("policy/valid", "a changed policy and changed overrides can be read"),
		fixed("trust/valid", "what is left under trust/ is a trusted root or keys that a client can use"),
		fixed("squash/root", "the commit of a squash has no parent"),
		fixed("squash/head", "the old head that a squash names is the base"),
		fixed("squash/date", "a squash is not of the future"),
		fixed("squash/signature", "a squash is signed by a key that the base has under trust/index"),
		fixed("config/invalid", "config.json can be read"),
	}
	return slices.Concat(rules, evidenceRules(), attestRules(), contentRules())
}
