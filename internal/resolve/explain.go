package resolve

import "github.com/clydepm/clyde/index"

// fact is why an incompatibility holds that follows from nothing else.
type fact struct {
	kind        factKind
	pkg         *pkg // whose versions it is about; nil for the root
	states      set  // which of them
	need        need
	req         index.Requirement // of a needPackage
	other       *pkg              // the package needed, or excluded
	otherStates set               // its versions that satisfy req
	missing     Package           // factNoPackage
	name        string            // the feature, library or version in question
}

type factKind uint8

const (
	factNeed           factKind = iota // pkg needs other
	factNoMatch                        // pkg needs other, of which no candidate matches
	factNoPackage                      // pkg needs a package that does not exist
	factNoRegistry                     // pkg needs a package of a registry that is not configured
	factBadRequirement                 // pkg needs other by a requirement that cannot be read
	factBroken                         // a feature of pkg refers to nothing
	factLacks                          // pkg has no such feature
	factOneRegistry                    // pkg and other have one name
	factLinks                          // pkg and other link one native library
	factPrecise                        // the user asked for this version of pkg
	factLocked                         // the lock has this version of pkg
)

func (u *universe) conflict(proof *incompatibility) *Conflict {
	return &Conflict{explanation: "there is no solution"}
}
