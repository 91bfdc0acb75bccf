package attest_test

import (
	"strings"
	"testing"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/attest/attesttest"
)

// What the tests sign: version 1.2.3 of hello, built from its tag by its own
// release workflow.
const (
	registry   = "example"
	repository = "https://github.com/acme/hello"
	ref        = "refs/tags/v1.2.3"
	commit     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	workflow   = repository + "/.github/workflows/release.yml@" + ref
)

func entry() *index.Entry {
	return &index.Entry{
		Name: "hello", Vers: "1.2.3", Cksum: strings.Repeat("ab", 32),
		Pubtime: "2026-01-02T03:04:05Z", Size: 1234,
		Source: &index.Source{Repository: repository, RepositoryID: 17, OwnerID: 4, Ref: ref, Commit: commit},
	}
}

func identity() attest.Identity {
	return attest.Identity{
		Issuer: attest.GitHubIssuer, Repository: repository, RepositoryID: 17, OwnerID: 4,
		Workflow: ".github/workflows/release.yml", Runner: "github-hosted",
	}
}

func expected() attest.Expected {
	return attest.Expected{Entry: entry(), Registry: registry, Identities: []attest.Identity{identity()}}
}

func claims() attesttest.Claims {
	return attesttest.Claims{Extensions: certificate.Extensions{
		Issuer: attest.GitHubIssuer, BuildSignerURI: workflow, BuildSignerDigest: commit, RunnerEnvironment: "github-hosted",
		SourceRepositoryURI: repository, SourceRepositoryDigest: commit, SourceRepositoryRef: ref,
		SourceRepositoryIdentifier: "17", SourceRepositoryOwnerURI: "https://github.com/acme", SourceRepositoryOwnerIdentifier: "4",
		BuildConfigURI: workflow, BuildConfigDigest: commit, BuildTrigger: "release",
		RunInvocationURI: repository + "/actions/runs/1/attempts/1", SourceRepositoryVisibilityAtSigning: "public",
	}}
}

func statement(t testing.TB) []byte {
	t.Helper()
	s, err := attest.NewStatement(entry(), registry)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func request(t testing.TB) attesttest.Request {
	t.Helper()
	return attesttest.Request{Statement: statement(t), Claims: claims()}
}
