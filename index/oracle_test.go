package index

import (
	"fmt"
	"strings"
	"testing"

	"deps.dev/util/semver"
	"pgregory.net/rapid"
)

// TestRequirementsAgainstOracle compares with another implementation of Cargo's
// rules on random requirements and versions, both close to each other so that
// every boundary is met. It compares single comparators: the oracle merges those
// joined by a comma into one range, and is then wrong where the range is empty
// ("<0.1, 0.1" matches 0.1.0) or has a prerelease ("2.*, 2.0.1-0" matches
// 2.0.1-0). For joined ones see requirements-matrix.json.
func TestRequirementsAgainstOracle(t *testing.T) {
	versions := closeVersions()
	matches, total := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text := comparatorGenerator().Draw(t, "requirement")
		r, err := ParseRequirement(text)
		if err != nil {
			t.Fatal(err)
		}
		oracle, err := semver.Cargo.ParseConstraint(text)
		if err != nil {
			t.Fatalf("the oracle refuses %q: %v", text, err)
		}
		for _, v := range versions {
			got, want := r.Matches(v), oracle.Match(v.String())
			if got != want {
				t.Fatalf("%q matches %s: %v, and the oracle says %v", text, v, got, want)
			}
			total++
			if got {
				matches++
			}
		}
	})
	t.Logf("%d of %d pairs match", matches, total)
	if matches == 0 || matches == total {
		t.Error("the versions and requirements are not close to each other")
	}
}

// closeVersions returns every version of small numbers and the prereleases that
// requirements are made of.
func closeVersions() (versions []Version) {
	for n := range uint64(27) {
		for _, pre := range prereleases() {
			if n == 0 && pre != "" {
				continue // the oracle has nothing below 0.0.0: for it "<0.0.0-10" does not match 0.0.0-1
			}
			versions = append(versions, Version{Major: n / 9, Minor: n / 3 % 3, Patch: n % 3, Pre: strings.TrimPrefix(pre, "-")})
		}
	}
	return versions
}

// TestVersionOrderAgainstOracle does the same for the order of versions.
func TestVersionOrderAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := versionGenerator().Draw(t, "a"), versionGenerator().Draw(t, "b")
		got, want := mustVersion(t, a).Compare(mustVersion(t, b)), semver.Cargo.Compare(a, b)
		if strings.Contains(a+b, "+") {
			// The oracle breaks ties by build metadata; precedence has none.
			a, b = strings.Split(a, "+")[0], strings.Split(b, "+")[0]
			want = semver.Cargo.Compare(a, b)
		}
		if sign(got) != sign(want) {
			t.Fatalf("%s compared with %s is %d, and the oracle says %d", a, b, got, want)
		}
	})
}

func numberGenerator() *rapid.Generator[int] { return rapid.IntRange(0, 2) }

func prereleases() []string {
	return []string{"", "-0", "-1", "-10", "-alpha", "-alpha.1", "-beta", "-rc.1", "-rc.2"}
}

func prereleaseGenerator() *rapid.Generator[string] {
	return rapid.OneOf(rapid.Just(""), rapid.SampledFrom(prereleases()))
}

func versionGenerator() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		n := numberGenerator()
		build := rapid.SampledFrom([]string{"", "", "+b1"}).Draw(t, "build")
		return fmt.Sprintf("%d.%d.%d%s%s", n.Draw(t, "major"), n.Draw(t, "minor"), n.Draw(t, "patch"), prereleaseGenerator().Draw(t, "prerelease"), build)
	})
}

func comparatorGenerator() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		n := numberGenerator()
		op := rapid.SampledFrom([]string{"", "^", "~", "=", ">", ">=", "<", "<="}).Draw(t, "operator")
		major, minor, patch := n.Draw(t, "major"), n.Draw(t, "minor"), n.Draw(t, "patch")
		switch rapid.IntRange(0, 5).Draw(t, "form") {
		case 0:
			return fmt.Sprintf("%s%d", op, major)
		case 1:
			return fmt.Sprintf("%s%d.%d", op, major, minor)
		case 2:
			return fmt.Sprintf("%d.*", major)
		case 3:
			return fmt.Sprintf("%d.%d.*", major, minor)
		default:
			return fmt.Sprintf("%s%d.%d.%d%s", op, major, minor, patch, prereleaseGenerator().Draw(t, "prerelease"))
		}
	})
}
