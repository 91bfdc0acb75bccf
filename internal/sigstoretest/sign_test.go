package sigstoretest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/sigstoretest"
)

const (
	registry   = "test"
	repository = "octo-org/hello"
	forge      = "https://github.com/"
	commit     = "0123456789abcdef0123456789abcdef01234567"
)

// release is the line of a version that repository published.
func release() *index.Entry {
	return &index.Entry{
		Name: "hello", Vers: "1.2.3", V: 2,
		Cksum: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
		Source: &index.Source{
			Repository: forge + repository, RepositoryID: 1001, OwnerID: 2002,
			Ref: "refs/tags/v1.2.3", Commit: commit,
		},
	}
}

// maintainer is who may sign it.
func maintainer() attest.Identity {
	return attest.Identity{
		Repository: forge + repository, RepositoryID: 1001, OwnerID: 2002,
		Workflow: ".github/workflows/release.yml", Runner: "github-hosted",
	}
}

func expected(who ...attest.Identity) attest.Expected {
	return attest.Expected{Entry: release(), Registry: registry, Identities: who}
}

func claims() sigstoretest.Claims { return sigstoretest.Release(repository, "v1.2.3", commit) }

func statement(t *testing.T) []byte {
	t.Helper()
	data, err := attest.NewStatement(release(), registry)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// keyless signs the release with the token that a workflow has.
func keyless(t *testing.T, services attest.Services, token func() (string, error)) ([]byte, error) {
	t.Helper()
	signer, err := attest.Keyless(services, func(context.Context) (string, error) { return token() }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return signer.Sign(t.Context(), statement(t))
}

func mustKeyless(t *testing.T, stack *sigstoretest.Stack, services attest.Services, c sigstoretest.Claims) []byte {
	t.Helper()
	bundle, err := keyless(t, services, func() (string, error) { return stack.Token(c) })
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

func profile(t *testing.T, trustedRoot []byte) *attest.Profile {
	t.Helper()
	p, err := attest.FromRoot("the test's Sigstore", trustedRoot)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// failures lists the ids of the checks that a bundle fails.
func failures(t *testing.T, p *attest.Profile, bundle []byte, want attest.Expected) []string {
	t.Helper()
	_, err := p.Verify(bundle, want)
	if err == nil {
		return nil
	}
	var rejected *attest.RejectedError
	if !errors.As(err, &rejected) {
		t.Fatalf("%v is not a RejectedError", err)
	}
	var ids []string
	for _, c := range rejected.Failed {
		ids = append(ids, c.ID)
	}
	return ids
}

// TestKeyless signs as a release workflow does and verifies after everything
// that signed is gone, so that only what is in the bundle and in the trusted
// root can have been used.
func TestKeyless(t *testing.T) {
	stack := sigstoretest.Start(t)
	before := time.Now()
	bundle := mustKeyless(t, stack, stack.Services(), claims())
	trusted := profile(t, stack.TrustedRoot())
	stack.Close()

	verified, err := trusted.Verify(bundle, expected(maintainer()))
	if err != nil {
		t.Fatal(err)
	}
	doNotApply := []string{attest.CheckKey, attest.CheckSignerKey, attest.CheckPeriod}
	var want, got []string
	for _, id := range attest.Checks() {
		status := attest.Pass
		if slices.Contains(doNotApply, id) {
			status = attest.Skip
		}
		want = append(want, id+" "+status)
	}
	for _, c := range verified.Checks {
		got = append(got, c.ID+" "+c.Status)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
	if d := verified.SignedAt.Sub(before); d < -2*time.Second || d > time.Minute {
		t.Errorf("signed at %s, but it was %s", verified.SignedAt, before)
	}
	workflow := forge + repository + "/.github/workflows/release.yml@refs/tags/v1.2.3"
	summary := certificate.Summary{
		CertificateIssuer:      "CN=fulcio intermediate,O=clyde tests",
		SubjectAlternativeName: workflow,
		Extensions: certificate.Extensions{
			Issuer:                              attest.GitHubIssuer,
			GithubWorkflowTrigger:               "release",
			GithubWorkflowSHA:                   commit,
			GithubWorkflowName:                  "release",
			GithubWorkflowRepository:            repository,
			GithubWorkflowRef:                   "refs/tags/v1.2.3",
			BuildSignerURI:                      workflow,
			BuildSignerDigest:                   commit,
			RunnerEnvironment:                   "github-hosted",
			SourceRepositoryURI:                 forge + repository,
			SourceRepositoryDigest:              commit,
			SourceRepositoryRef:                 "refs/tags/v1.2.3",
			SourceRepositoryIdentifier:          "1001",
			SourceRepositoryOwnerURI:            forge + "octo-org",
			SourceRepositoryOwnerIdentifier:     "2002",
			BuildConfigURI:                      workflow,
			BuildConfigDigest:                   commit,
			BuildTrigger:                        "release",
			RunInvocationURI:                    forge + repository + "/actions/runs/4004/attempts/1",
			SourceRepositoryVisibilityAtSigning: "public",
		},
	}
	if diff := cmp.Diff(&summary, verified.Certificate); diff != "" {
		t.Errorf("certificate (-want +got):\n%s", diff)
	}
}

// TestClaims asks for certificates for runs that are not the maintainer's
// release. Each is refused by the checks that tell it apart, and no other.
func TestClaims(t *testing.T) {
	stack := sigstoretest.Start(t)
	trusted := profile(t, stack.TrustedRoot())
	const reusable = "octo-org/workflows/.github/workflows/publish.yml"
	own := func(c *sigstoretest.Claims, workflow string) {
		c.WorkflowRef, c.JobWorkflowRef = workflow, workflow
	}
	sharing := maintainer()
	sharing.Signer, sharing.SignerRefs = forge+reusable, []string{"refs/tags/v1"}

	tests := []struct {
		name   string
		who    attest.Identity
		change func(*sigstoretest.Claims)
		want   []string
	}{
		{"the release itself", maintainer(), func(*sigstoretest.Claims) {}, nil},
		{"the name taken over", maintainer(), func(c *sigstoretest.Claims) { c.RepositoryID = "1002" }, []string{attest.CheckRepositoryID}},
		{"the account taken over", maintainer(), func(c *sigstoretest.Claims) { c.RepositoryOwnerID = "2003" }, []string{attest.CheckOwnerID}},
		{"a branch", maintainer(), func(c *sigstoretest.Claims) {
			c.Ref, c.RefType = "refs/heads/main", "branch"
			own(c, repository+"/.github/workflows/release.yml@refs/heads/main")
		}, []string{attest.CheckRef}},
		{"a branch named like the tag", maintainer(), func(c *sigstoretest.Claims) {
			c.Ref, c.RefType = "refs/heads/refs/tags/v1.2.3", "branch"
			own(c, repository+"/.github/workflows/release.yml@refs/heads/refs/tags/v1.2.3")
		}, []string{attest.CheckRef}},
		{"another version's tag", maintainer(), func(c *sigstoretest.Claims) {
			c.Ref = "refs/tags/v1.2.4"
			own(c, repository+"/.github/workflows/release.yml@refs/tags/v1.2.4")
		}, []string{attest.CheckRef}},
		{"another commit", maintainer(), func(c *sigstoretest.Claims) {
			c.SHA = strings.Repeat("f", 40)
			c.WorkflowSHA, c.JobWorkflowSHA = c.SHA, c.SHA
		}, []string{attest.CheckCommit}},
		{"another workflow", maintainer(), func(c *sigstoretest.Claims) {
			own(c, repository+"/.github/workflows/lint.yml@refs/tags/v1.2.3")
		}, []string{attest.CheckWorkflow}},
		{"a reusable workflow nobody named", maintainer(), func(c *sigstoretest.Claims) {
			c.JobWorkflowRef = reusable + "@refs/tags/v1"
		}, []string{attest.CheckSigner}},
		{"the reusable workflow", sharing, func(c *sigstoretest.Claims) {
			c.JobWorkflowRef = reusable + "@refs/tags/v1"
		}, nil},
		{"the reusable workflow of a branch", sharing, func(c *sigstoretest.Claims) {
			c.JobWorkflowRef = reusable + "@refs/heads/main"
		}, []string{attest.CheckSigner}},
		{"a pull request", maintainer(), func(c *sigstoretest.Claims) { c.EventName = "pull_request_target" }, []string{attest.CheckTrigger}},
		{"a machine of its own", maintainer(), func(c *sigstoretest.Claims) { c.RunnerEnvironment = "self-hosted" }, []string{attest.CheckRunner}},
		{"a fork", maintainer(), func(c *sigstoretest.Claims) {
			*c = sigstoretest.Release("stranger/hello", "v1.2.3", commit)
			c.RepositoryID, c.RepositoryOwnerID = "1002", "2003"
		}, []string{attest.CheckRepository, attest.CheckRepositoryID, attest.CheckOwnerID, attest.CheckWorkflow}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // the log takes a second for each
			c := claims()
			tt.change(&c)
			bundle := mustKeyless(t, stack, stack.Services(), c)
			if diff := cmp.Diff(tt.want, failures(t, trusted, bundle, expected(tt.who))); diff != "" {
				t.Errorf("failed checks (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRefusedTokens has Fulcio see tokens that are worth nothing.
func TestRefusedTokens(t *testing.T) {
	stack := sigstoretest.Start(t)
	for name, token := range map[string]func() (string, error){
		"expired": func() (string, error) {
			return stack.TokenFor(claims(), sigstoretest.Audience, time.Now().Add(-time.Hour))
		},
		"for somebody else": func() (string, error) { return stack.TokenFor(claims(), "https://github.com/octo-org", time.Now()) },
		"altered": func() (string, error) {
			genuine, err := stack.Token(claims())
			if err != nil {
				return "", err
			}
			other := claims()
			other.RepositoryID = "1002"
			another, err := stack.Token(other)
			if err != nil {
				return "", err
			}
			parts, wanted := strings.Split(genuine, "."), strings.Split(another, ".")
			return parts[0] + "." + wanted[1] + "." + parts[2], nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			bundle, err := keyless(t, stack.Services(), token)
			if bundle != nil || !errors.Is(err, attest.ErrSign) {
				t.Fatalf("bundle %q, error %v", bundle, err)
			}
			// Fulcio saw it and said no; it was not the connection that failed.
			if !strings.Contains(err.Error(), "Fulcio returned 400") {
				t.Error(err)
			}
			if value, _ := token(); strings.Contains(err.Error(), value) {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

// TestKey signs with a key that the registry trusts, with a time stamp and an
// entry in the log but no certificate.
func TestKey(t *testing.T) {
	stack := sigstoretest.Start(t)
	private, public := newKeyPair(t)
	signer, err := attest.WithKey(private, nil, stack.Services(), nil)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := signer.Sign(t.Context(), statement(t))
	if err != nil {
		t.Fatal(err)
	}
	id, err := attest.KeyID(signer.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	_, stranger := newKeyPair(t)
	trust := func(key []byte) *attest.Profile {
		p, err := attest.FromTrust("the test's registry", fstest.MapFS{
			"root.json":        {Data: stack.TrustedRoot()},
			"keys/release.pem": {Data: key},
		})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	trusted, foreign := trust(public), trust(stranger)
	certificates := mustKeyless(t, stack, stack.Services(), claims())
	stack.Close()

	verified, err := trusted.Verify(bundle, expected(attest.Identity{Key: id}))
	if err != nil {
		t.Fatal(err)
	}
	if verified.KeyID != id || verified.SignedAt.IsZero() {
		t.Errorf("key %q, signed at %s", verified.KeyID, verified.SignedAt)
	}
	if got := failures(t, trusted, bundle, expected(attest.Identity{Key: "another"})); !slices.Equal(got, []string{attest.CheckSignerKey}) {
		t.Errorf("for another owner's key it fails %v", got)
	}
	if got := failures(t, trusted, bundle, expected(maintainer())); !slices.Equal(got, []string{attest.CheckKind}) {
		t.Errorf("for an owner with a workflow it fails %v", got)
	}
	if got := failures(t, foreign, bundle, expected(attest.Identity{Key: id})); !slices.Contains(got, attest.CheckKey) {
		t.Errorf("under a registry that does not know the key it fails %v", got)
	}
	if _, err := trusted.Verify(certificates, expected(maintainer())); err != nil {
		t.Errorf("the same registry refuses its certificates: %v", err)
	}
}

// TestPrivate signs as GitHub does for private repositories: no log, a time
// stamp instead.
func TestPrivate(t *testing.T) {
	stack := sigstoretest.Start(t)
	services := stack.Services()
	services.Rekor = ""
	c := claims()
	c.RepositoryVisibility = "private"
	bundle := mustKeyless(t, stack, services, c)
	services.TimestampService = ""
	undated := mustKeyless(t, stack, services, c)
	private, public := profile(t, stack.PrivateTrustedRoot()), profile(t, stack.TrustedRoot())
	stack.Close()

	if got := failures(t, private, bundle, expected(maintainer())); got != nil {
		t.Errorf("under the private profile it fails %v", got)
	}
	if got := failures(t, public, bundle, expected(maintainer())); !slices.Equal(got, []string{attest.CheckLog}) {
		t.Errorf("under the public profile it fails %v", got)
	}
	if got := failures(t, private, undated, expected(maintainer())); !slices.Equal(got, []string{attest.CheckTimestamp}) {
		t.Errorf("without a time stamp it fails %v", got)
	}
}

// TestOtherStack verifies under authorities that had no part in the signature.
func TestOtherStack(t *testing.T) {
	first := sigstoretest.Start(t)
	bundle := mustKeyless(t, first, first.Services(), claims())
	first.Close()
	second := sigstoretest.Start(t)
	if got := failures(t, profile(t, second.TrustedRoot()), bundle, expected(maintainer())); len(got) == 0 {
		t.Error("it is accepted")
	}
}

// TestServicesDown takes one service away after the other.
func TestServicesDown(t *testing.T) {
	stack := sigstoretest.Start(t)
	services := stack.Services()
	for _, down := range []struct {
		service sigstoretest.Service
		url     string
	}{
		{sigstoretest.Rekor, services.Rekor},
		{sigstoretest.TimestampAuthority, services.TimestampService},
		{sigstoretest.Fulcio, services.Fulcio},
	} {
		stack.Stop(down.service)
		bundle, err := keyless(t, services, func() (string, error) { return stack.Token(claims()) })
		if bundle != nil || !errors.Is(err, attest.ErrSign) || !strings.Contains(err.Error(), down.url) {
			t.Errorf("without %s at %s: bundle %q, error %v", down.service, down.url, bundle, err)
		}
	}
}

// newKeyPair returns both halves of a new key.
func newKeyPair(t *testing.T) (private, public []byte) {
	t.Helper()
	private, public, err := attest.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}
