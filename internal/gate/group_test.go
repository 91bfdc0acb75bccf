package gate_test

import (
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/gate"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/internal/review"
)

// TestMergeQueue judges the commits that a merge queue makes: each on top of the
// one before, with the approvals of its pull request, and nothing else in it.
func TestMergeQueue(t *testing.T) {
	f := newForge(t, lenient)
	f.Allow(keepersIndex, "kim")
	f.AddFile(keepersIndex, "he/ll/hello", line("hello", "1.0.0"))
	one := f.Propose(keepersIndex, "ann", "one", map[string]string{"he/ll/hello": line("hello", "1.0.0") + line("hello", "1.1.0")})
	two := f.Propose(keepersIndex, "bob", "two", map[string]string{"wo/rl/world": line("world", "1.0.0")})
	person := f.Propose(keepersIndex, "ann", "three", map[string]string{"policy.yaml": lenient + "rules: {license/changed: fail}\n"})
	g := newGate(gitHub(t, f, registrytest.Token{Login: "reader"}))
	judge := func(group gate.Group) gate.Verdict {
		t.Helper()
		v, err := g.JudgeGroup(t.Context(), group)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	decision := func(v gate.Verdict) string {
		if v.Report == nil {
			return v.Detail
		}
		return v.Report.Decision
	}

	ref, base, head := f.Enqueue(keepersIndex, one, "")
	if n, err := gate.PullOfGroup(ref); n != one || err != nil {
		t.Errorf("%s is about %d, %v", ref, n, err)
	}
	v := judge(gate.Group{Number: one, Base: base, Head: head})
	if decision(v) != review.Merge || v.Report.Binding.Base != base {
		t.Errorf("%+v", v)
	}
	_, base, second := f.Enqueue(keepersIndex, two, head)
	if base != head || decision(judge(gate.Group{Number: two, Base: base, Head: second})) != review.Merge {
		t.Error("the second one does not pass on top of the first")
	}

	// What is on the index or in another pull request is no excuse for files that
	// this one has not.
	if d := decision(judge(gate.Group{Number: two, Base: v.Report.Binding.Base, Head: second})); !strings.HasPrefix(d, "he/ll/hello: the queue makes something else") {
		t.Errorf("two at once: %s", d)
	}
	if d := decision(judge(gate.Group{Number: one, Base: base, Head: base})); d != "" {
		t.Errorf("with nothing left to do: %s", d)
	}
	if d := decision(judge(gate.Group{Number: two, Base: base, Head: base})); !strings.HasPrefix(d, "wo/rl/world: ") {
		t.Errorf("a commit without the change: %s", d)
	}

	// The change waits for a person on the queue as anywhere.
	_, base, head = f.Enqueue(keepersIndex, person, "")
	if d := decision(judge(gate.Group{Number: person, Base: base, Head: head})); d == review.Merge {
		t.Errorf("without an approval: %s", d)
	}
	f.Review(keepersIndex, person, "kim", "APPROVED")
	if d := decision(judge(gate.Group{Number: person, Base: base, Head: head})); d != review.Merge {
		t.Errorf("with an approval: %s", d)
	}
	f.Push(keepersIndex, two, "wo/rl/world", line("world", "1.0.0")+line("world", "1.0.0"))
	_, base, head = f.Enqueue(keepersIndex, two, "")
	if d := decision(judge(gate.Group{Number: two, Base: base, Head: head})); d != review.Refuse {
		t.Errorf("a duplicate line: %s", d)
	}
	for _, ref := range []string{"", "refs/heads/main", "refs/heads/gh-readonly-queue/main/pr-0-" + base, "refs/heads/gh-readonly-queue/main/pr-7-" + base + "0", "refs/pull/7/head"} {
		if n, err := gate.PullOfGroup(ref); err == nil {
			t.Errorf("%s is about %d", ref, n)
		}
	}
}
