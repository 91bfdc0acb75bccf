package forge

import "time"

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
