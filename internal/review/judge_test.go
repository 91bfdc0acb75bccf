package review

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/clydepm/clyde/index"
)

// now is the clock of every test.
func now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// entry is a line that satisfies every rule.
func entry(name, vers string, edit ...func(*index.Entry)) *index.Entry {
	e := &index.Entry{
		Name: name, Vers: vers, V: 1, Cksum: strings.Repeat("ab", 32), Size: 100, License: "MIT",
		Pubtime: "2026-01-01T00:00:00Z", DL: "https://example.org/" + name + "-" + vers + ".tar.gz",
	}
	for _, f := range edit {
		f(e)
	}
	return e
}

func timed(at string) func(*index.Entry) { return func(e *index.Entry) { e.Pubtime = at } }

func depends(name, req string) func(*index.Entry) {
	return func(e *index.Entry) {
		e.Deps = append(e.Deps, index.Dependency{Name: name, Req: req, Kind: index.KindNormal, DefaultFeatures: true})
	}
}

func licensed(l string) func(*index.Entry) { return func(e *index.Entry) { e.License = l } }

func yanked(e *index.Entry) { e.Yanked = true }

// tree is an index with these lines, in the order given, beside a config and
// further files given as path and content.
func tree(t testing.TB, entries []*index.Entry, files ...string) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	put := func(name, data string) {
		old := ""
		if f := m[name]; f != nil {
			old = string(f.Data)
		}
		m[name] = &fstest.MapFile{Data: []byte(old + data), Mode: 0o644}
	}
	put("config.json", `{"dl":"https://example.org/dl"}`+"\n")
	for _, e := range entries {
		p, err := index.Path(e.Name)
		if err != nil {
			t.Fatal(err)
		}
		put(p, string(e.AppendLine(nil))+"\n")
	}
	for i := 0; i < len(files); i += 2 {
		put(files[i], files[i+1])
	}
	return m
}

// without is a tree without some files.
func without(m fstest.MapFS, names ...string) fstest.MapFS {
	c := maps.Clone(m)
	for _, name := range names {
		delete(c, name)
	}
	return c
}

func mustJudge(t testing.TB, base, head fs.FS) *Report {
	t.Helper()
	r, err := Judge(Input{Base: base, Head: head, Now: now()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// noticed is the rules that failed, warned or noted something, as
// "status rule".
func noticed(r *Report) string {
	var out []string
	for _, f := range r.Findings {
		if f.Status == Fail || f.Status == Warn || f.Status == Pass && f.Detail != "" {
			out = append(out, f.Status+" "+f.Check)
		}
	}
	return strings.Join(out, ", ")
}

func TestJudge(t *testing.T) {
	hello := entry("hello", "1.0.0")
	base := []*index.Entry{hello, entry("hello", "1.4.0"), entry("util-a", "1.0.0"), entry("gone", "1.0.0", yanked)}
	plus := func(more ...*index.Entry) []*index.Entry {
		return append(append([]*index.Entry(nil), base...), more...)
	}
	const repository = "  - repository: https://github.com/example/hello\n    repository-id: 7\n"
	const keys = "publishers:\n  - key: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
	owners := "publishers:\n" + repository
	const lenient = "approval: {owners: automatic}\n"
	loose := owners + "    owner-id: 8\n"
	registration := loose + "    workflow: .github/workflows/release.yml\n    tags: [\"v{version}\"]\n"
	ownedBy := func(id int64) func(*index.Entry) {
		return func(e *index.Entry) {
			e.Source = &index.Source{Repository: "https://github.com/example/hello", RepositoryID: id, OwnerID: 8, Commit: strings.Repeat("1", 40)}
		}
	}
	for name, test := range map[string]struct {
		base, head fstest.MapFS
		want       string
		approval   string
	}{
		"registration":          {tree(t, base), tree(t, base, "sources/ne/wo/newone.yaml", registration), "", Person},
		"loose registration":    {tree(t, base), tree(t, base, "sources/ne/wo/newone.yaml", loose), "warn identity/pinned, warn identity/pinned", Person},
		"registered loosely":    {tree(t, base, "sources/ne/wo/newone.yaml", loose), tree(t, plus(entry("newone", "1.0.0", ownedBy(7))), "sources/ne/wo/newone.yaml", loose, "owners/ne/wo/newone.yaml", loose), "", Automatic},
		"poor registration":     {tree(t, base), tree(t, base, "sources/ne/wo/newone.yaml", owners), "fail sources/valid", Person},
		"registration, known":   {tree(t, base), tree(t, base, "sources/he/ll/hello.yaml", registration), "fail sources/new", Person},
		"registration, twin":    {tree(t, base), tree(t, base, "sources/ut/il/util_a.yaml", registration), "fail name/unique", Person},
		"registration, name":    {tree(t, base), tree(t, base, "sources/3/c/con.yaml", registration), "fail name/device", Person},
		"registration, gone":    {tree(t, base, "sources/ne/wo/newone.yaml", registration), tree(t, base), "", Person},
		"registered":            {tree(t, base, "sources/ne/wo/newone.yaml", registration), tree(t, plus(entry("newone", "1.0.0", ownedBy(7))), "sources/ne/wo/newone.yaml", registration, "owners/ne/wo/newone.yaml", registration), "", Automatic},
		"registered, others":    {tree(t, base, "sources/ne/wo/newone.yaml", registration), tree(t, plus(entry("newone", "1.0.0", ownedBy(7))), "sources/ne/wo/newone.yaml", registration, "owners/ne/wo/newone.yaml", owners), "fail sources/owners", Person},
		"registered, none":      {tree(t, base, "sources/ne/wo/newone.yaml", registration), tree(t, plus(entry("newone", "1.0.0", ownedBy(7))), "sources/ne/wo/newone.yaml", registration), "fail sources/owners", Person},
		"next version":          {tree(t, base), tree(t, plus(entry("hello", "1.4.1"))), "", Automatic},
		"gap":                   {tree(t, base), tree(t, plus(entry("hello", "1.6.0"))), "pass version/gap", Automatic},
		"behind its line":       {tree(t, base), tree(t, plus(entry("hello", "1.2.0"))), "warn version/order, pass version/gap", Automatic},
		"older line":            {tree(t, plus(entry("hello", "2.0.0"))), tree(t, plus(entry("hello", "2.0.0"), entry("hello", "1.4.1"))), "", Automatic},
		"other licence":         {tree(t, base), tree(t, plus(entry("hello", "1.4.1", licensed("GPL-3.0-only")))), "warn license/changed", Automatic},
		"a bit before the last": {tree(t, plus(entry("hello", "1.4.1"))), tree(t, plus(entry("hello", "1.4.1"), entry("hello", "1.4.2", timed("2025-12-31T23:50:00Z")))), "", Automatic},
		"before the last":       {tree(t, plus(entry("hello", "1.4.1"))), tree(t, plus(entry("hello", "1.4.1"), entry("hello", "1.4.2", timed("2025-12-31T23:40:00Z")))), "fail time/order", Automatic},
		"before the last, off":  {tree(t, plus(entry("hello", "1.4.1")), "policy.yaml", "rules: {time/order: off}\n"), tree(t, plus(entry("hello", "1.4.1"), entry("hello", "1.4.2", timed("2025-12-31T23:40:00Z"))), "policy.yaml", "rules: {time/order: off}\n"), "", Automatic},
		"unsigned, of keys":     {tree(t, base, "owners/he/ll/hello.yaml", keys), tree(t, plus(entry("hello", "1.4.1")), "owners/he/ll/hello.yaml", keys), "fail attestation/present", Automatic},
		"unsigned, of both":     {tree(t, base, "owners/he/ll/hello.yaml", keys+repository), tree(t, plus(entry("hello", "1.4.1", ownedBy(8))), "owners/he/ll/hello.yaml", keys+repository), "fail owners/source", Automatic},
		"unsigned, key ended":   {tree(t, base, "owners/he/ll/hello.yaml", keys+"    until: \"2025-01-01T00:00:00Z\"\n"+repository), tree(t, plus(entry("hello", "1.4.1", ownedBy(7))), "owners/he/ll/hello.yaml", keys+"    until: \"2025-01-01T00:00:00Z\"\n"+repository), "", Automatic},
		"from the future":       {tree(t, base), tree(t, plus(entry("hello", "1.4.1", func(e *index.Entry) { e.Pubtime = "2026-01-02T04:00:00Z" }))), "fail time/future", Automatic},
		"clocks differ a bit":   {tree(t, base), tree(t, plus(entry("hello", "1.4.1", func(e *index.Entry) { e.Pubtime = "2026-01-02T03:10:00Z" }))), "", Automatic},
		"dependency":            {tree(t, base), tree(t, plus(entry("hello", "1.4.1", depends("util-a", "^1")))), "", Automatic},
		"dependency missing":    {tree(t, base), tree(t, plus(entry("hello", "1.4.1", depends("nope", "^1")))), "fail dependency/exists", Automatic},
		"dependency too new":    {tree(t, base), tree(t, plus(entry("hello", "1.4.1", depends("util-a", "^2")))), "fail dependency/version", Automatic},
		"dependency yanked":     {tree(t, base), tree(t, plus(entry("hello", "1.4.1", depends("gone", "^1")))), "warn dependency/yanked", Automatic},
		"dependency elsewhere":  {tree(t, base), tree(t, plus(entry("hello", "1.4.1", depends("nope", "^1"), func(e *index.Entry) { e.Deps[0].Registry = "https://example.org/other.git" }))), "warn dependency/registry", Automatic},
		"depends on itself":     {tree(t, base), tree(t, plus(entry("loop", "1.0.0", depends("loop", "^1")))), "", Person},
		"new package":           {tree(t, base), tree(t, plus(entry("brand-new", "0.1.0"))), "", Person},
		"new package in empty":  {nil, tree(t, []*index.Entry{entry("brand-new", "0.1.0")}), "fail delta/mixed", Person},
		"twin":                  {tree(t, base), tree(t, plus(entry("util_a", "0.1.0"))), "fail name/unique", Person},
		"twin in case":          {tree(t, plus(entry("Abc-def", "1.0.0"))), tree(t, plus(entry("Abc-def", "1.0.0"), entry("abc_def", "1.0.0"))), "fail name/unique", Person},
		"twin in the prefix":    {tree(t, plus(entry("a-bcd", "1.0.0"))), tree(t, plus(entry("a-bcd", "1.0.0"), entry("a_bcd", "1.0.0"))), "fail name/unique", Person},
		"twin of two letters":   {tree(t, plus(entry("a-b", "1.0.0"))), tree(t, plus(entry("a-b", "1.0.0"), entry("a_b", "1.0.0"))), "fail name/unique", Person},
		"scope twin":            {tree(t, plus(entry("my-org/x", "1.0.0"))), tree(t, plus(entry("my-org/x", "1.0.0"), entry("my_org/y", "1.0.0"))), "fail name/unique", Person},
		"scoped twin":           {tree(t, plus(entry("org/a-x", "1.0.0"))), tree(t, plus(entry("org/a-x", "1.0.0"), entry("org/a_x", "1.0.0"))), "fail name/unique", Person},
		"bad name":              {tree(t, base), tree(t, plus(entry("helo-", "1.0.0"))), "fail name/end", Person},
		"one letter off":        {tree(t, base, "policy.yaml", "names: {similar: [{length: 5, distance: 1}]}\n"), tree(t, plus(entry("hellp", "1.0.0")), "policy.yaml", "names: {similar: [{length: 5, distance: 1}]}\n"), "warn name/similar", Person},
		"short, one off":        {tree(t, base), tree(t, plus(entry("hellp", "1.0.0"))), "", Person},
		"letters swapped":       {tree(t, base), tree(t, plus(entry("hlelo", "1.0.0"))), "warn name/similar", Person},
		"looks the same":        {tree(t, base), tree(t, plus(entry("he1l0", "1.0.0"))), "warn name/similar", Person},
		"two letters off":       {tree(t, base), tree(t, plus(entry("jellp", "1.0.0"))), "", Person},
		"distance off":          {tree(t, base, "policy.yaml", "names: {similar: []}\n"), tree(t, plus(entry("hellp", "1.0.0")), "policy.yaml", "names: {similar: []}\n"), "", Person},
		"reserved":              {tree(t, base, "policy.yaml", "names: {reserved: [std-lib]}\n"), tree(t, plus(entry("std_lib", "1.0.0")), "policy.yaml", "names: {reserved: [std-lib]}\n"), "fail name/reserved", Person},
		"policy raises":         {tree(t, base, "policy.yaml", "rules: {license/changed: fail}\n"), tree(t, plus(entry("hello", "1.4.1", licensed(""))), "policy.yaml", "rules: {license/changed: fail}\n"), "fail license/changed", Automatic},
		"policy turns off":      {tree(t, base, "policy.yaml", "rules: {license/changed: off}\n"), tree(t, plus(entry("hello", "1.4.1", licensed(""))), "policy.yaml", "rules: {license/changed: off}\n"), "", Automatic},
		"policy of the head":    {tree(t, base), tree(t, plus(entry("hello", "1.4.1", licensed(""))), "policy.yaml", "rules: {license/changed: off}\n"), "fail delta/mixed", Person},
		"broken policy":         {tree(t, base, "policy.yaml", "nmaes: {}\n"), tree(t, plus(entry("hello", "1.4.1")), "policy.yaml", "nmaes: {}\n"), "fail policy/base", Automatic},
		"new policy":            {tree(t, base), tree(t, base, "policy.yaml", "names: {}\n"), "", Person},
		"new broken policy":     {tree(t, base), tree(t, base, "policy.yaml", "rules: {line/canonical: off}\n"), "fail policy/valid", Person},
		"owners":                {tree(t, base), tree(t, base, "owners/he/ll/hello.yaml", owners), "", Person},
		"other reviewers":       {tree(t, base, "policy.yaml", lenient, "owners/he/ll/hello.yaml", owners), tree(t, base, "policy.yaml", lenient, "owners/he/ll/hello.yaml", owners+"reviewers: [bob]\n"), "", Automatic},
		"a publisher more":      {tree(t, base, "policy.yaml", lenient, "owners/he/ll/hello.yaml", owners), tree(t, base, "policy.yaml", lenient, "owners/he/ll/hello.yaml", owners+"  - repository: https://github.com/bob/hello\n"), "", Person},
		"transfer":              {tree(t, base, "policy.yaml", lenient, "owners/he/ll/hello.yaml", owners), tree(t, base, "policy.yaml", lenient, "owners/he/ll/hello.yaml", strings.Replace(owners, "7", "8", 1)), "", Person},
		"transfer broken":       {tree(t, base, "owners/he/ll/hello.yaml", owners), tree(t, base, "owners/he/ll/hello.yaml", "publishers: {}\n"), "fail owners/valid", Person},
		"owners broken":         {tree(t, base), tree(t, base, "owners/he/ll/hello.yaml", "reviewers: [\"@ann\"]\n"), "fail owners/valid", Person},
		"owners of nothing":     {tree(t, base), tree(t, base, "owners/no/pe/nope.yaml", owners), "fail owners/package", Person},
		"by its owner":          {tree(t, base, "owners/he/ll/hello.yaml", owners), tree(t, plus(entry("hello", "1.4.1", ownedBy(7))), "owners/he/ll/hello.yaml", owners), "", Automatic},
		"by another":            {tree(t, base, "owners/he/ll/hello.yaml", owners), tree(t, plus(entry("hello", "1.4.1", ownedBy(8))), "owners/he/ll/hello.yaml", owners), "fail owners/source", Automatic},
		"by nobody":             {tree(t, base, "owners/he/ll/hello.yaml", owners), tree(t, plus(entry("hello", "1.4.1")), "owners/he/ll/hello.yaml", owners), "fail owners/source", Automatic},
		"first with owners":     {tree(t, base), tree(t, plus(entry("brand-new", "0.1.0", ownedBy(8))), "owners/br/an/brand-new.yaml", owners), "fail owners/source", Person},
		"again":                 {tree(t, base), tree(t, plus(entry("hello", "1.4.0+other"))), "fail delta/duplicate-version", Person},
		"nothing":               {tree(t, base), tree(t, base), "fail delta/empty", Person},
		"stray file":            {tree(t, base), tree(t, base, "stray.json", "{}\n"), "fail delta/path", Person},
		"package deleted":       {tree(t, base), without(tree(t, base), "he/ll/hello"), "fail delta/delete", Person},
	} {
		t.Run(name, func(t *testing.T) {
			var b fs.FS
			if test.base != nil {
				b = test.base
			}
			r := mustJudge(t, b, test.head)
			if got := noticed(r); got != test.want {
				t.Errorf("got %q, want %q\n%s", got, test.want, r.JSON())
			}
			wantVerdict := Pass
			if strings.Contains(test.want, "fail ") {
				wantVerdict = Fail
			}
			if r.Verdict != wantVerdict {
				t.Errorf("verdict %s, want %s", r.Verdict, wantVerdict)
			}
			if r.Approval != test.approval {
				t.Errorf("approval %s, want %s", r.Approval, test.approval)
			}
			if again := mustJudge(t, b, test.head); !bytes.Equal(again.JSON(), r.JSON()) {
				t.Error("a second judgement differs")
			}
		})
	}
}

// Every change of status is a kind of its own.
func TestJudgeStatus(t *testing.T) {
	plain := entry("hello", "1.0.0")
	retired := func(since string) *index.Entry {
		return entry("hello", "1.0.0", func(e *index.Entry) {
			e.Retired = &index.Retired{Reason: "deprecated", Message: "use goodbye", Since: since}
		})
	}
	for _, test := range []struct {
		before, after *index.Entry
		kind, want    string
	}{
		{plain, entry("hello", "1.0.0", yanked), "yank", ""},
		{entry("hello", "1.0.0", yanked), plain, "unyank", ""},
		{plain, retired("2026-01-01T00:00:00Z"), "retire", ""},
		{retired("2026-01-01T00:00:00Z"), plain, "unretire", ""},
		{plain, retired("2027-01-01T00:00:00Z"), "retire", "fail time/future"},
		{plain, entry("hello", "1.0.0", licensed("ISC")), "", "fail delta/append-only"},
	} {
		r := mustJudge(t, tree(t, []*index.Entry{test.before}), tree(t, []*index.Entry{test.after}))
		if got := noticed(r); got != test.want || r.Change.Kind != test.kind {
			t.Errorf("%s: got %s %q, want %s %q", test.after.AppendLine(nil), r.Change.Kind, got, test.kind, test.want)
		}
	}
}

func TestRulesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.ID] || r.Summary == "" || strings.Count(r.ID, "/") != 1 {
			t.Errorf("rule %+v", r)
		}
		seen[r.ID] = true
	}
}

// Whether dependencies go together is asked as clients of the index ask it.
func TestJudgeCoexistence(t *testing.T) {
	lines := []*index.Entry{
		entry("base", "1.0.0"), entry("base", "2.0.0"), entry("old", "1.0.0", depends("base", "^1")),
	}
	added := append(slices.Clone(lines), entry("both", "1.0.0", depends("old", "^1"), depends("base", "^2")))
	for versions, want := range map[string]string{"one-version": "fail dependency/resolve", "cargo": ""} {
		in := func(entries []*index.Entry) fs.FS {
			files := tree(t, entries)
			files["config.json"] = &fstest.MapFile{Mode: 0o644, Data: (&index.Config{
				DL: "https://example.org/dl", Clyde: index.ClydeConfig{Format: 1, Name: "test", Versions: versions},
			}).Format()}
			return files
		}
		if got := noticed(mustJudge(t, in(lines), in(added))); !strings.Contains(got, want) || want == "" && strings.Contains(got, "dependency/") {
			t.Errorf("%s: %q, want %q", versions, got, want)
		}
	}
}
