package spelling_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clydepm/clyde/internal/spelling"
)

func TestNearest(t *testing.T) {
	known := []string{"name", "version", "license", "dependencies", "dev-dependencies"}
	for word, want := range map[string]string{
		"licence": "license", "verison": "version", "Name": "name", "nmae": "name", "dependecies": "dependencies",
		"dev_dependencies": "dev-dependencies", "zzz": "", "": "", "n": "",
		strings.Repeat("x", 1000): "",
	} {
		if got := spelling.Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		a, b     string
		distance int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"serde", "serde", 0},
		{"serde", "sedre", 1},
		{"serde", "serd", 1},
		{"serde", "xserde", 1},
		{"serde", "sende", 1},
		{"ca", "abc", 3},
		{"kitten", "sitting", 3},
	} {
		for limit := range 5 {
			if got := spelling.Within(c.a, c.b, limit); got != (c.distance <= limit) {
				t.Errorf("Within(%q, %q, %d) = %v, but they are %d apart", c.a, c.b, limit, got, c.distance)
			}
		}
	}
}

// TestWithinIsTheDistance compares with the definition itself.
func TestWithinIsTheDistance(t *testing.T) {
	var distance func(a, b string) int
	distance = func(a, b string) int {
		if a == "" || b == "" {
			return len(a) + len(b)
		}
		cost := 1
		if a[0] == b[0] {
			cost = 0
		}
		best := min(distance(a[1:], b)+1, distance(a, b[1:])+1, distance(a[1:], b[1:])+cost)
		if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
			best = min(best, distance(a[2:], b[2:])+1)
		}
		return best
	}
	word := rapid.StringOfN(rapid.RuneFrom([]rune("abc")), 0, 6, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b, limit := word.Draw(t, "a"), word.Draw(t, "b"), rapid.IntRange(0, 3).Draw(t, "limit")
		if got, want := spelling.Within(a, b, limit), distance(a, b) <= limit; got != want {
			t.Fatalf("Within(%q, %q, %d) = %v, the distance is %d", a, b, limit, got, distance(a, b))
		}
	})
}
