package publish_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/internal/release"
	"github.com/clydepm/clyde/publish"
)

// annsRelease is the release that archives and signatures are uploaded to.
const annsRelease, annsTag = "ann/hello", "v1.0.0"

// stateOf is everything that a change leaves at a forge.
func stateOf(f *registrytest.Forge) string {
	var b strings.Builder
	for _, p := range f.Pulls(keepersIndex) {
		fmt.Fprintf(&b, "#%d %s %s %s:%s %v %v\n%s\n%s\n", p.Number, p.State, p.Title, p.Head, p.Branch, p.Labels, p.Comments, p.Body, f.Commit(p.Head, p.Commit))
	}
	assets := f.Assets(annsRelease, annsTag)
	for _, name := range slices.Sorted(maps.Keys(assets)) {
		fmt.Fprintf(&b, "asset %s: %x\n", name, sha256.Sum256(assets[name])) // which name no host
	}
	return strings.ReplaceAll(b.String(), f.URL, "")
}

// cutCase is a change of an index and what was there before it.
type cutCase struct {
	adapter adapter
	name    string
	source  *registrytest.Registry
	before  func(t *testing.T, f *registrytest.Forge) error // what somebody did already; may be nil
	run     func(t *testing.T, f *registrytest.Forge) error
	always  bool // at every call, whatever the environment says
}

func cutCases(t *testing.T) []cutCase {
	t.Helper()
	all := adapters()
	by := func(name string) adapter {
		return all[slices.IndexFunc(all, func(a adapter) bool { return a.name == name })]
	}
	gitHub, gitHubFork, gitea, giteaFork := by("GitHub"), by("GitHub, a fork"), by("Gitea"), by("Gitea, a fork")
	kinds, sources := changes(t), sourcesOf(t)
	doing := func(a adapter, c change) func(*testing.T, *registrytest.Forge) error {
		return func(t *testing.T, f *registrytest.Forge) error {
			_, _, err := c.apply(t, a.target(t, f))
			return err
		}
	}
	var cases []cutCase
	for i, c := range kinds {
		cases = append(cases, cutCase{adapter: gitHub, name: c.name, source: sources[i], run: doing(gitHub, c), always: i == 0})
	}
	at := func(name string) int { return slices.IndexFunc(kinds, func(c change) bool { return c.name == name }) }
	first, yank, transfer := kinds[0], at("yank"), at("transfer")
	other := versionOf(t, "1.0.0", "description: old\n")
	cases = append(cases,
		cutCase{adapter: gitHub, name: "other bytes than those proposed", source: sources[0], before: doing(gitHub, other), run: doing(gitHub, first)},
		cutCase{adapter: gitHub, name: "a yank that is taken back", source: sources[yank], before: doing(gitHub, kinds[yank]), run: doing(gitHub, kinds[yank+1])},
		cutCase{adapter: gitHub, name: "a branch that replaces that of a fork", source: sources[0], before: proposeFromFork, run: doing(by("GitHub, a token that may not push after all"), first)},
		cutCase{adapter: gitHub, name: "a signed version with its release", source: sources[0], run: signedRelease},
		cutCase{adapter: gitHubFork, name: "a first version", source: sources[0], run: doing(gitHubFork, first)},
		cutCase{adapter: gitea, name: "a first version", source: sources[0], run: doing(gitea, first)},
		cutCase{adapter: gitea, name: "other bytes than those proposed", source: sources[0], before: doing(gitea, other), run: doing(gitea, first)},
		cutCase{adapter: gitea, name: "a yank that is taken back", source: sources[yank], before: doing(gitea, kinds[yank]), run: doing(gitea, kinds[yank+1])},
		cutCase{adapter: gitea, name: "transfer", source: sources[transfer], run: doing(gitea, kinds[transfer])},
		cutCase{adapter: giteaFork, name: "a first version", source: sources[0], run: doing(giteaFork, first)},
	)
	return cases
}

// sourcesOf are the indexes that each of the changes is made on.
func sourcesOf(t *testing.T) []*registrytest.Registry {
	t.Helper()
	at := registrytest.New(t, "")
	var sources []*registrytest.Registry
	for _, c := range changes(t) {
		sources = append(sources, at)
		next := &registrytest.Registry{Path: filepath.Join(t.TempDir(), "index.git")}
		if err := os.CopyFS(next.Path, os.DirFS(at.Path)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.apply(t, target(openIndex(t, next.Path))); err != nil {
			t.Fatal(err)
		}
		at = next
	}
	return sources
}

// proposeFromFork has Ann propose from her fork, before she may push.
func proposeFromFork(t *testing.T, f *registrytest.Forge) error {
	token := tokenOf(f, registrytest.Token{Login: "ann"})
	_, err := proposePackage(t, forgeOptions(t, gitHub(t, f, token), newPackage(t, "hello", "1.0.0", "description: old\n")))
	return err
}

// signedRelease uploads the archive and its signature to a release, and then
// proposes the version, as the action does.
func signedRelease(t *testing.T, f *registrytest.Forge) error {
	f.Allow(annsRelease, "keeper")
	token := tokenOf(f, registrytest.Token{Login: "keeper"})
	client, err := release.NewClient(release.Options{
		API: f.API(), Web: f.URL, Repository: annsRelease, Token: token, Wait: noWait, HTTP: &http.Transport{DisableKeepAlives: true},
	})
	if err != nil {
		return err
	}
	store, err := client.Find(t.Context(), annsTag)
	if err != nil {
		return err
	}
	opts := forgeOptions(t, gitHub(t, f, token), newPackage(t, "hello", "1.0.0", ""))
	opts.Store = store
	opts.Sign = func(ctx context.Context, e *index.Entry) (*index.Attestation, error) {
		name, bundle := "hello-1.0.0.sigstore.json", []byte("signed "+e.Cksum)
		digest := fmt.Sprintf("%x", sha256.Sum256(bundle))
		return &index.Attestation{URL: store.URL(name, digest), SHA256: digest}, store.PutBytes(ctx, name, bundle)
	}
	_, err = proposePackage(t, opts)
	return err
}

// start makes a forge as it is before the change.
func (c cutCase) start(t *testing.T) *registrytest.Forge {
	t.Helper()
	f := registrytest.NewForge(t)
	f.AddIndex(keepersIndex, c.source)
	f.AddRepository(annsRelease, map[string]string{"README.md": "hello\n"})
	f.AddRelease(annsRelease, annsTag, false, false)
	if c.before != nil {
		if err := c.before(t, f); err != nil {
			t.Fatal(err)
		}
	}
	f.Calls()
	return f
}

// TestCutAtEveryCall cuts the connection at every single call of a change of each
// kind: once before the call took effect, once after, and once in the middle of
// the answer. A single cut is survived; after a connection that stays dead,
// running again leaves what an undisturbed run leaves.
//
// With CLYDE_TEST_FULL=1 every change is cut at every call in every way; without
// it the first is, and the others are at some calls.
func TestCutAtEveryCall(t *testing.T) {
	full := os.Getenv("CLYDE_TEST_FULL") != ""
	for _, c := range cutCases(t) {
		t.Run(c.adapter.name+", "+c.name, func(t *testing.T) {
			t.Parallel()
			undisturbed := c.start(t)
			if err := c.run(t, undisturbed); err != nil {
				t.Fatal(err)
			}
			calls, want := undisturbed.Calls(), stateOf(undisturbed)
			for i, call := range calls {
				if !full && !c.always && i%6 != 5 {
					continue
				}
				for _, cut := range cutsAt(i, full) {
					c.cut(t, i, call, cut, want)
				}
			}
			t.Logf("%d calls", len(calls))
		})
	}
}

// cut is one way to cut a connection.
type cut struct {
	mode  string
	fault registrytest.Fault
	dead  bool // from then on
}

// cutsAt are the ways to cut at a call: all of them, or every other one.
func cutsAt(i int, full bool) []cut {
	var cuts []cut
	for _, c := range []cut{
		{mode: "before", fault: registrytest.Fault{Drop: true}},
		{mode: "after", fault: registrytest.Fault{DropAfter: true}, dead: true},
		{mode: "after", fault: registrytest.Fault{DropAfter: true}},
		{mode: "before", fault: registrytest.Fault{Drop: true}, dead: true},
		{mode: "in the middle of", fault: registrytest.Fault{Cut: true}},
		{mode: "in the middle of", fault: registrytest.Fault{Cut: true}, dead: true},
	} {
		if full || c.mode != "in the middle of" && c.dead == (i%2 != 0) {
			cuts = append(cuts, c)
		}
	}
	return cuts
}

// cut makes the change with a connection that is cut at a call, and again with
// one that is not.
func (c cutCase) cut(t *testing.T, i int, call registrytest.Call, cut cut, want string) {
	t.Helper()
	f := c.start(t)
	defer f.Close()
	cutOnce(f, i, cut.dead, cut.fault)
	where := fmt.Sprintf("cut %s call %d, %s %s, dead %v", cut.mode, i, call.Method, call.Path, cut.dead)
	err := c.run(t, f)
	git := strings.Contains(call.Path, "/info/refs") || strings.Contains(call.Path, "/git-")
	if err != nil && !cut.dead && !git {
		t.Errorf("%s: %v", where, err)
	}
	f.Break(nil)
	if err := c.run(t, f); err != nil {
		t.Errorf("%s: running again: %v", where, err)
	}
	if got := stateOf(f); got != want {
		t.Errorf("%s: running again leaves\n%s\nand an undisturbed run\n%s", where, got, want)
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
