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
// every boundary is met. The oracle merges the parts of a requirement into one
// range before it looks at prereleases, and so lets "2.*, 2.0.1-0" match 2.0.1-0
// where cargo does not (see requirements-matrix.json); prereleases are compared
// for requirements of one part only.
func TestRequirementsAgainstOracle(t *testing.T) {
	versions := closeVersions()
	matches, total := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text := requirementGenerator().Draw(t, "requirement")
		r, err := ParseRequirement(text)
		if err != nil {
			t.Fatal(err)
		}
		oracle, err := semver.Cargo.ParseConstraint(text)
		if err != nil {
			t.Fatalf("the oracle refuses %q: %v", text, err)
		}
		for _, v := range versions {
			if v.Prerelease() && strings.Contains(text, ",") {
				continue
			}
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
			if n == 0 && pre == "-0" {
				continue // for the oracle, nothing is below this version, not even below 0.0.0-1
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

func requirementGenerator() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(comparatorGenerator(), 1, 3).Draw(t, "parts")
		return strings.Join(parts, rapid.SampledFrom([]string{",", ", "}).Draw(t, "separator"))
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
