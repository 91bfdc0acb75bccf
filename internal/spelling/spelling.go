// Package spelling tells how far apart two words are: to guess what a person
// meant by a mistyped one, and to see that a new name could be mistaken for
// another.
//
// The measure is the Damerau-Levenshtein distance in its optimal string
// alignment form: the number of inserted, deleted, replaced or swapped
// neighbouring letters, where no letter is touched twice.
package spelling

import "strings"

// longest bounds the work; no known word is longer.
const longest = 128

// Nearest returns the known word that a person who wrote word most likely
// meant, or "" when none is near. Words are compared without regard to case,
// and one letter in three may be wrong. Of equally near words the first wins.
func Nearest(word string, known []string) string {
	if len(word) > longest {
		return ""
	}
	folded := []rune(strings.ToLower(word))
	best, limit := "", max(1, len(folded)/3)
	for _, candidate := range known {
		if len(candidate) > longest {
			continue
		}
		other := []rune(strings.ToLower(candidate))
		if d := distance(folded, other, limit); d <= limit && d < max(len(folded), len(other)) {
			best, limit = candidate, d-1
		}
	}
	return best
}

// Within reports whether the distance of a and b, counted in bytes, is at most
// limit.
func Within(a, b string, limit int) bool {
	return distance([]byte(a), []byte(b), limit) <= limit
}

// WithinPrefix reports whether a word that starts with prefix can be within
// limit of word. It is true as well for some prefixes of which no word is.
func WithinPrefix(prefix, word string, limit int) bool {
	if len(word) > longest {
		return true
	}
	var rows [2][longest + 1]int
	oneBack, row := rows[0][:len(word)+1], rows[1][:len(word)+1]
	for j := range row {
		row[j] = j
	}
	lowest, before := 0, 0
	for i := 1; i <= len(prefix); i++ {
		oneBack, row = row, oneBack
		row[0] = i
		lowest, before = i, lowest
		for j := 1; j <= len(word); j++ {
			cost := 1
			// A swap of two neighbours costs no less than what follows them alone.
			if prefix[i-1] == word[j-1] || i > 1 && j > 1 && prefix[i-1] == word[j-2] && prefix[i-2] == word[j-1] {
				cost = 0
			}
			row[j] = min(oneBack[j]+1, row[j-1]+1, oneBack[j-1]+cost)
			lowest = min(lowest, row[j])
		}
	}
	return min(lowest, before+1) <= limit
}

// distance is the distance of a and b, or limit+1 as soon as it must be more.
func distance[T comparable](a, b []T, limit int) int {
	if limit < 0 || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	twoBack, oneBack, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		twoBack, oneBack, row = oneBack, row, twoBack
		row[0] = i
		lowest := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(oneBack[j]+1, row[j-1]+1, oneBack[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], twoBack[j-2]+1)
			}
			lowest = min(lowest, row[j])
		}
		if lowest > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
