package client

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/spelling"
)

// Query is a search.
type Query struct {
	Text string // words; a match has all of them
}

// Match is a package that answers a query.
type Match struct {
	Registry string // alias
	Summary
	rank int
}

// Summary is what a search knows about a package: its newest version that is
// not yanked and no prerelease, or the nearest to that.
type Summary struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"`
	Description string   `json:"description,omitempty"`
	Keywords    []string `json:"keywords,omitempty"`
	Yanked      bool     `json:"yanked,omitempty"`  // all its versions are
	Retired     string   `json:"retired,omitempty"` // reason
}

// summarize picks the version that stands for a package; false when no line of
// it can be read.
func summarize(file index.File) (Summary, bool) {
	best := Newest(file.Entries)
	if best == nil {
		return Summary{}, false
	}
	s := Summary{Name: best.Name, Version: best.Vers, Description: best.Description, Keywords: best.Keywords, Yanked: best.Yanked}
	if best.Retired != nil {
		s.Retired = best.Retired.Reason
	}
	return s, true
}

// Newest is the version that a person means by a bare package name: the
// highest that is not yanked and no prerelease, else the highest that is not
// yanked, else the highest; nil when there is none.
func Newest(entries []*index.Entry) *index.Entry {
	var best *index.Entry
	var bestVersion index.Version
	for _, e := range entries {
		v, err := index.ParseVersion(e.Vers)
		if err != nil {
			continue
		}
		if best == nil || cmp.Or(
			compareBool(!e.Yanked, !best.Yanked),
			compareBool(!v.Prerelease(), !bestVersion.Prerelease()),
			v.Compare(bestVersion),
		) > 0 {
			best, bestVersion = e, v
		}
	}
	return best
}

// lowerName is the name under which a package has its file.
func lowerName(name string) string { return strings.ToLower(name) }

func sortSummaries(all []Summary) {
	slices.SortFunc(all, func(a, b Summary) int { return cmp.Compare(lowerName(a.Name), lowerName(b.Name)) })
}

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

// rank lists the summaries that match, best first.
func (q Query) rank(registry string, summaries []Summary) []Match {
	words := strings.Fields(strings.ToLower(q.Text))
	whole := index.Fold(strings.Join(words, "-"))
	var matches []Match
	for _, s := range summaries {
		if rank := rankOf(words, whole, s); rank < rankNone {
			matches = append(matches, Match{Registry: registry, Summary: s, rank: rank})
		}
	}
	sortMatches(matches)
	return matches
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

// rankOf is the rank of a package: the worst of its ranks for the single words,
// unless the words together are its name.
func rankOf(words []string, whole string, s Summary) int {
	if len(words) == 0 {
		return rankNone
	}
	name := index.Fold(s.Name)
	if name == whole {
		return rankName
	}
	worst := 0
	for _, word := range words {
		worst = max(worst, rankOfWord(index.Fold(word), word, name, s))
		if worst == rankNone {
			break
		}
	}
	return worst
}

// rankOfWord compares one word, folded and as given, with a package.
func rankOfWord(folded, word, name string, s Summary) int {
	switch at := strings.Index(name, folded); {
	case name == folded:
		return rankName
	case at == 0:
		return rankPrefix
	case at > 0 && hasWordPrefix(name, folded):
		return rankWord
	case at > 0:
		return rankInside
	}
	if slices.ContainsFunc(s.Keywords, func(k string) bool { return strings.EqualFold(k, word) }) {
		return rankKeyword
	}
	description := strings.ToLower(s.Description)
	switch {
	case hasWordPrefix(description, word):
		return rankDescriptionWord
	case strings.Contains(description, word):
		return rankDescription
	case isNear(folded, name):
		return rankNear
	}
	return rankNone
}

// hasWordPrefix reports whether a word of text begins with prefix.
func hasWordPrefix(text, prefix string) bool {
	for offset := 0; ; {
		at := strings.Index(text[offset:], prefix)
		if at < 0 {
			return false
		}
		at += offset
		if at == 0 || !isWordRune(text[at-1]) {
			return true
		}
		offset = at + 1
	}
}

func isWordRune(b byte) bool {
	return b >= 0x80 || unicode.IsLetter(rune(b)) || unicode.IsDigit(rune(b))
}

// isNear reports whether two names differ by a typing mistake: one letter in
// names of four or more, two in names of eight or more.
func isNear(a, b string) bool {
	limit := min(len(a), len(b)) / 4
	return limit > 0 && spelling.Within(a, b, min(limit, 2))
}
