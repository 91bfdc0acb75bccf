package review

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/clydepm/clyde/index"
)

const headCommit = "2222222222222222222222222222222222222222"

// approved is an approval of the head by an account that may write.
func approved(by string, edit ...func(*Approval)) Approval {
	a := Approval{By: by, Commit: headCommit, At: now(), Permission: "write"}
	for _, f := range edit {
		f(&a)
	}
	return a
}

func permission(p string) func(*Approval) { return func(a *Approval) { a.Permission = p } }
func ofCommit(c string) func(*Approval)   { return func(a *Approval) { a.Commit = c } }

// judgeProposal judges as a gate does, with what is known of the pull request.
func judgeProposal(t *testing.T, base, head fs.FS, signers []Signer, edit func(*Input)) *Report {
	t.Helper()
	in := Input{Base: base, Head: head, Now: now(), HeadID: headCommit, Author: "eve", Opened: now().Add(-time.Hour)}
	if edit != nil {
		edit(&in)
	}
	j := &judge{in: in, policy: DefaultPolicy(), said: map[string]bool{}}
	if err := j.run(); err != nil {
		t.Fatal(err)
	}
	r := j.report()
	r.Signers = signers
	if err := j.decide(r); err != nil {
		t.Fatal(err)
	}
	return r
}

// proposal is an index with a policy, and a change of a kind that breaks no rule.
func proposal(t *testing.T, kind, policy string) (base, head fstest.MapFS) {
	t.Helper()
	owners := "publishers:\n  - repository: https://github.com/example/hello\n    repository-id: 7\nreviewers: [rita]\n"
	files := []string{"policy.yaml", policy, "owners/he/ll/hello.yaml", owners}
	// Who may publish is proved elsewhere; here nobody owns the package that gets
	// versions.
	plain, gone := entry("plain", "1.0.0"), entry("gone", "1.0.0", yanked)
	retired := entry("old", "1.0.0", func(e *index.Entry) { e.Retired = &index.Retired{Reason: "other"} })
	lines := []*index.Entry{entry("hello", "1.0.0"), plain, gone, retired}
	base = tree(t, lines, files...)
	switch kind {
	case "new-package":
		return base, tree(t, append(lines, entry("brand-new", "1.0.0")), files...)
	case "new-version":
		return base, tree(t, append(lines, entry("plain", "1.0.1")), files...)
	case "yank":
		return base, tree(t, []*index.Entry{lines[0], entry("plain", "1.0.0", yanked), gone, retired}, files...)
	case "unyank":
		return base, tree(t, []*index.Entry{lines[0], plain, entry("gone", "1.0.0"), retired}, files...)
	case "retire":
		return base, tree(t, []*index.Entry{lines[0], entry("plain", "1.0.0", func(e *index.Entry) { e.Retired = &index.Retired{Reason: "other"} }), gone, retired}, files...)
	case "unretire":
		return base, tree(t, []*index.Entry{lines[0], plain, gone, entry("old", "1.0.0")}, files...)
	case "owners":
		files[3] = strings.Replace(owners, "[rita]", "[rita, rob]", 1)
	case "transfer":
		files[3] = strings.Replace(owners, "repository-id: 7", "repository-id: 8", 1)
	case "register":
		files = append(files, "sources/br/an/brand-new.yaml", "publishers:\n  - repository: https://github.com/example/new\n    repository-id: 9\n    owner-id: 1\n    workflow: .github/workflows/release.yml\n    tags: [\"v{version}\"]\n")
	case "policy":
		files[1] += "verify: attested\n"
	default:
		t.Fatal(kind)
	}
	return base, tree(t, lines, files...)
}

// Every kind of change, with every combination of who approves it, how long it
// waits, what is frozen and how many approved, is decided as the policy says.
func TestDecisions(t *testing.T) {
	decided := map[string]int{}
	for _, kind := range append(kindNames(), "policy") {
		for _, who := range []string{Automatic, Person} {
			for _, wait := range []string{"", "30m", "72h"} {
				for _, frozen := range []string{"", "all", "this", "other", "over", "until"} {
					for approvals := range 3 {
						policy := writePolicy(kind, who, wait, frozen)
						base, head := proposal(t, kind, policy)
						r := judgeProposal(t, base, head, nil, func(in *Input) {
							for i := range approvals {
								in.Approvals = append(in.Approvals, approved([]string{"ann", "bob"}[i]))
							}
						})
						want := wantDecision(kind, who, wait, frozen, approvals)
						if r.Decision != want {
							t.Errorf("%s, approved by %d, under\n%s\nis %s, want %s: %s", kind, approvals, policy, r.Decision, want, noticed(r))
						}
						if endless := frozen == "all" || frozen == "this"; r.Decision == Wait && r.NotBefore.IsZero() != endless {
							t.Errorf("%s, frozen %q, waits until %v", kind, frozen, r.NotBefore)
						}
						decided[r.Decision]++
					}
				}
			}
		}
	}
	t.Log(decided)
	for _, d := range []string{Merge, NeedsPerson, Wait} {
		if decided[d] < 10 {
			t.Errorf("only %d changes are decided as %s", decided[d], d)
		}
	}
}

func writePolicy(kind, who, wait, frozen string) string {
	policy := "evidence: optional\nnames: {similar: []}\nreviewers: {accounts: [ann, bob], approvals: 2}\n"
	if kind != "policy" {
		policy += fmt.Sprintf("approval: {%s: %s}\n", kind, who)
		if wait != "" {
			policy += fmt.Sprintf("wait: {%s: %s}\n", kind, wait)
		}
	}
	stopped := kind
	if kind == "policy" {
		stopped = "yank"
	}
	other := "yank"
	if kind == "yank" {
		other = "unyank"
	}
	return policy + map[string]string{
		"":      "",
		"all":   "freeze: {message: moving}\n",
		"this":  "freeze: {message: moving, kinds: [" + stopped + "]}\n",
		"other": "freeze: {message: moving, kinds: [" + other + "]}\n",
		"over":  "freeze: {message: moving, until: \"2026-01-02T03:04:05Z\"}\n",
		"until": "freeze: {message: moving, until: \"2026-01-02T03:04:06Z\"}\n",
	}[frozen]
}

// wantDecision says the policy in other words. The change is one hour old.
func wantDecision(kind, who, wait, frozen string, approvals int) string {
	stops := frozen == "all" || frozen == "this" || frozen == "until"
	person := who == Person || kind == "transfer" // which lets somebody publish who could not
	needed := 2
	if kind == "policy" {
		stops, person, needed, wait = false, true, 1, ""
	}
	switch {
	case stops:
		return Wait
	case person && approvals < needed:
		return NeedsPerson
	case wait == "72h":
		return Wait
	}
	return Merge
}

// Whose approvals count.
func TestApprovals(t *testing.T) {
	listed := "reviewers: {accounts: [ann, bob], policy: [pam]}\n"
	for name, test := range map[string]struct {
		kind, policy string
		edit         func(*Input)
		counted      string
	}{
		"listed":                {"new-package", listed, nil, "ann"},
		"not listed":            {"new-package", listed, func(in *Input) { in.Approvals[0].By = "mallory" }, ""},
		"case does not matter":  {"new-package", listed, func(in *Input) { in.Approvals[0].By = "ANN" }, "ANN"},
		"author":                {"new-package", listed, func(in *Input) { in.Author = "Ann" }, ""},
		"author unknown":        {"new-package", listed, func(in *Input) { in.Author = "" }, ""},
		"another commit":        {"new-package", listed, func(in *Input) { in.Approvals[0].Commit = strings.Repeat("1", 40) }, ""},
		"no commit":             {"new-package", listed, func(in *Input) { in.Approvals[0].Commit = "" }, ""},
		"head unknown":          {"new-package", listed, func(in *Input) { in.HeadID, in.Approvals[0].Commit = "", "" }, ""},
		"nobody":                {"new-package", listed, func(in *Input) { in.Approvals[0].By = "" }, ""},
		"twice":                 {"new-package", listed, func(in *Input) { in.Approvals = append(in.Approvals, approved("Ann")) }, "ann"},
		"stale, then again":     {"new-package", listed, func(in *Input) { in.Approvals = append(in.Approvals, approved("ann", ofCommit("x"))) }, "ann"},
		"two":                   {"new-package", listed, func(in *Input) { in.Approvals = append(in.Approvals, approved("bob")) }, "ann bob"},
		"nobody listed, writes": {"new-package", "", nil, "ann"},
		"nobody listed, admin":  {"new-package", "", func(in *Input) { in.Approvals = []Approval{approved("kim", permission("admin"))} }, "kim"},
		"nobody listed, reads":  {"new-package", "", func(in *Input) { in.Approvals = []Approval{approved("kim", permission("read"))} }, ""},
		"nobody listed, none":   {"new-package", "", func(in *Input) { in.Approvals = []Approval{approved("kim", permission(""))} }, ""},
		"own reviewer":          {"owners", listed, func(in *Input) { in.Approvals = []Approval{approved("rita", permission("read"))} }, "rita"},
		"own reviewer to be":    {"owners", listed, func(in *Input) { in.Approvals = []Approval{approved("rob", permission("read"))} }, ""},
		"own, of a transfer":    {"transfer", listed, func(in *Input) { in.Approvals = []Approval{approved("rita")} }, ""},
		"own, of another":       {"new-version", listed, func(in *Input) { in.Approvals = []Approval{approved("rita")} }, ""},
		"policy":                {"policy", listed, func(in *Input) { in.Approvals = []Approval{approved("pam"), approved("ann")} }, "pam"},
		"policy, nobody listed": {"policy", "reviewers: {accounts: [ann]}\n", nil, "ann"},
	} {
		t.Run(name, func(t *testing.T) {
			base, head := proposal(t, test.kind, "evidence: optional\n"+test.policy)
			r := judgeProposal(t, base, head, nil, func(in *Input) {
				in.Approvals = []Approval{approved("ann")}
				if test.edit != nil {
					test.edit(in)
				}
			})
			if got := strings.Join(r.Approved, " "); got != test.counted {
				t.Errorf("counted %q, want %q; not counted: %v", got, test.counted, r.Uncounted)
			}
			if test.counted == "" && len(r.Uncounted) == 0 {
				t.Error("it is not said why it does not count")
			}
		})
	}
}

// The clock decides: a change may be merged when its wait is over, and no
// sooner; one of which it is not known since when it is proposed never may.
func TestWait(t *testing.T) {
	base, head := proposal(t, "new-package", "evidence: optional\napproval: {new-package: automatic}\nwait: {new-package: 72h}\n")
	for name, test := range map[string]struct {
		opened time.Time
		want   string
		until  time.Time
	}{
		"just opened":   {now(), Wait, now().Add(72 * time.Hour)},
		"a second left": {now().Add(-72*time.Hour + time.Second), Wait, now().Add(time.Second)},
		"over":          {now().Add(-72 * time.Hour), Merge, time.Time{}},
		"long over":     {now().Add(-1000 * time.Hour), Merge, time.Time{}},
		"of the future": {now().Add(time.Hour), Wait, now().Add(72 * time.Hour)},
		"unknown":       {time.Time{}, Wait, now().Add(72 * time.Hour)},
	} {
		r := judgeProposal(t, base, head, nil, func(in *Input) { in.Opened = test.opened })
		if r.Decision != test.want || !r.NotBefore.Equal(test.until) {
			t.Errorf("%s: %s until %v, want %s until %v", name, r.Decision, r.NotBefore, test.want, test.until)
		}
	}
}

// A new package that a known account has signed neither waits nor needs a
// person; what a rule wants a look at does.
func TestKnownAccounts(t *testing.T) {
	const policy = "evidence: optional\nwait: {new-package: 72h}\nknown:\n  - {owner: \"https://github.com/acme\", owner-id: 456}\n  - {owner: \"https://git.example.org/acme\"}\n  - {key: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=}\n"
	for name, test := range map[string]struct {
		kind   string
		signer Signer
		known  bool
	}{
		"by its number":          {"new-package", Signer{Verified: true, Repository: "https://github.com/acme/new", OwnerID: "456"}, true},
		"renamed":                {"new-package", Signer{Verified: true, Repository: "https://github.com/acme2/new", OwnerID: "456"}, true},
		"name taken over":        {"new-package", Signer{Verified: true, Repository: "https://github.com/acme/new", OwnerID: "457"}, false},
		"no number":              {"new-package", Signer{Verified: true, Repository: "https://github.com/acme/new"}, false},
		"number at another host": {"new-package", Signer{Verified: true, Repository: "https://example.com/acme/new", OwnerID: "456"}, false},
		"host without numbers":   {"new-package", Signer{Verified: true, Repository: "https://git.example.org/acme/new"}, true},
		"begins alike":           {"new-package", Signer{Verified: true, Repository: "https://git.example.org/acme-x/new"}, false},
		"by a key":               {"new-package", Signer{Verified: true, Identity: "key 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}, true},
		"by another key":         {"new-package", Signer{Verified: true, Identity: "key x"}, false},
		"not verified":           {"new-package", Signer{Repository: "https://github.com/acme/new", OwnerID: "456"}, false},
	} {
		base, head := proposal(t, test.kind, policy)
		want := NeedsPerson
		if test.known {
			want = Merge
		}
		if r := judgeProposal(t, base, head, []Signer{test.signer}, nil); r.Decision != want {
			t.Errorf("%s: %s, want %s", name, r.Decision, want)
		}
	}
	base, head := proposal(t, "new-package", policy+"rules: {version/gap: person, license/changed: person}\nnames: {reserved: [brand-new]}\n")
	if r := judgeProposal(t, base, head, []Signer{{Verified: true, Repository: "https://github.com/acme/new", OwnerID: "456"}}, nil); r.Decision != Refuse {
		t.Errorf("a known account registers a reserved name: %s", r.Decision)
	}
}

// A rule that asks for a person is no failure and stops a merge until somebody
// approves.
func TestPersonRules(t *testing.T) {
	const policy = "evidence: optional\nrules: {version/gap: person}\n"
	base := tree(t, []*index.Entry{entry("hello", "1.0.0")}, "policy.yaml", policy)
	head := tree(t, []*index.Entry{entry("hello", "1.0.0"), entry("hello", "1.5.0")}, "policy.yaml", policy)
	r := judgeProposal(t, base, head, nil, nil)
	if r.Verdict != Pass || r.Decision != NeedsPerson || len(r.People) != 1 || r.People[0].Check != "version/gap" || r.Needed != 1 {
		t.Errorf("%s %s %v", r.Verdict, r.Decision, r.People)
	}
	r = judgeProposal(t, base, head, nil, func(in *Input) { in.Approvals = []Approval{approved("ann")} })
	if r.Decision != Merge {
		t.Errorf("approved, it is %s", r.Decision)
	}
}

func TestOverrides(t *testing.T) {
	const policy = "evidence: optional\nrules: {license/changed: fail}\n"
	valid := func(edit ...string) string {
		text := "package: hello\nrule: license/changed\nreason: all authors agreed\nby: ann\nexpires: \"2026-03-01T00:00:00Z\"\n"
		for i := 0; i < len(edit); i += 2 {
			text = strings.Replace(text, edit[i], edit[i+1], 1)
		}
		return text
	}
	lines := []*index.Entry{entry("hello", "1.0.0")}
	more := append(lines[:1:1], entry("hello", "1.0.1", licensed("ISC")))
	for name, test := range map[string]struct {
		override string
		want     string
		decision string
	}{
		"in force":         {valid(), "pass license/changed", Merge},
		"of the version":   {valid("hello\n", "hello\nversion: 1.0.1\n"), "pass license/changed", Merge},
		"other version":    {valid("hello\n", "hello\nversion: 1.0.2\n"), "fail license/changed", Refuse},
		"other package":    {valid("hello\n", "other\n"), "fail license/changed", Refuse},
		"other rule":       {valid("license/changed", "version/gap"), "fail license/changed", Refuse},
		"expired":          {valid("2026-03-01", "2026-01-01"), "warn policy/expired, fail license/changed", Refuse},
		"expires now":      {valid("2026-03-01T00:00:00Z", "2026-01-02T03:04:05Z"), "warn policy/expired, fail license/changed", Refuse},
		"of a fixed rule":  {valid("license/changed", "delta/mode"), "fail policy/base, fail license/changed", Refuse},
		"cannot be read":   {"package: hello\n", "fail policy/base, fail license/changed", Refuse},
		"of another case":  {valid("hello\n", "Hello\n"), "pass license/changed", Merge},
		"a second a later": {valid("2026-03-01T00:00:00Z", "2026-01-02T03:04:06Z"), "pass license/changed", Merge},
	} {
		files := []string{"policy.yaml", policy, "overrides/hello.yaml", test.override}
		r := judgeProposal(t, tree(t, lines, files...), tree(t, more, files...), nil, nil)
		if got := noticed(r); got != test.want || r.Decision != test.decision {
			t.Errorf("%s: %s %q, want %s %q", name, r.Decision, got, test.decision, test.want)
		}
	}

	// It cannot come with what it permits.
	r := judgeProposal(t, tree(t, lines, "policy.yaml", policy), tree(t, more, "policy.yaml", policy, "overrides/hello.yaml", valid()), nil, nil)
	if got := noticed(r); got != "fail delta/mixed" {
		t.Errorf("an override with its package: %s", got)
	}
	// On its own it is a change of the policy.
	for name, test := range map[string]struct{ override, want string }{
		"valid":     {valid(), ""},
		"fixed":     {valid("license/changed", "delta/mode"), "fail policy/valid"},
		"too long":  {valid("2026-03-01", "2028-03-01"), "fail policy/valid"},
		"past":      {valid("2026-03-01", "2025-03-01"), "warn policy/expired"},
		"no reason": {valid("reason: all authors agreed\n", ""), "fail policy/valid"},
	} {
		r := judgeProposal(t, tree(t, lines), tree(t, lines, "overrides/hello.yaml", test.override), nil, nil)
		if got := noticed(r); got != test.want || r.Approval != Person || r.Change.Kind != "policy" {
			t.Errorf("%s: %s %q approved by %s, want %q", name, r.Change.Kind, got, r.Approval, test.want)
		}
	}
}

// Who may publish into a scope.
func TestScopes(t *testing.T) {
	owners := func(owner string, id int) string {
		return fmt.Sprintf("publishers:\n  - repository: https://github.com/%s/x\n    repository-id: 1\n    owner-id: %d\n", owner, id)
	}
	const policy = "names: {similar: [], scopes: {held: [{owner: \"https://github.com/acme\", owner-id: 456}]}}\n"
	from := func(owner string, id int64) func(*index.Entry) {
		return func(e *index.Entry) {
			e.Source = &index.Source{Repository: "https://github.com/" + owner + "/x", RepositoryID: 1, OwnerID: id, Commit: strings.Repeat("1", 40)}
		}
	}
	base := tree(t, []*index.Entry{entry("team/one", "1.0.0"), entry("free/one", "1.0.0")}, "policy.yaml", policy, "owners/team/one.yaml", owners("ann", 5))
	for name, test := range map[string]struct {
		pack, owner string
		id          int64
		want        string
	}{
		"own scope":          {"team/two", "ann", 5, ""},
		"own, renamed":       {"team/two", "anna", 5, ""},
		"of another":         {"team/two", "bob", 6, "fail name/scope-owner"},
		"name taken over":    {"team/two", "ann", 6, "fail name/scope-owner"},
		"without owners":     {"team/two", "", 0, "fail name/scope-owner"},
		"policy, holder":     {"held/one", "acme", 456, ""},
		"policy, another":    {"held/one", "ann", 5, "fail name/scope-owner"},
		"new scope":          {"newscope/one", "bob", 6, ""},
		"scope of nobody":    {"free/two", "bob", 6, ""},
		"scope looks alike":  {"tearn/two", "bob", 6, "warn name/similar"},
		"scope folds alike":  {"te_am/two", "bob", 6, "warn name/similar"},
		"policy, wrong name": {"held/one", "acme", 457, "fail name/scope-owner"},
	} {
		head := tree(t, []*index.Entry{entry("team/one", "1.0.0"), entry("free/one", "1.0.0")}, "policy.yaml", policy, "owners/team/one.yaml", owners("ann", 5))
		e := entry(test.pack, "1.0.0")
		file, err := index.Path(test.pack)
		if err != nil {
			t.Fatal(err)
		}
		if test.owner != "" {
			from(test.owner, test.id)(e)
			head["owners/"+test.pack+".yaml"] = &fstest.MapFile{Data: []byte(owners(test.owner, int(test.id))), Mode: 0o644}
		}
		head[file] = &fstest.MapFile{Data: append(e.AppendLine(nil), '\n'), Mode: 0o644}
		if got := noticed(mustJudge(t, base, head)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
