package strictyaml

import "strings"

// Nearest returns the known word that a person who wrote word most likely
// meant, or "" when none is near. Words are compared without regard to case by
// the number of inserted, deleted, replaced or swapped neighbouring letters
// (Damerau-Levenshtein distance, optimal string alignment); one letter in
// three may be wrong. Of equally near words the first wins.
func Nearest(word string, known []string) string {
	const longest = 128 // bounds the work; no known word is longer
	if len(word) > longest {
		return ""
	}
	folded := []rune(strings.ToLower(word))
	best, bestDistance := "", max(1, len(folded)/3)+1
	for _, candidate := range known {
		other := []rune(strings.ToLower(candidate))
		if len(other) > longest || len(other)-len(folded) >= bestDistance || len(folded)-len(other) >= bestDistance {
			continue
		}
		if d := distance(folded, other); d < bestDistance && d < max(len(folded), len(other)) {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance is the optimal string alignment distance of a and b.
func distance(a, b []rune) int {
	twoBack := make([]int, len(b)+1)
	oneBack := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		twoBack, oneBack, row = oneBack, row, twoBack
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(oneBack[j]+1, row[j-1]+1, oneBack[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], twoBack[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
