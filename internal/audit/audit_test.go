package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/review"
)

const repository = "https://github.com/example/hello"

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func published() *index.Entry {
	return &index.Entry{
		Name: "hello", Vers: "1.0.0", Cksum: digest("archive"), Size: 7,
		DL:     repository + "/releases/download/v1.0.0/hello-1.0.0.tar.gz",
		Builds: []index.Build{{Platform: "linux-x86_64", DL: "https://example.org/b", Cksum: digest("build"), Size: 5}},
		Source: &index.Source{Repository: repository, RepositoryID: 1, OwnerID: 2, Ref: "refs/tags/v1.0.0", Commit: strings.Repeat("a", 40), TagObject: strings.Repeat("b", 40)},
		Att:    &index.Attestation{URL: "https://example.org/s", SHA256: digest("bundle")},
	}
}

func unchanged() *review.Evidence {
	return &review.Evidence{
		Repository: &review.Repository{URL: repository, RepositoryID: 1, OwnerID: 2},
		Tag:        &review.Tag{Commit: strings.Repeat("a", 40), Object: strings.Repeat("b", 40)},
		Release:    &review.Release{},
		Archive:    &review.File{URL: "https://example.org/a", SHA256: digest("archive"), Size: 7},
		Builds:     map[string]*review.File{"linux-x86_64": {SHA256: digest("build"), Size: 5}},
		Bundle:     []byte("bundle"),
	}
}

// options audit every version with the same evidence and signature.
func options(ev *review.Evidence, signature error) Options {
	return Options{
		Gather: func(context.Context, *index.Entry) (*review.Evidence, func() error, error) {
			return ev, func() error { return nil }, nil
		},
		Verify: func(*index.Entry, []byte) error { return signature },
		Jobs:   2,
	}
}

// Each accident is a finding of its own, and the only one.
func TestAccidents(t *testing.T) {
	miss := func(what, detail string) func(*review.Evidence) {
		return func(ev *review.Evidence) { ev.Missing = append(ev.Missing, review.Missing{What: what, Detail: detail}) }
	}
	reached := map[string]bool{}
	for name, c := range map[string]struct {
		happen    func(ev *review.Evidence)
		signature error
		check     string // "" for none
		status    string
	}{
		"nothing":                {happen: func(*review.Evidence) {}},
		"archive replaced":       {happen: func(ev *review.Evidence) { ev.Archive.SHA256 = digest("evil") }, check: "audit/archive-replaced"},
		"archive larger":         {happen: miss("archive", "more than 7 bytes"), check: "audit/archive-replaced"},
		"build replaced":         {happen: func(ev *review.Evidence) { ev.Builds["linux-x86_64"].SHA256 = digest("evil") }, check: "audit/archive-replaced"},
		"build larger":           {happen: miss("builds.linux-x86_64", "more than 5 bytes"), check: "audit/archive-replaced"},
		"archive gone":           {happen: miss("archive", "404 Not Found"), check: "audit/archive-gone"},
		"build gone":             {happen: miss("builds.linux-x86_64", "410 Gone"), check: "audit/archive-gone"},
		"tag moved":              {happen: func(ev *review.Evidence) { ev.Tag.Commit = strings.Repeat("c", 40) }, check: "audit/tag-moved"},
		"tag made again":         {happen: func(ev *review.Evidence) { ev.Tag.Object = "" }, check: "audit/tag-moved"},
		"tag gone":               {happen: func(ev *review.Evidence) { ev.Tag = nil; miss("tag", "not found")(ev) }, check: "audit/tag-gone"},
		"release gone":           {happen: miss("release", "not found"), check: "audit/release-gone"},
		"repository gone":        {happen: func(ev *review.Evidence) { ev.Repository, ev.Tag = nil, nil; miss("repository", "not found")(ev) }, check: "audit/repository-gone"},
		"repository replaced":    {happen: func(ev *review.Evidence) { ev.Repository.RepositoryID = 9 }, check: "audit/repository-replaced"},
		"account name taken":     {happen: func(ev *review.Evidence) { ev.Repository.OwnerID = 9 }, check: "audit/repository-replaced"},
		"signature replaced":     {happen: func(ev *review.Evidence) { ev.Bundle = []byte("other") }, check: "audit/signature-replaced"},
		"signature gone":         {happen: func(ev *review.Evidence) { ev.Bundle = nil; miss("bundle", "404 Not Found")(ev) }, check: "audit/signature-gone"},
		"signer not permitted":   {happen: func(*review.Evidence) {}, signature: &attest.RejectedError{Failed: []attest.Check{{ID: attest.CheckOwnerID, Detail: "other"}}}, check: "audit/identity"},
		"host away":              {happen: miss("archive", "the host cannot be reached"), check: "audit/unreachable", status: review.Skip},
		"overloaded":             {happen: miss("release", "503 Service Unavailable"), check: "audit/unreachable", status: review.Skip},
		"forge without numbers":  {happen: func(ev *review.Evidence) { ev.Repository.RepositoryID, ev.Repository.OwnerID = 0, 0 }},
		"the version before":     {happen: miss("previous", "not found")},
		"forge without releases": {happen: func(ev *review.Evidence) { ev.Release = nil }},
	} {
		ev := unchanged()
		c.happen(ev)
		report, err := Run(t.Context(), []Line{{"he/ll/hello", 3, published()}}, options(ev, c.signature))
		if err != nil || report.Checked != 1 {
			t.Fatalf("%s: %+v %v", name, report, err)
		}
		if c.check == "" {
			if report.Verdict != review.Pass || len(report.Findings) > 0 {
				t.Errorf("%s: %+v", name, report)
			}
			continue
		}
		reached[c.check] = true
		if c.status == "" {
			c.status = review.Fail
		}
		if len(report.Findings) != 1 || report.Findings[0].Check != c.check || report.Findings[0].Status != c.status || report.Findings[0].Where != "he/ll/hello:3" {
			t.Errorf("%s: %+v, want one of %s", name, report.Findings, c.check)
		}
		if (report.Verdict == review.Fail) != (c.status == review.Fail) {
			t.Errorf("%s: %s", name, report.Verdict)
		}
	}
	for _, c := range Checks() {
		if !reached[c.ID] {
			t.Errorf("%s: no accident here leads to it", c.ID)
		}
	}
}

// What was never a release's is not missed as one.
func TestVersionWithoutARelease(t *testing.T) {
	e := published()
	e.DL = "https://example.org/hello-1.0.0.tar.gz"
	ev := unchanged()
	ev.Missing = []review.Missing{{What: "release", Detail: "not found"}}
	report, err := Run(t.Context(), []Line{{"he/ll/hello", 1, e}}, options(ev, nil))
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("%+v %v", report, err)
	}
}

func index100() fstest.MapFS {
	files := fstest.MapFS{"config.json": {Data: []byte("{}")}, "owners/he/ll/hello.yaml": {Data: []byte("x")}}
	for i := range 20 {
		e := published()
		e.Name = fmt.Sprintf("pack%02d", i)
		var text []byte
		for v := range 5 {
			e.Vers, e.Pubtime = fmt.Sprintf("1.%d.0", v), time.Date(2026, 1, 1+v, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
			text = append(e.AppendLine(text), '\n')
		}
		path, _ := index.Path(e.Name)
		files[path] = &fstest.MapFile{Data: text}
	}
	return files
}

func names(lines []Line) string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Entry.Name+"@"+l.Entry.Vers)
	}
	return strings.Join(all, " ")
}

// The samples of one seed are the same every time, and put together they are
// the whole index.
func TestSamplesFollowFromTheSeed(t *testing.T) {
	files := index100()
	var all []Line
	for skip := 0; skip < 100; skip += 30 {
		want := Selection{Seed: "x", Skip: skip, Sample: 30}
		one, total, err := Select(files, want)
		if err != nil || total != 100 {
			t.Fatal(total, err)
		}
		again, _, _ := Select(files, want)
		if names(one) != names(again) {
			t.Errorf("%s, then %s", names(one), names(again))
		}
		all = append(all, one...)
	}
	seen := map[string]bool{}
	for _, l := range all {
		seen[l.Entry.Name+l.Entry.Vers] = true
	}
	if len(all) != 100 || len(seen) != 100 {
		t.Errorf("%d lines, %d of them different", len(all), len(seen))
	}
	other, _, _ := Select(files, Selection{Seed: "y", Sample: 30})
	if names(other) == names(all[:30]) {
		t.Error("another seed gives the same sample")
	}
}

func TestSince(t *testing.T) {
	before, after := index100(), index100()
	path, _ := index.Path("pack07")
	text := string(before[path].Data)
	before[path] = &fstest.MapFile{Data: []byte(text[:strings.LastIndexByte(text[:len(text)-1], '\n')+1])}
	gone, _ := index.Path("pack08")
	delete(before, gone)
	lines, total, err := Select(after, Selection{Since: before})
	want := "pack07@1.4.0 pack08@1.0.0 pack08@1.1.0 pack08@1.2.0 pack08@1.3.0 pack08@1.4.0"
	if err != nil || total != 6 || names(lines) != want || lines[0].Number != 5 {
		t.Errorf("since a commit: %s %v", names(lines), err)
	}
	lines, _, err = Select(after, Selection{From: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)})
	if err != nil || len(lines) != 20 || lines[0].Entry.Vers != "1.4.0" {
		t.Errorf("since a date: %s %v", names(lines), err)
	}
}

// An audit that is broken off tells how far it came, and goes on from there.
func TestBrokenOff(t *testing.T) {
	lines, _, err := Select(index100(), Selection{Seed: "x"})
	if err != nil {
		t.Fatal(err)
	}
	position := map[*index.Entry]int{}
	for i, l := range lines {
		position[l.Entry] = i
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running, most atomic.Int32
	var first sync.WaitGroup
	first.Add(40)
	opts := options(unchanged(), nil)
	opts.Jobs = 3
	opts.Gather = func(ctx context.Context, e *index.Entry) (*review.Evidence, func() error, error) {
		now := running.Add(1)
		defer running.Add(-1)
		if now > most.Load() {
			most.Store(now)
		}
		if position[e] >= 40 {
			first.Wait()
			cancel()
			return nil, nil, context.Canceled
		}
		ev := unchanged()
		ev.Archive.SHA256 = digest("evil")
		return ev, func() error { first.Done(); return nil }, nil
	}
	report, err := Run(ctx, lines, opts)
	if !errors.Is(err, context.Canceled) || report.Checked < 38 || report.Checked > 40 || len(report.Findings) != report.Checked {
		t.Fatalf("%d checked, %d findings, %v", report.Checked, len(report.Findings), err)
	}
	if !slices.IsSortedFunc(report.Findings, func(a, b Finding) int { return strings.Compare(a.Package, b.Package) }) {
		t.Error("the findings are in no order")
	}
	if most.Load() > 3 {
		t.Errorf("%d at a time", most.Load())
	}
}
