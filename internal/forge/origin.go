package forge

import (
	"fmt"
	"time"
)

// Origin is what a host says about a repository that packages come from.
type Origin struct {
	URL         string // under its present name
	ID, OwnerID int64
	Fork        bool
}

// Release is what a host says about a release that everybody can see.
type Release struct {
	Prerelease bool
	Published  time.Time
	Assets     map[string]string // URLs that anybody downloads from, by name
}

// EntrySuffix ends the names of the assets that carry a line.
const EntrySuffix = ".entry.json"

// MaxCarried bounds an asset with a line; that of a line itself is tighter.
const MaxCarried = 1 << 20

// Carried is a line that a published release carries until an index collects it.
type Carried struct {
	Tag, Asset string
	Key        string // of the asset's content; the same key is the same line
	Size       int64
	Address    string // where the host has it
}

// CheckSize reports a file that is too large to be a line.
func (c Carried) CheckSize() error {
	if c.Size > MaxCarried {
		return fmt.Errorf("read %s of the release %s: it has %d bytes, which no line has", c.Asset, c.Tag, c.Size)
	}
	return nil
}
