package evidence_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest/attesttest"
	"github.com/clydepm/clyde/internal/review"
)

func noWait(context.Context, time.Duration) error { return nil }

// failed are the rules that a report says were broken, each once.
func failed(r *review.Report) []string {
	return noticed(r, review.Fail)
}

func noticed(r *review.Report, status string) []string {
	var ids []string
	for _, f := range r.Findings {
		if f.Status == status && !slices.Contains(ids, f.Check) {
			ids = append(ids, f.Check)
		}
	}
	return ids
}

// What a publisher made passes, with its signer proved.
func TestWholeReleasePasses(t *testing.T) {
	w := newWorld(t)
	e := w.release("1.2.3", map[string]string{"include/hello.h": "// new\n"}, nil)
	r := w.judge(w.with(e.AppendLine(nil)))
	if r.Verdict != review.Pass {
		t.Fatalf("%s", r.JSON())
	}
	if len(r.Signers) != 1 || !r.Signers[0].Verified || r.Signers[0].RepositoryID != "17" || r.Signers[0].Recorded == "" {
		t.Errorf("signers %+v", r.Signers)
	}
	if len(r.Diffs) != 1 || r.Diffs[0].Previous != "1.2.2" || r.Diffs[0].Files == nil {
		t.Fatalf("diffs %+v", r.Diffs)
	}
	d := r.Diffs[0].Files
	if fmt.Sprintf("%s %s %s %d", d.Changed[0].Path, d.Changed[1].Path, d.Removed[0].Path, len(d.Added)) != ".clyde/package.yaml include/hello.h gone.txt 0" {
		t.Errorf("files %+v", d)
	}
	if again := w.judge(w.with(e.AppendLine(nil))); !bytes.Equal(again.JSON(), r.JSON()) {
		t.Error("gathered and judged again, the report differs")
	}
}

// Every member of a valid line, each element of its lists and each member of its
// objects, is changed in turn. None passes, and a finding names it.
func TestEveryMemberIsHeldToEvidence(t *testing.T) {
	w := newWorld(t)
	e := w.release("1.2.3", nil, nil)
	line := e.AppendLine(nil)
	if r := w.judge(w.with(line)); r.Verdict != review.Pass {
		t.Fatalf("%s", r.JSON())
	}
	count := 0
	for _, m := range mutations(t, line) {
		parsed, err := index.ParseLine(m.line)
		if err != nil || bytes.Equal(parsed.AppendLine(nil), line) {
			continue // no line, or the same one
		}
		count++
		t.Run(m.member+" "+m.what, func(t *testing.T) {
			r := w.judge(w.with(parsed.AppendLine(nil)))
			if r.Verdict != review.Fail {
				t.Fatalf("passes: %s", m.line)
			}
			if !namesMember(r, m.member) {
				t.Errorf("no finding names it: %v", failed(r))
			}
		})
	}
	t.Logf("%d mutations", count)
	if count < 100 {
		t.Errorf("only %d mutations", count)
	}
	everyFieldIsThere(t, e)
}

// namesMember reports whether a broken rule says that it is this member, or is
// one of the format's, or that of a signature over the whole line.
func namesMember(r *review.Report, member string) bool {
	top, _, _ := strings.Cut(member, ".")
	top, _, _ = strings.Cut(top, "[")
	return slices.ContainsFunc(r.Findings, func(f review.Finding) bool {
		return f.Status == review.Fail &&
			(strings.Contains(f.Where, ": "+top) || strings.HasPrefix(f.Check, "line/") || f.Check == "delta/status" || top == "pubtime" && f.Check == "statement/entry-digest")
	})
}

// mutation is a line with one member changed.
type mutation struct {
	member, what string
	line         []byte
}

// mutations changes every value of the line, and leaves it out.
func mutations(t *testing.T, line []byte) []mutation {
	t.Helper()
	var all []mutation
	var walk func(at string, value any, put func(v any, remove bool) []byte)
	walk = func(at string, value any, put func(v any, remove bool) []byte) {
		if at != "" {
			all = append(all, mutation{at, "removed", put(nil, true)})
		}
		switch v := value.(type) {
		case map[string]any:
			for name, inner := range v {
				walk(join(at, name), inner, func(x any, remove bool) []byte {
					c := maps.Clone(v)
					c[name] = x
					if remove {
						delete(c, name)
					}
					return put(c, false)
				})
			}
		case []any:
			for i, inner := range v {
				walk(fmt.Sprintf("%s[%d]", at, i), inner, func(x any, remove bool) []byte {
					c := slices.Clone(v)
					c[i] = x
					if remove {
						c = slices.Delete(c, i, i+1)
					}
					return put(c, false)
				})
			}
		case string:
			for what, text := range otherTexts(v) {
				all = append(all, mutation{at, what, put(text, false)})
			}
		case json.Number:
			n, err := v.Int64()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, mutation{at, "more", put(n+1, false)})
		case bool:
			all = append(all, mutation{at, "opposite", put(!v, false)})
		}
	}
	var root any
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		t.Fatal(err)
	}
	walk("", root, func(v any, _ bool) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	})
	slices.SortFunc(all, func(a, b mutation) int { return strings.Compare(a.member+a.what, b.member+b.what) })
	return all
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// otherTexts are texts near a text, of the same form where it has one.
func otherTexts(s string) map[string]string {
	texts := map[string]string{"longer": s + "x"}
	if s != "" {
		last := s[len(s)-1]
		other := byte('1')
		if last == '1' {
			other = '2'
		}
		texts["another end"] = s[:len(s)-1] + string(other)
	}
	if strings.HasPrefix(s, "https://") {
		texts["another host"] = "https://evil.example.org/" + strings.TrimPrefix(s, "https://")
	}
	if _, err := time.Parse(time.RFC3339, s); err == nil {
		texts["a second later"] = shifted(s, time.Second)
		texts["a year earlier"] = shifted(s, -365*24*time.Hour)
	}
	return texts
}

func shifted(s string, d time.Duration) string {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return s
	}
	return at.Add(d).Format(index.TimeLayout)
}

// everyFieldIsThere keeps the test from forgetting a field that the format gets:
// the line has a value for each that a new line may have.
func everyFieldIsThere(t *testing.T, e *index.Entry) {
	t.Helper()
	never := []string{"Yanked", "Retired", "Extra", "Links", "Features2"}
	checkFilled(t, "", e, never)
}

// Who else signs, or for what else, is refused, each by its own rule.
func TestOtherSignersAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*attesttest.Claims)
		want   []string
	}{
		"a new repository of the same name": {func(c *attesttest.Claims) { c.SourceRepositoryIdentifier = "99" }, []string{"identity/repository-id"}},
		"an account that took the name over": {func(c *attesttest.Claims) {
			c.SourceRepositoryIdentifier, c.SourceRepositoryOwnerIdentifier = "99", "98"
		}, []string{"identity/repository-id", "identity/owner-id"}},
		"another commit": {func(c *attesttest.Claims) { c.SourceRepositoryDigest = strings.Repeat("c", 40) }, []string{"identity/commit"}},
		"a branch": {func(c *attesttest.Claims) {
			c.SourceRepositoryRef = "refs/heads/main"
			c.BuildConfigURI = repository + "/.github/workflows/release.yml@refs/heads/main"
			c.BuildSignerURI = c.BuildConfigURI
		}, []string{"identity/ref"}},
		"another workflow": {func(c *attesttest.Claims) {
			c.BuildConfigURI = repository + "/.github/workflows/test.yml@refs/tags/v1.2.3"
			c.BuildSignerURI = c.BuildConfigURI
		}, []string{"identity/workflow"}},
		"a fork": {func(c *attesttest.Claims) {
			fork := "https://github.com/mallory/hello"
			c.SourceRepositoryURI, c.SourceRepositoryIdentifier, c.SourceRepositoryOwnerIdentifier = fork, "23", "5"
			c.BuildConfigURI = fork + "/.github/workflows/release.yml@refs/tags/v1.2.3"
			c.BuildSignerURI = c.BuildConfigURI
		}, []string{"identity/repository", "identity/repository-id", "identity/owner-id", "identity/workflow"}},
		"an event of strangers": {func(c *attesttest.Claims) { c.BuildTrigger = "pull_request_target" }, []string{"identity/trigger"}},
		"another issuer":        {func(c *attesttest.Claims) { c.Issuer = "https://issuer.example.org" }, []string{"identity/issuer"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			e := w.release("1.2.3", nil, nil)
			w.sign(e, test.change)
			r := w.judge(w.with(e.AppendLine(nil)))
			got := slices.DeleteFunc(failed(r), func(id string) bool { return strings.HasPrefix(id, "provenance/") })
			if !slices.Equal(got, test.want) {
				t.Errorf("broken: %v, expected %v", got, test.want)
			}
			if r.Signers[0].Verified || r.Decision != review.Refuse {
				t.Errorf("signer %+v, decision %s", r.Signers[0], r.Decision)
			}
		})
	}
}
