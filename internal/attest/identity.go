package attest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/clydepm/clyde/index"
)

// GitHubIssuer issues the identity tokens of workflows at github.com.
const GitHubIssuer = "https://token.actions.githubusercontent.com"

// Identity is who may sign a package's versions, as its owners file says:
// either a key, or a workflow of a repository.
type Identity struct {
	Key string // ID of a key of the profile, see [KeyID]; nothing below matters then

	Issuer       string   // of the identity token; "" means GitHubIssuer for a repository at github.com
	Repository   string   // https URL without .git
	RepositoryID int64    // the forge's number: a name can be taken over, a number cannot
	OwnerID      int64    // of the repository's owner
	Tags         []string // patterns of a release's tag, see [DefaultTags]; none means those
	Workflow     string   // path in the repository of the workflow that runs; "" for any of its workflows
	Signer       string   // https URL of the reusable workflow that signs; "" when the workflow signs itself
	SignerRefs   []string // refs or commits of the reusable workflow that are accepted: "refs/tags/v1", 40 hex digits
	Triggers     []string // events; none means [DefaultTriggers]
	Runner       string   // "github-hosted", "self-hosted", or "" for any

	Until time.Time // signatures made later do not count; zero for ever

	// ExactRegistry refuses what is signed for [AnyRegistry].
	ExactRegistry bool
}

// DefaultTags are the tags that stand for a version when the owners file names
// none. In a pattern {version} and {name} stand for those of the line and "*"
// for any run of characters except "/". A pattern matches whole tags.
func DefaultTags() []string { return []string{"v{version}", "{version}", "{name}-v{version}"} }

// DefaultTriggers are the events that may start the workflow when the owners
// file names none.
func DefaultTriggers() []string { return []string{"push", "release", "workflow_dispatch"} }

// verify compares a certificate with who may sign. Each comparison is a check
// of its own.
func (id Identity) verify(r *recorder, cert certificate.Summary, e *index.Entry) {
	var from index.Source
	if e.Source != nil {
		from = *e.Source
	}
	r.equal(CheckIssuer, "the token's issuer", cert.Issuer, id.issuer())
	r.equal(CheckRepository, "the repository", cert.SourceRepositoryURI, id.Repository)
	r.equal(CheckRepositoryID, "the repository's number", cert.SourceRepositoryIdentifier, number(id.RepositoryID))
	r.equal(CheckOwnerID, "the owner's number", cert.SourceRepositoryOwnerIdentifier, number(id.OwnerID))
	r.check(CheckRef, id.refProblem(cert.SourceRepositoryRef, from.Ref, e))
	r.equal(CheckCommit, "the commit", cert.SourceRepositoryDigest, from.Commit)
	r.check(CheckWorkflow, id.workflowProblem(cert))
	r.check(CheckSigner, id.signerProblem(cert))
	r.check(CheckTrigger, oneOf("the workflow was started by", cert.BuildTrigger, orElse(id.Triggers, DefaultTriggers())))
	if id.Runner == "" {
		r.skip(CheckRunner, "the owners file names no runner")
		return
	}
	r.equal(CheckRunner, "the runner", cert.RunnerEnvironment, id.Runner)
}

// verifyPeriod checks that the signature was made while the identity held.
func (id Identity) verifyPeriod(r *recorder, signedAt time.Time) {
	switch {
	case id.Until.IsZero():
		r.skip(CheckPeriod, "the owners file sets no end")
	case signedAt.IsZero():
		r.check(CheckPeriod, fmt.Errorf("nothing proves that it was signed before %s", id.Until.UTC().Format(time.RFC3339)))
	case signedAt.After(id.Until):
		r.check(CheckPeriod, fmt.Errorf("it was signed at %s, after %s", signedAt.UTC().Format(time.RFC3339), id.Until.UTC().Format(time.RFC3339)))
	default:
		r.check(CheckPeriod, nil)
	}
}

func (id Identity) issuer() string {
	if id.Issuer == "" && strings.HasPrefix(id.Repository, "https://github.com/") {
		return GitHubIssuer
	}
	return id.Issuer
}

// number is the form of an identifier in a certificate; an identity without
// one matches no certificate.
func number(n int64) string {
	if n <= 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// refProblem reports why a certificate's ref is not the tag of this version.
func (id Identity) refProblem(ref, published string, e *index.Entry) error {
	tag, isTag := strings.CutPrefix(ref, "refs/tags/")
	patterns := orElse(id.Tags, DefaultTags())
	switch {
	case !isTag:
		return fmt.Errorf("it was built from %q, which is not a tag", ref)
	case ref != published:
		return fmt.Errorf("it was built from %q, but the index says %q", ref, published)
	case !TagFits(patterns, tag, e):
		return fmt.Errorf("tag %q of %s %s matches none of %s", tag, e.Name, e.Vers, strings.Join(patterns, ", "))
	}
	return nil
}

// TagFits reports whether a tag stands for a version by one of the patterns.
func TagFits(patterns []string, tag string, e *index.Entry) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return tagMatches(p, tag, e) })
}

// tagMatches reports whether the pattern matches the whole tag.
func tagMatches(pattern, tag string, e *index.Entry) bool {
	literal := regexp.QuoteMeta(pattern)
	expression := strings.NewReplacer(
		`\{version\}`, regexp.QuoteMeta(e.Vers),
		`\{name\}`, regexp.QuoteMeta(e.Name),
		`\*`, `[^/]*`,
	).Replace(literal)
	whole, err := regexp.Compile(`\A(?:` + expression + `)\z`)
	return err == nil && whole.MatchString(tag)
}

// workflowProblem reports why the workflow that ran is not the recorded one.
// BuildConfigURI is REPOSITORY/PATH@REF.
func (id Identity) workflowProblem(cert certificate.Summary) error {
	file, ref, _ := strings.Cut(cert.BuildConfigURI, "@")
	if id.Workflow == "" {
		if !strings.HasPrefix(file, id.Repository+"/") {
			return fmt.Errorf("workflow %q ran, which is not one of %s", file, id.Repository)
		}
	} else if want := id.Repository + "/" + id.Workflow; file != want {
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
	if ref != "" && slices.Contains(id.SignerRefs, ref) ||
		cert.BuildSignerDigest != "" && slices.Contains(id.SignerRefs, cert.BuildSignerDigest) {
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

func orElse(given, otherwise []string) []string {
	if len(given) == 0 {
		return otherwise
	}
	return given
}
