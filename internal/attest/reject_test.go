package attest_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/attest/attesttest"
)

// rejection is a bundle in which one thing is wrong.
type rejection struct {
	name    string
	check   string // the one that fails
	skipped []string
	// Each of these may be nil.
	authority func(a, foreign *attesttest.Authority) // who signs; the profile trusts the unchanged one
	trusted   func(a *attesttest.Authority)          // whom the profile trusts, and who signs unless changed further
	request   func(t *testing.T, r *attesttest.Request)
	bundle    func(b *protobundle.Bundle)
	text      func(text []byte) []byte
	expected  func(want *attest.Expected)
}

// certificateSkips are the checks that a good certificate signature skips.
func certificateSkips() []string {
	return []string{attest.CheckKey, attest.CheckSignerKey, attest.CheckPeriod}
}

// unread are the checks that a bundle which is not read skips.
func unread() []string { return attest.Checks()[2:] }

// edit changes members of the signed statement, by dotted path.
func edit(path string, value any) func(*testing.T, *attesttest.Request) {
	return func(t *testing.T, r *attesttest.Request) {
		t.Helper()
		var s map[string]any
		if err := json.Unmarshal(r.Statement, &s); err != nil {
			t.Fatal(err)
		}
		at := s
		keys := strings.Split(path, ".")
		for _, key := range keys[:len(keys)-1] {
			at = at[key].(map[string]any)
		}
		at[keys[len(keys)-1]] = value
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		r.Statement = text
	}
}

// raw replaces text of the signed statement.
func raw(from, to string) func(*testing.T, *attesttest.Request) {
	return func(t *testing.T, r *attesttest.Request) {
		t.Helper()
		changed := bytes.Replace(r.Statement, []byte(from), []byte(to), 1)
		if bytes.Equal(changed, r.Statement) {
			t.Fatalf("%s has no %s", r.Statement, from)
		}
		r.Statement = changed
	}
}

func claim(change func(c *attesttest.Claims)) func(*testing.T, *attesttest.Request) {
	return func(_ *testing.T, r *attesttest.Request) { change(&r.Claims) }
}

func anyIdentity(change func(id *attest.Identity)) func(*attest.Expected) {
	return func(want *attest.Expected) { change(&want.Identities[0]) }
}

// otherTag signs and lists the version as built from another tag.
func otherTag(tag string) (func(*testing.T, *attesttest.Request), func(*attest.Expected)) {
	other := strings.Replace(workflow, ref, tag, 1)
	e := entry()
	e.Source.Ref = tag
	request := func(t *testing.T, r *attesttest.Request) {
		t.Helper()
		r.Claims.SourceRepositoryRef, r.Claims.BuildConfigURI, r.Claims.BuildSignerURI = tag, other, other
		s, err := attest.NewStatement(e, registry)
		if err != nil {
			t.Fatal(err)
		}
		r.Statement = s
	}
	return request, func(want *attest.Expected) { want.Entry = e }
}

func rejections() []rejection {
	const reusable = "https://github.com/acme/workflows/.github/workflows/publish.yml"
	wrongTag, wrongTagExpected := otherTag("refs/tags/v9.9.9")
	branch, branchExpected := otherTag("refs/heads/main")
	suffixed, suffixedExpected := otherTag("refs/tags/v1.2.3-evil")
	statementParts := []string{attest.CheckPredicateType, attest.CheckSubjectCount, attest.CheckSubjectName, attest.CheckSubjectDigest, attest.CheckPURL, attest.CheckName, attest.CheckVersion, attest.CheckRegistry, attest.CheckEntryDigest}
	subjects := []string{attest.CheckSubjectName, attest.CheckSubjectDigest}
	identities := []string{attest.CheckIssuer, attest.CheckRepository, attest.CheckRepositoryID, attest.CheckOwnerID, attest.CheckRef, attest.CheckCommit, attest.CheckWorkflow, attest.CheckSigner, attest.CheckTrigger, attest.CheckRunner}
	onlyV2 := func(a *attesttest.Authority) { a.LogV1 = nil }
	return []rejection{
		{name: "too large", check: attest.CheckSize, skipped: attest.Checks()[1:], text: func(text []byte) []byte {
			return append(text, bytes.Repeat([]byte(" "), attest.MaxBundleSize)...)
		}},

		{name: "empty", check: attest.CheckFormat, skipped: unread(), text: func([]byte) []byte { return nil }},
		{name: "not JSON", check: attest.CheckFormat, skipped: unread(), text: func([]byte) []byte { return []byte("bundle") }},
		{name: "something follows", check: attest.CheckFormat, skipped: unread(), text: func(text []byte) []byte { return append(text, '{', '}') }},
		{name: "unknown member", check: attest.CheckFormat, skipped: unread(), text: func(text []byte) []byte {
			return append([]byte(`{"more":1,`), text[1:]...)
		}},
		{name: "member twice", check: attest.CheckFormat, skipped: unread(), text: func(text []byte) []byte {
			return append([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",`), text[1:]...)
		}},
		{name: "version 0.1", check: attest.CheckFormat, skipped: unread(), bundle: func(b *protobundle.Bundle) {
			b.MediaType = "application/vnd.dev.sigstore.bundle+json;version=0.1"
		}},
		{name: "version 0.2", check: attest.CheckFormat, skipped: unread(), bundle: func(b *protobundle.Bundle) {
			b.MediaType = "application/vnd.dev.sigstore.bundle+json;version=0.2"
		}},
		{name: "version 0.4", check: attest.CheckFormat, skipped: unread(), bundle: func(b *protobundle.Bundle) {
			b.MediaType = "application/vnd.dev.sigstore.bundle.v0.4+json"
		}},
		{name: "two signatures", check: attest.CheckFormat, skipped: unread(), bundle: func(b *protobundle.Bundle) {
			e := b.GetDsseEnvelope()
			e.Signatures = append(e.Signatures, e.Signatures[0])
		}},
		{name: "no signature", check: attest.CheckFormat, skipped: unread(), bundle: func(b *protobundle.Bundle) {
			b.GetDsseEnvelope().Signatures = nil
		}},
		{name: "another payload type", check: attest.CheckFormat, skipped: unread(), request: func(_ *testing.T, r *attesttest.Request) {
			r.PayloadType = "application/json"
		}},
		{name: "a message instead of a statement", check: attest.CheckFormat, skipped: unread(), bundle: func(b *protobundle.Bundle) {
			b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
				MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: make([]byte, 32)},
				Signature:     b.GetDsseEnvelope().GetSignatures()[0].GetSig(),
			}}
		}},
		{name: "a chain of certificates", check: attest.CheckFormat, skipped: unread(), bundle: func(b *protobundle.Bundle) {
			leaf := b.GetVerificationMaterial().GetCertificate()
			b.VerificationMaterial.Content = &protobundle.VerificationMaterial_X509CertificateChain{
				X509CertificateChain: &protocommon.X509CertificateChain{Certificates: []*protocommon.X509Certificate{leaf}},
			}
		}},

		{name: "not logged", check: attest.CheckLog, bundle: func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries = nil }},
		{name: "logged elsewhere", check: attest.CheckLog, authority: func(a, foreign *attesttest.Authority) { a.LogV1, a.LogV2 = foreign.LogV1, foreign.LogV2 }},
		{name: "no inclusion proof of the log", check: attest.CheckLog, trusted: onlyV2, bundle: func(b *protobundle.Bundle) {
			b.VerificationMaterial.TlogEntries[0].InclusionProof.Hashes[0][0] ^= 1
		}},
		{
			name: "the log's promise is for another time", check: attest.CheckLog, trusted: func(a *attesttest.Authority) { a.LogV2 = nil },
			bundle: func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries[0].IntegratedTime-- },
		},

		{
			name: "the time is another authority's", check: attest.CheckTimestamp, skipped: []string{attest.CheckCertificate, attest.CheckSCT},
			trusted: onlyV2, authority: func(a, foreign *attesttest.Authority) { a.Timestamps = foreign.Timestamps },
		},
		{
			name: "no time", check: attest.CheckTimestamp, skipped: []string{attest.CheckCertificate, attest.CheckSCT},
			trusted: onlyV2, authority: func(a, _ *attesttest.Authority) { a.Timestamps = nil },
		},

		{name: "another certificate authority", check: attest.CheckCertificate, skipped: []string{attest.CheckSCT}, authority: func(a, foreign *attesttest.Authority) { a.Certificates = foreign.Certificates }},
		{name: "signed after the certificate had ended", check: attest.CheckCertificate, skipped: []string{attest.CheckSCT}, trusted: onlyV2, authority: func(a, _ *attesttest.Authority) {
			a.CertificatesIssued = a.Now().Add(-time.Hour)
		}},

		{name: "no certificate timestamp", check: attest.CheckSCT, authority: func(a, _ *attesttest.Authority) { a.CTLog = nil }},
		{name: "the certificate is in another log", check: attest.CheckSCT, authority: func(a, foreign *attesttest.Authority) { a.CTLog = foreign.CTLog }},

		{name: "other bytes are signed", check: attest.CheckSignature, trusted: onlyV2, request: func(_ *testing.T, r *attesttest.Request) { r.Forge = true }},

		{name: "unknown member of the statement", check: attest.CheckStatement, skipped: statementParts, request: edit("more", 1)},
		{name: "unknown member of the predicate", check: attest.CheckStatement, skipped: statementParts, request: edit("predicate.more", 1)},
		{name: "member of the statement twice", check: attest.CheckStatement, skipped: statementParts, request: raw(`"predicateType"`, `"predicateType":"x","predicateType"`)},
		{name: "member of the predicate twice", check: attest.CheckStatement, skipped: statementParts, request: raw(`"purl"`, `"purl":"x","purl"`)},
		{name: "member in other case", check: attest.CheckStatement, skipped: statementParts, request: raw(`"purl"`, `"PURL"`)},
		{name: "another statement type", check: attest.CheckStatement, skipped: statementParts, request: edit("_type", "https://in-toto.io/Statement/v0.1")},
		{name: "not a statement", check: attest.CheckStatement, skipped: statementParts, request: func(_ *testing.T, r *attesttest.Request) { r.Statement = []byte("[]") }},

		{name: "another predicate type", check: attest.CheckPredicateType, request: edit("predicateType", "https://slsa.dev/provenance/v1")},
		{name: "two subjects", check: attest.CheckSubjectCount, skipped: subjects, request: edit("subject", []any{
			map[string]any{"name": "hello-1.2.3.tar.gz", "digest": map[string]any{"sha256": entry().Cksum}},
			map[string]any{"name": "other-1.0.0.tar.gz", "digest": map[string]any{"sha256": entry().Cksum}},
		})},
		{name: "no subject", check: attest.CheckSubjectCount, skipped: subjects, request: edit("subject", []any{})},
		{name: "another file", check: attest.CheckSubjectName, request: edit("subject", []any{
			map[string]any{"name": "other-1.2.3.tar.gz", "digest": map[string]any{"sha256": entry().Cksum}},
		})},
		{name: "other bytes", check: attest.CheckSubjectDigest, request: edit("subject", []any{
			map[string]any{"name": "hello-1.2.3.tar.gz", "digest": map[string]any{"sha256": strings.Repeat("cd", 32)}},
		})},
		{name: "another digest beside it", check: attest.CheckSubjectDigest, request: edit("subject", []any{
			map[string]any{"name": "hello-1.2.3.tar.gz", "digest": map[string]any{"sha256": entry().Cksum, "sha512": strings.Repeat("ab", 64)}},
		})},
		{name: "another package URL", check: attest.CheckPURL, request: edit("predicate.purl", "pkg:clyde/other@1.2.3")},
		{name: "another name", check: attest.CheckName, request: edit("predicate.name", "other")},
		{name: "another version", check: attest.CheckVersion, request: edit("predicate.version", "1.2.4")},
		{name: "another registry", check: attest.CheckRegistry, request: edit("predicate.registry", "elsewhere")},
		{name: "a registry without a name", check: attest.CheckRegistry, request: edit("predicate.registry", ""), expected: func(want *attest.Expected) { want.Registry = "" }},
		{name: "another line", check: attest.CheckEntryDigest, expected: func(want *attest.Expected) { want.Entry.Description = "changed afterwards" }},

		{name: "nobody may sign by certificate", check: attest.CheckKind, skipped: identities, expected: func(want *attest.Expected) { want.Identities = nil }},
		{name: "a key should have signed", check: attest.CheckKind, skipped: identities, expected: func(want *attest.Expected) { want.Identities = []attest.Identity{{Key: "k"}} }},
		{name: "another issuer", check: attest.CheckIssuer, request: claim(func(c *attesttest.Claims) { c.Issuer = "https://issuer.example.org" })},
		{name: "another repository", check: attest.CheckRepository, request: claim(func(c *attesttest.Claims) { c.SourceRepositoryURI = "https://github.com/evil/hello" })},
		{name: "the repository was taken over", check: attest.CheckRepositoryID, request: claim(func(c *attesttest.Claims) { c.SourceRepositoryIdentifier = "18" })},
		{name: "no repository number is recorded", check: attest.CheckRepositoryID, expected: anyIdentity(func(id *attest.Identity) { id.RepositoryID = 0 }), request: claim(func(c *attesttest.Claims) { c.SourceRepositoryIdentifier = "0" })},
		{name: "the owner was taken over", check: attest.CheckOwnerID, request: claim(func(c *attesttest.Claims) { c.SourceRepositoryOwnerIdentifier = "5" })},
		{name: "tag of another version", check: attest.CheckRef, request: wrongTag, expected: wrongTagExpected},
		{name: "tag with something after it", check: attest.CheckRef, request: suffixed, expected: suffixedExpected},
		{name: "a branch", check: attest.CheckRef, request: branch, expected: branchExpected},
		{name: "another commit", check: attest.CheckCommit, request: claim(func(c *attesttest.Claims) { c.SourceRepositoryDigest = strings.Repeat("b", 40) })},
		{name: "another workflow", check: attest.CheckWorkflow, request: claim(func(c *attesttest.Claims) {
			c.BuildConfigURI = strings.Replace(workflow, "release.yml", "test.yml", 1)
			c.BuildSignerURI = c.BuildConfigURI
		})},
		{name: "the workflow of a branch", check: attest.CheckWorkflow, request: claim(func(c *attesttest.Claims) {
			c.BuildConfigURI = strings.Replace(workflow, ref, "refs/heads/main", 1)
			c.BuildSignerURI = c.BuildConfigURI
		})},
		{name: "a reusable workflow nobody named", check: attest.CheckSigner, request: claim(func(c *attesttest.Claims) { c.BuildSignerURI = reusable + "@refs/tags/v1" })},
		{name: "the named reusable workflow at another ref", check: attest.CheckSigner, request: claim(func(c *attesttest.Claims) { c.BuildSignerURI = reusable + "@refs/heads/main" }), expected: anyIdentity(func(id *attest.Identity) {
			id.Signer, id.SignerRefs = reusable, []string{"refs/tags/v1"}
		})},
		{name: "the certificate is for somebody else", check: attest.CheckSigner, request: claim(func(c *attesttest.Claims) { c.Subject = "https://github.com/evil/hello" })},
		{name: "started by a pull request", check: attest.CheckTrigger, request: claim(func(c *attesttest.Claims) { c.BuildTrigger = "pull_request_target" })},
		{name: "on a runner of somebody's own", check: attest.CheckRunner, request: claim(func(c *attesttest.Claims) { c.RunnerEnvironment = "self-hosted" })},
		{name: "after the publisher had left", check: attest.CheckPeriod, expected: anyIdentity(func(id *attest.Identity) { id.Until = time.Now().Add(-time.Hour) })},
	}
}

// TestEachCheckRejects has, for every check, bundles in which that check alone
// fails.
func TestEachCheckRejects(t *testing.T) {
	authority, foreign := attesttest.New(t), attesttest.New(t)
	covered := map[string]bool{}
	for _, c := range rejections() {
		t.Run(c.check+"/"+c.name, func(t *testing.T) {
			trusted := authority.Clone()
			if c.trusted != nil {
				c.trusted(trusted)
			}
			signs := trusted.Clone()
			if c.authority != nil {
				c.authority(signs, foreign)
			}
			r := request(t)
			if c.request != nil {
				c.request(t, &r)
			}
			b := signs.Bundle(t, r)
			if c.bundle != nil {
				c.bundle(b)
			}
			text := attesttest.JSON(t, b)
			if c.text != nil {
				text = c.text(text)
			}
			want := expected()
			if c.expected != nil {
				c.expected(&want)
			}
			verified, err := profileOf(t, trusted).Verify(text, want)
			onlyFails(t, verified, err, c.check, append(c.skipped, certificateSkips()...))
		})
		covered[c.check] = true
	}
	for _, id := range []string{attest.CheckKey, attest.CheckSignerKey} {
		covered[id] = true // TestKeys
	}
	for _, id := range attest.Checks() {
		if !covered[id] {
			t.Errorf("no bundle fails %s alone", id)
		}
	}
}

// onlyFails asserts that a check fails, and that all others pass but for those
// that are skipped.
func onlyFails(t *testing.T, verified *attest.Verified, err error, id string, skipped []string) {
	t.Helper()
	var rejected *attest.RejectedError
	if !errors.As(err, &rejected) || !errors.Is(err, attest.ErrRejected) || len(rejected.Failed) != 1 || rejected.Failed[0].ID != id {
		t.Errorf("error %v, expected that %s fails alone", err, id)
	}
	for _, c := range verified.Checks {
		want := attest.Pass
		switch {
		case c.ID == id:
			want = attest.Fail
		case slices.Contains(skipped, c.ID):
			want = attest.Skip
		}
		if c.Status != want {
			t.Errorf("%s: %s (%s), expected %s", c.ID, c.Status, c.Detail, want)
		}
	}
	if len(verified.Checks) != len(attest.Checks()) {
		t.Errorf("%d checks, expected %d", len(verified.Checks), len(attest.Checks()))
	}
}

// TestProfilesAreNoUnion has signatures whose parts are each good under one of
// two profiles, and as a whole under neither.
func TestProfilesAreNoUnion(t *testing.T) {
	a, b := attesttest.New(t), attesttest.New(t)
	good := a.Sign(t, request(t))
	if _, err := profileOf(t, a).Verify(good, expected()); err != nil {
		t.Fatalf("under its own profile: %v", err)
	}
	if _, err := profileOf(t, b).Verify(good, expected()); !errors.Is(err, attest.ErrRejected) {
		t.Errorf("under another profile: %v", err)
	}
	public, err := attest.PublicGood()
	if err != nil {
		t.Fatal(err)
	}
	if v, err := public.Verify(good, expected()); !errors.Is(err, attest.ErrRejected) || v.Certificate != nil || !v.SignedAt.IsZero() {
		t.Errorf("under the public-good profile: %v, %+v", err, v)
	}
	mixed := a.Clone()
	mixed.LogV1, mixed.LogV2, mixed.Timestamps = b.LogV1, b.LogV2, b.Timestamps
	for name, of := range map[string]*attesttest.Authority{"the certificate's": a, "the log's": b} {
		if _, err := profileOf(t, of).Verify(mixed.Sign(t, request(t)), expected()); !errors.Is(err, attest.ErrRejected) {
			t.Errorf("half of each, under %s profile: %v", name, err)
		}
	}
}

func newKey(t testing.TB) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := attest.KeyID(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, id
}

func TestKeys(t *testing.T) {
	key, id := newKey(t)
	other, otherID := newKey(t)
	stranger, strangerID := newKey(t)
	profile, err := attest.FromKeys("two keys", key.Public(), other.Public())
	if err != nil {
		t.Fatal(err)
	}
	nothing := &attesttest.Authority{}
	sign := func(key *ecdsa.PrivateKey, id string) []byte {
		return nothing.Sign(t, attesttest.Request{Statement: statement(t), Key: key, KeyID: id})
	}
	// A profile of keys alone demands no evidence, and says so.
	evidence := []string{attest.CheckLog, attest.CheckTimestamp, attest.CheckCertificate, attest.CheckSCT, attest.CheckPeriod}
	workflowChecks := []string{attest.CheckIssuer, attest.CheckRepository, attest.CheckRepositoryID, attest.CheckOwnerID, attest.CheckRef, attest.CheckCommit, attest.CheckWorkflow, attest.CheckSigner, attest.CheckTrigger, attest.CheckRunner}
	skips := func(more ...string) []string { return slices.Concat(evidence, workflowChecks, more) }
	want := func(ids ...attest.Identity) attest.Expected {
		return attest.Expected{Entry: entry(), Registry: registry, Identities: ids}
	}

	t.Run("accepted", func(t *testing.T) {
		for _, ids := range [][]attest.Identity{nil, {{Key: id}}, {identity(), {Key: otherID}, {Key: id}}} {
			v, err := profile.Verify(sign(key, id), want(ids...))
			if err != nil || v.KeyID != id || v.Certificate != nil {
				t.Errorf("%v: %v, %+v", ids, err, v)
			}
		}
	})
	t.Run("unknown key", func(t *testing.T) {
		v, err := profile.Verify(sign(stranger, strangerID), want())
		onlyFails(t, v, err, attest.CheckKey, skips(attest.CheckSignature, attest.CheckSignerKey))
	})
	t.Run("another key's name", func(t *testing.T) {
		v, err := profile.Verify(sign(stranger, id), want())
		onlyFails(t, v, err, attest.CheckSignature, skips(attest.CheckSignerKey))
	})
	t.Run("another key than the owners file names", func(t *testing.T) {
		v, err := profile.Verify(sign(other, otherID), want(attest.Identity{Key: id}))
		onlyFails(t, v, err, attest.CheckSignerKey, skips())
	})
	t.Run("a workflow should have signed", func(t *testing.T) {
		v, err := profile.Verify(sign(key, id), want(identity()))
		onlyFails(t, v, err, attest.CheckKind, skips(attest.CheckSignerKey))
	})
	t.Run("a certificate where only keys are trusted", func(t *testing.T) {
		v, err := profile.Verify(attesttest.New(t).Sign(t, request(t)), expected())
		onlyFails(t, v, err, attest.CheckCertificate, []string{attest.CheckLog, attest.CheckTimestamp, attest.CheckSCT, attest.CheckKey, attest.CheckSignature, attest.CheckSignerKey, attest.CheckPeriod})
	})
	t.Run("a key where only certificates are trusted", func(t *testing.T) {
		v, err := profileOf(t, attesttest.New(t)).Verify(sign(key, id), want())
		onlyFails(t, v, err, attest.CheckKey, skips(attest.CheckSignature, attest.CheckSignerKey))
	})
	t.Run("ended, and nothing proves when it was signed", func(t *testing.T) {
		v, err := profile.Verify(sign(key, id), want(attest.Identity{Key: id, Until: time.Now()}))
		onlyFails(t, v, err, attest.CheckPeriod, slices.Concat(evidence[:4], workflowChecks))
	})
	t.Run("two envelopes' signatures", func(t *testing.T) {
		b := nothing.Bundle(t, attesttest.Request{Statement: statement(t), Key: key, KeyID: id})
		b.GetDsseEnvelope().Signatures = append(b.GetDsseEnvelope().Signatures, &protodsse.Signature{Sig: []byte("x")})
		v, err := profile.Verify(attesttest.JSON(t, b), want())
		onlyFails(t, v, err, attest.CheckFormat, unread())
	})
}
