package review

import (
	"io/fs"

	"github.com/clydepm/clyde/index"
)

// Addition is a version that a change adds, and the one that it is compared
// with.
type Addition struct {
	Entry    *index.Entry
	Previous *index.Entry // the newest version that is older, else the one published last; nil for a first version
}

// Added returns the versions that a change adds, in the order of their lines;
// none for a change that is no publish. The error is that of a tree.
func Added(base, head fs.FS) ([]Addition, error) {
	changes, err := index.Changes(base, head)
	if err != nil {
		return nil, err
	}
	delta, violations := index.Classify(changes)
	if len(violations) > 0 || delta.Kind != index.KindPublish {
		return nil, nil
	}
	known, err := versionsOf(base, delta.Package)
	if err != nil {
		return nil, err
	}
	var all []Addition
	for _, e := range delta.Added {
		all = append(all, Addition{e, previous(known, e)})
		known = append(known, e)
	}
	return all, nil
}

// previous is the version that e is compared with.
func previous(known []*index.Entry, e *index.Entry) *index.Entry {
	if older, _ := newestBelow(known, e); older != nil {
		return older
	}
	if len(known) == 0 {
		return nil
	}
	return known[len(known)-1]
}

// newestBelow is the newest version that is older than e, and nil when there is
// none.
func newestBelow(known []*index.Entry, e *index.Entry) (*index.Entry, index.Version) {
	var best *index.Entry
	var newest index.Version
	version, err := index.ParseVersion(e.Vers)
	if err != nil {
		return nil, newest
	}
	for _, k := range known {
		v, err := index.ParseVersion(k.Vers)
		if err == nil && v.Compare(version) < 0 && (best == nil || v.Compare(newest) > 0) {
			best, newest = k, v
		}
	}
	return best, newest
}
