package attest

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
)

// Identity is who may sign a package's versions, as its owners file says.
type Identity struct {
	Issuer       string // of the identity token, such as https://token.actions.githubusercontent.com
	Repository   string // https URL without .git
	RepositoryID int64  // the forge's number: a name can be taken over, a number cannot
	OwnerID      int64
	Tags         string   // pattern that a release's tag must match whole, such as "v*"; "*" is any run of characters except "/"
	Workflow     string   // path in the repository of the workflow that runs, such as .github/workflows/release.yml
	Signer       string   // reusable workflow that signs: https URL of its file; "" when the workflow signs itself
	SignerRefs   []string // refs or commits of the reusable workflow that are accepted: "refs/tags/v1", 40 hex digits
	Triggers     []string // events, such as "release"
	Runner       string   // "github-hosted", "self-hosted", or "" for any
}

// source is what a version's line says it was built from.
type source struct {
	ref, commit string
}

// verifyIdentity compares a certificate, whose own signature is already
// verified, with who may sign. Each comparison is a check of its own.
func (id Identity) verify(r *recorder, cert certificate.Summary, from source) {
	r.equal(CheckIssuer, "the token's issuer", cert.Issuer, id.Issuer)
	r.equal(CheckRepository, "the repository", cert.SourceRepositoryURI, id.Repository)
	r.equal(CheckRepositoryID, "the repository's number", cert.SourceRepositoryIdentifier, number(id.RepositoryID))
	r.equal(CheckOwnerID, "the owner's number", cert.SourceRepositoryOwnerIdentifier, number(id.OwnerID))
	r.check(CheckRef, id.refProblem(cert.SourceRepositoryRef, from.ref))
	r.equal(CheckCommit, "the commit", cert.SourceRepositoryDigest, from.commit)
	r.check(CheckWorkflow, id.workflowProblem(cert))
	r.check(CheckSigner, id.signerProblem(cert))
	r.check(CheckTrigger, oneOf("the workflow was started by", cert.BuildTrigger, id.Triggers))
	if id.Runner == "" {
		r.skip(CheckRunner, "the owners file names no runner")
		return
	}
	r.equal(CheckRunner, "the runner", cert.RunnerEnvironment, id.Runner)
}

// number is the form of an identifier in a certificate; an identity without
// one matches no certificate.
func number(n int64) string {
	if n <= 0 {
		return "(none recorded)"
	}
	return strconv.FormatInt(n, 10)
}

// refProblem reports why a certificate's ref is not the tag of this version.
func (id Identity) refProblem(ref, published string) error {
	tag, isTag := strings.CutPrefix(ref, "refs/tags/")
	switch {
	case !isTag:
		return fmt.Errorf("it was built from %q, which is not a tag", ref)
	case ref != published:
		return fmt.Errorf("it was built from %q, but the index says %q", ref, published)
	case !tagMatches(id.Tags, tag):
		return fmt.Errorf("tag %q does not match %q of the owners file", tag, id.Tags)
	}
	return nil
}

// tagMatches reports whether the pattern matches the whole tag.
func tagMatches(pattern, tag string) bool {
	ok, err := path.Match(pattern, tag)
	return err == nil && ok
}

// workflowProblem reports why the workflow that ran is not the recorded one.
// BuildConfigURI is REPOSITORY/PATH@REF.
func (id Identity) workflowProblem(cert certificate.Summary) error {
	file, ref, _ := strings.Cut(cert.BuildConfigURI, "@")
	if want := id.Repository + "/" + id.Workflow; id.Workflow == "" || file != want {
		return fmt.Errorf("workflow %q ran, but the owners file says %q", file, want)
	}
	if ref != cert.SourceRepositoryRef {
		return fmt.Errorf("the workflow is of %q, the source of %q", ref, cert.SourceRepositoryRef)
	}
	return nil
}

// signerProblem reports why the workflow that asked for the certificate is not
// the recorded one: the maintainer's own, or a reusable one at an accepted ref
// or commit.
func (id Identity) signerProblem(cert certificate.Summary) error {
	if cert.SubjectAlternativeName != cert.BuildSignerURI {
		return fmt.Errorf("the certificate is for %q, its signer is %q", cert.SubjectAlternativeName, cert.BuildSignerURI)
	}
	if id.Signer == "" {
		if cert.BuildSignerURI != cert.BuildConfigURI {
			return fmt.Errorf("%q signed in place of the workflow itself", cert.BuildSignerURI)
		}
		return nil
	}
	file, ref, _ := strings.Cut(cert.BuildSignerURI, "@")
	if file != id.Signer {
		return fmt.Errorf("%q signed, but the owners file says %q", file, id.Signer)
	}
	if slices.Contains(id.SignerRefs, ref) || slices.Contains(id.SignerRefs, cert.BuildSignerDigest) {
		return nil
	}
	return fmt.Errorf("the signing workflow is of %q (%s), which is not among %s", ref, cert.BuildSignerDigest, strings.Join(id.SignerRefs, ", "))
}

func oneOf(what, got string, want []string) error {
	if slices.Contains(want, got) {
		return nil
	}
	return fmt.Errorf("%s %q, not by %s", what, got, strings.Join(want, " or "))
}
