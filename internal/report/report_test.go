package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/clydepm/clyde/internal/markdown"
	"github.com/clydepm/clyde/internal/markdown/markdowntest"
	"github.com/clydepm/clyde/internal/report"
	"github.com/clydepm/clyde/internal/review"
)

// checked are findings for some rules: those given, and for the others that they
// passed or had nothing to check.
func checked(given ...review.Finding) []review.Finding {
	var all []review.Finding
	for _, id := range []string{
		"policy/base", "tree/readable", "delta/empty", "delta/path", "delta/append-only", "name/length", "name/unique", "line/json", "line/canonical",
		"line/cksum", "time/future", "version/order", "version/gap", "dependency/exists", "dependency/yanked", "license/changed", "attestation/present",
		"owners/valid", "owners/source",
	} {
		f := review.Finding{Check: id, Status: review.Pass}
		if strings.HasPrefix(id, "name/") {
			f.Status, f.Detail = review.Skip, "not for a change of kind publish (new version)"
		}
		for _, g := range given {
			if g.Check == id {
				f = g
			}
		}
		all = append(all, f)
	}
	return all
}

// sample is a new version that a person has to look at.
func sample() *review.Report {
	return &review.Report{
		Verdict: review.Pass, Decision: review.NeedsPerson, Approval: review.Person,
		Change: review.Change{Kind: "publish", Package: "fmtlog", Versions: []string{"1.5.0"}},
		People: []review.Need{
			{Check: "license/changed", Why: "the policy wants a person to look at a changed licence"},
			{Check: "approval.new-version", Why: "1 approval by a person with write access is missing"},
		},
		Binding: review.Binding{
			Base: "4b825dc642cb6eb9a060e54bf8d69288fbee4904", Head: "9f2c4d1ab0e8c7d6e5f40312a4b5c6d7e8f90a1b",
			Policy: "sha256:838950475f4830ccea47445878fa6495f5bec98d48af8025d612cf774168257a",
		},
		Findings: checked(
			review.Finding{Check: "version/gap", Status: review.Pass, Where: "fm/tl/fmtlog 1.5.0", Detail: "the version before is 1.3.2; 1.4.0 was skipped"},
			review.Finding{Check: "license/changed", Status: review.Warn, Where: "fm/tl/fmtlog 1.5.0: license", Detail: `"Apache-2.0", and 1.3.2 has "MIT"`},
			review.Finding{Check: "dependency/yanked", Status: review.Warn, Where: "fm/tl/fmtlog 1.5.0: deps[0]", Detail: "every version of zlib-ng that satisfies ^2.1 is yanked", Hint: "require a version that is not yanked"},
		),
		Diffs: []review.Diff{{
			Version: "1.5.0", Previous: "1.3.2", Size: review.Sizes{Before: 48_210, After: 61_950},
			License:      &review.Words{Before: "MIT", After: "Apache-2.0"},
			Dependencies: []review.Difference{{Name: "fmt", Before: "^9.1", After: "^10"}, {Name: "zlib-ng", After: "^2.1"}, {Name: "spdlog", Before: "^1.12"}},
			External:     []review.Difference{{Name: "apt:libzstd-dev", After: "apt:libzstd-dev"}},
			Hooks:        []review.Difference{{Name: "post-install", After: "cmake --build . --target warm-cache"}},
			Native:       []review.FileDiff{{Path: "prebuilt/libfmtlog.a", Sizes: review.Sizes{After: 18_300}}},
			Files: &review.FileDiffs{
				Added:   []review.FileDiff{{Path: "prebuilt/libfmtlog.a", Sizes: review.Sizes{After: 18_300}}, {Path: "src/empty.h"}},
				Removed: []review.FileDiff{{Path: "include/fmtlog/legacy.h", Sizes: review.Sizes{Before: 2_100}}},
				Changed: []review.FileDiff{{Path: "LICENSE", Sizes: review.Sizes{Before: 1_071, After: 11_357}}, {Path: "include/fmtlog/log.h", Sizes: review.Sizes{Before: 9_400, After: 9_812}}},
			},
		}},
		Signers: []review.Signer{{
			Version: "1.5.0", Verified: true, Identity: "https://github.com/example/fmtlog/.github/workflows/release.yml@refs/tags/v1.5.0",
			Profile: "sigstore.dev", SignedAt: "2026-01-02T02:58:11Z", Repository: "https://github.com/example/fmtlog", RepositoryID: "88112233", OwnerID: "4711",
			Commit: "b1946ac92492d2347c6235b4d2611184c2a0f3de", Recorded: "https://github.com/example/fmtlog, release.yml, v*",
		}},
		Reproduce: "clyde review --index example/index --pull 128 --base 4b825dc642cb6eb9a060e54bf8d69288fbee4904 --head 9f2c4d1ab0e8c7d6e5f40312a4b5c6d7e8f90a1b --at 2026-01-02T03:04:05Z --format json",
	}
}

func samples() map[string]*review.Report {
	merge := sample()
	merge.Decision, merge.Approval, merge.People, merge.Findings = review.Merge, review.Automatic, nil, checked()
	wait := sample()
	wait.Decision, wait.NotBefore, wait.People = review.Wait, time.Date(2026, 1, 5, 3, 4, 5, 0, time.UTC), nil
	refuse := sample()
	refuse.Verdict, refuse.Decision = review.Fail, review.Refuse
	refuse.Signers[0].Verified, refuse.Signers[0].Recorded = false, ""
	refuse.Findings = checked(
		review.Finding{Check: "line/canonical", Status: review.Fail, Where: "fm/tl/fmtlog:4: deps[0].req", Detail: "not in canonical form", Hint: "write the line as clyde does: 'clyde publish --dry-run' shows it"},
		review.Finding{Check: "owners/source", Status: review.Fail, Where: "fm/tl/fmtlog 1.5.0: source", Detail: `"https://github.com/examp1e/fmtlog" (repository 99 of owner 4711) is none of the repositories that its owners name`, Hint: "publish from a repository that the owners file names, or change that file first"},
		review.Finding{Check: "license/changed", Status: review.Warn, Where: "fm/tl/fmtlog 1.5.0: license", Detail: `"Apache-2.0", and 1.3.2 has "MIT"`},
	)
	bare := &review.Report{Verdict: review.Fail, Decision: review.Refuse, Findings: checked(review.Finding{Check: "delta/empty", Status: review.Fail, Detail: "nothing changes"})}
	return map[string]*review.Report{
		"person": sample(), "merge": merge, "wait": wait, "refuse": refuse, "bare": bare,
		"hostile": hostile("@octo/team #1 GH-2 <script>alert(1)</script> [x](https://evil.example/) ![i](https://evil.example/i.png)\n\n# h | ``` </details> --> \x1b[31m\u202e\u200bwww.evil.example deadbeefdeadbeef {0}"),
	}
}

// hostile is a report of which every text is from outside.
func hostile(text string) *review.Report {
	r := sample()
	r.Decision, r.Verdict = review.Refuse, review.Fail
	r.Findings = append(r.Findings, review.Finding{Check: "x", Status: review.Fail, Where: "x", Detail: "x", Hint: "x"},
		review.Finding{Check: "x", Status: review.Skip, Where: "x", Detail: "x", Hint: "x"})
	fill(reflect.ValueOf(r).Elem(), text)
	return r
}

// fill sets every text but those that a program compares.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fill(v.Elem(), text)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	case reflect.Struct:
		if _, isTime := v.Interface().(time.Time); isTime {
			return
		}
		for i := range v.NumField() {
			switch v.Type().Field(i).Name {
			case "Verdict", "Decision", "Approval", "Status":
			default:
				fill(v.Field(i), text)
			}
		}
	case reflect.String:
		v.SetString(text)
	}
}

func head() fstest.MapFS {
	return fstest.MapFS{"fm/tl/fmtlog": {Data: []byte(`{"name":"fmtlog","vers":"1.3.2","deps":[],"cksum":"","features":{},"yanked":false}` + "\n" +
		`{"name":"fmtlog","vers":"1.5.0","deps":[],"cksum":"","features":{},"yanked":false}` + "\n")}}
}

func TestGoldenForms(t *testing.T) {
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			if err := report.WriteText(&text, r); err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/forms/"+name+".txt", text.Bytes())
			golden(t, "testdata/forms/"+name+".md", withoutRules(t, report.Markdown(r)))
			golden(t, "testdata/forms/"+name+".sarif", withoutRules(t, string(report.SARIF(r, head(), "0.0.0"))))
			state, description := report.Status(r)
			golden(t, "testdata/forms/"+name+".status", []byte(state+"\n"+description+"\n"))
		})
	}
}

// withoutRules puts the ID of a rule in place of what package review says about
// it, which is that package's to change.
func withoutRules(t *testing.T, text string) []byte {
	t.Helper()
	var pairs []string
	for _, rule := range review.Rules() {
		quoted, err := json.Marshal(rule.Summary)
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, "| "+markdown.CellProse(rule.Summary)+" |", "| what "+rule.ID+" asks |", strings.Trim(string(quoted), `"`), "what "+rule.ID+" asks")
	}
	return []byte(strings.NewReplacer(pairs...).Replace(text))
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if os.Getenv("CLYDE_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// expected is what a page of ours has of its own.
func expected() markdowntest.Expected {
	return markdowntest.Expected{
		Elements: []string{"h3", "h4", "ul", "li", "br", "details", "summary", "b", "em", "sub", "a"}, Links: []string{report.RulesURL},
	}
}

// checkPage looks at a page as a host renders it.
func checkPage(t *testing.T, page string) {
	t.Helper()
	if len(page) > report.MaxMarkdown {
		t.Errorf("the page has %d bytes", len(page))
	}
	body, ok := strings.CutPrefix(page, report.Marker+"\n")
	if !ok || strings.Contains(body, report.Marker) && !strings.Contains(body, "`") {
		t.Errorf("the page starts with %q", page[:min(len(page), 60)])
	}
	active, err := markdowntest.Active(body, expected())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range active {
		t.Errorf("the page has %s", a)
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestPagesAreInert(t *testing.T) {
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) { checkPage(t, report.Markdown(r)) })
	}
}

// A report with thousands of long texts stays within what hosts take, says what
// it cut, and still has every part.
func TestHugeReport(t *testing.T) {
	r := sample()
	long := strings.Repeat("`|<@ö ", 200)
	for range 400 {
		r.Findings = append(r.Findings,
			review.Finding{Check: "line/json", Status: review.Fail, Where: long, Detail: long, Hint: long},
			review.Finding{Check: "line/json", Status: review.Warn, Where: long, Detail: long, Hint: long},
			review.Finding{Check: "line/type", Status: review.Skip, Detail: long})
		r.People = append(r.People, review.Need{Check: long, Why: long})
		d := &r.Diffs[0]
		d.Dependencies = append(d.Dependencies, review.Difference{Name: long, Before: long, After: long})
		d.Files.Added = append(d.Files.Added, review.FileDiff{Path: long})
		r.Change.Versions = append(r.Change.Versions, long)
	}
	for range 50 {
		r.Diffs = append(r.Diffs, r.Diffs[0])
		r.Signers = append(r.Signers, r.Signers[0])
	}
	for _, decision := range []string{review.Refuse, review.NeedsPerson} {
		r.Decision = decision
		page := report.Markdown(r)
		checkPage(t, page)
		for _, part := range []string{"What is wrong", "Worth a look", "<details>", "What `1.5.0` changes", "The same report on your machine", "did not fit here", "and about nothing that is pushed later"} {
			if !strings.Contains(page, part) {
				t.Errorf("the page does not say %q", part)
			}
		}
	}
}

func TestSARIF(t *testing.T) {
	schema := sarifSchema(t)
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) {
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.SARIF(r, head(), "0.0.0")))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(report.SARIF(samples()["refuse"], head(), ""), &log); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range log.Runs[0].Results {
		if id := log.Runs[0].Tool.Driver.Rules[x.RuleIndex].ID; id != x.RuleID {
			t.Errorf("the rule of %s is %s", x.RuleID, id)
		}
		at := x.Locations[0].PhysicalLocation
		got = append(got, strings.Join([]string{x.Level, x.RuleID, at.ArtifactLocation.URI, string(rune('0' + at.Region.StartLine))}, " "))
	}
	want := []string{"error line/canonical fm/tl/fmtlog 4", "error owners/source fm/tl/fmtlog 2", "warning license/changed fm/tl/fmtlog 2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestPlaceOf(t *testing.T) {
	for where, want := range map[string]report.Place{
		"":                                {},
		"fm/tl/fmtlog:3":                  {File: "fm/tl/fmtlog", Line: 3},
		"fm/tl/fmtlog:3: deps[0].req":     {File: "fm/tl/fmtlog", Line: 3},
		"fm/tl/fmtlog 1.5.0: att":         {File: "fm/tl/fmtlog", Line: 2},
		"fm/tl/fmtlog 1.5.0":              {File: "fm/tl/fmtlog", Line: 2},
		"fm/tl/fmtlog 9.0.0: att":         {File: "fm/tl/fmtlog"},
		"policy.yaml":                     {File: "policy.yaml"},
		"policy.yaml: rules":              {File: "policy.yaml"},
		"../../etc/passwd":                {},
		"/etc/passwd:3":                   {},
		"a file with spaces":              {File: "a file with spaces"},
		"x:99999999999999999999999: deps": {File: "x:99999999999999999999999"},
	} {
		if got := report.PlaceOf(review.Finding{Where: where}, head()); got != want {
			t.Errorf("PlaceOf(%q) = %+v, want %+v", where, got, want)
		}
	}
}

// FuzzForms puts one text in every place of a report that may be from outside,
// and looks at every form.
func FuzzForms(f *testing.F) {
	for _, seed := range []string{
		"hello", "@octo #1", "|", "`", "``` \n", "</details>", "[x](1) {0}", "\x1b]0;t\a", "\u202e\u200b", "a: b", "fm/tl/fmtlog:2: x", "<!-- clyde review -->",
		strings.Repeat("x@y ", 400), "\xff\xfe", "www.x.yz", "::set-output name=x::y", "\\|", "- a\n- b", "1.0.0",
	} {
		f.Add(seed)
	}
	schema, err := jsonschema.NewCompiler().Compile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := hostile(text)
		checkPage(t, report.Markdown(r))
		_, description := report.Status(r)
		if utf8.RuneCountInString(description) > report.MaxStatus || strings.ContainsAny(description, "\n\x1b\u202e\u200b") {
			t.Errorf("the status is %q", description)
		}
		var shown bytes.Buffer
		if err := report.WriteText(&shown, r); err != nil || bytes.ContainsAny(shown.Bytes(), "\x1b\a\u202e\u200b") {
			t.Errorf("the text is %q (%v)", shown.Bytes(), err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.SARIF(r, head(), "0.0.0")))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%v", err)
		}
	})
}
