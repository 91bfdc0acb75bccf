package attest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/attest/attesttest"
)

func run() attest.Run {
	return attest.Run{
		ServerURL: "https://github.com", Repository: "acme/hello", RepositoryID: "17", RepositoryOwnerID: "4",
		WorkflowRef: "acme/hello/.github/workflows/release.yml@" + ref, Ref: ref, SHA: commit,
		EventName: "release", RunID: "1", RunAttempt: "2", RunnerEnvironment: "github-hosted",
	}
}

func TestProvenance(t *testing.T) {
	a := attesttest.New(t)
	profile := profileOf(t, a)
	s, err := attest.NewProvenance(entry(), run())
	if err != nil {
		t.Fatal(err)
	}
	signed := a.Sign(t, attesttest.Request{Statement: s, Claims: claims()})
	_, got, err := profile.VerifyProvenance(signed, expected())
	if err != nil {
		t.Fatal(err)
	}
	want := attest.Provenance{
		BuildType: attest.WorkflowBuildType, Builder: workflow,
		Invocation: repository + "/actions/runs/1/attempts/2", Source: "git+" + repository + "@" + ref, Commit: commit,
	}
	if *got != want {
		t.Errorf("%+v, expected %+v", *got, want)
	}

	other := expected()
	other.Entry.Cksum = strings.Repeat("cd", 32)
	_, _, err = profile.VerifyProvenance(signed, other)
	var rejected *attest.RejectedError
	if !errors.As(err, &rejected) || len(rejected.Failed) != 1 || rejected.Failed[0].ID != attest.CheckSubjectDigest {
		t.Errorf("for another archive: %v", err)
	}
	for name, c := range map[string]struct {
		run   func(r *attest.Run)
		check string
	}{
		"another builder": {func(r *attest.Run) { r.Builder = "https://github.com/acme/hello/.github/workflows/other.yml@" + ref }, attest.CheckBuilder},
		"another commit":  {func(r *attest.Run) { r.SHA = strings.Repeat("b", 40) }, ""},
	} {
		r := run()
		c.run(&r)
		s, err := attest.NewProvenance(entry(), r)
		if err != nil {
			t.Fatal(err)
		}
		_, found, err := profile.VerifyProvenance(a.Sign(t, attesttest.Request{Statement: s, Claims: claims()}), expected())
		switch {
		case c.check == "" && (err != nil || found.Commit != commit):
			t.Errorf("%s: the source of the line is not found: %+v, %v", name, found, err)
		case c.check != "" && (!errors.As(err, &rejected) || len(rejected.Failed) != 1 || rejected.Failed[0].ID != c.check):
			t.Errorf("%s: %v", name, err)
		}
	}
	moved := entry()
	moved.Source.Commit = strings.Repeat("b", 40)
	s, err = attest.NewProvenance(moved, run())
	if err != nil {
		t.Fatal(err)
	}
	bare := strings.ReplaceAll(string(s), moved.Source.Commit, strings.Repeat("c", 40))
	other = expected()
	other.Entry = moved
	v, _, _ := profile.VerifyProvenance(a.Sign(t, attesttest.Request{Statement: []byte(bare), Claims: claims()}), other)
	if i := slices.IndexFunc(v.Checks, func(c attest.Check) bool { return c.ID == attest.CheckSource }); v.Checks[i].Status != attest.Fail {
		t.Errorf("a commit that was not built: %+v", v.Checks[i])
	}
	if got := attest.BuilderOf(signed); got != workflow {
		t.Errorf("the builder is %q", got)
	}
	if got := attest.BuilderOf([]byte("{}")); got != "" {
		t.Errorf("no bundle has the builder %q", got)
	}
	// Neither bundle stands for the other.
	if _, err := profile.Verify(signed, expected()); !errors.Is(err, attest.ErrRejected) {
		t.Errorf("provenance as a publication: %v", err)
	}
	if _, _, err := profile.VerifyProvenance(a.Sign(t, request(t)), expected()); !errors.Is(err, attest.ErrRejected) {
		t.Errorf("a publication as provenance: %v", err)
	}
}

func TestProvenanceNeedsARun(t *testing.T) {
	r := run()
	r.SHA, r.RunID = "", ""
	_, err := attest.NewProvenance(entry(), r)
	if !errors.Is(err, attest.ErrSign) || !strings.Contains(err.Error(), "GITHUB_SHA, GITHUB_RUN_ID") {
		t.Errorf("%v", err)
	}
}
