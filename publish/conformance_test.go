package publish_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/gitea"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/publish"
)

// adapter is one way to change an index that the conformance suite goes: by pull
// request, or without a host.
type adapter struct {
	name  string
	head  string // repository that the branch of a pull request is in
	open  func(t *testing.T, f *registrytest.Forge) publish.Forge
	plain func(t *testing.T, f *registrytest.Forge) publish.Destination
}

// target is the index as the adapter reaches it.
func (a adapter) target(t *testing.T, f *registrytest.Forge) publish.Target {
	target := publish.Target{Now: clock, Author: publish.Author{Name: "Keeper", Email: "keeper@example.org"}}
	if a.plain != nil {
		target.Destination = a.plain(t, f)
	} else {
		target.Forge = a.open(t, f)
	}
	return target
}

func openGitea(t *testing.T, f *registrytest.Forge, token string) publish.Forge {
	t.Helper()
	x, err := gitea.New(gitea.Options{Server: f.URL, Repository: keepersIndex, Token: token, Wait: noWait})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

// adapters are those for hosts.
func adapters() []adapter {
	return []adapter{
		{name: "GitHub", head: keepersIndex, open: func(t *testing.T, f *registrytest.Forge) publish.Forge {
			return gitHub(t, f, tokenOf(f, registrytest.Token{Login: "keeper"}))
		}},
		{name: "GitHub, a workflow's token", head: keepersIndex, open: func(t *testing.T, f *registrytest.Forge) publish.Forge {
			return gitHub(t, f, tokenOf(f, registrytest.Token{Login: "keeper", App: true}))
		}},
		{name: "GitHub, a fork", head: annsFork, open: func(t *testing.T, f *registrytest.Forge) publish.Forge {
			f.Unready = 3
			return gitHub(t, f, tokenOf(f, registrytest.Token{Login: "ann"}))
		}},
		{name: "GitHub, a token that may not push after all", head: annsFork, open: func(t *testing.T, f *registrytest.Forge) publish.Forge {
			f.Allow(keepersIndex, "ann")
			return gitHub(t, f, tokenOf(f, registrytest.Token{Login: "ann", NoPushTo: keepersIndex}))
		}},
		{name: "GitHub, an index too large for one tree", head: keepersIndex, open: func(t *testing.T, f *registrytest.Forge) publish.Forge {
			f.Tree = 2
			return gitHub(t, f, tokenOf(f, registrytest.Token{Login: "keeper"}))
		}},
		{name: "Gitea", head: keepersIndex, open: func(t *testing.T, f *registrytest.Forge) publish.Forge {
			return openGitea(t, f, tokenOf(f, registrytest.Token{Login: "keeper"}))
		}},
		{name: "Gitea, a fork", head: annsFork, open: func(t *testing.T, f *registrytest.Forge) publish.Forge {
			return openGitea(t, f, tokenOf(f, registrytest.Token{Login: "ann"}))
		}},
	}
}

// tokenOf makes the same token only once.
func tokenOf(f *registrytest.Forge, template registrytest.Token) string {
	template.Value = "ghp_" + strings.ToUpper(template.Login) + "canary"
	if template.App {
		template.Value = "ghs_" + strings.ToUpper(template.Login) + "canary"
	}
	return f.AddToken(template)
}

// plainAdapters are those that need no host.
func plainAdapters() []adapter {
	return []adapter{
		{name: "a bare repository", plain: func(t *testing.T, f *registrytest.Forge) publish.Destination {
			return openIndex(t, f.Path(keepersIndex))
		}},
		{name: "a push", plain: func(t *testing.T, f *registrytest.Forge) publish.Destination {
			token := tokenOf(f, registrytest.Token{Login: "keeper"})
			remote, err := publish.OpenRemote(f.URL+"/"+keepersIndex+".git", git.Auth{Token: token})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { remote.Close() })
			return remote
		}},
	}
}

// TestConformance is what every way to an index has to do.
func TestConformance(t *testing.T) {
	for _, a := range plainAdapters() {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			conformKinds(t, a)
		})
	}
	for _, a := range adapters() {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			conform(t, a)
			conformKinds(t, a)
		})
	}
}

func conform(t *testing.T, a adapter) {
	f := newForge(t)
	again := func(dir string) publish.Options { return forgeOptions(t, a.open(t, f), dir) }
	hello := newPackage(t, "hello", "1.0.0", "")

	applied, err := proposePackage(t, again(hello))
	if err != nil {
		t.Fatal(err)
	}
	first := onePull(t, f)
	if applied.Proposal.Outcome != publish.Opened || applied.Proposal.Number != 1 || first.Commit != applied.ID {
		t.Errorf("opened: %+v, %+v", applied, first)
	}
	if first.Branch != "clyde/publish/hello@1.0.0" || first.Head != a.head || first.Title != "Publish hello 1.0.0" {
		t.Errorf("pull request %+v", first)
	}
	if want := []string{"publish", "new-package"}; a.head == keepersIndex && !slices.Equal(first.Labels, want) {
		t.Errorf("labels %v", first.Labels)
	}

	// The same bytes: nothing changes, whatever the time is.
	later := again(hello)
	later.Now = func() time.Time { return clock().AddDate(0, 0, 1) }
	applied, err = proposePackage(t, later)
	if err != nil || applied.Proposal.Outcome != publish.Unchanged {
		t.Errorf("the same bytes: %+v, %v", applied.Proposal, err)
	}
	if pull := onePull(t, f); pull.Commit != first.Commit || pull.Body != first.Body {
		t.Errorf("the same bytes changed the pull request: %+v", pull)
	}

	// Other bytes: the same pull request.
	changed := newPackage(t, "hello", "1.0.0", "description: other\n")
	applied, err = proposePackage(t, again(changed))
	if err != nil || applied.Proposal.Outcome != publish.Updated || applied.Proposal.Number != 1 {
		t.Errorf("other bytes: %+v, %v", applied.Proposal, err)
	}
	pull := onePull(t, f)
	if pull.Commit == first.Commit || pull.Body == first.Body || pull.Commit != applied.ID {
		t.Error("other bytes changed nothing")
	}

	// The index moves under a pull request: its line is derived anew.
	second := newPackage(t, "hello", "2.0.0", "")
	if _, err := proposePackage(t, again(second)); err != nil {
		t.Fatal(err)
	}
	if !f.Merge(keepersIndex, 1) {
		t.Fatal("the first is not mergeable")
	}
	if f.Merge(keepersIndex, 2) {
		t.Fatal("both are mergeable, so that nothing has to be derived anew")
	}
	if applied, err = proposePackage(t, again(second)); err != nil || applied.Proposal.Outcome != publish.Updated || applied.Proposal.Number != 2 {
		t.Fatalf("derived anew: %+v, %v", applied.Proposal, err)
	}
	if !f.Merge(keepersIndex, 2) {
		t.Fatal("what was derived anew is not mergeable")
	}
	if got := merged(f, "hello"); !slices.Equal(got, []string{"1.0.0", "2.0.0"}) {
		t.Errorf("the index has %v", got)
	}

	// Merged and identical is success; merged and different is not.
	applied, err = proposePackage(t, again(changed))
	if err != nil || applied.Proposal != nil {
		t.Errorf("merged and identical: %+v, %v", applied.Proposal, err)
	}
	_, err = proposePackage(t, again(hello))
	var conflict *publish.ConflictError
	if !errors.As(err, &conflict) || conflict.SHA256 == conflict.PublishedSHA256 || !errors.Is(err, publish.ErrConflict) {
		t.Errorf("merged and different: %v", err)
	}
	if n := len(f.Pulls(keepersIndex)); n != 2 {
		t.Errorf("%d pull requests, want 2", n)
	}
	conformStatus(t, a, f)
}

// conformStatus yanks and retires by pull request, each of its own kind.
func conformStatus(t *testing.T, a adapter, f *registrytest.Forge) {
	t.Helper()
	target := func() publish.Target { return publish.Target{Forge: a.open(t, f), Now: clock} }
	apply := func(plan *publish.Plan, err error) publish.Applied {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		applied, err := plan.Apply(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return applied
	}
	yank := func(undo bool) publish.Applied {
		return apply(publish.NewYankPlan(t.Context(), publish.YankOptions{Target: target(), Name: "hello", Version: "1.0.0", Undo: undo}))
	}
	for _, want := range []publish.Outcome{publish.Opened, publish.Unchanged} {
		if got := yank(false).Proposal; got.Outcome != want || got.Number != 3 || got.Branch != "clyde/yank/hello@1.0.0" {
			t.Errorf("yank: %+v", got)
		}
	}
	// Taking it back before it is merged leaves nothing to propose.
	yank(true)
	if p := f.Pulls(keepersIndex)[2]; p.State != "closed" || p.Title != "Yank hello 1.0.0" || len(p.Comments) != 1 {
		t.Errorf("the pull request of a yank that was taken back: %+v", p)
	}
	retire := func(message string, now time.Time) *publish.Proposal {
		target := target()
		target.Now = func() time.Time { return now }
		return apply(publish.NewRetirePlan(t.Context(), publish.RetireOptions{Target: target, Name: "hello", Reason: "security", Message: message})).Proposal
	}
	steps := []struct {
		message string
		later   int
		want    publish.Outcome
	}{{"use 3.0.0", 0, publish.Opened}, {"use 3.0.0", 1, publish.Unchanged}, {"use 3.1.0 <!-- @everyone -->", 2, publish.Updated}}
	for _, s := range steps {
		got := retire(s.message, clock().AddDate(0, 0, s.later))
		if got.Outcome != s.want || got.Number != 4 || got.Branch != "clyde/retire/hello@all" {
			t.Errorf("retire %q: %+v", s.message, got)
		}
	}
	p := f.Pulls(keepersIndex)[3]
	if p.Title != "Retire hello 1.0.0, 2.0.0" || !strings.Contains(p.Body, "use 3.1.0 <!-- @everyone -->") {
		t.Errorf("pull request %+v", p)
	}
	if a.head == keepersIndex && !slices.Equal(p.Labels, []string{"retire"}) {
		t.Errorf("labels %v", p.Labels)
	}
	if !f.Merge(keepersIndex, 4) {
		t.Error("not mergeable")
	}
}
