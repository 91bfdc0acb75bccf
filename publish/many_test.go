package publish_test

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/publish"
)

// TestManyAtOnce releases 50 versions of one package at once, and one version of
// 50 packages at once, while the forge merges whatever it can. Those whose pull
// request no longer fits run again, as a release job does, until all are merged.
// Without CLYDE_TEST_FULL=1 there are fewer versions of the one package.
func TestManyAtOnce(t *testing.T) {
	for name, of := range map[string]func(i int) (name, version string){
		"one package":   func(i int) (string, string) { return "hello", fmt.Sprintf("1.0.%d", i) },
		"many packages": func(i int) (string, string) { return fmt.Sprintf("hello-%c%02d", 'a'+i%26, i), "1.0.0" },
	} {
		t.Run(name, func(t *testing.T) {
			many := 50
			if name == "one package" && os.Getenv("CLYDE_TEST_FULL") == "" {
				many = 6 // each round merges one, so that the work grows with the square
			}
			f := registrytest.NewForge(t)
			f.AddIndex(keepersIndex, registrytest.New(t, ""))
			f.AddFile(keepersIndex, "policy.yaml", "names:\n  similar: []\n")
			token := tokenOf(f, registrytest.Token{Login: "keeper"})
			var options []publish.Options
			for i := range many {
				name, version := of(i)
				options = append(options, forgeOptions(t, gitHub(t, f, token), newPackage(t, name, version, "")))
			}
			for round := 0; len(options) > 0; round++ {
				if round > many {
					t.Fatalf("%d are not merged after %d rounds", len(options), round)
				}
				options = proposeAll(t, options)
				for _, p := range f.Pulls(keepersIndex) {
					if p.State == "open" && !f.Merge(keepersIndex, p.Number) {
						break // those after it are of the same package
					}
				}
			}
			pulls := f.Pulls(keepersIndex)
			if len(pulls) != many {
				t.Errorf("%d pull requests, want %d", len(pulls), many)
			}
			branches := map[string]bool{}
			for _, p := range pulls {
				if p.State != "merged" || branches[p.Branch] {
					t.Errorf("pull request %d of %s is %s, or there are two", p.Number, p.Branch, p.State)
				}
				branches[p.Branch] = true
			}
			for i := range many {
				name, version := of(i)
				if n := len(slices.DeleteFunc(merged(f, name), func(v string) bool { return v != version })); n != 1 {
					t.Errorf("%s %s is %d times in the index", name, version, n)
				}
			}
		})
	}
}

// proposeAll publishes all at once and returns those that are not in the index
// yet.
func proposeAll(t *testing.T, options []publish.Options) []publish.Options {
	t.Helper()
	var mu sync.Mutex
	var left []publish.Options
	var all sync.WaitGroup
	for _, opts := range options {
		all.Go(func() {
			plan, err := publish.NewPackagePlan(t.Context(), opts)
			if err != nil {
				t.Error(err)
				return
			}
			defer plan.Close()
			applied, err := plan.Apply(t.Context())
			if err != nil {
				t.Error(err)
			}
			if applied.Proposal != nil {
				mu.Lock()
				defer mu.Unlock()
				left = append(left, opts)
			}
		})
	}
	all.Wait()
	return left
}
