package registrytest

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// gitHubRoutes are those of GitHub's REST and GraphQL APIs.
func (f *Forge) gitHubRoutes(mux *http.ServeMux) {
	const repo = "/api/v3/repos/{owner}/{repo}"
	for pattern, h := range map[string]handler{
		"GET /api/v3/user":                                 getUser,
		"GET " + repo:                                      getRepository,
		"POST " + repo + "/forks":                          createFork,
		"GET " + repo + "/branches/{branch...}":            getBranch,
		"GET " + repo + "/contents/{path...}":              getContents,
		"GET " + repo + "/git/trees/{sha}":                 getTree,
		"POST " + repo + "/git/trees":                      createTree,
		"GET " + repo + "/git/blobs/{sha}":                 getBlob,
		"GET " + repo + "/git/commits/{sha}":               getCommit,
		"POST " + repo + "/git/commits":                    createCommit,
		"GET " + repo + "/git/ref/{ref...}":                getRef,
		"GET " + repo + "/git/tags/{sha}":                  getTag,
		"POST " + repo + "/git/refs":                       createRef,
		"PATCH " + repo + "/git/refs/{ref...}":             updateRef,
		"DELETE " + repo + "/git/refs/{ref...}":            deleteRef,
		"GET " + repo + "/pulls":                           listPulls,
		"POST " + repo + "/pulls":                          createPull,
		"GET " + repo + "/pulls/{number}":                  getPull,
		"PUT " + repo + "/pulls/{number}/merge":            mergePull,
		"GET " + repo + "/pulls/{number}/reviews":          listReviews,
		"GET " + repo + "/collaborators/{user}/permission": getPermission,
		"GET " + repo + "/compare/{range}":                 compare,
		"GET " + repo + "/activity":                        listActivity,
		"PATCH " + repo + "/issues/comments/{id}":          editComment,
		"PATCH " + repo + "/issues/{number}":               editIssue,
		"POST " + repo + "/issues/{number}/labels":         addLabels,
		"GET " + repo + "/issues/{number}/comments":        listComments,
		"POST " + repo + "/issues/{number}/comments":       createComment,
		"POST " + repo + "/statuses/{sha}":                 createStatus,
		"GET " + repo + "/commits/{sha}/status":            getStatus,
		"POST /api/graphql":                                graphQL,
	} {
		mux.HandleFunc(pattern, f.api(h))
	}
	mux.HandleFunc("/", f.api(func(r *request) answer {
		r.f.t.Errorf("%s %s: no forge has this", r.Method, r.URL.Path)
		return notFound()
	}))
}

func getUser(r *request) answer {
	switch {
	case r.token == nil:
		return refuse(http.StatusUnauthorized, "Requires authentication")
	case r.token.App:
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	return ok(r.f.userView(r.f.addUser(r.token.Login)))
}

func (f *Forge) userView(u *user) map[string]any {
	kind := "User"
	if strings.HasSuffix(u.login, "[bot]") {
		kind = "Bot"
	}
	return map[string]any{"login": u.login, "id": u.id, "html_url": f.URL + "/" + u.login, "type": kind}
}

func getRepository(r *request) answer { return ok(r.view(r.repo)) }

// view is a repository as the API shows it. An app is told that it may do
// nothing, whatever it may.
func (r *request) view(repo *repository) map[string]any {
	v := map[string]any{
		"id": repo.id, "name": repo.name, "full_name": repo.fullName(), "owner": r.f.userView(repo.owner),
		"html_url": repo.page(r.f), "fork": repo.parent != nil, "default_branch": repo.branch,
		"clone_url": r.f.URL + "/" + repo.fullName() + ".git", "allow_auto_merge": repo.AutoMerge,
	}
	if repo.parent != nil {
		v["parent"] = map[string]any{"full_name": repo.parent.fullName()}
	}
	if r.token != nil {
		push := !r.token.App && repo.push[strings.ToLower(r.token.Login)]
		v["permissions"] = map[string]bool{"admin": push, "maintain": push, "push": push, "triage": push, "pull": !r.token.App}
	}
	return v
}

func createFork(r *request) answer {
	var body struct {
		Organization      string `json:"organization"`
		Name              string `json:"name"`
		DefaultBranchOnly bool   `json:"default_branch_only"`
	}
	if a := r.decode(&body); a != nil {
		return *a
	}
	if r.token == nil || r.token.NoFork || r.token.App {
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	fork, err := r.f.fork(r.repo, r.f.addUser(r.token.Login))
	if err != nil {
		r.f.t.Error(err)
	}
	return answer{status: http.StatusAccepted, body: r.view(fork)}
}

func getBranch(r *request) answer {
	name := r.PathValue("branch")
	sha := r.repo.resolve("refs/heads/" + name)
	if sha == "" {
		return refuse(http.StatusNotFound, "Branch not found")
	}
	return ok(map[string]any{"name": name, "commit": map[string]any{
		"sha": sha, "commit": map[string]any{"tree": map[string]any{"sha": r.repo.resolve(sha + "^{tree}")}},
	}})
}

func wantsRaw(r *request) bool {
	return strings.HasPrefix(r.Header.Get("Accept"), "application/vnd.github") && strings.Contains(r.Header.Get("Accept"), "raw")
}

func getContents(r *request) answer {
	rev := r.URL.Query().Get("ref")
	if rev == "" {
		rev = "refs/heads/" + r.repo.branch
	}
	path := r.PathValue("path")
	if r.repo.resolve(rev+"^{commit}") == "" {
		return refuse(http.StatusNotFound, "No commit found for the ref "+rev)
	}
	sha := r.repo.resolve(rev + ":" + path)
	if sha == "" {
		return notFound()
	}
	return r.blob(sha, map[string]any{"type": "file", "path": path})
}

func getBlob(r *request) answer {
	sha := r.PathValue("sha")
	if !isSHA(sha) || r.repo.resolve(sha+"^{blob}") == "" {
		return notFound()
	}
	return r.blob(sha, map[string]any{})
}

func isSHA(s string) bool {
	return len(s) == 40 && strings.Trim(s, "0123456789abcdef") == ""
}

func (r *request) blob(sha string, view map[string]any) answer {
	data, err := r.repo.read(sha)
	if err != nil {
		return notFound()
	}
	if wantsRaw(r) {
		return ok(data)
	}
	view["sha"], view["size"], view["encoding"], view["content"] = sha, len(data), "base64", base64.StdEncoding.EncodeToString(data)
	return ok(view)
}

func getTree(r *request) answer {
	sha := r.PathValue("sha")
	if r.repo.resolve(sha+"^{tree}") == "" {
		return notFound()
	}
	recursive := r.URL.Query().Has("recursive")
	listed, err := r.repo.list(sha, recursive)
	if err != nil {
		r.f.t.Error(err)
	}
	truncated := recursive && len(listed) > r.f.Tree
	if truncated {
		listed = listed[:r.f.Tree]
	}
	entries := []map[string]any{}
	for _, l := range listed {
		e := map[string]any{"path": l.path, "mode": l.mode, "type": l.kind, "sha": l.sha}
		if l.kind == "blob" {
			e["size"] = l.size
		}
		entries = append(entries, e)
	}
	return ok(map[string]any{"sha": sha, "tree": entries, "truncated": truncated})
}

func createTree(r *request) answer {
	var body struct {
		BaseTree string `json:"base_tree"`
		Tree     []struct {
			Path, Mode, Type string
			Content          *string
			SHA              *string
		} `json:"tree"`
	}
	if a := r.decode(&body); a != nil {
		return *a
	}
	if !r.mayPush(r.repo) {
		return r.denied()
	}
	files := map[string]string{}
	var gone []string
	for _, e := range body.Tree {
		if e.Content == nil && e.SHA == nil { // "sha": null
			gone = append(gone, e.Path)
			continue
		}
		if e.Content == nil || e.Mode != "100644" || e.Type != "blob" || e.Path == "" || strings.HasPrefix(e.Path, "/") {
			return refuse(http.StatusUnprocessableEntity, "Invalid tree info")
		}
		files[e.Path] = *e.Content
	}
	if len(files)+len(gone) == 0 || body.BaseTree != "" && r.repo.resolve(body.BaseTree+"^{tree}") == "" {
		return refuse(http.StatusUnprocessableEntity, "base_tree is not a valid tree oid")
	}
	tree, err := r.repo.writeTree(body.BaseTree, files)
	for _, path := range gone {
		if err == nil {
			tree, err = r.repo.removeFile(tree, path)
		}
	}
	if err != nil {
		return refuse(http.StatusUnprocessableEntity, "tree.path contains a malformed path component")
	}
	return created(map[string]any{"sha": tree, "truncated": false})
}

func getCommit(r *request) answer {
	sha := r.PathValue("sha")
	if !isSHA(sha) || r.repo.resolve(sha+"^{commit}") == "" {
		return notFound()
	}
	parents := []any{}
	for _, p := range r.repo.parents(sha) {
		parents = append(parents, map[string]any{"sha": p})
	}
	return ok(map[string]any{"sha": sha, "tree": map[string]any{"sha": r.repo.resolve(sha + "^{tree}")}, "parents": parents})
}

func createCommit(r *request) answer {
	type person struct {
		Name, Email string
		Date        string
	}
	var body struct {
		Message           string
		Tree              string
		Parents           []string
		Author, Committer *person
		Signature         string
	}
	if a := r.decode(&body); a != nil {
		return *a
	}
	switch {
	case !r.mayPush(r.repo):
		return r.denied()
	case !isSHA(body.Tree) || r.repo.resolve(body.Tree+"^{tree}") == "":
		return refuse(http.StatusUnprocessableEntity, "Tree SHA does not exist")
	case body.Message == "":
		return invalid("Commit", map[string]string{"code": "missing_field", "field": "message"})
	}
	for _, p := range body.Parents {
		if !isSHA(p) || r.repo.resolve(p+"^{commit}") == "" {
			return refuse(http.StatusUnprocessableEntity, "Parent SHA does not exist or is not a commit object")
		}
	}
	login := r.token.Login
	author := object.Signature{Name: login, Email: login + "@users.example.org", When: forgeTime()}
	if a := body.Author; a != nil {
		when, err := time.Parse(time.RFC3339, a.Date)
		if err != nil || a.Name == "" || a.Email == "" {
			return invalid("Commit", map[string]string{"code": "invalid", "field": "author"})
		}
		author = object.Signature{Name: a.Name, Email: a.Email, When: when.UTC()}
	}
	sha, err := r.repo.commit(body.Tree, body.Message, author, body.Parents...)
	if err != nil {
		r.f.t.Error(err)
	}
	return created(map[string]any{"sha": sha, "tree": map[string]any{"sha": body.Tree}})
}

func refView(ref, sha string) map[string]any {
	return map[string]any{"ref": ref, "object": map[string]any{"type": "commit", "sha": sha}}
}

func getRef(r *request) answer {
	ref := "refs/" + r.PathValue("ref")
	sha := r.repo.resolve(ref)
	if sha == "" {
		return notFound()
	}
	if r.repo.resolve(ref+"^{commit}") != sha {
		return ok(map[string]any{"ref": ref, "object": map[string]any{"type": "tag", "sha": sha}})
	}
	return ok(refView(ref, sha))
}

// getTag answers for an annotated tag, by the ID of its object.
func getTag(r *request) answer {
	sha := r.PathValue("sha")
	if !isSHA(sha) {
		return notFound()
	}
	if r.repo.resolve(sha+"^{tag}") == "" {
		return notFound()
	}
	return ok(map[string]any{"sha": sha, "object": map[string]any{"type": "commit", "sha": r.repo.resolve(sha + "^{commit}")}})
}

func createRef(r *request) answer {
	var body struct{ Ref, SHA string }
	if a := r.decode(&body); a != nil {
		return *a
	}
	switch {
	case !r.mayPush(r.repo):
		return r.denied()
	case !strings.HasPrefix(body.Ref, "refs/heads/") && !strings.HasPrefix(body.Ref, "refs/tags/"):
		return refuse(http.StatusUnprocessableEntity, "Reference name must start with 'refs/' and have at least 2 slashes.")
	case plumbing.ReferenceName(body.Ref).Validate() != nil:
		return refuse(http.StatusUnprocessableEntity, body.Ref+" is not a valid ref name.")
	case !isSHA(body.SHA) || r.repo.resolve(body.SHA+"^{commit}") == "":
		return refuse(http.StatusUnprocessableEntity, "Object does not exist")
	case r.repo.resolve(body.Ref) != "":
		return refuse(http.StatusUnprocessableEntity, "Reference already exists")
	}
	if err := r.repo.setRef(body.Ref, body.SHA); err != nil {
		return refuse(http.StatusUnprocessableEntity, "Reference already exists")
	}
	return created(refView(body.Ref, body.SHA))
}

func updateRef(r *request) answer {
	var body struct {
		SHA   string
		Force bool
	}
	if a := r.decode(&body); a != nil {
		return *a
	}
	ref := "refs/" + r.PathValue("ref")
	have := r.repo.resolve(ref)
	switch {
	case !r.mayPush(r.repo):
		return r.denied()
	case have == "":
		return refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	case !isSHA(body.SHA) || r.repo.resolve(body.SHA+"^{commit}") == "":
		return refuse(http.StatusUnprocessableEntity, "Object does not exist")
	case r.repo.Protected && ref == "refs/heads/"+r.repo.branch:
		return refuse(http.StatusUnprocessableEntity, "Repository rule violations found\n\nChanges must be made through a pull request.\n\n")
	case !body.Force && !r.repo.isAncestor(have, body.SHA):
		return refuse(http.StatusUnprocessableEntity, "Update is not a fast forward")
	}
	if err := r.repo.setRef(ref, body.SHA); err != nil {
		r.f.t.Error(err)
	}
	r.repo.noticeMerged()
	return ok(refView(ref, body.SHA))
}

func deleteRef(r *request) answer {
	ref := "refs/" + r.PathValue("ref")
	switch {
	case !r.mayPush(r.repo):
		return r.denied()
	case r.repo.resolve(ref) == "":
		return refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	if err := r.repo.refs.RemoveReference(plumbing.ReferenceName(ref)); err != nil {
		r.f.t.Error(err)
	}
	return answer{status: http.StatusNoContent}
}

type status struct{ Context, State, Description string }

func createStatus(r *request) answer {
	var body struct {
		State, Description, Context string
		TargetURL                   string `json:"target_url"`
	}
	if a := r.decode(&body); a != nil {
		return *a
	}
	sha := r.PathValue("sha")
	switch {
	case !r.mayPush(r.repo):
		return r.denied()
	case !isSHA(sha) || r.repo.resolve(sha+"^{commit}") == "":
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+sha)
	case !slices.Contains([]string{"error", "failure", "pending", "success"}, body.State):
		return invalid("Status", map[string]string{"code": "invalid", "field": "state"})
	case utf8.RuneCountInString(body.Description) > 140:
		return invalid("Status", map[string]string{"code": "custom", "message": "description is too long (maximum is 140 characters)"})
	}
	if r.repo.statuses == nil {
		r.repo.statuses = map[string][]status{}
	}
	r.repo.statuses[sha] = append(r.repo.statuses[sha], status{body.Context, body.State, body.Description})
	for _, p := range r.repo.pulls {
		if p.auto && p.state == "open" && body.State == "success" && p.headSHA() == sha {
			r.f.merge(r.repo, p)
		}
	}
	return created(map[string]any{"state": body.State, "context": body.Context})
}

func getStatus(r *request) answer {
	list := r.repo.statuses[r.PathValue("sha")]
	state, last, seen := "pending", []any{}, map[string]bool{}
	for _, s := range slices.Backward(list) {
		if !seen[s.Context] {
			seen[s.Context] = true
			// Gitea says "status" where GitHub says "state".
			last = append(last, map[string]string{"context": s.Context, "state": s.State, "status": s.State, "description": s.Description})
		}
	}
	if n := len(list); n > 0 {
		state = list[n-1].State
	}
	return ok(map[string]any{"state": state, "sha": r.PathValue("sha"), "total_count": len(last), "statuses": last})
}
