package gate_test

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/gate"
	"github.com/clydepm/clyde/internal/registrytest"
)

const patient = lenient + "wait: {new-package: 72h}\nreviewers: {accounts: [rita]}\n"

// forges are the hosts that have reviews and clocks.
func forges() map[string]func(testing.TB, *registrytest.Forge, registrytest.Token) gate.Forge {
	return map[string]func(testing.TB, *registrytest.Forge, registrytest.Token) gate.Forge{"GitHub": gitHub, "Gitea": giteaOf}
}

// A wait is over when what is proposed was proposed for so long. Whoever pushes
// something else waits again, also when it had been there before, in this pull
// request or in another one.
func TestWaitsAgain(t *testing.T) {
	const path = "he/ll/hello"
	good, evil := line("hello", "1.0.0"), line("hello", "6.6.6")
	for name, open := range forges() {
		for what, test := range map[string]struct {
			swap func(f *registrytest.Forge, first string) // an hour before the end
			want string
		}{
			"nothing":        {func(*registrytest.Forge, string) {}, "1 merged"},
			"other contents": {func(f *registrytest.Forge, _ string) { f.Push(keepersIndex, 1, path, evil) }, "1 waits"},
			"there and back again": {func(f *registrytest.Forge, first string) {
				f.Push(keepersIndex, 1, path, evil)
				f.ForcePush(keepersIndex, 1, first)
			}, "1 waits"},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				f := newForge(t, patient)
				f.At(clock())
				f.Propose(keepersIndex, "mallory", "b", map[string]string{path: good})
				g := newGate(open(t, f, registrytest.Token{Login: "keepers"}))
				first := f.Pulls(keepersIndex)[0].Commit
				if got := drain(t, g); outcomes(got) != "1 waits" || !strings.Contains(got[0].Detail, "2026-01-05T03:04:05Z") {
					t.Fatalf("at first: %+v", got)
				}
				f.At(clock().Add(71 * time.Hour))
				test.swap(f, first)
				f.At(clock().Add(73 * time.Hour))
				g.Now = func() time.Time { return clock().Add(73 * time.Hour) }
				if got := drain(t, g); outcomes(got) != test.want {
					t.Fatalf("after the first wait: %+v, want %s", got, test.want)
				}
				g.Now = func() time.Time { return clock().Add((71 + 72) * time.Hour) }
				if got := drain(t, g); f.File(keepersIndex, path) == "" {
					t.Errorf("after the second wait: %+v", got)
				}
			})
		}
	}
}

// A commit that waited in one pull request has not waited in another one.
func TestWaitIsOfThePullRequest(t *testing.T) {
	const path = "he/ll/hello"
	for name, open := range forges() {
		t.Run(name, func(t *testing.T) {
			f := newForge(t, patient)
			f.At(clock())
			f.Allow(keepersIndex, "mallory")
			f.Propose(keepersIndex, "mallory", "seen", map[string]string{path: line("hello", "6.6.6")})
			f.Propose(keepersIndex, "mallory", "b", map[string]string{path: line("hello", "1.0.0")})
			seen := f.Pulls(keepersIndex)[0].Commit
			x := open(t, f, registrytest.Token{Login: "keepers"})
			f.At(clock().Add(73 * time.Hour))
			f.ForcePush(keepersIndex, 2, seen)
			pull, err := x.Pull(t.Context(), 2)
			if err != nil || pull.Head != seen {
				t.Fatal(pull, err)
			}
			if at, err := x.ProposedAt(t.Context(), pull); err != nil || !at.Equal(clock().Add(73*time.Hour)) {
				t.Errorf("it is said to be proposed since %v, %v", at, err)
			}
		})
	}
}

// What the host does not tell is not made up: the wait has no end then.
func TestProposedAtIsUnknown(t *testing.T) {
	f := newForge(t, patient)
	f.Propose(keepersIndex, "mallory", "b", map[string]string{"he/ll/hello": line("hello", "1.0.0")})
	x := gitHub(t, f, registrytest.Token{Login: "keepers"})
	pull, err := x.Pull(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	pull.Head = strings.Repeat("1", 40) // of which GitHub's list does not tell yet
	if at, err := x.ProposedAt(t.Context(), pull); err != nil || !at.IsZero() {
		t.Errorf("%v, %v", at, err)
	}
	f.RemoveRepository("mallory/index")
	if at, err := x.ProposedAt(t.Context(), pull); err != nil || !at.IsZero() {
		t.Errorf("of a fork that is gone: %v, %v", at, err)
	}
}

// Reviewers approve and object, and take both back.
func TestReviews(t *testing.T) {
	const person = lenient + "reviewers: {accounts: [rita, rob, mallory]}\n"
	for name, open := range forges() {
		for what, test := range map[string]struct {
			policy string
			words  []string // "WHO STATE"
			want   string
		}{
			"nobody":                             {lenient, nil, "1 merged"},
			"an objection":                       {person, []string{"rita CHANGES_REQUESTED"}, "1 person"},
			"an objection of a stranger":         {person, []string{"eve CHANGES_REQUESTED"}, "1 merged"},
			"an objection, and a comment":        {person, []string{"rita CHANGES_REQUESTED", "rita COMMENTED"}, "1 person"},
			"an objection, and another's word":   {person, []string{"rita CHANGES_REQUESTED", "rob APPROVED"}, "1 person"},
			"an objection that was taken back":   {person, []string{"rita CHANGES_REQUESTED", "rita APPROVED"}, "1 merged"},
			"an objection that was dismissed":    {person, []string{"rita DISMISSED"}, "1 merged"},
			"wanted, and nobody":                 {strict(person), nil, "1 person"},
			"wanted, and there":                  {strict(person), []string{"rita APPROVED"}, "1 merged"},
			"wanted, and dismissed":              {strict(person), []string{"rita DISMISSED"}, "1 person"},
			"wanted, and the author's":           {strict(person), []string{"mallory APPROVED"}, "1 person"},
			"wanted, there, then an objection":   {strict(person), []string{"rita APPROVED", "rita CHANGES_REQUESTED"}, "1 person"},
			"wanted, there, another's objection": {strict(person), []string{"rita APPROVED", "rob CHANGES_REQUESTED"}, "1 person"},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				f := newForge(t, test.policy)
				f.Propose(keepersIndex, "mallory", "b", map[string]string{"he/ll/hello": line("hello", "1.0.0")})
				for _, word := range test.words {
					who, state, _ := strings.Cut(word, " ")
					f.Review(keepersIndex, 1, who, state)
				}
				if got := drain(t, newGate(open(t, f, registrytest.Token{Login: "keepers"}))); outcomes(got) != test.want {
					t.Errorf("%+v, want %s", got, test.want)
				}
			})
		}
	}
}

func strict(policy string) string {
	return strings.Replace(policy, "new-package: automatic", "new-package: person", 1)
}

// An objection that comes after the judgement is heard, too.
func TestObjectionAtTheLastMoment(t *testing.T) {
	f := newForge(t, patient)
	f.Propose(keepersIndex, "mallory", "b", map[string]string{"he/ll/hello": line("hello", "1.0.0")})
	g := newGate(gitHub(t, f, registrytest.Token{Login: "keepers"}))
	g.Now = func() time.Time { return clock().Add(73 * time.Hour) }
	verdicts, err := g.JudgeAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.Review(keepersIndex, 1, "rita", "CHANGES_REQUESTED")
	results, err := g.MergeAll(t.Context(), verdicts)
	if err != nil || outcomes(results) != "1 stale" || results[0].Detail != "a reviewer asks for changes" {
		t.Errorf("%+v, %v", results, err)
	}
}

// A status is set when it says something new, and not otherwise.
func TestStatusIsSetOnce(t *testing.T) {
	for name, open := range forges() {
		t.Run(name, func(t *testing.T) {
			f := newForge(t, lenient)
			f.Propose(keepersIndex, "ann", "b", map[string]string{"he/ll/hello": line("hello", "1.0.0")})
			x := open(t, f, registrytest.Token{Login: "keepers"}).(interface {
				SetStatus(ctx context.Context, s forge.Status) error
			})
			s := forge.Status{Commit: f.Pulls(keepersIndex)[0].Commit, Context: "clyde/review", State: forge.Pending, Description: "Waits"}
			passes := s
			passes.State, passes.Description = forge.Success, "Passes"
			other := s
			other.Context = "another"
			for _, each := range []forge.Status{s, s, other, s, passes, passes, s} {
				each.URL = "https://example.org/" + each.State + each.Context
				if err := x.SetStatus(t.Context(), each); err != nil {
					t.Fatal(err)
				}
			}
			want := []string{"clyde/review pending Waits", "another pending Waits", "clyde/review success Passes", "clyde/review pending Waits"}
			if got := f.Statuses(keepersIndex, s.Commit); !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// A head that a pull request had before is shown as it was.
func TestProposedOldHead(t *testing.T) {
	const path = "he/ll/hello"
	for name, open := range forges() {
		for what, move := range map[string]func(f *registrytest.Forge, base string){
			"pushed":       func(f *registrytest.Forge, _ string) { f.Push(keepersIndex, 1, path, line("hello", "2.0.0")) },
			"force pushed": func(f *registrytest.Forge, base string) { f.ForcePush(keepersIndex, 1, base) },
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				f := newForge(t, lenient)
				f.Propose(keepersIndex, "ann", "b", map[string]string{path: line("hello", "1.0.0")})
				x := open(t, f, registrytest.Token{Login: "keepers"})
				old, err := x.Pull(t.Context(), 1)
				if err != nil {
					t.Fatal(err)
				}
				base, err := x.Head(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				f.AddFile(keepersIndex, "README.md", "moved on\n")
				move(f, base.ID)
				fork, head, err := x.Proposed(t.Context(), old)
				if err != nil {
					t.Fatal(err)
				}
				data, err := fs.ReadFile(head.Tree, path)
				if err != nil || string(data) != line("hello", "1.0.0") || fork.ID != base.ID || head.ID != old.Head {
					t.Errorf("%q from %s on %s, %v", data, head.ID, fork.ID, err)
				}
			})
		}
	}
}
