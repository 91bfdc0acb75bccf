package review

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/clydepm/clyde/internal/attest"
)

func TestOwnersIdentities(t *testing.T) {
	owners, err := ParseOwners("owners.yaml", []byte(`
publishers:
  - repository: https://github.com/acme/hello.git
    repository-id: 17
    owner-id: 4
    workflow: .github/workflows/release.yml
    tags: ["v{version}"]
    triggers: [release]
    runner: github-hosted
    signer:
      workflow: https://github.com/acme/actions/.github/workflows/publish.yml
      refs: [refs/tags/v1]
    until: "2027-01-01T00:00:00Z"
  - key: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []attest.Identity{
		{
			Repository: "https://github.com/acme/hello", RepositoryID: 17, OwnerID: 4,
			Tags: []string{"v{version}"}, Workflow: ".github/workflows/release.yml",
			Signer: "https://github.com/acme/actions/.github/workflows/publish.yml", SignerRefs: []string{"refs/tags/v1"},
			Triggers: []string{"release"}, Runner: "github-hosted", Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		},
		{Key: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
	}
	if got := owners.Identities(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nexpected %+v", got, want)
	}
}

func TestOwnersOfSignersRefused(t *testing.T) {
	for text, want := range map[string]string{
		"key: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=, runner: self-hosted": "not both",
		"key: abc": "not the ID of a key",
		"repository: https://example.org/a, runner: mine":                                                                    "no kind of runner",
		"repository: https://example.org/a, tags: [refs/tags/v1]":                                                            "without refs/tags/",
		"repository: https://example.org/a, triggers: [Release]":                                                             "event",
		"repository: https://example.org/a, until: tomorrow":                                                                 "not a time",
		"repository: https://example.org/a, signer: {workflow: https://example.org/a, refs: [refs/tags/v1]}":                 "not the URL of a workflow",
		"repository: https://example.org/a, signer: {workflow: https://example.org/a/.github/workflows/p.yml, refs: [main]}": "refs/tags/NAME",
		"repository: https://example.org/a, signer: {workflow: https://example.org/a/.github/workflows/p.yml, refs: []}":     "names none",
	} {
		_, err := ParseOwners("owners.yaml", []byte("publishers: [{"+text+"}]\n"))
		if err == nil || !strings.Contains(err.Error()+hints(err), want) {
			t.Errorf("%s: %v, expected %q", text, err, want)
		}
	}
}

func hints(err error) string {
	texts, ok := err.(interface{ Text() string })
	if !ok {
		return ""
	}
	return texts.Text()
}

func TestTrustIsLookedAt(t *testing.T) {
	base := fstest.MapFS{"config.json": {Data: []byte("{}\n"), Mode: 0o644}}
	head := fstest.MapFS{"config.json": base["config.json"], "trust/keys/release.pem": {Data: []byte("no key\n"), Mode: 0o644}}
	report, err := Judge(Input{Base: base, Head: head, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if report.Verdict != Fail || report.Approval != Person {
		t.Errorf("verdict %s, approval %s", report.Verdict, report.Approval)
	}
	for _, f := range report.Findings {
		if (f.Status == Fail) != (f.Check == "trust/valid") {
			t.Errorf("%+v", f)
		}
	}
}

// TestOwnersRegistry reads how exact a signature's registry has to be.
func TestOwnersRegistry(t *testing.T) {
	const publisher = "publishers:\n  - repository: https://example.org/hello\n"
	for text, exact := range map[string]bool{"": false, "registry: any\n": false, "registry: exact\n": true} {
		owners, err := ParseOwners("owners.yaml", []byte(publisher+text))
		if err != nil || owners.Identities()[0].ExactRegistry != exact {
			t.Errorf("%q: %+v, %v", text, owners, err)
		}
	}
	if _, err := ParseOwners("owners.yaml", []byte(publisher+"registry: mine\n")); err == nil {
		t.Error("a registry that is neither exact nor any is accepted")
	}
}
