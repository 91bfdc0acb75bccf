package attest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/clydepm/clyde/index"
)

const (
	// ProvenanceType says that the predicate is SLSA's provenance, version 1.
	ProvenanceType = "https://slsa.dev/provenance/v1"
	// WorkflowBuildType is GitHub's build type for a run of a workflow.
	WorkflowBuildType = "https://actions.github.io/buildtypes/workflow/v1"
)

// Run is a run of a workflow, in the terms of GitHub's environment variables.
type Run struct {
	ServerURL         string // GITHUB_SERVER_URL
	Repository        string // GITHUB_REPOSITORY, owner/name
	RepositoryID      string // GITHUB_REPOSITORY_ID
	RepositoryOwnerID string // GITHUB_REPOSITORY_OWNER_ID
	WorkflowRef       string // GITHUB_WORKFLOW_REF, owner/name/path@ref
	Ref               string // GITHUB_REF
	SHA               string // GITHUB_SHA
	EventName         string // GITHUB_EVENT_NAME
	RunID             string // GITHUB_RUN_ID
	RunAttempt        string // GITHUB_RUN_ATTEMPT
	RunnerEnvironment string // RUNNER_ENVIRONMENT
	// Builder is the workflow that built and signed, an https URL with its ref, as
	// a certificate says it; "" for the one of WorkflowRef.
	Builder  string
	Started  time.Time
	Finished time.Time
}

// RunFromEnv is the run that the variables of a workflow's step describe.
func RunFromEnv(getenv func(string) string) Run {
	return Run{
		ServerURL: getenv("GITHUB_SERVER_URL"), Repository: getenv("GITHUB_REPOSITORY"),
		RepositoryID: getenv("GITHUB_REPOSITORY_ID"), RepositoryOwnerID: getenv("GITHUB_REPOSITORY_OWNER_ID"),
		WorkflowRef: getenv("GITHUB_WORKFLOW_REF"), Ref: getenv("GITHUB_REF"), SHA: getenv("GITHUB_SHA"),
		EventName: getenv("GITHUB_EVENT_NAME"), RunID: getenv("GITHUB_RUN_ID"), RunAttempt: getenv("GITHUB_RUN_ATTEMPT"),
		RunnerEnvironment: getenv("RUNNER_ENVIRONMENT"),
	}
}

// BuilderOf is the workflow that a bundle's certificate names, "" for a bundle
// that a key signed. Nothing is verified.
func BuilderOf(data []byte) string {
	b := readBundle(&recorder{}, data)
	if b == nil {
		return ""
	}
	content, err := b.VerificationContent()
	if err != nil || content.Certificate() == nil {
		return ""
	}
	summary, err := certificate.SummarizeCertificate(content.Certificate())
	if err != nil {
		return ""
	}
	return summary.BuildSignerURI
}

// provenance is the part of SLSA's predicate that a workflow has.
type provenance struct {
	BuildDefinition buildDefinition `json:"buildDefinition"`
	RunDetails      runDetails      `json:"runDetails"`
}

type buildDefinition struct {
	BuildType            string               `json:"buildType"`
	ExternalParameters   externalParameters   `json:"externalParameters"`
	InternalParameters   internalParameters   `json:"internalParameters"`
	ResolvedDependencies []resourceDescriptor `json:"resolvedDependencies"`
}

type externalParameters struct {
	Workflow struct {
		Ref        string `json:"ref"`
		Repository string `json:"repository"`
		Path       string `json:"path"`
	} `json:"workflow"`
}

type internalParameters struct {
	GitHub struct {
		EventName         string `json:"event_name"`
		RepositoryID      string `json:"repository_id"`
		RepositoryOwnerID string `json:"repository_owner_id"`
		RunnerEnvironment string `json:"runner_environment"`
	} `json:"github"`
}

type resourceDescriptor struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest"`
}

type runDetails struct {
	Builder struct {
		ID string `json:"id"`
	} `json:"builder"`
	Metadata struct {
		InvocationID string `json:"invocationId"`
		StartedOn    string `json:"startedOn,omitempty"`
		FinishedOn   string `json:"finishedOn,omitempty"`
	} `json:"metadata"`
}

// NewProvenance returns the statement of SLSA's provenance v1 for the archive
// of a line, built in the given run. Sign it with the signer of the first
// bundle. The error names the variables that a run must have and this has not.
func NewProvenance(e *index.Entry, run Run) ([]byte, error) {
	if missing := run.Missing(); len(missing) > 0 {
		return nil, fmt.Errorf("%w: provenance needs %s", ErrSign, strings.Join(missing, ", "))
	}
	var p provenance
	repository := strings.TrimSuffix(run.ServerURL, "/") + "/" + run.Repository
	file, ref, _ := strings.Cut(run.WorkflowRef, "@")
	d := &p.BuildDefinition
	d.BuildType = WorkflowBuildType
	d.ExternalParameters.Workflow.Repository = repository
	d.ExternalParameters.Workflow.Ref = ref
	d.ExternalParameters.Workflow.Path = strings.TrimPrefix(file, run.Repository+"/")
	d.InternalParameters.GitHub.EventName = run.EventName
	d.InternalParameters.GitHub.RepositoryID = run.RepositoryID
	d.InternalParameters.GitHub.RepositoryOwnerID = run.RepositoryOwnerID
	d.InternalParameters.GitHub.RunnerEnvironment = run.RunnerEnvironment
	d.ResolvedDependencies = append(d.ResolvedDependencies, gitCommit(repository, run.Ref, run.SHA))
	if s := e.Source; s != nil && s.Commit != "" && (s.Commit != run.SHA || s.Ref != run.Ref) {
		// What started the run was not the tag that it built.
		d.ResolvedDependencies = append(d.ResolvedDependencies, gitCommit(s.Repository, s.Ref, s.Commit))
	}
	p.RunDetails.Builder.ID = run.Builder
	if run.Builder == "" {
		p.RunDetails.Builder.ID = strings.TrimSuffix(run.ServerURL, "/") + "/" + run.WorkflowRef
	}
	p.RunDetails.Metadata.InvocationID = fmt.Sprintf("%s/actions/runs/%s/attempts/%s", repository, run.RunID, run.RunAttempt)
	p.RunDetails.Metadata.StartedOn = timeText(run.Started)
	p.RunDetails.Metadata.FinishedOn = timeText(run.Finished)
	subjects, err := subjectsOf(e)
	if err != nil {
		return nil, err
	}
	return json.Marshal(provenanceStatement{StatementType, subjects, ProvenanceType, p})
}

func gitCommit(repository, ref, commit string) resourceDescriptor {
	return resourceDescriptor{URI: "git+" + repository + "@" + ref, Digest: map[string]string{"gitCommit": commit}}
}

type provenanceStatement struct {
	Type          string     `json:"_type"`
	Subject       []subject  `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     provenance `json:"predicate"`
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Missing names the variables without which a run cannot be told of. Not every
// runner sets them all.
func (run Run) Missing() []string {
	var missing []string
	for _, v := range []struct{ name, value string }{
		{"GITHUB_SERVER_URL", run.ServerURL},
		{"GITHUB_REPOSITORY", run.Repository},
		{"GITHUB_WORKFLOW_REF", run.WorkflowRef},
		{"GITHUB_REF", run.Ref},
		{"GITHUB_SHA", run.SHA},
		{"GITHUB_RUN_ID", run.RunID},
		{"GITHUB_RUN_ATTEMPT", run.RunAttempt},
	} {
		if v.value == "" {
			missing = append(missing, v.name)
		}
	}
	return missing
}

// Provenance is what a verified provenance says.
type Provenance struct {
	BuildType, Builder, Invocation string
	Source, Commit                 string // of the dependency that the line names as its source
}

// Ids of the checks that only provenance has.
const (
	CheckBuilder = "provenance/builder"
	CheckSource  = "provenance/source"
)

// ProvenanceChecks lists the ids of the checks of provenance, in their order.
func ProvenanceChecks() []string {
	ids := slices.DeleteFunc(Checks(), func(id string) bool {
		return slices.Contains([]string{CheckPURL, CheckName, CheckVersion, CheckRegistry, CheckEntryDigest}, id)
	})
	return append(ids, CheckBuilder, CheckSource)
}

// VerifyProvenance checks a bundle of provenance: it is signed by one of those
// who may sign, its only subject is the archive of the line, its builder is who
// signed, and it names the commit of the line. The outcomes are those of
// [ProvenanceChecks].
func (p *Profile) VerifyProvenance(data []byte, want Expected) (*Verified, *Provenance, error) {
	r := &recorder{}
	v := &Verified{Profile: p.name}
	var found *Provenance
	if b := readBundle(r, data); b != nil {
		who := p.verifySignature(r, v, b)
		found = verifyProvenance(r, b, who, want.Entry)
		verifyIdentities(r, who, want)
	}
	v.Checks = r.complete(ProvenanceChecks())
	if err := r.err(); err != nil {
		return v, nil, err
	}
	return v, found, nil
}

func verifyProvenance(r *recorder, b *bundle.Bundle, who *claimed, e *index.Entry) *Provenance {
	payload, err := payloadOf(b)
	var s provenanceStatement
	if err == nil {
		// SLSA demands that members which are not known are ignored.
		err = json.Unmarshal(payload, &s)
	}
	if err == nil && s.Type != StatementType {
		err = fmt.Errorf("statement type %q is not %q", s.Type, StatementType)
	}
	if err == nil && (s.Predicate.BuildDefinition.BuildType == "" || s.Predicate.RunDetails.Builder.ID == "") {
		err = errors.New("the provenance names no build type or no builder")
	}
	if !r.check(CheckStatement, err) {
		return nil
	}
	r.equal(CheckPredicateType, "the predicate type", s.PredicateType, ProvenanceType)
	verifySubject(r, s.Subject, e)
	found := &Provenance{
		BuildType: s.Predicate.BuildDefinition.BuildType, Builder: s.Predicate.RunDetails.Builder.ID,
		Invocation: s.Predicate.RunDetails.Metadata.InvocationID,
	}
	if who == nil || who.certificate == nil {
		r.skip(CheckBuilder, "a key signed, which says nothing of where")
	} else {
		r.equal(CheckBuilder, "the builder", found.Builder, who.certificate.BuildSignerURI)
	}
	r.check(CheckSource, found.findSource(s.Predicate.BuildDefinition.ResolvedDependencies, e.Source))
	return found
}

// findSource looks for the source of the line among the commits that were built.
func (p *Provenance) findSource(dependencies []resourceDescriptor, want *index.Source) error {
	if want == nil || want.Commit == "" {
		return errors.New("the index records no commit")
	}
	for _, d := range dependencies {
		if c := d.Digest["gitCommit"]; c == want.Commit && d.URI == gitCommit(want.Repository, want.Ref, c).URI {
			p.Source, p.Commit = d.URI, c
			return nil
		}
	}
	return fmt.Errorf("commit %s of %s at %s is none of what was built", want.Commit, want.Repository, want.Ref)
}
