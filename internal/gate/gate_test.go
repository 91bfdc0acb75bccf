package gate_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/gate"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/gitea"
	"github.com/clydepm/clyde/internal/github"
	"github.com/clydepm/clyde/internal/registrytest"
)

const keepersIndex = "keepers/index"

// lenient is a policy by which everything that passes is merged.
const lenient = "names: {similar: [], look-alikes: false}\nevidence: optional\napproval: {new-package: automatic, owners: automatic}\n"

func clock() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func noWait(context.Context, time.Duration) error { return nil }

func line(name, version string, edit ...func(*index.Entry)) string {
	e := &index.Entry{
		Name: name, Vers: version, Cksum: strings.Repeat("ab", 32), Size: 100, License: "MIT",
		Pubtime: "2026-01-01T00:00:00Z", DL: "https://example.org/" + name + "-" + version + ".tar.gz",
	}
	for _, f := range edit {
		f(e)
	}
	return string(e.AppendLine(nil)) + "\n"
}

func pathOf(t testing.TB, name string) string {
	t.Helper()
	p, err := index.Path(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// host is a forge, or a repository without one, for the gate to work on.
type host interface {
	propose(t testing.TB, branch string, files map[string]string) int
	file(t testing.TB, path string) string
	put(t testing.TB, path, content string) // somebody else changes the index
	push(t testing.TB, number int, path, content string)
	state(t testing.TB, number int) string
}

// forgeHost is the forge of tests, spoken to as GitHub or Gitea.
type forgeHost struct{ *registrytest.Forge }

func (h forgeHost) propose(_ testing.TB, branch string, files map[string]string) int {
	return h.Propose(keepersIndex, "ann", branch, files)
}
func (h forgeHost) file(_ testing.TB, path string) string  { return h.File(keepersIndex, path) }
func (h forgeHost) put(_ testing.TB, path, content string) { h.AddFile(keepersIndex, path, content) }

func (h forgeHost) push(_ testing.TB, number int, path, content string) {
	h.Push(keepersIndex, number, path, content)
}

func (h forgeHost) state(_ testing.TB, number int) string {
	return h.Pulls(keepersIndex)[number-1].State
}

func newForge(t testing.TB, policy string) *registrytest.Forge {
	t.Helper()
	f := registrytest.NewForge(t)
	f.AddRepository(keepersIndex, map[string]string{
		index.ConfigPath: string((&index.Config{Clyde: index.ClydeConfig{Format: 1, Name: "test"}}).Format()),
		index.PolicyPath: policy,
	})
	f.AllowManualMerge(keepersIndex)
	return f
}

func gitHub(t testing.TB, f *registrytest.Forge, token registrytest.Token) gate.Forge {
	t.Helper()
	c, err := github.NewClient(github.Options{API: f.API(), GraphQL: f.URL + "/api/graphql", Web: f.URL, Token: f.AddToken(token), Wait: noWait})
	if err != nil {
		t.Fatal(err)
	}
	x, err := c.Index(keepersIndex)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func giteaOf(t testing.TB, f *registrytest.Forge, token registrytest.Token) gate.Forge {
	t.Helper()
	x, err := gitea.New(gitea.Options{Server: f.URL, Repository: keepersIndex, Token: f.AddToken(token), Wait: noWait})
	if err != nil {
		t.Fatal(err)
	}
	x.FetchHistory()
	t.Cleanup(func() { x.Close() })
	return x
}

// bareHost is a bare repository.
type bareHost struct {
	*git.Repo
	pulls []string // branches
}

func (h *bareHost) commit(t testing.TB, ref, parent string, files map[string]string) {
	t.Helper()
	data := map[string][]byte{}
	for path, content := range files {
		data[path] = []byte(content)
	}
	id, err := h.WriteCommit(git.Commit{Parent: parent, Files: data, Message: "m", Name: "Ann", Email: "ann@example.org", When: clock()})
	if err != nil {
		t.Fatal(err)
	}
	old, err := h.ReadRef(ref)
	if err != nil {
		old = ""
	}
	if err := h.CompareAndSwap(ref, old, id); err != nil {
		t.Fatal(err)
	}
}

func (h *bareHost) head(t testing.TB, ref string) string {
	t.Helper()
	id, err := h.ReadRef(ref)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (h *bareHost) propose(t testing.TB, branch string, files map[string]string) int {
	t.Helper()
	h.commit(t, "refs/heads/"+branch, h.head(t, "refs/heads/main"), files)
	h.pulls = append(h.pulls, branch)
	return len(h.pulls)
}

func (h *bareHost) file(t testing.TB, path string) string {
	t.Helper()
	tree, err := h.TreeAt("main")
	if err != nil {
		t.Fatal(err)
	}
	f, err := tree.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	var b strings.Builder
	buf := make([]byte, 1<<20)
	n, _ := f.Read(buf)
	b.Write(buf[:n])
	return b.String()
}

func (h *bareHost) put(t testing.TB, path, content string) {
	t.Helper()
	h.commit(t, "refs/heads/main", h.head(t, "refs/heads/main"), map[string]string{path: content})
}

func (h *bareHost) push(t testing.TB, number int, path, content string) {
	t.Helper()
	ref := "refs/heads/" + h.pulls[number-1]
	h.commit(t, ref, h.head(t, ref), map[string]string{path: content})
}

func (h *bareHost) state(t testing.TB, number int) string {
	t.Helper()
	merged, err := h.IsAncestor(h.head(t, "refs/heads/"+h.pulls[number-1]), h.head(t, "refs/heads/main"))
	if err != nil {
		t.Fatal(err)
	}
	if merged {
		return "merged"
	}
	return "open"
}

// hosts are those that every test of merging runs on.
func hosts() map[string]func(t testing.TB, policy string) (host, gate.Forge) {
	return map[string]func(testing.TB, string) (host, gate.Forge){
		"GitHub": func(t testing.TB, policy string) (host, gate.Forge) {
			f := newForge(t, policy)
			return forgeHost{f}, gitHub(t, f, registrytest.Token{Login: "keepers", App: true})
		},
		"Gitea": func(t testing.TB, policy string) (host, gate.Forge) {
			f := newForge(t, policy)
			return forgeHost{f}, giteaOf(t, f, registrytest.Token{Login: "keepers"})
		},
		"bare": func(t testing.TB, policy string) (host, gate.Forge) {
			dir := t.TempDir()
			repo, err := git.InitBare(dir, "main")
			if err != nil {
				t.Fatal(err)
			}
			h := &bareHost{Repo: repo}
			t.Cleanup(func() { repo.Close() })
			h.commit(t, "refs/heads/main", "", map[string]string{index.ConfigPath: string((&index.Config{}).Format()), index.PolicyPath: policy})
			b, err := gate.OpenBare(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { b.Close() })
			return h, b
		},
	}
}

func newGate(f gate.Forge) *gate.Gate {
	return &gate.Gate{Forge: f, Now: clock, Author: forge.Author{Name: "Gate", Email: "gate@example.org"}}
}

func outcomes(results []gate.Result) string {
	var all []string
	for _, r := range results {
		all = append(all, fmt.Sprintf("%d %s", r.Number, r.Outcome))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func drain(t *testing.T, g *gate.Gate) []gate.Result {
	t.Helper()
	results, err := g.Drain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// TestDrainLosesNothing has many pull requests, all made on the same commit,
// merged by nobody but the gate: 200 for as many packages, and 50 for one, or
// without CLYDE_TEST_FULL=1 fewer.
func TestDrainLosesNothing(t *testing.T) {
	for name, open := range hosts() {
		packages, versions := 200, 50
		if os.Getenv("CLYDE_TEST_FULL") == "" {
			packages, versions = 24, 12
		}
		if name == "Gitea" { // each costs processes of git
			packages, versions = packages/4, versions/4
		}
		t.Run(name+", packages", func(t *testing.T) {
			h, f := open(t, lenient)
			for i := range packages {
				p := fmt.Sprintf("hello-%03d", i)
				h.propose(t, fmt.Sprintf("b%03d", i), map[string]string{pathOf(t, p): line(p, "1.0.0")})
			}
			drain(t, newGate(f))
			for i := range packages {
				p := fmt.Sprintf("hello-%03d", i)
				if got := h.file(t, pathOf(t, p)); got != line(p, "1.0.0") {
					t.Errorf("%s: %q", p, got)
				}
				if s := h.state(t, i+1); i%10 == 0 && s != "merged" {
					t.Errorf("%s is %s", p, s)
				}
			}
		})
		t.Run(name+", one package", func(t *testing.T) {
			h, f := open(t, lenient)
			h.put(t, "he/ll/hello", line("hello", "0.9.0"))
			want := map[string]bool{line("hello", "0.9.0"): true}
			for i := range versions {
				l := line("hello", fmt.Sprintf("1.0.%d", i))
				want[l] = true
				h.propose(t, fmt.Sprintf("b%03d", i), map[string]string{"he/ll/hello": line("hello", "0.9.0") + l})
			}
			drain(t, newGate(f))
			for l := range strings.Lines(h.file(t, "he/ll/hello")) {
				if !want[l] {
					t.Errorf("a line that nobody proposed, or twice: %s", l)
				}
				delete(want, l)
			}
			if len(want) > 0 {
				t.Errorf("%d lines are lost", len(want))
			}
		})
	}
}

// TestMoves pushes to the index and to the pull request at the last moment
// before the merge. Nothing that was not judged is merged, and it is judged again.
func TestMoves(t *testing.T) {
	const hello = "he/ll/hello"
	one, two := line("hello", "1.0.0"), line("hello", "1.1.0")
	for name, open := range hosts() {
		for what, test := range map[string]struct {
			move   func(t *testing.T, h host)
			judged int // times
			want   string
			file   string
		}{
			"another package is published": {
				func(t *testing.T, h host) { h.put(t, "ot/he/other", line("other", "1.0.0")) }, 1, "1 merged", one + two,
			},
			"another version is published": {
				func(t *testing.T, h host) { h.put(t, hello, one+line("hello", "1.0.1")) }, 2, "1 merged", one + line("hello", "1.0.1") + two,
			},
			"the same version is published": {
				func(t *testing.T, h host) {
					h.put(t, hello, one+line("hello", "1.1.0", func(e *index.Entry) { e.Cksum = strings.Repeat("cd", 32) }))
				}, 2, "1 refused", one + line("hello", "1.1.0", func(e *index.Entry) { e.Cksum = strings.Repeat("cd", 32) }),
			},
			"the policy becomes stricter": {
				func(t *testing.T, h host) {
					h.put(t, index.PolicyPath, lenient[:len(lenient)-2]+", new-version: person}\n")
				}, 2, "1 person", one,
			},
			"the pull request is pushed to, well": {
				func(t *testing.T, h host) { h.push(t, 1, hello, one+line("hello", "1.2.0")) }, 2, "1 merged", one + line("hello", "1.2.0"),
			},
			"the pull request is pushed to, badly": {
				func(t *testing.T, h host) { h.push(t, 1, hello, two) }, 2, "1 refused", one,
			},
			"the pull request is pushed to, with something else": {
				func(t *testing.T, h host) { h.push(t, 1, index.PolicyPath, "approval: {owners: automatic}\n") }, 2, "1 refused", one,
			},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				h, f := open(t, lenient)
				h.put(t, hello, one)
				h.propose(t, "next", map[string]string{hello: one + two})
				g := newGate(f)
				moved, judged := false, 0
				g.Observe = func(s gate.Step, _ forge.Pull) {
					if s == gate.StepJudge {
						judged++
					}
					if s == gate.StepMerge && !moved {
						moved = true
						test.move(t, h)
					}
				}
				got := drain(t, g)
				if outcomes(got) != test.want || judged < test.judged {
					t.Errorf("%s after judging %d times, want %s: %+v", outcomes(got), judged, test.want, got)
				}
				if file := h.file(t, hello); file != test.file {
					t.Errorf("the index has\n%s", file)
				}
			})
		}
	}
}

// TestTwoJobs has one job judge with a token that may write nothing, and another
// one merge by what the first one wrote down.
func TestTwoJobs(t *testing.T) {
	f := newForge(t, lenient)
	for i := range 3 {
		p := fmt.Sprintf("hello-%c", 'a'+i)
		f.Propose(keepersIndex, "ann", p, map[string]string{pathOf(t, p): line(p, "1.0.0")})
	}
	verdicts, err := newGate(gitHub(t, f, registrytest.Token{Login: "reader"})).JudgeAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Calls() {
		if c.Method != http.MethodGet {
			t.Errorf("judging makes the call %s %s", c.Method, c.Path)
		}
	}
	data, err := gate.FormatVerdicts(verdicts)
	if err != nil {
		t.Fatal(err)
	}
	f.Push(keepersIndex, 2, "policy.yaml", "")
	read, err := gate.ParseVerdicts(data)
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(gitHub(t, f, registrytest.Token{Login: "keepers"}))
	results, err := g.MergeAll(t.Context(), read)
	if err != nil || outcomes(results) != "1 merged, 2 stale, 3 merged" {
		t.Fatalf("%s, %v", outcomes(results), err)
	}
	// The same file again does nothing.
	results, err = g.MergeAll(t.Context(), read)
	if err != nil || outcomes(results) != "1 stale, 2 stale, 3 stale" {
		t.Errorf("%s, %v", outcomes(results), err)
	}
	// One of another policy, or without its binding, is nothing to merge by.
	f.AddFile(keepersIndex, index.PolicyPath, lenient+"rules: {license/changed: fail}\n")
	f.Propose(keepersIndex, "ann", "d", map[string]string{pathOf(t, "hello-d"): line("hello-d", "1.0.0")})
	other := read[2]
	other.Number, other.Branch = 4, "d"
	other.Report.Binding.Head = f.Pulls(keepersIndex)[3].Commit
	if results, err = g.MergeAll(t.Context(), []gate.Verdict{other}); err != nil || outcomes(results) != "4 stale" {
		t.Errorf("%s, %v", outcomes(results), err)
	}
	if _, err := gate.ParseVerdicts([]byte(`{"number":1,"branch":"b","report":{"verdict":"pass","decision":"merge"}}` + "\n")); err == nil {
		t.Error("a verdict without a binding is read")
	}
}

// TestRegenerate says each kind of change again on an index that has moved.
func TestRegenerate(t *testing.T) {
	yanked := func(e *index.Entry) { e.Yanked = true }
	retired := func(e *index.Entry) { e.Retired = &index.Retired{Reason: "deprecated"} }
	const hello, owners = "he/ll/hello", "owners/he/ll/hello.yaml"
	a, b, c := line("hello", "1.0.0"), line("hello", "1.1.0"), line("hello", "1.2.0")
	for name, test := range map[string]struct {
		proposed, meanwhile, want map[string]string
		outcome                   string
	}{
		"yank": {
			map[string]string{hello: line("hello", "1.0.0", yanked) + b},
			map[string]string{hello: a + b + c},
			map[string]string{hello: line("hello", "1.0.0", yanked) + b + c},
			"1 merged",
		},
		"yank what is retired meanwhile": {
			map[string]string{hello: line("hello", "1.0.0", yanked) + b},
			map[string]string{hello: line("hello", "1.0.0", retired) + b},
			map[string]string{hello: line("hello", "1.0.0", retired, yanked) + b},
			"1 merged",
		},
		"yank what is yanked": {
			map[string]string{hello: line("hello", "1.0.0", yanked) + b},
			map[string]string{hello: line("hello", "1.0.0", yanked) + b},
			nil, "1 done",
		},
		"publish what is published": {
			map[string]string{hello: a + b + c}, map[string]string{hello: a + b + c}, nil, "1 done",
		},
		"two of three published": {
			map[string]string{hello: a + b + c + line("hello", "2.0.0")},
			map[string]string{hello: a + b + c},
			map[string]string{hello: a + b + c + line("hello", "2.0.0")},
			"1 merged",
		},
		"owners": {
			map[string]string{owners: "reviewers: [ann]\n"},
			map[string]string{hello: a + b + c},
			map[string]string{owners: "reviewers: [ann]\n"},
			"1 merged",
		},
		"owners, changed meanwhile": {
			map[string]string{owners: "reviewers: [ann]\n"},
			map[string]string{owners: "reviewers: [bob]\n"},
			map[string]string{owners: "reviewers: [bob]\n"},
			"1 refused",
		},
		"a new package that somebody else published meanwhile": {
			map[string]string{"ne/wo/newone": line("newone", "1.0.0"), "owners/ne/wo/newone.yaml": "reviewers: [ann]\n"},
			map[string]string{"ne/wo/newone": line("newone", "0.1.0"), "owners/ne/wo/newone.yaml": "reviewers: [bob]\n"},
			map[string]string{"ne/wo/newone": line("newone", "0.1.0")},
			"1 refused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, f := hosts()["bare"](t, lenient)
			h.put(t, hello, a+b)
			h.propose(t, "b", test.proposed)
			h.put(t, "README.md", "# An index\n")
			for path, content := range test.meanwhile {
				h.put(t, path, content)
			}
			if got := drain(t, newGate(f)); outcomes(got) != test.outcome {
				t.Errorf("%+v, want %s", got, test.outcome)
			}
			for path, want := range test.want {
				if got := h.file(t, path); got != want {
					t.Errorf("%s is\n%s", path, got)
				}
			}
		})
	}
}

// TestJunkStaysOut: what a branch has in its history beside what it proposes does
// not become a part of the index's history.
func TestJunkStaysOut(t *testing.T) {
	for name, open := range hosts() {
		t.Run(name, func(t *testing.T) {
			h, f := open(t, lenient)
			h.propose(t, "b", map[string]string{"he/ll/hello": line("hello", "1.0.0"), "junk": "junk"})
			// The author takes the junk away again, by a second commit.
			switch h := h.(type) {
			case forgeHost:
				h.PushWithout(keepersIndex, 1, "junk")
			case *bareHost:
				id, err := h.WriteCommit(git.Commit{
					Parent: h.head(t, "refs/heads/b"), Files: map[string][]byte{"junk": nil}, Message: "m", Name: "Ann", Email: "ann@example.org", When: clock(),
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := h.CompareAndSwap("refs/heads/b", h.head(t, "refs/heads/b"), id); err != nil {
					t.Fatal(err)
				}
			}
			results := drain(t, newGate(f))
			if outcomes(results) != "1 merged" || h.file(t, "he/ll/hello") != line("hello", "1.0.0") {
				t.Fatalf("%+v", results)
			}
			if h.state(t, 1) == "open" && name == "GitHub" {
				t.Error("the pull request is still open")
			}
			if b, ok := h.(*bareHost); ok {
				info, err := b.CommitInfo(results[0].Commit)
				if err != nil || len(info.Parents) != 1 {
					t.Errorf("%+v, %v", info, err)
				}
			}
		})
	}
}

// TestProtectedBranch merges where nobody may push to the index's branch: the
// host does it, when the head is still the one that was judged.
func TestProtectedBranch(t *testing.T) {
	for name, open := range map[string]func(testing.TB, *registrytest.Forge) gate.Forge{
		"GitHub": func(t testing.TB, f *registrytest.Forge) gate.Forge {
			return gitHub(t, f, registrytest.Token{Login: "keepers", App: true})
		},
		"Gitea": func(t testing.TB, f *registrytest.Forge) gate.Forge {
			return giteaOf(t, f, registrytest.Token{Login: "keepers"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t, lenient)
			f.Propose(keepersIndex, "ann", "a", map[string]string{"he/ll/hello": line("hello", "1.0.0")})
			f.Propose(keepersIndex, "ann", "b", map[string]string{"wo/rl/world": line("world", "1.0.0")})
			f.Propose(keepersIndex, "keepers", "c", map[string]string{"mo/on/moon": line("moon", "1.0.0")})
			f.Protect(keepersIndex, true)
			got := drain(t, newGate(open(t, f)))
			want := "1 merged, 2 failed, 3 merged" // the second is behind then, and in a fork
			if name == "Gitea" {
				want = "1 merged, 2 failed, 3 failed"
			}
			if outcomes(got) != want {
				t.Errorf("%s, want %s: %+v", outcomes(got), want, got)
			}
			if f.File(keepersIndex, "he/ll/hello") == "" {
				t.Error("hello is not there")
			}
		})
	}
}

// TestPeople waits for those whom the policy wants, and counts only who may.
func TestPeople(t *testing.T) {
	for name, open := range hosts() {
		if name == "bare" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			h, f := open(t, "names: {similar: [], look-alikes: false}\nevidence: optional\n")
			server := h.(forgeHost)
			server.Allow(keepersIndex, "kim")
			h.propose(t, "b", map[string]string{"he/ll/hello": line("hello", "1.0.0")})
			g := newGate(f)
			for _, r := range []struct{ by, state, want string }{
				{"", "", "1 person"},
				{"ann", "APPROVED", "1 person"},       // the author
				{"passer-by", "APPROVED", "1 person"}, // may not write
				{"kim", "COMMENTED", "1 person"},
				{"kim", "APPROVED", "1 merged"},
			} {
				if r.by != "" {
					server.Review(keepersIndex, 1, r.by, r.state)
				}
				if got := drain(t, g); outcomes(got) != r.want {
					t.Errorf("after %s by %s: %+v", r.state, r.by, got)
				}
			}
		})
	}
}

// TestDependsOnTheOther: what is refused for want of another package is merged
// after it, whichever was proposed first.
func TestDependsOnTheOther(t *testing.T) {
	h, f := hosts()["GitHub"](t, lenient)
	needs := func(e *index.Entry) {
		e.Deps = []index.Dependency{{Name: "world", Req: "^1", Kind: index.KindNormal, DefaultFeatures: true}}
	}
	h.propose(t, "a", map[string]string{"he/ll/hello": line("hello", "1.0.0", needs)})
	h.propose(t, "b", map[string]string{"wo/rl/world": line("world", "1.0.0")})
	if got := drain(t, newGate(f)); outcomes(got) != "1 merged, 2 merged" {
		t.Errorf("%+v", got)
	}
}

// TestComment is edited in place, and those of others are left alone.
func TestComment(t *testing.T) {
	for name, open := range map[string]func(testing.TB, *registrytest.Forge) gate.Forge{
		"GitHub": func(t testing.TB, f *registrytest.Forge) gate.Forge {
			return gitHub(t, f, registrytest.Token{Login: "clyde[bot]", App: true})
		},
		"Gitea": func(t testing.TB, f *registrytest.Forge) gate.Forge {
			return giteaOf(t, f, registrytest.Token{Login: "clyde[bot]"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t, lenient)
			f.Allow(keepersIndex, "clyde[bot]")
			n := f.Propose(keepersIndex, "ann", "a", map[string]string{"he/ll/hello": line("hello", "1.0.0")})
			stranger := gitHub(t, f, registrytest.Token{Login: "stranger"}).(*github.Index)
			commenter := open(t, f).(interface {
				Comment(ctx context.Context, number int, text string, asGood func(said string) bool) error
				SetStatus(ctx context.Context, s forge.Status) error
			})
			for _, say := range []func() error{
				func() error {
					return stranger.Comment(t.Context(), n, "<!-- clyde -->\nforged", is("<!-- clyde -->\nforged"))
				},
				func() error {
					return commenter.Comment(t.Context(), n, "<!-- clyde -->\none", is("<!-- clyde -->\none"))
				},
				func() error {
					return commenter.Comment(t.Context(), n, "<!-- clyde -->\none", is("<!-- clyde -->\none"))
				},
				func() error {
					return commenter.Comment(t.Context(), n, "<!-- clyde -->\ntwo", is("<!-- clyde -->\ntwo"))
				},
				func() error {
					return commenter.SetStatus(t.Context(), forge.Status{Commit: f.Pulls(keepersIndex)[0].Commit, Context: "clyde", State: forge.Success})
				},
			} {
				if err := say(); err != nil {
					t.Fatal(err)
				}
			}
			if got := f.Pulls(keepersIndex)[0].Comments; !slices.Equal(got, []string{"<!-- clyde -->\nforged", "<!-- clyde -->\ntwo"}) {
				t.Errorf("%q", got)
			}
		})
	}
}

// is reports whether a comment is the text.
func is(text string) func(string) bool { return func(said string) bool { return said == text } }
