package index

// Release is a version of a package as far as it has to be known to choose one.
type Release struct {
	Name, Vers string
	Links      string
	Needs      int // what it needs, as a number; equal numbers are equal needs
	Yanked     bool
	Signed     bool // its line names a signature
}

// Needs are the dependencies and features of a version. Versions share what they
// have in common, so that they are to be read only.
type Needs struct {
	Deps     []*Dependency       // without those of development
	Features map[string][]string // as [Entry.AllFeatures] has them
}

// Releases are the versions of a package, in the order of its lines.
type Releases struct {
	List []Release
	// Needs returns what the versions need whose [Release] has this number.
	Needs func(number int) Needs
	// Entry reads more of the version List[i]: at least what installing needs.
	Entry func(i int) (*Entry, error)
}

// ReleasesOf takes the releases from lines that were read.
func ReleasesOf(entries []*Entry) *Releases {
	r := &Releases{
		List:  make([]Release, len(entries)),
		Needs: func(number int) Needs { return needsOf(entries[number]) },
		Entry: func(i int) (*Entry, error) { return entries[i], nil },
	}
	for i, e := range entries {
		r.List[i] = Release{Name: e.Name, Vers: e.Vers, Links: e.Links, Needs: i, Yanked: e.Yanked, Signed: e.Att != nil}
	}
	return r
}

func needsOf(e *Entry) Needs {
	n := Needs{Features: e.AllFeatures()}
	for i := range e.Deps {
		if e.Deps[i].Kind != KindDev {
			n.Deps = append(n.Deps, &e.Deps[i])
		}
	}
	return n
}
