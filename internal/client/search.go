package client

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math/bits"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/indexcache"
	"github.com/clydepm/clyde/internal/spelling"
)

// Query is a search.
type Query struct {
	Text   string // words; a match has all of them
	Yanked bool   // also find packages of which every version is yanked
	// Prefix finds the packages whose names begin with Text, and no others. It
	// stops when there are more than Limit.
	Prefix bool
	Limit  int
	// Guess looks for names that resemble one which is not there: a person did
	// not ask, and is not told what cannot be searched.
	Guess bool
}

// Match is a package that answers a query.
type Match struct {
	Registry string // alias
	Summary
	rank int
}

// Summary is what a search knows about a package.
type Summary = indexcache.Summary

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// The ranks of a match, best first.
const (
	rankName = iota
	rankPrefix
	rankWord
	rankInside
	rankKeyword
	rankDescriptionWord
	rankDescription
	rankNear
	rankNone
)

// names calls visit for every package that can be searched, until it reports
// false.
type names = func(visit func(indexcache.Named) bool) error

// search lists the packages that match, best first.
func (q Query) search(ctx context.Context, registry string, packages names) ([]Match, error) {
	m := newMatcher(q)
	var matches []Match
	err := packages(func(n indexcache.Named) bool {
		rank := m.rank(n)
		if rank < rankNone && (!n.Yanked || q.Yanked || rank == rankName) {
			matches = append(matches, Match{Registry: registry, Summary: n.Summary(), rank: rank})
		}
		return ctx.Err() == nil && (!q.Prefix || len(matches) <= q.Limit)
	})
	sortMatches(matches)
	return matches, errors.Join(err, ctx.Err())
}

// ranked gives what a server found a place among the matches of others. The
// server may know more of a package than is seen here, so that all it found is a
// match.
func (q Query) ranked(registry string, found []Summary) []Match {
	m := newMatcher(q)
	var matches []Match
	for _, s := range found {
		if !s.Yanked || q.Yanked || index.Fold(s.Name) == string(m.whole) {
			matches = append(matches, Match{Registry: registry, Summary: s, rank: min(m.rank(s.Named()), rankDescription)})
		}
	}
	sortMatches(matches)
	return matches
}

// namesOf are summaries to search in.
func namesOf(summaries []Summary) names {
	return func(visit func(indexcache.Named) bool) error {
		for _, s := range summaries {
			if !visit(s.Named()) {
				break
			}
		}
		return nil
	}
}

// sortMatches orders by rank, then packages that can be installed before those
// that are yanked, then by name. Equal ones stay in the order of the registries.
func sortMatches(matches []Match) {
	slices.SortStableFunc(matches, func(a, b Match) int {
		return cmp.Or(
			cmp.Compare(a.rank, b.rank),
			compareBool(a.Yanked, b.Yanked),
			cmp.Compare(len(a.Name), len(b.Name)),
			cmp.Compare(a.Name, b.Name),
		)
	})
}

// matcher compares packages with the words of a query. It looks at every package
// of a registry, so it keeps its buffers.
type matcher struct {
	words  []queryWord
	whole  []byte // the words together, as a name
	prefix bool   // names that begin with it are looked for

	name, text []byte // of the package, folded and in lower case
	letters    uint64 // of name
}

type queryWord struct {
	lower, folded []byte
	letters       uint64 // of folded
	mistakes      int    // that a name may have
}

func newMatcher(q Query) *matcher {
	words := strings.Fields(strings.ToLower(q.Text))
	m := &matcher{whole: appendFolded(nil, []byte(strings.Join(words, "-"))), prefix: q.Prefix}
	for _, word := range words {
		folded := appendFolded(nil, []byte(word))
		m.words = append(m.words, queryWord{
			lower: []byte(word), folded: folded, letters: lettersOf(folded), mistakes: min(len(folded)/4, 2),
		})
	}
	return m
}

// appendFolded appends what [index.Fold] makes of a name.
func appendFolded(dst, name []byte) []byte {
	for _, c := range name {
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c == '_' || c == '.':
			c = '-'
		}
		dst = append(dst, c)
	}
	return dst
}

// lettersOf has a bit for every letter that occurs.
func lettersOf(text []byte) (set uint64) {
	for _, c := range text {
		set |= 1 << (c & 63)
	}
	return set
}

// rank is the rank of a package: the worst of its ranks for the single words,
// unless the words together are its name.
func (m *matcher) rank(n indexcache.Named) int {
	m.name = appendFolded(m.name[:0], n.Name)
	m.text, m.letters = m.text[:0], 0
	switch {
	case m.prefix && bytes.HasPrefix(m.name, m.whole):
		return rankPrefix
	case m.prefix || len(m.words) == 0:
		return rankNone
	case bytes.Equal(m.name, m.whole):
		return rankName
	}
	worst := 0
	for i := range m.words {
		worst = max(worst, m.rankOf(&m.words[i], n))
		if worst == rankNone {
			break
		}
	}
	return worst
}

// rankOf compares one word with a package.
func (m *matcher) rankOf(word *queryWord, n indexcache.Named) int {
	switch at := bytes.Index(m.name, word.folded); {
	case at == 0 && len(m.name) == len(word.folded):
		return rankName
	case at == 0:
		return rankPrefix
	case at > 0 && hasWordPrefix(m.name, word.folded):
		return rankWord
	case at > 0:
		return rankInside
	}
	if hasKeyword(n, word.lower) {
		return rankKeyword
	}
	if len(n.Description) > 0 && len(m.text) == 0 {
		m.text = appendLower(m.text, n.Description)
	}
	switch {
	case hasWordPrefix(m.text, word.lower):
		return rankDescriptionWord
	case bytes.Contains(m.text, word.lower):
		return rankDescription
	case m.isNear(word):
		return rankNear
	}
	return rankNone
}

func hasKeyword(n indexcache.Named, word []byte) (found bool) {
	n.Keywords(func(keyword []byte) bool {
		found = bytes.EqualFold(keyword, word)
		return !found
	})
	return found
}

// appendLower appends text in lower case.
func appendLower(dst, text []byte) []byte {
	start := len(dst)
	for _, c := range text {
		if c >= 0x80 {
			return append(dst[:start], bytes.ToLower(text)...)
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// hasWordPrefix reports whether a word of text begins with prefix.
func hasWordPrefix(text, prefix []byte) bool {
	for offset := 0; ; {
		at := bytes.Index(text[offset:], prefix)
		if at < 0 {
			return false
		}
		at += offset
		if at == 0 || !isWordByte(text[at-1]) {
			return true
		}
		offset = at + 1
	}
}

func isWordByte(b byte) bool {
	return b >= 0x80 || 'a' <= b && b <= 'z' || '0' <= b && b <= '9'
}

// isNear reports whether the name and a word differ by a typing mistake: one
// letter in words of four or more, two in words of eight or more. Swapped
// neighbours are one mistake. A mistake changes at most two of the letters that
// occur, which tells most names without counting.
func (m *matcher) isNear(word *queryWord) bool {
	limit := min(word.mistakes, len(m.name)/4)
	if limit == 0 || len(m.name)-len(word.folded) > limit || len(word.folded)-len(m.name) > limit {
		return false
	}
	if m.letters == 0 {
		m.letters = lettersOf(m.name)
	}
	return bits.OnesCount64(m.letters^word.letters) <= 2*limit && spelling.Within(string(m.name), string(word.folded), limit)
}
