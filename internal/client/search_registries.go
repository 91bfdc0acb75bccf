package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	matches, _ := s.Search(ctx, Query{Text: name}) // a suggestion less is no failure
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
	s, ok := summarize(file)
	return s, ok, nil
}

func (g *gitRegistry) Search(ctx context.Context, q Query) (_ []Match, err error) {
	defer nameRegistry(&err, g.config.Name)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.names == nil {
		err := g.reading(ctx, func(t indexTree) (err error) {
			g.names, err = g.summaries(ctx, t)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return q.rank(g.config.Name, g.names), nil
}

// searchFormat is the version of the file of names and descriptions; a file of
// another version is made again.
const searchFormat = 1

// searchHeader is the first line of that file. The other lines are summaries,
// sorted by name.
type searchHeader struct {
	Format int    `json:"format"`
	Commit string `json:"commit"`
	Count  int    `json:"count"`
}

// summaries takes the names and descriptions at the shown commit from the file
// beside the copy. One that is of an earlier commit is brought up to date by
// reading what changed since.
func (g *gitRegistry) summaries(ctx context.Context, t indexTree) ([]Summary, error) {
	commit := g.open.record.Commit
	header, known, err := readSummaries(g.copy.searchFile())
	if err == nil && header.Commit == commit {
		return known, nil
	}
	var now []Summary
	if before, treeErr := g.open.repo.Tree(header.Commit); err == nil && treeErr == nil {
		now, err = t.summariesSince(ctx, before, known)
	} else {
		g.copy.access.note("reading the names of registry %s for the first time", g.config.Name)
		now, err = t.summaries(ctx)
	}
	if err != nil {
		return nil, err
	}
	return now, writeSummaries(g.copy.searchFile(), searchHeader{searchFormat, commit, len(now)}, now)
}

// summariesSince brings the summaries of an earlier tree up to date.
func (t indexTree) summariesSince(ctx context.Context, before fs.FS, known []Summary) ([]Summary, error) {
	names, err := changedPackages(before, t.files)
	if err != nil {
		return nil, err
	}
	changed := make(map[string]bool, len(names))
	for _, name := range names {
		changed[name] = true
	}
	var now []Summary
	for _, s := range known {
		if !changed[lowerName(s.Name)] {
			now = append(now, s)
		}
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, ok, err := t.summary(name)
		if err != nil {
			return nil, err
		}
		if ok {
			now = append(now, s)
		}
	}
	sortSummaries(now)
	return now, nil
}

func readSummaries(file string) (searchHeader, []Summary, error) {
	var header searchHeader
	data, err := os.ReadFile(file)
	if err != nil {
		return header, nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&header); err != nil {
		return header, nil, err
	}
	if header.Format != searchFormat || header.Count < 0 || header.Count > len(data) {
		return header, nil, fmt.Errorf("%s: format %d", file, header.Format)
	}
	all := make([]Summary, header.Count)
	for i := range all {
		if err := decoder.Decode(&all[i]); err != nil {
			return header, nil, err
		}
	}
	return header, all, nil
}

func writeSummaries(file string, header searchHeader, all []Summary) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(header); err != nil {
		return err
	}
	for _, s := range all {
		if err := encoder.Encode(s); err != nil {
			return err
		}
	}
	return writeFile(file, b.Bytes())
}
