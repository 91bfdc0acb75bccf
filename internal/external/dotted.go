package external

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// meetsDotted reports whether a version meets the clauses, where a driver has
// no comparison of its own: by the numbers and words between its dots and
// dashes, a missing one being 0.
func meetsDotted(version string, clauses []clause) bool {
	return !slices.ContainsFunc(clauses, func(c clause) bool {
		order := compareDotted(version, c.version)
		switch c.operator {
		case ">=":
			return order < 0
		case "<=":
			return order > 0
		case ">":
			return order <= 0
		case "<":
			return order >= 0
		case "!=":
			return order == 0
		}
		return order != 0
	})
}

func compareDotted(a, b string) int {
	left, right := parts(a), parts(b)
	for i := range max(len(left), len(right)) {
		x, y := "0", "0"
		if i < len(left) {
			x = left[i]
		}
		if i < len(right) {
			y = right[i]
		}
		n, err := strconv.ParseUint(x, 10, 64)
		m, err2 := strconv.ParseUint(y, 10, 64)
		order := cmp.Compare(n, m)
		if err != nil || err2 != nil {
			order = strings.Compare(x, y)
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

func parts(version string) []string {
	return strings.FieldsFunc(version, func(r rune) bool { return strings.ContainsRune(".-+~_:", r) })
}
