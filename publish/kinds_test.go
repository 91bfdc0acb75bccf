package publish_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/publish"
)

// change is one change of an index, of some kind.
type change struct {
	name string
	plan func(t *testing.T, to publish.Target) (*publish.Plan, error)
	file string // that it changes
}

// changes are of every kind that people make, each on top of those before.
func changes(t *testing.T) []change {
	t.Helper()
	yank := func(name string, undo bool) change {
		return change{name, func(t *testing.T, to publish.Target) (*publish.Plan, error) {
			return publish.NewYankPlan(t.Context(), publish.YankOptions{Target: to, Name: "hello", Version: "1.0.0", Undo: undo})
		}, "he/ll/hello"}
	}
	retire := func(name string, opts publish.RetireOptions) change {
		return change{name, func(t *testing.T, to publish.Target) (*publish.Plan, error) {
			opts.Target, opts.Name = to, "hello"
			return publish.NewRetirePlan(t.Context(), opts)
		}, "he/ll/hello"}
	}
	owners := func(name string, opts publish.OwnersOptions) change {
		return change{name, func(t *testing.T, to publish.Target) (*publish.Plan, error) {
			opts.Target, opts.Name = to, "hello"
			return publish.NewOwnersPlan(t.Context(), opts)
		}, "owners/he/ll/hello.yaml"}
	}
	ann := review.Publisher{Repository: "https://github.com/ann/hello", RepositoryID: 1, OwnerID: 2}
	bob := review.Publisher{Repository: "https://github.com/bob/hello", RepositoryID: 3, OwnerID: 4}
	_, public, err := attest.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return []change{
		versionOf(t, "1.0.0", ""),
		versionOf(t, "2.0.0", ""),
		yank("yank", false),
		yank("unyank", true),
		retire("retire", publish.RetireOptions{Reason: "deprecated", Message: "see 2.0.0", Version: "1.0.0"}),
		retire("unretire", publish.RetireOptions{Undo: true}),
		owners("owners", publish.OwnersOptions{Add: []review.Publisher{ann}, AddReviewers: []string{"ann"}}),
		owners("settings", publish.OwnersOptions{Set: func(p *review.Publisher) { p.Workflow = ".github/workflows/release.yml" }}),
		owners("transfer", publish.OwnersOptions{Add: []review.Publisher{bob}, AddReviewers: []string{"bob"}, Transfer: true}),
		{"trust", func(t *testing.T, to publish.Target) (*publish.Plan, error) {
			return publish.NewTrustPlan(t.Context(), publish.TrustOptions{Target: to, Name: "release", PEM: public})
		}, "trust/keys/release.pem"},
	}
}

// versionOf publishes a version of hello.
func versionOf(t *testing.T, version, more string) change {
	t.Helper()
	dir := newPackage(t, "hello", version, more)
	return change{"publish " + version, func(t *testing.T, to publish.Target) (*publish.Plan, error) {
		return publish.NewPackagePlan(t.Context(), publish.Options{
			Target: to, Dir: dir, Store: memoryStore{},
			Registry: func(alias string) (string, error) { return alias, nil },
		})
	}, "he/ll/hello"}
}

// apply plans a change and carries it out.
func (c change) apply(t *testing.T, to publish.Target) (publish.Applied, bool, error) {
	t.Helper()
	plan, err := c.plan(t, to)
	if err != nil {
		return publish.Applied{}, false, err
	}
	defer plan.Close()
	applied, err := plan.Apply(t.Context())
	return applied, plan.Done, err
}

// conformKinds makes changes of every kind: each twice, the second time on
// another day, and once more when the index has it. What the index has in the
// end is the same whatever way it went.
func conformKinds(t *testing.T, a adapter) {
	f := newForge(t)
	later := func() publish.Target {
		target := a.target(t, f)
		target.Now = func() time.Time { return clock().AddDate(0, 0, 1) }
		return target
	}
	var all strings.Builder
	for i, c := range changes(t) {
		before := f.File(keepersIndex, c.file)
		applied, done, err := c.apply(t, a.target(t, f))
		if err != nil || done {
			t.Fatalf("%s: %+v, done %v, %v", c.name, applied, done, err)
		}
		again, done, err := c.apply(t, later())
		if err != nil {
			t.Fatalf("%s again: %v", c.name, err)
		}
		if a.plain != nil && !done {
			t.Errorf("%s again: changes the index", c.name)
		}
		if a.plain == nil {
			if again.Proposal == nil || again.Proposal.Outcome != publish.Unchanged || again.ID != applied.ID {
				t.Errorf("%s again: %+v", c.name, again.Proposal)
			}
			if f.File(keepersIndex, c.file) != before {
				t.Errorf("%s: the index moved before anybody merged", c.name)
			}
			if !f.Merge(keepersIndex, i+1) {
				t.Fatalf("%s: not mergeable", c.name)
			}
		}
		if f.File(keepersIndex, c.file) == before {
			t.Errorf("%s: the index does not have it", c.name)
		}
		settled, done, err := c.apply(t, later())
		if err != nil || !done || settled.Proposal != nil || settled.ID != "" {
			t.Errorf("%s when it is there: %+v, done %v, %v", c.name, settled, done, err)
		}
		if c.name != "trust" { // whose key is another each time
			all.WriteString(c.name + ":\n" + f.File(keepersIndex, c.file))
		}
	}
	compareWithFile(t, filepath.Join("testdata", "kinds.txt"), all.String())
	conformRefusals(t, a, f)
}

// conformRefusals asks for what no index may be made to do.
func conformRefusals(t *testing.T, a adapter, f *registrytest.Forge) {
	t.Helper()
	_, err := publish.NewPackagePlan(t.Context(), publish.Options{
		Target: a.target(t, f), Dir: newPackage(t, "hello", "1.0.0", "description: other\n"), Store: memoryStore{},
	})
	var conflict *publish.ConflictError
	if !errors.As(err, &conflict) || conflict.SHA256 == "" || conflict.SHA256 == conflict.PublishedSHA256 {
		t.Errorf("other bytes: %v", err)
	}
	if _, err := publish.NewYankPlan(t.Context(), publish.YankOptions{Target: a.target(t, f), Name: "nothing", Version: "1.0.0"}); !errors.Is(err, publish.ErrNotFound) {
		t.Errorf("a package that is not there: %v", err)
	}
	last := review.Publisher{Repository: "https://github.com/nobody/hello"}
	if _, err := publish.NewOwnersPlan(t.Context(), publish.OwnersOptions{Target: a.target(t, f), Name: "hello", Which: last, Set: func(*review.Publisher) {}}); !errors.Is(err, publish.ErrNotFound) {
		t.Errorf("a publisher that is not there: %v", err)
	}
}

// compareWithFile compares with what a file has; CLYDE_UPDATE_GOLDEN=1 rewrites it.
func compareWithFile(t *testing.T, name, got string) {
	t.Helper()
	if os.Getenv("CLYDE_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the index has\n%s\nand in %s is\n%s", got, name, want)
	}
}
