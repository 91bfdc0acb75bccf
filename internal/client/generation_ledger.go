package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	fastjson "github.com/go-json-experiment/json"

	"github.com/clydepm/clyde/internal/lockfile"
)

// ledgerName is the file in a generation that says what it holds.
const ledgerName = ".ledger.json"

const (
	ledgerVersion = 1
	maxLedger     = 16 << 20
)

// Ledger says what a generation holds and what it was made from. Equal
// installations have equal bytes: there is no time in it.
type Ledger struct {
	Version  int             `json:"ledger"`
	Previous int             `json:"previous,omitempty"` // the generation that was active before
	Lock     string          `json:"lock"`               // SHA-256 of the lock file
	Platform string          `json:"platform"`           // what it was installed for
	Dev      bool            `json:"dev"`                // with development dependencies
	Features []string        `json:"features,omitzero"`  // of the project that are on; absent: all
	Packages []LedgerPackage `json:"packages"`           // sorted by name
}

// setPart writes down which part of the lock is installed.
func (l *Ledger) setPart(p Profile) {
	l.Dev = p.Dev
	if !p.AllFeatures {
		l.Features = append([]string{}, p.Features...) // not nil, which means all
		slices.Sort(l.Features)
		l.Features = slices.Compact(l.Features)
	}
}

// part is which part of a lock is installed. A feature that the lock does not know
// any more has nothing installed.
func (l *Ledger) part(lock *lockfile.Lock) Profile {
	return Profile{
		Name: "installed", Dev: l.Dev, AllFeatures: l.Features == nil,
		Features: slices.DeleteFunc(slices.Clone(l.Features), func(name string) bool {
			_, err := lock.OptionalOf([]string{name})
			return err != nil
		}),
	}
}

// has reports whether a package is installed.
func (l *Ledger) has(name string) bool {
	return slices.ContainsFunc(l.Packages, func(p LedgerPackage) bool { return p.Name == name })
}

// LedgerPackage is one installed package.
type LedgerPackage struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Registry string `json:"registry"`
	Cksum    string `json:"cksum"`              // of the installed archive, and so its place in the store
	Platform string `json:"platform,omitempty"` // of a prebuilt archive
	DL       string `json:"dl"`
	Size     int64  `json:"size,omitempty"`

	Type string `json:"type,omitempty"` // as the lock has it

	Hooks *LedgerHooks `json:"hooks,omitempty"` // nil when it has none, and no installer
}

// LedgerHooks says what became of the hooks of an installed package, or of the
// installer of its type.
type LedgerHooks struct {
	Names   []string `json:"names"`           // of all its hooks
	Allowed bool     `json:"allowed"`         // they ran, as far as installing goes; else they were left out
	Tree    int      `json:"tree,omitempty"`  // generation that the package's own copy was made for, 0 for none
	Files   string   `json:"files,omitempty"` // SHA-256 of the list of the copy's files

	// Search has the folders of the copy that the installer wants on search paths.
	Search map[string][]string `json:"search,omitempty"`

	fresh bool // a copy is to be made by this run
}

// archive is what has to be in the store for the package.
func (p LedgerPackage) archive() Archive {
	return Archive{Name: p.id(), URL: p.DL, SHA256: p.Cksum, Size: p.Size}
}

func (l *Ledger) archives() []Archive {
	archives := make([]Archive, len(l.Packages))
	for i, p := range l.Packages {
		archives[i] = p.archive()
	}
	return archives
}

// Bytes is the ledger as it is written to disk.
func (l *Ledger) Bytes() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(l); err != nil {
		panic("ledger: " + err.Error()) // strings and numbers always encode
	}
	return b.Bytes()
}

// sameContent reports whether two ledgers describe the same installation,
// whatever was installed before.
func (l *Ledger) sameContent(other *Ledger) bool {
	a, b := *l, *other
	a.Previous, b.Previous = 0, 0
	return reflect.DeepEqual(a, b)
}

func readLedger(name string) (*Ledger, error) {
	data, err := readBounded(name, maxLedger)
	if err != nil {
		return nil, err
	}
	var l Ledger
	if err := fastjson.Unmarshal(data, &l); err != nil {
		return nil, &Error{Class: ErrIntegrity, Message: name + " is damaged", Err: err, Remedy: "run 'clyde install' to make a new generation"}
	}
	if l.Version != ledgerVersion {
		return nil, &Error{
			Class: ErrIntegrity, Message: fmt.Sprintf("%s has version %d, this clyde knows %d", name, l.Version, ledgerVersion),
			Remedy: "use a newer clyde",
		}
	}
	for _, p := range l.Packages {
		if !isDigest(p.Cksum) {
			return nil, &Error{Class: ErrIntegrity, Message: fmt.Sprintf("%s: the checksum of %s is not a SHA-256", name, p.Name), Remedy: "run 'clyde install' to make a new generation"}
		}
	}
	return &l, nil
}
