package client

import (
	"context"
	"errors"

	"github.com/clydepm/clyde/internal/indexcache"
)

// Search asks all registries at once; it takes as long as the slowest. The
// matches come best first. Failures of single registries are joined into the
// error, beside the matches of the others.
func (s *Registries) Search(ctx context.Context, q Query) ([]Match, error) {
	found, errs := make([][]Match, len(s.list)), make([]error, len(s.list))
	s.Each(ctx, s.list, func(ctx context.Context, i int, r Registry) {
		found[i], errs[i] = r.Search(ctx, q)
	})
	var all []Match
	for _, matches := range found {
		all = append(all, matches...)
	}
	sortMatches(all)
	return all, errors.Join(errs...)
}

// maxNear is how many names are suggested for one that does not exist.
const maxNear = 3

// NearestNames suggests names of packages that are written like name.
func (s *Registries) NearestNames(ctx context.Context, name string) []string {
	matches, _ := s.Search(ctx, Query{Text: name, Yanked: true, Guess: true}) // a suggestion less is no failure
	return nearestOf(matches)
}

func nearestOf(matches []Match) []string {
	var near []string
	for _, m := range matches {
		if m.rank == rankName || m.rank == rankNear || m.rank == rankPrefix {
			near = append(near, m.Name)
		}
	}
	return near[:min(len(near), maxNear)]
}

// summaries reads all packages of a tree.
func (t indexTree) summaries(ctx context.Context) ([]Summary, error) {
	names, err := changedPackages(nil, t.files)
	if err != nil {
		return nil, err
	}
	summaries := make([]Summary, 0, len(names))
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, ok, err := t.summary(name)
		if err != nil {
			return nil, err
		}
		if ok {
			summaries = append(summaries, s)
		}
	}
	return summaries, nil
}

// summary reads one package; false when it is gone or has no readable line.
func (t indexTree) summary(name string) (Summary, bool, error) {
	file, err := t.versions(name)
	if isNoPackage(err) {
		return Summary{}, false, nil
	}
	if err != nil {
		return Summary{}, false, err
	}
	s, ok := indexcache.Summarize(file.Entries)
	return s, ok, nil
}
