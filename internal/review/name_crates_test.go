package review

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/clydepm/clyde/index"
)

// cratesNames are the names of all packages of crates.io in July 2020, from the
// git bundle that CLYDE_TEST_CRATES_INDEX names.
func cratesNames(t testing.TB) []string {
	t.Helper()
	bundle := os.Getenv("CLYDE_TEST_CRATES_INDEX")
	if bundle == "" {
		if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
			t.Fatal("CLYDE_TEST_CRATES_INDEX does not name the bundle of the crates.io index")
		}
		t.Skip("CLYDE_TEST_CRATES_INDEX does not name the bundle of the crates.io index")
	}
	repo := filepath.Join(t.TempDir(), "crates.git")
	if out, err := exec.CommandContext(t.Context(), "git", "clone", "-q", "--bare", bundle, repo).CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), "git", "-C", repo, "ls-tree", "-r", "--name-only", "HEAD").Output()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for file := range strings.Lines(string(out)) {
		if name, ok := index.NameOf(strings.TrimSpace(file)); ok {
			names = append(names, name)
		}
	}
	if len(names) != 43451 {
		t.Fatalf("%d names", len(names))
	}
	return names
}

// Of the names of crates.io, so few would have needed a look when they came,
// each compared with those that came before it. Which came first is not known,
// so that an order is drawn. docs/reviewer.md has the number.
func TestFalseAlarms(t *testing.T) {
	names := cratesNames(t)
	rnd := rand.New(rand.NewPCG(7, 7))
	rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	defaults := DefaultNamePolicy()
	rate, looks := alarmRate(names, &defaults), alarmRate(names, &NamePolicy{LookAlikes: true})
	t.Logf("%.1f%% of the names are similar to one before, of them %.1f%% by their looks", rate, looks)
	if rate < 2 || rate > 8 || looks > 4 {
		t.Error("that is not what docs/reviewer.md says")
	}
}

// alarmRate is how many percent of a sample of the names are similar to one
// before.
func alarmRate(names []string, policy *NamePolicy) float64 {
	const each = 40
	folded := make([]string, len(names))
	for i, name := range names {
		folded[i] = foldScoped(name)
	}
	var alarms atomic.Int64
	var group sync.WaitGroup
	for worker := range 2 {
		group.Go(func() {
			for i := worker * each; i < len(names); i += 2 * each {
				r := newResembler(names[i], policy)
				for _, other := range folded[:i] {
					if r.resembles(other) {
						alarms.Add(1)
						break
					}
				}
			}
		})
	}
	group.Wait()
	return 100 * float64(alarms.Load()) / (float64(len(names)) / each)
}

// The names of crates.io are found as by a comparison with each of them.
func TestFindSimilarInCrates(t *testing.T) {
	names := cratesNames(t)
	tree := folders{}
	for _, name := range names {
		file, err := index.Path(name)
		if err != nil {
			t.Fatal(err)
		}
		tree.add(file)
	}
	policy := DefaultNamePolicy()
	for i := 0; i < len(names); i += 1500 {
		want := allSimilar(names[i], names, &policy)
		got, err := findSimilar(tree, names[i], &policy)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want[:min(5, len(want))]) {
			t.Errorf("%s: found %v, want %v", names[i], got, want)
		}
	}
}

// benchmarkNames are 50,000 made-up names of a few syllables.
func benchmarkNames() []string {
	rnd := rand.New(rand.NewPCG(1, 1))
	names := make([]string, 50_000)
	for i := range names {
		var b strings.Builder
		for range 2 + rnd.IntN(4) {
			b.WriteByte("bcdfghjklmnprstvw"[rnd.IntN(17)])
			b.WriteByte("aeiou"[rnd.IntN(5)])
			if rnd.IntN(5) == 0 {
				b.WriteByte('-')
			}
		}
		names[i] = b.String() + "x"
	}
	return names
}

// BenchmarkResembles compares one name with 50,000, which are folded for it.
func BenchmarkResembles(b *testing.B) {
	policy := DefaultNamePolicy()
	names := benchmarkNames()
	b.ReportAllocs()
	for b.Loop() {
		r := newResembler("http-client-builders", &policy)
		for _, name := range names {
			r.resembles(foldScoped(name))
		}
	}
}

// BenchmarkResemblesCrates does the same with the names of crates.io.
func BenchmarkResemblesCrates(b *testing.B) {
	policy := DefaultNamePolicy()
	names := cratesNames(b)
	for b.Loop() {
		r := newResembler("http-client-builders", &policy)
		for _, name := range names {
			r.resembles(foldScoped(name))
		}
	}
}
