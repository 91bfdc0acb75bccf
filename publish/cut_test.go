package publish_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/publish"
)

// state is everything that a publish leaves at a forge.
func stateOf(f *registrytest.Forge) string {
	var b strings.Builder
	for _, p := range f.Pulls(keepersIndex) {
		fmt.Fprintf(&b, "#%d %s %s %s:%s@%s %v %v\n%s\n", p.Number, p.State, p.Title, p.Head, p.Branch, p.Commit, p.Labels, p.Comments, p.Body)
	}
	return b.String()
}

// cutCase is a publish and what was there before it.
type cutCase struct {
	adapter adapter
	name    string
	before  func(t *testing.T, f *registrytest.Forge, a adapter)
	always  bool // at every call, whatever the environment says
}

func cutCases() []cutCase {
	all := adapters()
	by := func(name string) adapter {
		return all[slices.IndexFunc(all, func(a adapter) bool { return a.name == name })]
	}
	open := func(t *testing.T, f *registrytest.Forge, a adapter) {
		t.Helper()
		if _, err := proposePackage(t, forgeOptions(t, a.open(t, f), newPackage(t, "hello", "1.0.0", "description: old\n"))); err != nil {
			t.Fatal(err)
		}
	}
	nothing := func(*testing.T, *registrytest.Forge, adapter) {}
	return []cutCase{
		{by("GitHub"), "a first version", nothing, true},
		{by("GitHub"), "other bytes than those proposed", open, false},
		{by("GitHub, a fork"), "a first version", nothing, false},
		{by("Gitea"), "a first version", nothing, false},
		{by("Gitea"), "other bytes than those proposed", open, false},
		{by("Gitea, a fork"), "a first version", nothing, false},
	}
}

// TestCutAtEveryCall cuts the connection at every single call of a publish: once
// before the call took effect, once after, and once in the middle of the answer.
// A single cut is survived; after a connection that stays dead, running again
// leaves what an undisturbed run leaves.
//
// With CLYDE_TEST_FULL=1 all adapters are cut at every call in every way, which
// takes minutes; without it GitHub's are, and the others at some calls.
func TestCutAtEveryCall(t *testing.T) {
	source := registrytest.New(t, "")
	for _, c := range cutCases() {
		t.Run(c.adapter.name+", "+c.name, func(t *testing.T) {
			t.Parallel()
			dir := newPackage(t, "hello", "1.0.0", "")
			start := func() *registrytest.Forge {
				f := registrytest.NewForge(t)
				f.AddIndex(keepersIndex, source)
				c.before(t, f, c.adapter)
				f.Calls()
				return f
			}
			undisturbed := start()
			if _, err := proposePackage(t, forgeOptions(t, c.adapter.open(t, undisturbed), dir)); err != nil {
				t.Fatal(err)
			}
			calls := undisturbed.Calls()
			want := strings.ReplaceAll(stateOf(undisturbed), undisturbed.URL, "")
			t.Logf("%d calls", len(calls))
			full := os.Getenv("CLYDE_TEST_FULL") != ""
			modes := map[string]registrytest.Fault{"before": {Drop: true}, "after": {DropAfter: true}}
			if full {
				modes["in the middle of"] = registrytest.Fault{Cut: true}
			}
			for i, call := range calls {
				if !full && !c.always && i%4 != 3 {
					continue
				}
				for mode, fault := range modes {
					for _, dead := range []bool{false, true} {
						if !full && dead == (i%2 == 0) {
							continue
						}
						f := start()
						cutOnce(f, i, dead, fault)
						where := fmt.Sprintf("cut %s call %d, %s %s, dead %v", mode, i, call.Method, call.Path, dead)
						_, err := proposePackage(t, forgeOptions(t, c.adapter.open(t, f), dir))
						git := strings.Contains(call.Path, "/info/refs") || strings.Contains(call.Path, "/git-")
						if err != nil && !dead && !git {
							t.Errorf("%s: %v", where, err)
						}
						f.Break(nil)
						if _, err := proposePackage(t, forgeOptions(t, c.adapter.open(t, f), dir)); err != nil {
							t.Errorf("%s: running again: %v", where, err)
						}
						if got := strings.ReplaceAll(stateOf(f), f.URL, ""); got != want {
							t.Errorf("%s: running again leaves\n%s\nand an undisturbed run\n%s", where, got, want)
						}
					}
				}
			}
		})
	}
}

// cutOnce cuts at call i, and with dead at every call from then on.
func cutOnce(f *registrytest.Forge, i int, dead bool, fault registrytest.Fault) {
	f.Break(func(n int, _ *http.Request) registrytest.Fault {
		switch {
		case n == i:
			return fault
		case dead && n > i:
			return registrytest.Fault{Drop: true}
		}
		return registrytest.Fault{}
	})
}

// TestLimitsAreWaitedFor answers one call after the other with every kind of
// limit and failure that passes.
func TestLimitsAreWaitedFor(t *testing.T) {
	faults := map[string]registrytest.Fault{
		"a secondary limit with Retry-After": registrytest.SecondaryLimit(map[string]string{"Retry-After": "30"}),
		"a secondary limit without":          registrytest.SecondaryLimit(nil),
		"a primary limit":                    registrytest.PrimaryLimit(time.Now().Add(5 * time.Minute)),
		"429":                                {Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "1"}},
		"500":                                {Status: http.StatusInternalServerError},
		"502":                                {Status: http.StatusBadGateway, Body: "<html>"},
		"503":                                {Status: http.StatusServiceUnavailable, Header: map[string]string{"Retry-After": "3"}},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			token := f.AddToken(registrytest.Token{Login: "keeper"})
			f.Break(func(n int, _ *http.Request) registrytest.Fault {
				if n%3 == 0 { // a write is looked up in between
					return fault
				}
				return registrytest.Fault{}
			})
			if _, err := proposePackage(t, forgeOptions(t, gitHub(t, f, token), newPackage(t, "hello", "1.0.0", ""))); err != nil {
				t.Fatal(err)
			}
			onePull(t, f)
		})
	}
}

// TestALimitThatLastsIsReported does not wait for hours.
func TestALimitThatLastsIsReported(t *testing.T) {
	f := newForge(t)
	token := f.AddToken(registrytest.Token{Login: "keeper"})
	until := time.Now().Add(2 * time.Hour)
	f.Break(func(int, *http.Request) registrytest.Fault { return registrytest.PrimaryLimit(until) })
	_, err := proposePackage(t, forgeOptions(t, gitHub(t, f, token), newPackage(t, "hello", "1.0.0", "")))
	if err == nil || !strings.Contains(err.Error(), "limits the rate of requests until "+until.UTC().Format("2006-01-02T15")) {
		t.Errorf("error %v", err)
	}
}

// TestOthersPullRequestsStay: a pull request for the same version is closed with
// a link when it is of the same person, and left alone when it is not.
func TestOthersPullRequestsStay(t *testing.T) {
	f := newForge(t)
	ann := tokenOf(f, registrytest.Token{Login: "ann"})
	bob := tokenOf(f, registrytest.Token{Login: "bob"})
	for _, token := range []string{bob, ann} {
		if _, err := proposePackage(t, forgeOptions(t, gitHub(t, f, token), newPackage(t, "hello", "1.0.0", ""))); err != nil {
			t.Fatal(err)
		}
	}
	f.Allow(keepersIndex, "ann")
	f.OpenBranch(keepersIndex, "ann", "clyde/publish/hello@1.0.0", 2)
	applied, err := proposePackage(t, forgeOptions(t, gitHub(t, f, ann), newPackage(t, "hello", "1.0.0", "")))
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, p := range f.Pulls(keepersIndex) {
		states = append(states, p.State)
	}
	if got := strings.Join(states, " "); got != "open closed open" || !slices.Equal(applied.Proposal.Closed, []int{2}) {
		t.Errorf("the pull requests are %s, closed %v", got, applied.Proposal.Closed)
	}
	if c := f.Pulls(keepersIndex)[1].Comments; len(c) != 1 || !strings.Contains(c[0], "#3") {
		t.Errorf("comments %q", c)
	}
}

// TestNoPullRequestMayBeOpened ends with a page on which a person can.
func TestNoPullRequestMayBeOpened(t *testing.T) {
	f := newForge(t)
	token := f.AddToken(registrytest.Token{Login: "keeper", App: true, NoPulls: true})
	applied, err := proposePackage(t, forgeOptions(t, gitHub(t, f, token), newPackage(t, "hello", "1.0.0", "")))
	if err != nil {
		t.Fatal(err)
	}
	p := applied.Proposal
	if p.Outcome != publish.Pushed || p.URL != f.URL+"/keeper/index/compare/main...clyde/publish/hello@1.0.0?expand=1" || !strings.Contains(p.Note, "GitHub Actions is not permitted") {
		t.Errorf("%+v", p)
	}
	if len(f.Pulls(keepersIndex)) != 0 {
		t.Error("there is a pull request")
	}
}

// TestNeitherPushNorFork says what token to give.
func TestNeitherPushNorFork(t *testing.T) {
	f := newForge(t)
	token := f.AddToken(registrytest.Token{Login: "ann", NoFork: true})
	_, err := proposePackage(t, forgeOptions(t, gitHub(t, f, token), newPackage(t, "hello", "1.0.0", "")))
	if failure, ok := errors.AsType[*forge.Error](err); !ok || !errors.Is(failure, forge.ErrNotPermitted) || !strings.Contains(failure.Hint(), "public_repo") {
		t.Errorf("error %v", err)
	}
}

// TestAutoMerge has the forge merge when the index's check has passed.
func TestAutoMerge(t *testing.T) {
	f := newForge(t)
	token := f.AddToken(registrytest.Token{Login: "keeper"})
	opts := forgeOptions(t, gitHub(t, f, token), newPackage(t, "hello", "1.0.0", ""))
	opts.AutoMerge = true
	applied, err := proposePackage(t, opts)
	if err != nil || !strings.Contains(applied.Proposal.Note, "Auto merge is not allowed") || applied.Proposal.Hint == "" {
		t.Errorf("where it is not allowed: %+v, %v", applied.Proposal, err)
	}
	f.AllowAutoMerge(keepersIndex)
	if applied, err = proposePackage(t, opts); err != nil || applied.Proposal.Note != "" || !onePull(t, f).Auto {
		t.Errorf("where it is allowed: %+v, %v", applied.Proposal, err)
	}
}
