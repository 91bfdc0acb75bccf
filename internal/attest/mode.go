package attest

import (
	"fmt"
	"slices"

	"github.com/clydepm/clyde/index"
)

// Mode says what becomes of a version by its signature.
type Mode string

// The modes, weakest first.
const (
	Off      Mode = "off"      // signatures are not looked at
	Warn     Mode = "warn"     // what is wrong is said, and the version is taken
	Attested Mode = "attested" // a signature that is there must be good, and must not vanish
	Require  Mode = "require"  // every version must have a good signature
)

// Modes lists the modes, weakest first.
func Modes() []string {
	return []string{string(Off), string(Warn), string(Attested), string(Require)}
}

// Strongest returns the strongest of the modes that are not "", or Attested
// when all are.
func Strongest(modes ...Mode) Mode {
	best := -1
	for _, m := range modes {
		best = max(best, slices.Index(Modes(), string(m)))
	}
	if best < 0 {
		return Attested
	}
	return Mode(Modes()[best])
}

// Reasons why a version is not accepted before its signature is looked at. Both
// match ErrRejected.
var (
	// ErrUnattested: the version has no signature, and it must have one.
	ErrUnattested = fmt.Errorf("%w: there is none", ErrRejected)
	// ErrDowngrade: the version has no signature, and an earlier one has.
	ErrDowngrade = fmt.Errorf("%w: there is none, and earlier versions have one", ErrRejected)
)

// CheckAttested reports whether a version may be without a signature, under a
// mode and after the versions that were published before it: ErrUnattested or
// ErrDowngrade if not. Versions are in the order in which they were published.
func CheckAttested(versions []index.Release, e *index.Entry, mode Mode) error {
	if e.Att != nil || mode == Off {
		return nil
	}
	for _, earlier := range versions {
		if earlier.Vers == e.Vers {
			break
		}
		if earlier.Signed {
			return fmt.Errorf("%w: %s %s is signed, %s is not", ErrDowngrade, earlier.Name, earlier.Vers, e.Vers)
		}
	}
	if mode == Require {
		return fmt.Errorf("%w: %s %s", ErrUnattested, e.Name, e.Vers)
	}
	return nil
}
