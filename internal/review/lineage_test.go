package review

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/history"
)

// indexKey makes a key that may speak for an index.
func indexKey(t *testing.T) (signer *attest.Signer, public []byte) {
	t.Helper()
	private, public, err := attest.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err = attest.WithKey(private, nil, attest.Services{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return signer, public
}

// squashed is an index and what it is after a squash.
func squashed(t *testing.T, signer *attest.Signer, public []byte, edit func(*index.Squash)) (base, head fstest.MapFS) {
	t.Helper()
	file := func(data []byte) *fstest.MapFile { return &fstest.MapFile{Data: data, Mode: 0o644} }
	config := &index.Config{DL: "https://dl.example.org", Clyde: index.ClydeConfig{Format: 1, Name: "main"}}
	base = fstest.MapFS{
		"config.json":         file(config.Format()),
		"trust/index/key.pem": file(public),
		"he/ll/hello":         file(append(entry("hello", "1.0.0").AppendLine(nil), '\n')),
	}
	record := &index.Squash{Head: strings.Repeat("a", 40), Snapshot: "snapshot-2026-01-02-1", Date: "2026-01-02T03:00:00Z", Reason: "yearly"}
	var err error
	if record.Key, err = signer.KeyID(); err != nil {
		t.Fatal(err)
	}
	if record.Signature, err = signer.SignPayload(t.Context(), index.SquashPayloadType, record.Payload("main")); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(record)
	}
	config.Clyde.Squash = record
	head = fstest.MapFS{"config.json": file(config.Format()), "trust/index/key.pem": base["trust/index/key.pem"], "he/ll/hello": base["he/ll/hello"]}
	return base, head
}

func failed(r *Report) string {
	var all []string
	for _, f := range r.Findings {
		if f.Status == Fail {
			all = append(all, f.Check)
		}
	}
	return strings.Join(slices.Compact(all), " ")
}

func TestSquash(t *testing.T) {
	signer, public := indexKey(t)
	stranger, _ := indexKey(t)
	old := strings.Repeat("a", 40)
	for name, c := range map[string]struct {
		edit    func(*index.Squash)
		signer  *attest.Signer
		tree    func(head fstest.MapFS)
		base    string
		lineage *Lineage
		want    string // what fails
	}{
		"good":                             {base: old, lineage: &Lineage{Kind: history.Squashed}},
		"nobody looked at the commits":     {},
		"goes on with the history":         {base: old, lineage: &Lineage{Kind: history.Forward}, want: "squash/root"},
		"of another commit":                {base: strings.Repeat("b", 40), want: "squash/head"},
		"of tomorrow":                      {edit: func(s *index.Squash) { s.Date = "2026-01-03T03:00:00Z" }, want: "squash/date squash/signature"},
		"for another reason":               {edit: func(s *index.Squash) { s.Reason = "spring" }, want: "squash/signature"},
		"with a member more":               {edit: func(s *index.Squash) { s.Extra = []index.Member{{Name: "more", Value: []byte("1")}} }, want: "squash/signature"},
		"not signed":                       {edit: func(s *index.Squash) { s.Signature = "bm8=" }, want: "squash/signature"},
		"signed by a stranger":             {signer: stranger, want: "squash/signature"},
		"signed by a key that comes along": {signer: stranger, tree: func(head fstest.MapFS) { head["trust/index/other.pem"] = head["trust/index/key.pem"] }, want: "delta/squash"},
		"with another line": {tree: func(head fstest.MapFS) {
			head["he/ll/hello"] = &fstest.MapFile{Data: append(entry("hello", "1.0.0", yanked).AppendLine(nil), '\n'), Mode: 0o644}
		}, want: "delta/mixed"},
	} {
		t.Run(name, func(t *testing.T) {
			by := signer
			if c.signer != nil {
				by = c.signer
			}
			base, head := squashed(t, by, public, c.edit)
			if c.tree != nil {
				c.tree(head)
			}
			r, err := Judge(Input{Base: base, Head: head, BaseID: c.base, Lineage: c.lineage, Now: now()})
			if err != nil {
				t.Fatal(err)
			}
			if got := failed(r); got != c.want {
				t.Errorf("%q fails, want %q", got, c.want)
			}
			if c.want == "" && (r.Decision != NeedsPerson || r.Change.Kind != string(index.KindSquash)) {
				t.Errorf("%s of kind %s", r.Decision, r.Change.Kind)
			}
		})
	}
}

// Commits that do not follow each other are refused whatever their files are.
func TestLineage(t *testing.T) {
	base := fstest.MapFS{"config.json": {Data: []byte("{}\n"), Mode: 0o644}}
	head := fstest.MapFS{"config.json": base["config.json"], "he/ll/hello": {Data: append(entry("hello", "1.0.0").AppendLine(nil), '\n'), Mode: 0o644}}
	for class, want := range map[error]string{
		history.ErrRewritten: "history/rewritten", history.ErrRolledBack: "history/rolled-back", history.ErrForked: "history/forked", nil: "",
	} {
		var err error
		if class != nil {
			err = &history.Error{Class: class, Detail: "x"}
		}
		lineage, err := LineageOf(history.Step{Kind: history.Forward}, err)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Judge(Input{Base: base, Head: head, Lineage: lineage, Now: now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if got := failed(r); got != want {
			t.Errorf("%v: %q fails, want %q", class, got, want)
		}
	}
	if _, err := LineageOf(history.Step{}, os.ErrPermission); err == nil {
		t.Error("an error of the disk is taken for one of the history")
	}
}

// A change that is about no package is named without a gap.
func TestChangeWithoutPackage(t *testing.T) {
	if got := (Change{Kind: "squash"}).String(); got != "squash" {
		t.Errorf("%q", got)
	}
}
