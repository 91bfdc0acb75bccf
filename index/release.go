package index

// Release is a version of a package as far as it has to be known to choose one.
// Releases share what they have in common and are to be read only.
type Release struct {
	Name, Vers string
	Yanked     bool
	Links      string
	Deps       []*Dependency       // without those of development
	Features   map[string][]string // as [Entry.AllFeatures] has them
	Signed     bool                // its line names a signature
}

// Releases are the versions of a package, in the order of its lines.
type Releases struct {
	List []Release
	// Entry reads more of the version List[i]: at least what installing needs.
	Entry func(i int) (*Entry, error)
}

// ReleasesOf takes the releases from lines that were read.
func ReleasesOf(entries []*Entry) *Releases {
	r := &Releases{
		List:  make([]Release, len(entries)),
		Entry: func(i int) (*Entry, error) { return entries[i], nil },
	}
	for i, e := range entries {
		r.List[i] = Release{Name: e.Name, Vers: e.Vers, Yanked: e.Yanked, Links: e.Links, Features: e.AllFeatures(), Signed: e.Att != nil}
		for d := range e.Deps {
			if e.Deps[d].Kind != KindDev {
				r.List[i].Deps = append(r.List[i].Deps, &e.Deps[d])
			}
		}
	}
	return r
}
