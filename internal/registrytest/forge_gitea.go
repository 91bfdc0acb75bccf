package registrytest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// giteaRoutes are those of Gitea's and Forgejo's API. There are none for git
// objects: branches are pushed.
func (f *Forge) giteaRoutes(mux *http.ServeMux) {
	const repo = "/api/v1/repos/{owner}/{repo}"
	for pattern, h := range map[string]handler{
		"GET /api/v1/user":                                 getUser,
		"GET " + repo:                                      getRepository,
		"GET " + repo + "/forks":                           giteaForks,
		"POST " + repo + "/forks":                          giteaFork,
		"GET " + repo + "/raw/{path...}":                   giteaRaw,
		"GET " + repo + "/releases":                        giteaReleases,
		"GET " + repo + "/releases/tags/{tag}":             giteaReleaseByTag,
		"GET " + repo + "/tags/{tag}":                      giteaTag,
		"GET " + repo + "/pulls":                           giteaPulls,
		"POST " + repo + "/pulls":                          giteaCreatePull,
		"PATCH " + repo + "/pulls/{number}":                giteaEditPull,
		"POST " + repo + "/pulls/{number}/merge":           giteaMerge,
		"GET " + repo + "/pulls/{number}":                  getPull,
		"GET " + repo + "/pulls/{number}/reviews":          giteaReviews,
		"GET " + repo + "/collaborators/{user}/permission": getPermission,
		"PATCH " + repo + "/issues/comments/{id}":          editComment,
		"POST " + repo + "/statuses/{sha}":                 createStatus,
		"GET " + repo + "/commits/{sha}/status":            getStatus,
		"GET " + repo + "/issues/{number}/timeline":        giteaTimeline,
		"GET " + repo + "/labels":                          giteaLabels,
		"POST " + repo + "/labels":                         giteaCreateLabel,
		"POST " + repo + "/issues/{number}/labels":         giteaAddLabels,
		"GET " + repo + "/issues/{number}/comments":        giteaComments,
		"POST " + repo + "/issues/{number}/comments":       createComment,
	} {
		mux.HandleFunc(pattern, f.api(h))
	}
}

func giteaForks(r *request) answer {
	var found []any
	for _, other := range r.f.repos {
		if other.parent == r.repo {
			found = append(found, r.view(other))
		}
	}
	return r.giteaPage(found)
}

// giteaPage cuts a list into pages: Gitea says "limit", and gives 50 at most.
func (r *request) giteaPage(list []any) answer {
	size, number := min(r.number("limit", 30), 50), r.number("page", 1)
	from := min((number-1)*size, len(list))
	return ok(append([]any{}, list[from:min(from+size, len(list))]...))
}

func giteaFork(r *request) answer {
	var body struct{ Organization, Name string }
	if a := r.decode(&body); a != nil {
		return *a
	}
	if r.token == nil || r.token.NoFork {
		return refuse(http.StatusForbidden, "token does not have at least one of required scope(s): [write:repository]")
	}
	if r.f.repos[strings.ToLower(r.token.Login+"/"+r.repo.name)] != nil {
		return refuse(http.StatusConflict, "repository is already forked by user")
	}
	fork, err := r.f.fork(r.repo, r.f.addUser(r.token.Login))
	if err != nil {
		r.f.t.Error(err)
	}
	return answer{status: http.StatusAccepted, body: r.view(fork)}
}

func giteaRaw(r *request) answer {
	data, err := r.repo.read(r.URL.Query().Get("ref") + ":" + r.PathValue("path"))
	if err != nil {
		return notFound()
	}
	return ok(data)
}

func giteaPulls(r *request) answer {
	var found []any
	for _, p := range slices.Backward(r.repo.pulls) {
		if state := r.URL.Query().Get("state"); state == "all" || p.state == state {
			found = append(found, r.f.pullView(r.repo, p))
		}
	}
	return r.giteaPage(found)
}

func giteaCreatePull(r *request) answer {
	var body struct{ Title, Body, Head, Base string }
	if a := r.decode(&body); a != nil {
		return *a
	}
	if r.token == nil || r.token.NoPulls {
		return refuse(http.StatusForbidden, "token does not have at least one of required scope(s): [write:issue]")
	}
	a := r.open(body.Title, body.Body, body.Head)
	if a.status == http.StatusUnprocessableEntity && strings.Contains(fmt.Sprint(a.body), "already exists") {
		return refuse(http.StatusConflict, "pull request already exists for these targets")
	}
	return a
}

func giteaEditPull(r *request) answer {
	var body struct{ Title, Body, State *string }
	if a := r.decode(&body); a != nil {
		return *a
	}
	p := r.pull()
	if p == nil {
		return notFound()
	}
	if !r.mayEdit(p) {
		return refuse(http.StatusForbidden, "")
	}
	if body.Title != nil {
		p.title = *body.Title
	}
	if body.Body != nil {
		p.body = *body.Body
	}
	if body.State != nil && !p.merged {
		p.state = *body.State
	}
	return created(r.f.pullView(r.repo, p))
}

func giteaMerge(r *request) answer {
	var body struct {
		Do      string
		When    bool   `json:"merge_when_checks_succeed"`
		Head    string `json:"head_commit_id"`
		Commit  string `json:"MergeCommitID"`
		Title   string `json:"MergeTitleField"`
		Message string `json:"MergeMessageField"`
	}
	if a := r.decode(&body); a != nil {
		return *a
	}
	p := r.pull()
	switch {
	case p == nil:
		return notFound()
	case !r.mayPush(r.repo):
		return refuse(http.StatusMethodNotAllowed, "User not allowed to merge PR")
	case body.Do == "manually-merged" && !r.repo.ManualMerge:
		return refuse(http.StatusMethodNotAllowed, "manually-merged is not allowed for this repository")
	case body.Do == "manually-merged" && (p.state != "open" || !r.repo.isAncestor(body.Commit, r.repo.head())):
		return refuse(http.StatusMethodNotAllowed, "Wrong commit ID")
	case body.Do == "manually-merged":
		p.merged, p.state = true, "closed"
		return ok(nil)
	case !body.When && body.Head == "":
		r.f.t.Error("a merge that neither waits for the checks nor names the head")
	case !body.When && body.Head != p.headSHA():
		return refuse(http.StatusConflict, "head out of date")
	case !body.When && (p.state != "open" || !r.f.merge(r.repo, p)):
		return refuse(http.StatusMethodNotAllowed, "Please try again later")
	}
	p.auto = body.When
	return ok(nil)
}

func giteaLabels(r *request) answer {
	var list []any
	for i, name := range r.repo.labels {
		list = append(list, map[string]any{"id": i + 1, "name": name})
	}
	return r.giteaPage(list)
}

func giteaCreateLabel(r *request) answer {
	var body struct{ Name, Color string }
	if a := r.decode(&body); a != nil {
		return *a
	}
	if !r.mayPush(r.repo) || r.token.NoLabels {
		return refuse(http.StatusForbidden, "")
	}
	r.repo.labels = append(r.repo.labels, body.Name)
	return created(map[string]any{"id": len(r.repo.labels), "name": body.Name})
}

func giteaAddLabels(r *request) answer {
	var body struct{ Labels []int }
	if a := r.decode(&body); a != nil {
		return *a
	}
	p := r.pull()
	switch {
	case p == nil:
		return notFound()
	case !r.mayPush(r.repo) || r.token.NoLabels:
		return refuse(http.StatusForbidden, "")
	}
	for _, id := range body.Labels {
		if id < 1 || id > len(r.repo.labels) {
			return notFound()
		}
		if name := r.repo.labels[id-1]; !slices.Contains(p.labels, name) {
			p.labels = append(p.labels, name)
		}
	}
	return ok(r.f.pullView(r.repo, p)["labels"])
}

func giteaComments(r *request) answer {
	p := r.pull()
	if p == nil {
		return notFound()
	}
	list := []any{}
	for i := range p.comments {
		list = append(list, r.f.commentView(p, i))
	}
	return ok(list)
}

// giteaReleases lists releases with the number of downloads, which is another one
// each time.
func giteaReleases(r *request) answer {
	var list []any
	for _, rel := range slices.Backward(r.repo.releases) {
		if !r.visible(rel) || rel.draft && r.URL.Query().Get("draft") == "false" {
			continue
		}
		list = append(list, r.giteaReleaseView(rel))
	}
	return r.giteaPage(list)
}

func (r *request) giteaReleaseView(rel *release) map[string]any {
	assets := []any{}
	for _, a := range rel.assets {
		assets = append(assets, map[string]any{
			"id": a.id, "name": a.name, "size": len(a.data), "uuid": fmt.Sprintf("00000000-0000-4000-8000-%012d", a.id), "download_count": r.f.nextID(),
			"browser_download_url": fmt.Sprintf("%s/releases/download/%s/%s", r.repo.page(r.f), rel.tag, a.name),
		})
	}
	return map[string]any{"id": rel.id, "tag_name": rel.tag, "draft": rel.draft, "prerelease": false, "assets": assets}
}

// giteaReleaseByTag answers for releases that are no drafts, which have no tag
// yet.
func giteaReleaseByTag(r *request) answer {
	for _, rel := range slices.Backward(r.repo.releases) {
		if rel.tag == r.PathValue("tag") && !rel.draft {
			return ok(r.giteaReleaseView(rel))
		}
	}
	return notFound()
}

// giteaTag says what a tag names: "id" is that of the tag object, or of the commit
// when there is none.
func giteaTag(r *request) answer {
	name := r.PathValue("tag")
	id := r.repo.resolve("refs/tags/" + name)
	if id == "" {
		return notFound()
	}
	return ok(map[string]any{"name": name, "id": id, "commit": map[string]any{"sha": r.repo.resolve(id + "^{commit}")}})
}
