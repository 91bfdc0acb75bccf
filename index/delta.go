package index

// Kind is what a change of an index means as a whole.
type Kind string

// The kinds of changes.
const (
	KindPublish  Kind = "publish"  // lines appended to one package
	KindYank     Kind = "yank"     // lines of one package yanked
	KindUnyank   Kind = "unyank"   // lines of one package no longer yanked
	KindRetire   Kind = "retire"   // lines of one package retired, or retired for another reason
	KindUnretire Kind = "unretire" // lines of one package no longer retired
	KindOwners   Kind = "owners"   // owners of one package changed
	KindPolicy   Kind = "policy"   // files that govern the index changed; never to be accepted without a person
)

// Delta is the meaning of a change.
type Delta struct {
	Kind    Kind
	Package string         // as its lines spell it; "" if the change is about no package
	First   bool           // the change creates the package
	Added   []*Entry       // KindPublish: the new lines
	Changed []StatusChange // KindYank, KindUnyank, KindRetire, KindUnretire
	Owners  *FileChange    // KindOwners, and KindPublish of a new package that brings its owners
	Policy  []FileChange   // KindPolicy
}

// StatusChange is a published line whose status changed.
type StatusChange struct {
	Version       string
	Before, After *Entry
}

// Classify says what the difference between two trees means. It fails closed:
// whatever is not exactly one of the allowed changes is a violation, and then
// the Delta is not to be used.
func Classify(changes []FileChange) (Delta, []Violation) {
	return Delta{}, []Violation{{Rule: "delta/unknown", Detail: "this change is none of the allowed ones"}}
}
