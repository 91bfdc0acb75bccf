package sigstoretest

import "strings"

// Claims are what GitHub says in an identity token about the workflow run that
// asks for it. Numbers are strings, as in GitHub's tokens.
//
// Source: docs.github.com, "OpenID Connect reference", OIDC token claims.
type Claims struct {
	Subject              string `json:"sub"`
	Repository           string `json:"repository"` // OWNER/NAME
	RepositoryID         string `json:"repository_id"`
	RepositoryOwner      string `json:"repository_owner"`
	RepositoryOwnerID    string `json:"repository_owner_id"`
	RepositoryVisibility string `json:"repository_visibility"`
	Ref                  string `json:"ref"`
	RefType              string `json:"ref_type"`
	SHA                  string `json:"sha"`
	Workflow             string `json:"workflow"`     // its name
	WorkflowRef          string `json:"workflow_ref"` // OWNER/NAME/PATH@REF of the file that runs
	WorkflowSHA          string `json:"workflow_sha"`
	JobWorkflowRef       string `json:"job_workflow_ref"` // the same of a reusable workflow, if one runs the job
	JobWorkflowSHA       string `json:"job_workflow_sha"`
	EventName            string `json:"event_name"`
	RunnerEnvironment    string `json:"runner_environment"`
	Environment          string `json:"environment,omitempty"`
	Actor                string `json:"actor"`
	ActorID              string `json:"actor_id"`
	RunID                string `json:"run_id"`
	RunNumber            string `json:"run_number"`
	RunAttempt           string `json:"run_attempt"`
	HeadRef              string `json:"head_ref"`
	BaseRef              string `json:"base_ref"`
}

// Release returns the claims of a workflow that GitHub runs for a release: of
// the repository (OWNER/NAME) at the tag and commit, by the workflow in
// .github/workflows/release.yml.
func Release(repository, tag, commit string) Claims {
	owner, _, _ := strings.Cut(repository, "/")
	ref := "refs/tags/" + tag
	workflow := repository + "/.github/workflows/release.yml@" + ref
	return Claims{
		Subject:              "repo:" + repository + ":ref:" + ref,
		Repository:           repository,
		RepositoryID:         "1001",
		RepositoryOwner:      owner,
		RepositoryOwnerID:    "2002",
		RepositoryVisibility: "public",
		Ref:                  ref,
		RefType:              "tag",
		SHA:                  commit,
		Workflow:             "release",
		WorkflowRef:          workflow,
		WorkflowSHA:          commit,
		JobWorkflowRef:       workflow,
		JobWorkflowSHA:       commit,
		EventName:            "release",
		RunnerEnvironment:    "github-hosted",
		Actor:                "ann",
		ActorID:              "3003",
		RunID:                "4004",
		RunNumber:            "7",
		RunAttempt:           "1",
	}
}
